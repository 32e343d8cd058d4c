"""`Library`: the verbs over one collection, as methods. What the command line does, in Python.

posts = alciato.open("my-posts")
posts.add("folder/")
hits = posts.search("a cat that wants Monday to end")
verdicts = list(posts.judge("general"))
print(posts.ask("Who complains about Mondays?"))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alciato.models import Runtime
from alciato.progress import Progress, ProgressCallback, silent
from alciato.settings import SearchOptions, Settings
from alciato.store import Collection, Problem, Removed, Status

if TYPE_CHECKING:
    from alciato.ask import Reply
    from alciato.duplicates import Cluster
    from alciato.item import Item, Post, Verdict
    from alciato.judge import Policy
    from alciato.read import ReadSummary
    from alciato.search import Hit, Query
    from alciato.sources import Skipped


@dataclass
class AddSummary:
    """What an `add` did. `ids` are the posts that were given, new or known; `read` is None where reading waits."""

    added: int = 0
    known: int = 0
    ids: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    read: ReadSummary | None = None


def open(  # noqa: A001 - alciato.open, as in gzip.open
    uri: str | Path | None = None, *, settings: Settings | None = None, create: bool = True
) -> Library:
    """Open the collection in a folder or at an `s3://` URI; by default the one that the settings name."""
    runtime = Runtime(settings)
    uri = uri or runtime.settings.collection
    runtime.guard.check_url(str(uri))  # object storage brings sockets of its own
    return Library(Collection.open(uri, create=create), runtime)


class Library:
    """A collection with the verbs as methods; its runtime holds the models."""

    def __init__(self, collection: Collection, runtime: Runtime) -> None:
        self.collection = collection
        self.runtime = runtime

    def add(
        self,
        *paths: str | Path,
        mapping: Mapping[str, str] | None = None,
        read: bool = True,
        report: ProgressCallback = silent,
    ) -> AddSummary:
        """Take files and folders in, and read them. What cannot be taken is listed in `skipped`.

        `mapping` names the columns of tables of posts: field to column. Raises `UsageError` for a path that
        does not exist.
        """
        summary = AddSummary()
        added = self.collection.add(self._scan([Path(path) for path in paths], mapping, summary, report))
        summary.added, summary.known, summary.ids = added.added, added.known, added.ids
        if read:
            summary.read = self.read(report=report)
        return summary

    def _scan(
        self, paths: Sequence[Path], mapping: Mapping[str, str] | None, summary: AddSummary, report: ProgressCallback
    ) -> Iterator[Post]:
        """Pass posts on, keep what was skipped, and tell how far it is."""
        from alciato.errors import UsageError
        from alciato.sources import Skipped, scan

        if not any(path.expanduser().exists() for path in paths):
            raise UsageError("it is not there.", where=", ".join(map(str, paths)), remedy="Check the path.")

        taken = 0
        for found in scan(paths, self.runtime.settings.limits, mapping):
            if isinstance(found, Skipped):
                summary.skipped.append(found)
            else:
                taken += 1
                yield found
            report(Progress("adding", taken, None, len(summary.skipped)))

    def read(
        self,
        *,
        ids: Sequence[str] | None = None,
        kinds: Sequence[str] | None = None,
        again: bool = False,
        retry: bool = False,
        report: ProgressCallback = silent,
    ) -> ReadSummary:
        """Read what is unread, or what another model than the one named has read."""
        from alciato.read import read

        summary = read(self.collection, self.runtime, ids=ids, kinds=kinds, again=again, retry=retry, report=report)
        self.collection.maintain()
        return summary

    def search(
        self,
        words: str | Query | None = None,
        *,
        image: str | Path | None = None,
        where: str | None = None,
        k: int = 10,
        options: SearchOptions | None = None,
    ) -> list[Hit]:
        """Find posts by words, by a picture, or by both; best first.

        A `Query` can hold several pictures, posts to find others like, and texts that hits are not like. `options` are
        the retrievers, the fusion and the reranker; those of the settings if None.
        """
        from alciato.search import search

        return search(self.collection, words, image=image, where=where, k=k, options=options, runtime=self.runtime)

    def similar(self, item: str, *, k: int = 10) -> list[Hit]:
        """Find the posts that are most like one of the collection."""
        from alciato.search import similar

        return similar(self.collection, item, k=k, runtime=self.runtime)

    def duplicates(self) -> list[Cluster]:
        """Group near copies: resized, recompressed, cropped, with other words, a frame of a clip."""
        from alciato.duplicates import duplicates

        return duplicates(self.collection, runtime=self.runtime)

    def judge(
        self,
        policy: str | Path | Policy | None = None,
        *,
        strategy: str = "prototype",
        options: Mapping[str, Any] | None = None,
        ids: Sequence[str] | None = None,
        again: bool = False,
        report: ProgressCallback = silent,
    ) -> Iterator[Verdict]:
        """Judge posts against a policy: a name that ships, or the path of a YAML file.

        Without one it is `general`, or, for the strategy `modular`, the classes that its judge was taught. `options`
        are those of the strategy, such as `{"examples": 0}` for `prompt`.
        """
        from alciato.judge import judge, load_strategy

        loaded = self.policy(policy, strategy)
        judging = load_strategy(strategy, loaded, self.runtime, options)
        return judge(self.collection, loaded, judging, ids=ids, runtime=self.runtime, again=again, report=report)

    def policy(self, policy: str | Path | Policy | None, strategy: str = "prototype") -> Policy:
        """Give the policy of that name or path, or the one that a strategy judges by if none is named."""
        from alciato.judge import STRATEGIES, load_policy

        if policy is None:
            return STRATEGIES.get(strategy).default_policy(self.runtime)
        return load_policy(policy) if isinstance(policy, str | Path) else policy

    def ask(self, question: str, *, k: int = 8) -> Reply:
        """Answer from the collection, every sentence with the posts that it rests on."""
        from alciato.ask import ask

        return ask(self.collection, question, k=k, runtime=self.runtime)

    def export(self, folder: str | Path, ids: Sequence[str] | None = None) -> int:
        """Write posts as a folder that `add` reads back; return how many."""
        from alciato.report import export_posts

        return export_posts(self.collection, Path(folder), ids)

    def remove(self, ids: Sequence[str]) -> Removed:
        """Remove posts with all that was read of them; their verdicts stay in the history, marked as removed."""
        return self.collection.remove(ids)

    def embed(self, encoder: str, *, report: ProgressCallback = silent) -> ReadSummary:
        """Make the vectors of another text encoder beside those that are there; nothing else is read or changed."""
        from alciato.read import read

        models = self.runtime.settings.models.model_copy(update={"encoder": encoder})
        other = Runtime(self.runtime.settings.model_copy(update={"models": models}))
        return read(self.collection, other, kinds=["encode"], report=report)

    def check(self, *, repair: bool = False) -> list[Problem]:
        """List what is damaged or missing in the collection's files; with `repair`, rebuild what can be derived."""
        return self.collection.repair() if repair else self.collection.check()

    def resolve(self, id_: str) -> str:
        """Give the id of the post whose id is this or begins with it. Raises `UsageError` if none or several do."""
        return self.collection.resolve(id_)

    def ids(self, where: str | None = None) -> list[str]:
        """Give the ids of the posts that a filter names, such as `created_at > '2024-05-01'`; oldest first."""
        with _item_filter(where) as condition:
            return self.collection.ids(condition)

    def items(self, ids: Sequence[str] | None = None, where: str | None = None) -> Iterator[Item]:
        """Yield the items, or some of them; `where` is a filter as in `ids`."""
        with _item_filter(where) as condition:
            yield from self.collection.items(ids, condition)

    def status(self) -> Status:
        """Say what is there and how fresh the indexes are."""
        return self.collection.status()

    def __repr__(self) -> str:
        """Name the collection."""
        return f"Library({self.collection.uri!r})"


@contextmanager
def _item_filter(where: str | None) -> Iterator[str | None]:
    """Check a filter of items and give its condition; one that the store cannot follow is a `UsageError` as well."""
    from alciato.search.filters import ITEM, checked_filter, filter_error

    condition = checked_filter(where, ITEM)
    try:
        yield condition
    except (ValueError, RuntimeError) as error:
        if condition is None:
            raise
        raise filter_error(condition, error) from error


def as_json(value: Any) -> Any:
    """Give a result as plain JSON values: dataclasses and pydantic models, nested."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(value)).dump_python(value, mode="json")

"""`Library`: the verbs over one collection, as methods. What the command line does, in Python.

posts = alciato.open("my-posts")
posts.add("folder/")
hits = posts.search("a cat that wants Monday to end")
verdicts = list(posts.judge("general"))
print(posts.ask("Who complains about Mondays?"))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alciato.progress import Progress, Report, silent
from alciato.settings import Settings, load_settings
from alciato.store import Collection, Status

if TYPE_CHECKING:
    from alciato.ask import Reply
    from alciato.item import Item, Post, Verdict
    from alciato.judge import Policy
    from alciato.read import ReadSummary
    from alciato.search import Cluster, Hit
    from alciato.sources import Skipped


@dataclass
class AddSummary:
    """What an `add` did. `ids` are the posts that were given, new or known; `read` is None where reading waits."""

    added: int = 0
    known: int = 0
    ids: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    read: ReadSummary | None = None


def open_library(uri: str | Path | None = None, *, settings: Settings | None = None, create: bool = True) -> Library:
    """Open the collection in a folder or at an `s3://` URI; by default the one that the settings name."""
    settings = settings or load_settings()
    if settings.offline:
        from alciato.models.offline import go_offline

        go_offline()
    return Library(Collection.open(uri or settings.collection, create=create), settings)


class Library:
    """A collection with the verbs as methods; `settings` name the models."""

    def __init__(self, collection: Collection, settings: Settings | None = None) -> None:
        self.collection = collection
        self.settings = settings or load_settings()

    def add(
        self,
        *paths: str | Path,
        mapping: Mapping[str, str] | None = None,
        read: bool = True,
        report: Report = silent,
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
        self, paths: Sequence[Path], mapping: Mapping[str, str] | None, summary: AddSummary, report: Report
    ) -> Iterator[Post]:
        """Pass posts on, keep what was skipped, and tell how far it is."""
        from alciato.errors import UsageError
        from alciato.sources import Skipped, scan

        if not any(path.expanduser().exists() for path in paths):
            raise UsageError("it is not there.", where=", ".join(map(str, paths)), remedy="Check the path.")

        taken = 0
        for found in scan(paths, self.settings.limits, mapping):
            if isinstance(found, Skipped):
                summary.skipped.append(found)
            else:
                taken += 1
                yield found
            report(Progress("adding", taken, None, len(summary.skipped)))

    def read(
        self, *, kinds: Sequence[str] | None = None, again: bool = False, retry: bool = False, report: Report = silent
    ) -> ReadSummary:
        """Read what is unread, or what another model than the one named has read."""
        from alciato.read import read

        summary = read(self.collection, self.settings, kinds=kinds, again=again, retry=retry, report=report)
        self.collection.maintain()
        return summary

    def search(
        self,
        words: str | None = None,
        *,
        image: str | Path | None = None,
        where: str | None = None,
        k: int = 10,
    ) -> list[Hit]:
        """Find posts by words, by a picture, or by both; best first."""
        from alciato.search import search

        return search(self.collection, words, image=image, where=where, k=k, settings=self.settings)

    def similar(self, item: str, *, k: int = 10) -> list[Hit]:
        """Find the posts that are most like one of the collection."""
        from alciato.search import similar

        return similar(self.collection, item, k=k, settings=self.settings)

    def duplicates(self) -> list[Cluster]:
        """Group near copies: resized, recompressed, cropped, with other words, a frame of a clip."""
        from alciato.search import duplicates

        return duplicates(self.collection, settings=self.settings)

    def judge(
        self,
        policy: str | Path | Policy | None = None,
        *,
        strategy: str = "prototype",
        ids: Sequence[str] | None = None,
        again: bool = False,
        report: Report = silent,
    ) -> Iterator[Verdict]:
        """Judge posts against a policy: a name that ships, or the path of a YAML file.

        Without one it is `general`, or, for the strategy `modular`, the classes that its judge was taught.
        """
        from alciato.judge import judge

        loaded = self.policy(policy, strategy)
        return judge(self.collection, loaded, strategy, ids=ids, settings=self.settings, again=again, report=report)

    def policy(self, policy: str | Path | Policy | None, strategy: str = "prototype") -> Policy:
        """Give the policy of that name or path, or the one that a strategy judges by if none is named."""
        from alciato.judge import load_policy

        if policy is None and strategy == "modular":
            from alciato.judge.modular_strategy import policy_of

            return policy_of(self.settings)
        return load_policy(policy or "general") if policy is None or isinstance(policy, str | Path) else policy

    def ask(self, question: str, *, k: int = 8) -> Reply:
        """Answer from the collection, every sentence with the posts that it rests on."""
        from alciato.ask import ask

        return ask(self.collection, question, k=k, settings=self.settings)

    def items(self, ids: Sequence[str] | None = None, where: str | None = None) -> Iterator[Item]:
        """Yield the items, or some of them."""
        return self.collection.items(ids, where)

    def status(self) -> Status:
        """Say what is there and how fresh the indexes are."""
        return self.collection.status()

    def __repr__(self) -> str:
        """Name the collection."""
        return f"Library({self.collection.uri!r})"


def as_json(value: Any) -> Any:
    """Give a result as plain JSON values: dataclasses and pydantic models, nested."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(value)).dump_python(value, mode="json")

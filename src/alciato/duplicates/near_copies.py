"""Is one picture a near copy of another: the rule, on what lies where in both.

Two ways to lay them over each other are tried: as the corners say, and, where both have one shape, edge on edge.
They are near copies where the one lies in the other by 0.9 of its area, at least half of the whole is common, and
what is common agrees block by block outside the words (see `agreement`). Pictures of words alone, such as a
screenshot of a chat, agree everywhere but in the words: they must hold the same words. Blank ones say nothing.

Measured by `benchmarks/near_copy_recall.py`: 23 families of photographs, drawings and captions with 8 copies each
(resized, recompressed, cropped by 2.5 to 10 % a side, with other words), and hard negatives (one drawing on several
grounds, chats in one style, blank pictures). With the words known, on two seeds that no threshold was set on, all of
twice 184 copies stand in the cluster of their original, at no false pair. With the words unknown, on six seeds, 1,103
of 1,104 do, at 5 false pairs on two of the seeds. Hard: crops of white pictures with nothing but a line of words, and
crops of smooth colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alciato.duplicates.agreement import Agreement, Thumbnail, agreement
from alciato.duplicates.alignment import WORKING_SIDE, align
from alciato.duplicates.candidates import candidate_pairs
from alciato.duplicates.features import THUMBNAIL_SIDE, ImageFeatures
from alciato.search.terms import part_similarity, terms_of

Floats = NDArray[np.float32]

Relation = Literal["copy", "crop", "recaption", "frame"]
"""How one picture relates to another. copy: all of it, resized or recompressed. crop: one is a part of the other.
recaption: the same picture with other words. frame: a still picture and a clip that shows it."""

EDGES = 96
"""PDQ bits beyond which two pictures are not the same edge on edge, whatever the words on them."""
CORNERS = 8
"""Corners that must follow one transform before it is believed."""
SCALES = 0.4, 2.5
OVERLAP, CONTAINED, COVERED = 0.5, 0.9, 0.3
BLOCKS, ALIKE, CORRELATION = 0.8, 0.6, 0.55
MASKED_ALIKE = 0.8
"""Share of the structured blocks that must agree where words are known and left out. Copies agree in all of them; one
drawing on two grounds, beside other things, in up to 0.71 (seeds 101 and 104 of the set below)."""
STRUCTURED, STRUCTURED_SHARE = 4, 0.15
"""Structured blocks outside the words, and their share of all, from which a picture is more than words."""
SPARSE, SPARSE_ALIKE = 0.5, 0.93
SAME_WORDS, LETTERS = 0.9, 12
OTHER_WORDS = 0.15
"""Share of the words, on either side, from which a picture carries other words."""
WHOLE = 0.93
"""Share of the area in common from which nothing was cut off."""


class NearCopy(NamedTuple):
    """How two pictures relate to each other, and their PDQ distance in bits."""

    relation: Relation
    distance: int


def verify(left: ImageFeatures, right: ImageFeatures) -> NearCopy | None:
    """Tell whether two pictures are near copies, and how; None where they are not. Which is left changes nothing."""
    if (right.medium, right.start or 0.0) < (left.medium, left.start or 0.0):
        left, right = right, left
    distance = int(np.bitwise_count(left.bits ^ right.bits).sum())
    if left.medium and left.medium == right.medium:
        return NearCopy("copy", distance)
    for transform in _transforms(left, right, distance):
        masked = agreement(left.thumbnail, right.thumbnail, transform)
        if masked.overlap < OVERLAP or masked.contained < CONTAINED or masked.covered < COVERED:
            continue
        if masked.compared and masked.blocks < BLOCKS:
            continue
        bare = agreement(_bare(left.thumbnail), _bare(right.thumbnail), transform)
        if agree(masked, bare, left.text, right.text):
            return NearCopy(_relation(left, right, masked, bare), distance)
    return None


def related(seen: Sequence[ImageFeatures]) -> dict[tuple[int, int], NearCopy]:
    """Find the pairs i < j that are near copies among some pictures, all at once."""
    found = {(i, j): verify(seen[i], seen[j]) for i, j in candidate_pairs(seen)}
    return {pair: copy for pair, copy in found.items() if copy is not None}


def agree(masked: Agreement, bare: Agreement, left: str, right: str) -> bool:
    """Apply the rule to two pictures laid over each other, with the words left out (masked) and in (bare)."""
    if bare.structured < STRUCTURED:
        return False  # nothing to see in either
    if masked.structured >= max(STRUCTURED, STRUCTURED_SHARE * bare.structured):
        alike = ALIKE  # of the blocks that differ, words that are not known may be the reason
        if masked.compared != bare.compared:
            alike = MASKED_ALIKE
        elif masked.structured < SPARSE * masked.compared:
            alike = SPARSE_ALIKE  # a few drawn lines may be words: they must agree nearly all
        return masked.blocks >= BLOCKS and masked.alike >= alike and masked.correlation >= CORRELATION
    if min(len(left), len(right)) >= LETTERS:
        return masked.blocks >= 0.9 and words_in_common(left, right) >= SAME_WORDS
    return bare.blocks >= 0.9 and bare.alike >= 0.8 and bare.correlation >= 0.9


def words_in_common(left: str, right: str) -> float:
    """Share of the shorter text that the longer one holds too, in runs of three letters and more, 0..1."""
    from rapidfuzz.distance import Indel

    left, right = left.casefold(), right.casefold()
    if not left or not right:
        return float(left == right)
    runs = Indel.opcodes(left, right).as_matching_blocks()
    return sum(run.size for run in runs if run.size >= 3) / min(len(left), len(right))


def other_words(left: str, right: str) -> float:
    """Share of the words of the left text that the right one does not hold, not even misread or joined, 0..1."""
    words = [word for word in terms_of(left) if len(word) > 2 or not word.isascii()]
    return sum(part_similarity(word, right) < 0.7 for word in words) / len(words) if words else 0.0


def _transforms(left: ImageFeatures, right: ImageFeatures, distance: int) -> Iterator[Floats]:
    """Ways to lay right over left, as (2, 3) from left to right thumbnail pixels."""
    found = align(left.features, right.features, least=CORNERS)
    if found is not None and found.corners >= CORNERS:
        transform = found.transform.copy()
        transform[:, 2] *= THUMBNAIL_SIDE / WORKING_SIDE
        if SCALES[0] < np.hypot(transform[0, 0], transform[1, 0]) < SCALES[1]:
            yield transform
    (rows, columns), (other_rows, other_columns) = left.thumbnail.words.shape, right.thumbnail.words.shape
    if distance <= EDGES and abs(np.log(rows * other_columns / (columns * other_rows))) < 0.04:
        yield np.array([[other_columns / columns, 0, 0], [0, other_rows / rows, 0]], dtype=np.float32)


def _bare(thumbnail: Thumbnail) -> Thumbnail:
    return Thumbnail(thumbnail.pixels, np.zeros_like(thumbnail.words))


def _relation(left: ImageFeatures, right: ImageFeatures, masked: Agreement, bare: Agreement) -> Relation:
    if (left.start is None) != (right.start is None):
        return "frame"
    whole = masked.overlap >= WHOLE
    if _reworded(left, right, bare, whole=whole):
        return "recaption"
    return "copy" if whole else "crop"


def _reworded(left: ImageFeatures, right: ImageFeatures, bare: Agreement, *, whole: bool) -> bool:
    """Other words: where both were read, by the words; else by what the picture shows where words may stand."""
    if left.text and right.text:
        return min(other_words(left.text, right.text), other_words(right.text, left.text)) >= OTHER_WORDS
    if left.text or right.text:
        return len(left.text or right.text) >= LETTERS and (whole or bare.alike < 0.9)
    return bare.alike < 0.8

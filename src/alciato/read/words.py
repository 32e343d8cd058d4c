"""Text in pictures and key frames: lines with boxes, spaces given back, the same line in later frames merged.

Scripts that the first model lacks are read by others (Tesseract), but only where the first one gives a reason:
it saw lines and could not read them (an empty text, or a low confidence). Other pictures cost nothing more.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np
from PIL import Image as Pictures

from alciato.item import Finding
from alciato.models import Ocr, Picture
from alciato.read.blocks import reading_order
from alciato.read.content import PartContent, View
from alciato.read.language import detect_all, dominant_script
from alciato.read.spacing import respace

DOUBTFUL, TRUSTED = 0.6, 0.5  # confidence below which other scripts are tried, and that these must reach
CONTENT = 0.8  # confidence with which a first look at a line is enough
MARGIN = 6  # pixels around a line that the other model is shown
SAME = 0.8  # share of letters that two lines of consecutive frames must have in common to be one line
REVISION = "words2"
BRIGHT = 215  # of 255, in the darkest channel: letters of captions
SIDES = 4  # pixels are connected by sides, not by corners


class WordsReader:
    """`ocr`: text, raw (where it was respaced), box, confidence, for clips start and end."""

    kind = "ocr"
    parts = frozenset({"image", "video"})
    after: tuple[str, ...] = ()

    def __init__(self, ocr: Ocr, others: Sequence[Ocr] = ()) -> None:
        self.model = ocr.name
        self.version = "+".join([ocr.fingerprint, *(other.fingerprint for other in others), REVISION])
        self._ocr, self._others = ocr, others

    def read(self, content: PartContent) -> list[Finding]:
        """Read all that is seen, in reading order."""
        return respaced(merged([self._lines(view) for view in content.views]))

    def _lines(self, view: View) -> list[Finding]:
        lines = self._ocr.recognise(view.picture)
        for other in self._others:
            lines = with_other_script(lines, other, view.picture)
        lines = [line for line in lines if _says_something(line.text or "")]
        if all(line.box for line in lines):
            lines = [lines[place] for place in reading_order([line.box for line in lines if line.box])]
        return [line.model_copy(update={"start": view.start, "end": view.end}) for line in lines]


def with_other_script(lines: list[Finding], other: Ocr, picture: Picture) -> list[Finding]:
    """Let another model read the lines that the first saw and did not read well; keep what is surer.

    It is shown those lines alone: letters that Tesseract sees in twigs elsewhere do not count.
    """
    return [_read_by(other, line, picture) if _doubtful(line) else line for line in lines]


def _doubtful(line: Finding) -> bool:
    return line.box is not None and (not line.text or (line.confidence or 0.0) < DOUBTFUL)


def _read_by(other: Ocr, line: Finding, picture: Picture) -> Finding:
    if line.box is None:
        return line
    left, top = max(0, int(line.box.left) - MARGIN), max(0, int(line.box.top) - MARGIN)
    right, bottom = min(picture.width, int(line.box.right) + MARGIN), min(picture.height, int(line.box.bottom) + MARGIN)
    cropped = picture.crop((left, top, right, bottom))
    best = line.model_copy(update={"confidence": line.confidence if line.text else 0.0})
    for shown in (cut_out(cropped), cropped):
        found = [one for one in other.recognise(shown) if _trusted(one)]
        confidence = _mean_confidence(found)
        if confidence > (best.confidence or 0.0):
            text = " ".join(one.text or "" for one in found)
            best = line.model_copy(update={"text": text, "confidence": confidence})
        if confidence >= CONTENT:
            break
    return best


def cut_out(line: Pictures.Image) -> Pictures.Image:
    """Segment bright letters: a picture of one line, closely cropped, as black letters on white with a margin.

    Classical recognisers such as Tesseract threshold a whole picture, where a caption over a photograph drowns. The
    dark outline separates each bright letter from bright things behind it: connected bright areas that reach the
    border of the line are not letters.
    """
    import cv2

    pixels = np.asarray(line.convert("RGB"))
    bright = (pixels.min(-1) >= BRIGHT).astype(np.uint8)  # (rows, columns)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(bright, connectivity=SIDES)
    rows, columns = bright.shape
    left, top, width, height = boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]
    at_border = (left == 0) | (top == 0) | (left + width == columns) | (top + height == rows)
    letters = ~at_border & (boxes[:, 4] >= 4)
    letters[0] = False  # what is not bright
    soft = cv2.dilate(letters[labels].astype(np.uint8), np.ones((3, 3), np.uint8))  # with their smooth edges
    black = np.where(soft > 0, 255 - pixels.min(-1), 255).astype(np.uint8)
    margin = max(10, rows // 2)
    return Pictures.fromarray(np.pad(black, margin, constant_values=255)).convert("RGB")


def _trusted(line: Finding) -> bool:
    """Two letters of another script at least: marks, digits and Latin letters are what the first model reads best."""
    letters = [letter for letter in line.text or "" if letter.isalpha() and "LATIN" not in unicodedata.name(letter, "")]
    return len(letters) >= 2 and (line.confidence or 0.0) >= TRUSTED


def _says_something(text: str) -> bool:
    """A single mark is a fleck of the picture more often than a line; a question mark is not."""
    return len(text) > 1 or text.isalnum() or text in ("?", "!")


def merged(frames: Sequence[Sequence[Finding]]) -> list[Finding]:
    """One list of all lines; what stands in consecutive frames is one line from its first start to its last end."""
    lines: list[Finding] = []  # in the order in which they first appear
    shown: list[int] = []  # positions of the lines of the frame before
    for frame in frames:
        still: list[int] = []
        for line in frame:
            before = next((place for place in shown if _same(lines[place], line)), None)
            if before is None:
                still.append(len(lines))
                lines.append(line)
                continue
            shown.remove(before)
            still.append(before)
            surer = max(lines[before], line, key=lambda one: one.confidence or 0.0)
            lines[before] = surer.model_copy(update={"start": lines[before].start, "end": line.end})
        shown = still
    return lines


def respaced(lines: list[Finding]) -> list[Finding]:
    """Give back lost spaces; the raw line is kept where it changes.

    Lines of one script are taken together: their language is clearer, and so is whether their spacing is good.
    """
    done = list(lines)
    for script in {dominant_script(line.text or "")[0] for line in lines}:
        places = [place for place, line in enumerate(lines) if dominant_script(line.text or "")[0] == script]
        texts = [lines[place].text or "" for place in places]
        language = detect_all(texts).code or ("en" if "".join(texts).isascii() else None)
        for place, text in zip(places, respace(texts, language), strict=True):
            if text != lines[place].text:
                done[place] = lines[place].model_copy(update={"text": text, "raw": lines[place].text})
    return done


def _same(old: Finding, new: Finding) -> bool:
    if old.end is None or new.start is None or abs(new.start - old.end) > 1e-3:
        return False
    one, other = ("".join((line.text or "").casefold().split()) for line in (old, new))
    return one == other or SequenceMatcher(None, one, other, autojunk=False).ratio() >= SAME


def _mean_confidence(lines: Sequence[Finding]) -> float:
    """Mean over the letters; a line without text counts as one letter of no confidence. No lines: 0."""
    weights = [max(1, len(line.text or "")) for line in lines]
    sure = [(line.confidence or 0.0) if line.text else 0.0 for line in lines]
    return sum(w * s for w, s in zip(weights, sure, strict=True)) / max(1, sum(weights))

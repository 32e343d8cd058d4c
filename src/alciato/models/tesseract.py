"""`packaged:tesseract/ben`: lines of text by the system's Tesseract, for scripts that rapidocr lacks.

The picture goes in, and a table of words (TSV) comes out, through pipes: nothing is written to disk. Several
languages are joined by `+`. A small picture is doubled first: Tesseract wants capitals of some 20 pixels.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from functools import cache
from itertools import groupby

from PIL import Image as Pictures

from alciato.errors import MissingPackage, ModelError, unknown_name
from alciato.item import Box, Finding
from alciato.models.protocols import Picture
from alciato.models.weights import Source
from alciato.settings import Settings

SURE = 0.4
"""Words below this confidence are left out: on photographs Tesseract sees letters in twigs."""
SMALL = 1000
"""Pictures lower and narrower than this are doubled."""
TIMEOUT = 120  # seconds for one picture


class Tesseract:
    """An `Ocr` for the languages that are installed."""

    def __init__(self, source: Source, settings: Settings) -> None:
        program = shutil.which("tesseract")
        if program is None:
            raise MissingPackage(
                "the program `tesseract` is not on the path.",
                remedy="Install it with the language wanted, such as: apt install tesseract-ocr tesseract-ocr-ben",
            )
        self._program, self._threads = program, settings.threads
        self._language = source.option or "eng"
        version, known = _installed(program)
        for language in self._language.split("+"):
            if language not in known:
                raise unknown_name("language of Tesseract that is installed", language, known)
        self.name, self.fingerprint = source.name, f"{version}/{self._language}/{source.revision}"

    def recognise(self, picture: Picture) -> list[Finding]:
        """Give the lines in reading order, each with `text`, `box` in pixels of the picture and `confidence`."""
        scale = 2 if max(picture.size) < SMALL else 1
        picture = picture.convert("RGB")
        if scale == 2:
            picture = picture.resize((picture.width * 2, picture.height * 2), Pictures.Resampling.BICUBIC)
        if min(picture.size) < 8:  # Leptonica refuses a sliver; no letter fits in one
            return []
        pixels = io.BytesIO()
        picture.save(pixels, "PNG", compress_level=1)
        arguments = ["stdin", "stdout", "-l", self._language, "--psm", "11", "tsv"]
        return lines(_run(self._program, arguments, pixels.getvalue(), self._threads), scale)


@cache
def _installed(program: str) -> tuple[str, list[str]]:
    """Version of the program and the languages that it has; asked once a process, for it takes two further ones."""
    version = _run(program, ["--version"]).split("\n")[0].strip().replace(" ", "-")
    names = [line.strip() for line in _run(program, ["--list-langs"]).split("\n")[1:]]
    return version, [name for name in names if name and name != "osd"]


def _run(program: str, arguments: list[str], given: bytes = b"", threads: int | None = None) -> str:
    surroundings = dict(os.environ)
    if threads is not None:
        surroundings["OMP_THREAD_LIMIT"] = str(threads)
    try:
        done = subprocess.run(  # noqa: S603 (a fixed program, no shell, the language checked against the list)
            [program, *arguments], input=given, capture_output=True, timeout=TIMEOUT, check=False, env=surroundings
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"tesseract took more than {TIMEOUT} s for one picture.") from error
    if done.returncode != 0:
        raise ModelError(f"tesseract failed: {done.stderr.decode(errors='replace').strip()[:300]}")
    return done.stdout.decode("utf-8", "replace")


def fingerprint(source: Source, settings: Settings) -> str:
    """Version of the program, languages, revision. Raises as `Tesseract` does."""
    return Tesseract(source, settings).fingerprint


def lines(table: str, scale: int) -> list[Finding]:
    """Tesseract's TSV as lines: words of one line joined, their boxes united, their confidence averaged."""
    rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = [row for row in rows if row["level"] == "5" and row["text"].strip() and float(row["conf"]) >= 100 * SURE]
    return [
        _line(list(of_line), scale)
        for _, of_line in groupby(words, key=lambda row: (row["block_num"], row["par_num"], row["line_num"]))
    ]


def _line(words: list[dict[str, str]], scale: int) -> Finding:
    left = [int(word["left"]) for word in words]
    top = [int(word["top"]) for word in words]
    right = [int(word["left"]) + int(word["width"]) for word in words]
    bottom = [int(word["top"]) + int(word["height"]) for word in words]
    return Finding(
        text=" ".join(word["text"] for word in words),
        box=Box(min(left) / scale, min(top) / scale, max(right) / scale, max(bottom) / scale),
        confidence=min(1.0, sum(float(word["conf"]) for word in words) / len(words) / 100),
    )

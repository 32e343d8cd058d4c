"""The rows of JSONL, JSON, CSV and Parquet files, one at a time; a bad row is an error in its place."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

from alciato.errors import BadMedia
from alciato.item.values import clean_text, plain_cell
from alciato.media.limits import isolated_one, isolated_values
from alciato.media.sniff import HEAD
from alciato.settings import MIB, Limits
from alciato.sources.files import open_file
from alciato.sources.texts import encoding_of

PARQUET_BATCH = 16
BATCH_SECONDS = 1.0
"""Processor seconds that each batch of rows adds to `limits.work_seconds`."""
UNCLOSED = 100
"""Unclosed quotes of a table after which a record no longer spans lines."""


class Row(NamedTuple):
    """A row by its number, counted from 1; or what is wrong with it."""

    number: int
    values: dict[str, Any] | BadMedia


def parsed(text: str) -> Any:
    """Parse JSON; NaN and infinities are None. Raises `BadMedia` (bad-row), also where it is nested without end."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except RecursionError as error:
        raise BadMedia("bad-row", "it is nested too deeply.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, character {error.colno}" if error.lineno > 1 else f"character {error.colno}"
        raise BadMedia("bad-row", f"it is not JSON: {error.msg}, at {place}.") from error
    except ValueError as error:  # among others, a number of more digits than Python reads
        raise BadMedia("bad-row", f"it is not JSON ({error}).") from error


def jsonl_rows(path: Path, limits: Limits) -> Iterator[Row]:
    """Yield the objects of a JSON Lines file; blank lines do not count as wrong."""
    with open_file(path, limits.table_bytes) as file:
        for number, line in enumerate(_lines(file, limits), 1):
            if isinstance(line, BadMedia):
                yield Row(number, line)
            elif line.strip():
                yield Row(number, _object(line))


def _object(line: str) -> dict[str, Any] | BadMedia:
    try:
        value = parsed(line.strip())
    except BadMedia as error:
        return error
    if isinstance(value, dict):
        return value
    return BadMedia("bad-row", f"it is {type(value).__name__}, not an object with named fields.")


def _lines(file: BinaryIO, limits: Limits) -> Iterator[str | BadMedia]:
    """Yield lines of at most `limits.text_bytes`; a longer one is an error, and is not held in memory."""
    encoding = encoding_of(file.read(4))
    file.seek(0)
    if encoding.startswith(("utf-16", "utf-32")):
        yield from _bounded(io.TextIOWrapper(file, encoding, errors="replace", newline="\n"), limits)
        return
    while line := file.readline(limits.text_bytes + 1):
        if len(line) > limits.text_bytes:
            while line and not line.endswith(b"\n"):
                line = file.readline(limits.text_bytes)
            yield BadMedia("too-large", f"the line has more than {limits.text_bytes} bytes.")
            continue
        try:
            yield line.decode("utf-8").lstrip("\ufeff")
        except UnicodeDecodeError:
            yield BadMedia("bad-encoding", "it is not UTF-8.", remedy="Save the table as UTF-8.")


def _bounded(text: TextIO, limits: Limits) -> Iterator[str]:
    """Yield lines; one without end comes in pieces, so that it is never held as a whole."""
    while line := text.readline(limits.text_bytes):
        yield line


class _Lines:
    """Lines of a text, counted; those of the record that is being read can be given back."""

    def __init__(self, lines: Iterator[str], longest: int) -> None:
        self.number, self.taken, self._size = 0, list[str](), 0
        self._lines, self._longest = lines, longest
        self._back: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._size > self._longest:
            raise csv.Error(f"a record of more than {self._longest} characters")
        line = self._back.popleft() if self._back else next(self._lines)
        self.number += 1
        self.taken.append(line)
        self._size += len(line)
        return line

    def begin(self) -> None:
        """Begin a record."""
        self.taken.clear()
        self._size = 0

    def give_back(self, count: int) -> None:
        """Give back the last lines: they are read again."""
        self._back.extendleft(reversed(self.taken[-count:]))
        self.number -= count


class CsvTable:
    """A CSV file: the names in its first line, then its rows. The separator is a comma, semicolon, tab or bar.

    A quote that is never closed would swallow all rows to the end of the file: its line is reported, the next ones
    are read as rows of their own.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits
        with open_file(path, limits.table_bytes) as file:
            head = file.read(HEAD)
        self._encoding = encoding_of(head)
        first = head.decode(self._encoding, "replace").lstrip("\ufeff").partition("\n")[0]
        self._separator = max(",;\t|", key=first.count)
        self.columns = _unique(next((row for _, row in self._records() if isinstance(row, list)), []))

    def _records(self) -> Iterator[tuple[int, list[str] | BadMedia]]:
        with (
            open_file(self._path, self._limits.table_bytes) as file,
            # A byte that is not of the encoding comes through as a lone surrogate, so that only its row is refused.
            open(file.fileno(), encoding=self._encoding, errors=self._lenient, newline="", closefd=False) as text,
        ):
            lines = _Lines(_bounded(text, self._limits), self._limits.text_bytes)
            unclosed = 0
            while True:
                lines.begin()
                # A table of nothing but unclosed quotes is read line by line: it may not cost its length squared.
                some = lines if unclosed < UNCLOSED else islice(lines, 1)
                try:
                    record: list[str] | BadMedia = next(csv.reader(some, delimiter=self._separator, strict=False))
                except StopIteration:
                    return
                except UnicodeError as error:
                    yield lines.number, BadMedia("bad-row", f"it is not CSV ({error}).")
                    return
                except csv.Error as error:
                    record = BadMedia("bad-row", f"it is not CSV ({error}).")
                if len(lines.taken) > 1 and self._is_unclosed(lines.taken, record):
                    unclosed += 1
                    lines.give_back(len(lines.taken) - 1)
                    message = f"a quote that opens in line {lines.number} is never closed."
                    record = BadMedia("bad-row", message, remedy="Close it; the rows after it are taken.")
                yield lines.number, record

    def _is_unclosed(self, lines: list[str], record: list[str] | BadMedia) -> bool:
        """Whether a record of several lines is one because of a quote that was not meant to span them."""
        if isinstance(record, BadMedia):
            return True
        try:
            list(csv.reader(lines, delimiter=self._separator, strict=True))
        except csv.Error:
            return True
        return False

    @property
    def _lenient(self) -> str:
        return "surrogateescape" if self._encoding.startswith("utf-8") else "strict"

    def rows(self) -> Iterator[Row]:
        """Yield the rows; numbers are lines of the file."""
        records = self._records()
        next(records, None)
        for number, record in records:
            if isinstance(record, BadMedia):
                yield Row(number, record)
            elif any(record):
                yield Row(number, self._named(record))

    def _named(self, record: list[str]) -> dict[str, Any] | BadMedia:
        if any("\ud800" <= character <= "\udfff" for cell in record if not cell.isascii() for character in cell):
            return BadMedia("bad-encoding", "it is not UTF-8.", remedy="Save the table as UTF-8.")
        if any("\0" in cell for cell in record):
            return BadMedia("bad-row", "it holds zero characters.")
        if len(record) != len(self.columns):
            return BadMedia("bad-row", f"it has {len(record)} cells, but there are {len(self.columns)} columns.")
        return {name: plain_cell(cell) for name, cell in zip(self.columns, record, strict=True)}


def _unique(names: list[str]) -> list[str]:
    """Give every column a name, and a second one of the same name its number."""
    named: dict[str, None] = {}
    for number, name in enumerate(names, 1):
        fresh = clean_text(name) or f"column {number}"
        named[f"{fresh} ({number})" if fresh in named else fresh] = None
    return list(named)


def _last_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - count))
        return file.read(count)


class ParquetTable:
    """A Parquet file, read a few rows at a time in a limited process: a few bytes of it can stand for gigabytes."""

    def __init__(self, path: Path, limits: Limits) -> None:
        with open_file(path, limits.table_bytes):
            pass  # regular, not empty, not too large
        if _last_bytes(path, 4) != b"PAR1":
            raise BadMedia("truncated", "the Parquet ends before it is complete.", remedy="Copy it again.")
        # A page is as large as its writer liked: its packed and its unpacked bytes are held at once.
        room = limits.memory_bytes + 2 * path.stat().st_size
        self._path, self._limits = path, limits.model_copy(update={"memory_bytes": room})
        self.columns: list[str] = isolated_one(
            "alciato.sources.rows:parquet_columns", path, limits.table_bytes, limits=self._limits
        )

    def rows(self) -> Iterator[Row]:
        """Yield the rows."""
        number = 0
        try:
            batches = isolated_values(
                "alciato.sources.rows:parquet_batches", self._path, limits=self._limits, each=BATCH_SECONDS
            )
            for batch in batches:
                for values in batch:
                    number += 1
                    yield Row(number, values)
        except BadMedia as error:
            yield Row(number + 1, error)


def parquet_columns(path: Path, largest: int) -> list[str]:
    """Read the names of the columns in this process, as `ParquetTable` does in a limited one.

    Raises `BadMedia` where a row group says that it unpacks to more than `largest` bytes.
    """
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            metadata = file.metadata
            sizes = [metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)]
            names = list(file.schema_arrow.names)
    except MemoryError:
        raise
    except Exception as error:  # names that are no text, sizes that are no numbers, and whatever else was broken
        raise BadMedia("broken", f"the Parquet cannot be read ({error}).") from error
    if max(sizes, default=0) > largest:
        raise BadMedia("too-large", f"a row group unpacks to more than {largest} bytes.")
    return names


def parquet_batches(path: Path) -> Iterator[list[dict[str, Any]]]:
    """Read the rows in this process, as `ParquetTable` does in a limited one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Read ahead, the columns of a whole row group would be held.
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=MIB) as file:
            for batch in file.iter_batches(batch_size=PARQUET_BATCH):
                yield batch.to_pylist()
    except MemoryError:
        raise
    except (pa.ArrowException, ArithmeticError, LookupError, OSError, TypeError, ValueError) as error:
        raise BadMedia("broken", f"the rest of the Parquet cannot be read ({error}).") from error

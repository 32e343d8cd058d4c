"""Files that a table names: found beside the table, never outside the folder that was given."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from alciato.errors import BadMedia
from alciato.item.values import clean_text
from alciato.settings import Limits
from alciato.sources.files import Found, read_file


class Beside:
    """Opens the media of one table; remembers which, so that the scan does not add them a second time."""

    def __init__(self, table: Found, limits: Limits, named: set[str]) -> None:
        self.last: Path | None = None
        self._folder, self._root = Path(os.path.realpath(table.path.parent)), table.root
        self._limits, self._named = limits, named

    def __call__(self, path: str) -> bytes:
        """Read a file. Raises `BadMedia`: outside-folder, missing-file, bad-row, too-large and others."""
        self.last = self._find(path)
        return read_file(self.last, self._limits.bytes)

    def name(self, path: str) -> None:
        """Note that a file belongs to the table, without reading it."""
        with contextlib.suppress(OSError, ValueError):  # what cannot be a path names no file
            self._named.add(os.path.realpath(self._folder / path))

    def _find(self, path: str) -> Path:
        try:
            return self._inside(path)
        except (OSError, ValueError) as error:  # too long, zero characters, halves of surrogate pairs
            raise BadMedia("bad-row", f"{clean_text(path[:100])!r} cannot be a path.") from error

    def _inside(self, path: str) -> Path:
        """Look beside the table, then in the given folder."""
        for folder in (self._folder, self._root):
            for spelling in dict.fromkeys((path, path.replace("\\", "/"))):
                place = Path(os.path.realpath(folder / spelling))
                if not place.is_relative_to(self._root):
                    message = f"{path[:200]!r} lies outside the given folder."
                    raise BadMedia("outside-folder", message, remedy="Put the file beside the table.")
                if place.exists():
                    self._named.add(str(place))
                    return place
        raise BadMedia("missing-file", f"{path[:200]!r} is not there.", remedy="Put it beside the table.")

"""A policy's YAML file: read with bounds, and with the line of every place, so that an error can point at it.

Anchors and aliases are refused (a few lines of them can stand for gigabytes), so is a key that is there twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from alciato.errors import UsageError

MOST_BYTES = 2**20
MOST_DEPTH = 12
Place = tuple[str | int, ...]
"""Where a value stands: `("categories", 2, "thresholds", "review")`."""


class PolicyFile:
    """The values of a YAML file, and the line of each place in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = _read(path)
        try:
            _refuse_tricks(text, path)
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
            self._refuse_twins(self._root)
            self.values: Any = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or "it is not YAML"
            raise UsageError(f"{problem}.", where=_where(path, mark.line + 1 if mark else None)) from error
        except (ValueError, RecursionError) as error:  # a date that is none, an integer of a million digits
            raise UsageError(f"a value could not be read: {error}.", where=str(path)) from error

    def where(self, place: Sequence[str | int]) -> str:
        """Give `file:line` of a place, or of the nearest place around it that is there."""
        return _where(self.path, self._line(place))

    def _line(self, place: Sequence[str | int]) -> int | None:
        node, line = self._root, 1
        for step in place:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == step]
                if not found:
                    break
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line

    def _refuse_twins(self, node: Any) -> None:
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                if key.value in seen:
                    where = _where(self.path, key.start_mark.line + 1)
                    raise UsageError(f"{key.value!r} is there twice.", where=where, remedy="Keep one of them.")
                seen.add(key.value)
                self._refuse_twins(value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                self._refuse_twins(value)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the policy could not be read: {error.strerror}.", where=str(path)) from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"the policy is larger than {MOST_BYTES} bytes.", where=str(path), remedy="Split it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("the policy is not UTF-8 text.", where=str(path), remedy="Save it as UTF-8.") from error


def _refuse_tricks(text: str, path: Path) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            where = _where(path, _line_of(event))
            raise UsageError("aliases (`*name`) are not taken.", where=where, remedy="Write the value out.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_DEPTH:
            raise UsageError(f"nested deeper than {MOST_DEPTH}.", where=_where(path, _line_of(event)))


def _line_of(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None


def _where(path: Path, line: int | None) -> str:
    return f"{path}:{line}" if line else str(path)

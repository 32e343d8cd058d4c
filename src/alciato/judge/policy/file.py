"""A policy's YAML file: read with bounds, with the line of every place, and with its faults told in plain words.

Anchors and aliases are refused (a few lines of them can stand for gigabytes), so is a key that is there twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, MappingNode, SequenceNode
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from alciato.errors import UsageError

MAX_BYTES = 2**20
MAX_DEPTH = 12
FORMAT = "docs/policies.md describes the format, with a complete example."
Place = tuple[str | int, ...]
"""Where a value stands: `("categories", 2, "thresholds", "review")`."""
_PLAIN = {
    "mapping values are not allowed": "there is a colon where none is expected: the line is indented deeper than the "
    "one above, or it is a text with a colon in it, which needs quotes",
    "expected <block end>": "the line is not indented like the others of its list or mapping",
    "found character '\\t'": "there is a tab; indent with spaces",
    "could not find expected ':'": "this line is no `key: value`: a colon is missing, or the text above needs quotes",
    "found unexpected end of stream": "a quote that is opened here is not closed",
    "expected the node content": "a bracket or a value is opened here and not closed",
    "expected ',' or": "a bracket that is opened here is not closed, or a comma is missing",
    "could not determine a constructor": "a tag (`!…`) is not taken; write plain text, lists and mappings",
}
"""Faults in the parser's words, and in ours."""


class PolicyFile:
    """The values of a YAML file, and the line of each place in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = _read(path)
        try:
            self._refuse_aliases(text)
            self._root = _yaml().compose(text)
            self.values: Any = _yaml().load(text)
        except DuplicateKeyError as error:
            key = str(error.problem).split('"')[1]
            raise self._fault(f"the key {key!r} is there twice", error.problem_mark, "Keep one of them. ") from error
        except MarkedYAMLError as error:
            opened = error.problem is not None and "end of stream" in error.problem
            mark = error.context_mark if opened and error.context_mark else error.problem_mark
            raise self._fault(_in_plain_words(error), mark) from error
        except YAMLError as error:
            raise self._fault(f"it is not YAML: {error}") from error
        except (ValueError, RecursionError) as error:  # a date that is none, an integer of a million digits
            raise self._fault(f"a value could not be read: {error}") from error

    def line(self, place: Sequence[str | int]) -> int:
        """Give the line of a place, or of the nearest place around it that is there."""
        node, line = self._root, 1
        for step in place:
            if isinstance(node, MappingNode):
                found = [(key, value) for key, value in node.value if key.value == step]
                if not found:
                    break
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line

    def where(self, line: int | None) -> str:
        """Give `file:line`."""
        return f"{self.path}:{line}" if line else str(self.path)

    def _refuse_aliases(self, text: str) -> None:
        depth = 0
        for event in _events(text):
            if isinstance(event, AliasEvent):
                raise self._fault("aliases (`*name`) are not taken", event.start_mark, "Write the value out. ")
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise self._fault(f"it is nested deeper than {MAX_DEPTH}", event.start_mark)

    def _fault(self, what: str, mark: Any = None, advice: str = "") -> UsageError:
        return UsageError(f"{what}.", where=self.where(mark.line + 1 if mark else None), remedy=f"{advice}{FORMAT}")


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _events(text: str) -> Iterator[Any]:
    yield from _yaml().parse(text)


def _in_plain_words(error: MarkedYAMLError) -> str:
    problem = f"{error.problem or ''} {error.context or ''}".strip()
    for theirs, ours in _PLAIN.items():
        if theirs in problem:
            return ours
    return problem or "it is not YAML"


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the policy could not be read: {error.strerror}.", where=str(path)) from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"the policy is larger than {MAX_BYTES} bytes.", where=str(path), remedy="Split it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("the policy is not UTF-8 text.", where=str(path), remedy="Save it as UTF-8.") from error

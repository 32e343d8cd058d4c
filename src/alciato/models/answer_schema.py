"""JSON schemas of answers: bounded, so that a model held to one always comes to an end; and answers taken apart.

A grammar keeps an answer valid only if the answer is finished. `bounded` therefore gives every string, list and
number a largest size where the schema has none, unrolls references, and leaves out a branch that would recurse too
deep: whatever the bounded schema takes, the schema itself takes as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from alciato.errors import ModelError, UsageError
from alciato.models.protocols import AnyModel, Message

TRIES = 3  # answers asked for before a model is given up
DEEP = 3  # times that a definition may stand inside itself
LARGE = 10**6
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"}
KEPT = ("type", "enum", "const", "pattern", "minLength", "minItems", "multipleOf", "required")


@dataclass(frozen=True)
class Bounds:
    """What an answer may be at most where its schema does not say: characters, entries, free keys of a mapping."""

    characters: int = 400
    entries: int = 8
    free_keys: bool = True


WIDE = Bounds()
TIGHT = Bounds(characters=60, entries=2, free_keys=False)
"""For the last try, when the wide answer did not end within its tokens."""


def bounded(schema: type[BaseModel], bounds: Bounds = WIDE) -> dict[str, Any]:
    """The JSON schema of a model, bounded. Raises `UsageError` if no finite answer fits."""
    whole = schema.model_json_schema()
    result = _bound(whole, bounds, whole.get("$defs", {}), ())
    if result is None:
        raise UsageError(f"the schema {schema.__name__} has no finite answer: it always contains itself.")
    return result


def parse(text: str, schema: type[AnyModel]) -> AnyModel:
    """Read an answer, also one wrapped in a code fence or in words. Raises `ModelError` saying what is wrong."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise ModelError(f"the model's answer holds no JSON object: {text[:120]!r}")
    try:
        return schema.model_validate_json(text[start : end + 1])
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the answer"
        raise ModelError(f"the model's answer does not fit {schema.__name__}: {place}: {first['msg']}") from None


def described(schema: type[BaseModel]) -> str:
    """The sentence that asks for the schema where a server cannot be held to it."""
    return f"Answer with one JSON object and nothing else. JSON schema: {json.dumps(schema.model_json_schema())}"


_Schema = dict[str, Any]


def ask_until_valid(
    ask: Callable[[Sequence[Message]], str],
    messages: Sequence[Message],
    schema: type[AnyModel],
    read: Callable[[str, type[AnyModel]], AnyModel] = parse,
) -> AnyModel:
    """Say the schema in words and ask, up to `TRIES` times, each time telling the model what did not fit.

    `read` takes an answer apart and raises `ModelError` where it does not fit.

    Raises:
        ModelError: no answer fitted.
    """
    turns = [*messages, Message("user", described(schema))]
    for _ in range(TRIES):
        text = ask(turns)
        try:
            return read(text, schema)
        except ModelError as error:
            trouble = error
            turns = [*turns, Message("assistant", text), Message("user", f"That did not fit: {error}. Again.")]
    raise trouble


def _bound(node: Any, bounds: Bounds, definitions: Mapping[str, Any], inside: tuple[str, ...]) -> _Schema | None:
    """One node, bounded; None if nothing finite fits."""
    if node is True or node == {}:
        node = {"type": ["string", "number", "boolean", "null"]}
    if len(node.get("allOf", ())) == 1:
        node = node["allOf"][0]
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        deeper = (*inside, name)
        return None if inside.count(name) >= DEEP else _bound(definitions[name], bounds, definitions, deeper)
    options = node.get("anyOf") or node.get("oneOf")
    if isinstance(node.get("type"), list):
        options = [{**node, "type": kind} for kind in node["type"]]
    if options is None:
        return _bound_kind(node, node.get("type"), bounds, definitions, inside)
    finite = [option for option in (_bound(one, bounds, definitions, inside) for one in options) if option is not None]
    return {"anyOf": finite} if finite else None


def _bound_kind(
    node: _Schema, kind: str | None, bounds: Bounds, definitions: Mapping[str, Any], inside: tuple[str, ...]
) -> _Schema | None:
    kept = {key: node[key] for key in KEPT if key in node}
    if "enum" in node or "const" in node:
        return {key: kept[key] for key in ("enum", "const") if key in kept}
    if kind == "object":
        return _bound_object(node, kept, bounds, definitions, inside)
    if kind == "array":
        return _bound_array(node, kept, bounds, definitions, inside)
    if kind == "string":
        return kept | _bound_string(node, bounds)
    if kind in ("number", "integer"):
        return kept | _bound_number(node, kind)
    return kept


def _bound_object(
    node: _Schema, kept: _Schema, bounds: Bounds, definitions: Mapping[str, Any], inside: tuple[str, ...]
) -> _Schema | None:
    given = {name: _bound(part, bounds, definitions, inside) for name, part in node.get("properties", {}).items()}
    if any(given.get(name) is None for name in node.get("required", ())):
        return None
    finite = {name: part for name, part in given.items() if part is not None}
    free = node.get("additionalProperties", False)
    keys = _bound(free, bounds, definitions, inside) if free and bounds.free_keys and free is not True else False
    # Optional fields are asked for as well: a model leaves out whatever it may leave out.
    return kept | {"properties": finite, "required": list(finite), "additionalProperties": keys or False}


def _bound_array(
    node: _Schema, kept: _Schema, bounds: Bounds, definitions: Mapping[str, Any], inside: tuple[str, ...]
) -> _Schema | None:
    least = node.get("minItems", 0)
    first = [_bound(part, bounds, definitions, inside) for part in node.get("prefixItems", ())]
    if None in first:
        return None
    rest = _bound(node.get("items", {}), bounds, definitions, inside) if node.get("items") is not False else None
    if rest is None and len(first) < least:
        return None
    most = min(node.get("maxItems", LARGE), max(bounds.entries, least, len(first))) if rest else len(first)
    prefix = {"prefixItems": first} if first else {}
    return kept | prefix | {"items": rest or False, "minItems": least, "maxItems": most}


def _bound_string(node: _Schema, bounds: Bounds) -> _Schema:
    if "pattern" in node:
        return {}  # a length beside a pattern can contradict it
    if node.get("format") in FORMATS:
        return {"format": node["format"]}
    return {"maxLength": min(node.get("maxLength", LARGE), max(bounds.characters, node.get("minLength", 0)))}


def _bound_number(node: _Schema, kind: str) -> _Schema:
    """Finite digits: at most a million beyond the given end, three places after the point."""
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    ends: _Schema = {key: node[key] for key in ("exclusiveMinimum", "exclusiveMaximum") if key in node}
    ends |= {"minimum": low if low is not None else min(-LARGE, (high or 0) - LARGE)}
    ends |= {"maximum": high if high is not None else max(LARGE, (low or 0) + LARGE)}
    if kind == "number" and "multipleOf" not in node:
        ends["multipleOf"] = 0.001
    return ends

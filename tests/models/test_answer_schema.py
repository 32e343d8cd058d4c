import json
from datetime import datetime
from enum import Enum
from typing import Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from alciato.errors import ModelError, UsageError
from alciato.models.answer_schema import TIGHT, WIDE, Bounds, bounded, parse


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Place(BaseModel):
    name: str = Field(min_length=1, max_length=1000)
    depth: float = Field(gt=0, le=1)


class Judgement(BaseModel):
    label: Literal["allow", "review", "remove"]
    score: float = Field(ge=0, le=1)
    count: int
    colour: Colour
    note: str | None = None
    places: list[Place] = Field(default_factory=list, max_length=3)
    scores: dict[str, float] = Field(default_factory=dict)
    code: str = Field("AA", pattern="^[A-Z]{2}$")
    when: datetime | None = None
    pair: tuple[int, str] = (1, "a")


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []


class Endless(BaseModel):
    inner: "Endless"


def leaves(schema):
    """All nodes of a schema."""
    yield schema
    for part in schema.get("properties", {}).values():
        yield from leaves(part)
    for part in [*schema.get("anyOf", ()), *schema.get("prefixItems", ())]:
        yield from leaves(part)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from leaves(schema[key])


@pytest.mark.parametrize("schema", [Judgement, Tree, Place])
@pytest.mark.parametrize("bounds", [WIDE, TIGHT])
def test_every_part_is_bounded(schema, bounds):
    for node in leaves(bounded(schema, bounds)):
        assert "$ref" not in node
        if node.get("type") == "string" and not {"enum", "const", "pattern", "format"} & set(node):
            assert node["maxLength"] <= max(bounds.characters, node.get("minLength", 0))
        if node.get("type") == "array":
            assert node["maxItems"] <= bounds.entries
        if node.get("type") in ("integer", "number"):
            assert {"minimum", "maximum"} <= set(node)


_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)
_fields = {
    "label": st.sampled_from(["allow", "review", "remove"]),
    "score": st.integers(0, 1000).map(lambda n: n / 1000),
    "count": st.integers(-1000, 1000),
    "colour": st.sampled_from(["red", "blue"]),
    "note": st.none() | _text,
    "places": st.lists(st.fixed_dictionaries({"name": _text, "depth": st.just(0.5)}), max_size=4),
    "scores": st.dictionaries(_text, st.just(0.5), max_size=2),
    "code": st.sampled_from(["AB", "ab", "ABC"]),
    "when": st.none(),
    "pair": st.tuples(st.integers(0, 9), _text).map(list),
}


@hypothesis_settings(max_examples=80, deadline=None)
@given(st.fixed_dictionaries(_fields))
def test_what_the_bounded_schema_takes_the_model_takes(answer):
    try:
        jsonschema.validate(answer, bounded(Judgement, Bounds(characters=10, entries=2)))
    except jsonschema.ValidationError:
        return
    Judgement.model_validate(answer)


def test_recursion_ends():
    assert json.dumps(bounded(Tree)).count('"name"') >= 3
    with pytest.raises(UsageError, match="Endless has no finite answer"):
        bounded(Endless)


def test_an_answer_in_a_fence_is_read():
    assert parse('Sure!\n```json\n{"name": "x", "depth": 0.5}\n```', Place).name == "x"


@pytest.mark.parametrize(
    ("text", "message"),
    [("no", "holds no JSON object"), ('{"name": "x"}', "does not fit Place: depth"), ("{]}", "does not fit Place")],
)
def test_a_wrong_answer_says_where(text, message):
    with pytest.raises(ModelError, match=message):
        parse(text, Place)

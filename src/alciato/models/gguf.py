"""Metadata of a GGUF file, read from its header without loading the model.

Source: the GGUF specification, version 3 (ggml, docs/gguf.md): magic, version, number of tensors, number of key-value
pairs, then the pairs; strings are UTF-8 with a 64-bit length before them. All numbers are little-endian.
Arrays (the vocabulary) are stepped over. The file is untrusted: every length is bounded before it is believed.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from alciato.errors import ModelError

MAGIC = b"GGUF"
LONGEST = 1 << 20
"""Bytes of one string of the header: a chat template is the longest that there is."""
PAIRS = 10_000
ENTRIES = 10_000_000
FORMATS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9

Value = int | float | bool | str


def read_header(path: Path) -> dict[str, Value]:
    """Give the keys of a GGUF file that hold one value.

    Raises:
        ModelError: the file cannot be read, or is no GGUF file.
    """
    try:
        with path.open("rb") as stream:
            if stream.read(4) != MAGIC:
                raise ModelError("this is not a GGUF file.", where=str(path), remedy="Name a .gguf file of llama.cpp.")
            version, _tensors, pairs = struct.unpack("<IQQ", _exactly(stream, 20))
            if version not in (2, 3):
                raise ModelError(f"version {version} of GGUF is not known.", where=str(path))
            return _pairs(stream, pairs)
    except OSError as error:
        raise ModelError(f"the model cannot be read: {error.strerror}.", where=str(path)) from error
    except (struct.error, ValueError, KeyError, EOFError) as error:
        reason = f"the header of the GGUF file is damaged ({error})."
        raise ModelError(reason, where=str(path), remedy="Copy the file again.") from error


def _pairs(stream: BinaryIO, pairs: int) -> dict[str, Value]:
    if pairs > PAIRS:
        raise ValueError(f"{pairs} keys")
    found: dict[str, Value] = {}
    for _ in range(pairs):
        key = _string(stream)
        (kind,) = struct.unpack("<I", _exactly(stream, 4))
        if kind == ARRAY:
            _step_over_array(stream)
        else:
            found[key] = _string(stream) if kind == STRING else _number(stream, kind)
    return found


def _number(stream: BinaryIO, kind: int) -> Value:
    form = FORMATS[kind]
    value: Value = struct.unpack(form, _exactly(stream, struct.calcsize(form)))[0]
    return value


def _string(stream: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", _exactly(stream, 8))
    if length > LONGEST:
        raise ValueError(f"a string of {length} bytes")
    return _exactly(stream, length).decode("utf-8", "replace")


def _step_over_array(stream: BinaryIO) -> None:
    kind, entries = struct.unpack("<IQ", _exactly(stream, 12))
    if entries > ENTRIES or kind == ARRAY:
        raise ValueError(f"an array of {entries} entries of type {kind}")
    if kind == STRING:
        for _ in range(entries):
            _string(stream)
    else:
        stream.seek(entries * struct.calcsize(FORMATS[kind]), 1)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError("it ends too early")
    return data

"""PDQ: 256 bits that stay nearly the same when a picture is resized or recompressed.

Source: Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (2019).
Luma, two passes of a box filter along each axis, 64 x 64 samples, the DCT coefficients 1..16 x 1..16,
one bit each: above their median or not. Every step up to the median is linear and separable, so only
the samples are computed, each as a weighted sum over the few pixels that two box filters let through:

    samples (64, 64) = S_rows @ luma @ S_columns.T          coefficients (16, 16) = D @ samples @ D.T

with S (64, pixels) = sampling after two box filters, almost all zeros, and D (16, 64) the transform.
Shapes: a hash is 32 bytes, most significant coefficient first: its hexadecimal form is the reference's.
Use it for near copies of whole pictures; crops and other words need local features (search).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bits = NDArray[np.uint8]
Floats = NDArray[np.float32]

SAMPLES, COEFFICIENTS = 64, 16
SMALLEST = 5  # a side shorter than this has no hash: all bits 0, quality 0
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
DIHEDRAL = ("original", "rotate90", "rotate180", "rotate270", "flip_x", "flip_y", "transpose", "antitranspose")


class Hash(NamedTuple):
    """Bits (32,), packed; quality 0..1: how much there is to see. Below 0.5 a match means little."""

    bits: Bits
    quality: float

    @property
    def hexadecimal(self) -> str:
        """The bits as 64 hexadecimal digits, as the reference writes them."""
        return self.bits.tobytes().hex()


def pdq(picture: Image.Image) -> Hash:
    """Hash a picture of any size and mode; under 5 pixels a side the bits and the quality are 0."""
    samples = _samples(picture)
    return Hash(_pack(_coefficients(samples)), quality(samples))


def dihedral(picture: Image.Image) -> dict[str, Bits]:
    """Hash a picture and its seven rotations and reflections from one set of coefficients."""
    straight = _coefficients(_samples(picture))
    odd = np.where(np.arange(COEFFICIENTS) % 2 == 0, -1, 1).astype(np.float32)  # mirrored, odd frequencies change sign
    turned = straight.T
    rows, columns = odd[:, None], odd[None, :]
    # fmt: off
    forms = (straight, turned * rows, straight * rows * columns, turned * columns,
             straight * rows, straight * columns, turned, turned * rows * columns)
    # fmt: on
    return {name: _pack(form) for name, form in zip(DIHEDRAL, forms, strict=True)}


def distance(left: Bits, right: Bits) -> NDArray[np.int64]:
    """Hamming distance, 0..256, of packed hashes (..., 32), broadcast: (n, 1, 32) and (m, 32) give (n, m)."""
    return np.asarray(np.bitwise_count(left ^ right).sum(-1, dtype=np.int64))


def parse(hexadecimal: str) -> Bits:
    """Pack 64 hexadecimal digits. Raises `ValueError` for anything else."""
    bits = np.frombuffer(bytes.fromhex(hexadecimal), dtype=np.uint8)
    if bits.shape != (32,):
        message = f"a PDQ hash has 64 hexadecimal digits, but {hexadecimal!r} has {len(hexadecimal)}"
        raise ValueError(message)
    return bits


def quality(samples: Floats) -> float:
    """Sum of the gradients of the 64 x 64 samples in whole percents of the luma range, cut at 1."""
    down = np.abs(np.trunc(np.diff(samples, axis=0) * 100 / 255)).sum()
    across = np.abs(np.trunc(np.diff(samples, axis=1) * 100 / 255)).sum()
    return float(min(100, int(down + across) // 90) / 100)


def _samples(picture: Image.Image) -> Floats:
    pixels = np.asarray(picture.convert("RGB"))  # (rows, columns, 3)
    rows, columns = pixels.shape[:2]
    if min(rows, columns) < SMALLEST:
        return np.zeros((SAMPLES, SAMPLES), dtype=np.float32)
    strips = _sample(pixels.reshape(rows, columns * 3))  # (64, columns * 3)
    luma = strips.reshape(SAMPLES, columns, 3) @ LUMA  # (64, columns)
    return _sample(np.ascontiguousarray(luma.T)).T  # (64, 64)


def _sample(signal: NDArray[np.uint8] | Floats) -> Floats:
    """Filter and sample the first axis: (pixels, width) to (64, width).

    Only the few rows under each window are touched; einsum, unlike a matrix product, needs neither
    a float copy of the whole picture nor the threads of the linear algebra library.
    """
    samples = np.empty((SAMPLES, signal.shape[1]), dtype=np.float32)
    for place, (start, weights) in enumerate(_windows(signal.shape[0])):
        under = signal[start : start + len(weights)]
        np.einsum("k,kc->c", weights, under, out=samples[place], dtype=np.float32, casting="unsafe")
    return samples


def _coefficients(samples: Floats) -> Floats:
    transform = _transform()
    rows = np.einsum("fs,sc->fc", transform, samples)  # (16, 64)
    return np.asarray(np.einsum("fc,gc->fg", rows, transform))  # (16, 16)


def _pack(coefficients: Floats) -> Bits:
    flat = coefficients.ravel()
    median = np.partition(flat, flat.size // 2 - 1)[flat.size // 2 - 1]  # the lower one, as the reference takes it
    return np.packbits((flat > median)[::-1])


@lru_cache(maxsize=256)
def _windows(pixels: int) -> list[tuple[int, Floats]]:
    """Where each of the 64 samples looks, and with which weights: two box filters, one after the other."""
    return [_window(pixels, int((sample + 0.5) * pixels / SAMPLES)) for sample in range(SAMPLES)]


def _window(pixels: int, centre: int) -> tuple[int, Floats]:
    outer = _box(pixels, centre)
    inner = [_box(pixels, place) for place in outer]
    start = inner[0].start
    weights = np.zeros(inner[-1].stop - start)
    for places in inner:
        weights[places.start - start : places.stop - start] += 1 / (len(outer) * len(places))
    return start, weights.astype(np.float32)


def _box(pixels: int, place: int) -> range:
    """The pixels of a moving average around one place, cut at the borders."""
    window = (pixels + 2 * SAMPLES - 1) // (2 * SAMPLES)
    right = (window + 2) // 2 - 1
    return range(max(0, place + right + 1 - window), min(pixels, place + right + 1))


@lru_cache(maxsize=1)
def _transform() -> Floats:
    """Rows 1..16 of the orthonormal DCT-II of 64 samples: (16, 64)."""
    frequency = np.arange(1, COEFFICIENTS + 1)[:, None]
    place = 2 * np.arange(SAMPLES)[None, :] + 1
    return np.asarray(np.sqrt(2 / SAMPLES) * np.cos(np.pi / 2 / SAMPLES * frequency * place), dtype=np.float32)

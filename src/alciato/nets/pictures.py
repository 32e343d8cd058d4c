"""Preprocessing of pictures for vision backbones: resize and normalise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pictures

HALF = (0.5, 0.5, 0.5)
"""Mean and standard deviation of our own backbones: pixels become -1..1."""


def resized(picture: Pictures.Image, size: int) -> NDArray[np.uint8]:
    """Stretch a picture to (size, size, 3), 0..255."""
    return np.asarray(picture.convert("RGB").resize((size, size), Pictures.Resampling.BICUBIC))


def normalised(pixels: NDArray[np.uint8], mean: Sequence[float] = HALF, std: Sequence[float] = HALF) -> torch.Tensor:
    """Normalise pixels (height, width, 3) to a tensor (3, height, width): (p / 255 - mean) / std."""
    scaled = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
    return (scaled - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def picture_tensor(picture: Pictures.Image, size: int) -> torch.Tensor:
    """Stretch a picture to a square and normalise it for our own backbones: (3, size, size), -1..1."""
    return normalised(resized(picture, size))

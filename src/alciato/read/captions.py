"""Captions of memes, cut out: bright letters with a dark outline become black letters on white.

Classical recognisers such as Tesseract threshold a whole picture; a caption over a photograph drowns in it.
The outline separates each bright letter from bright things behind it: connected bright areas that are too
high for a letter, or reach the border of the line, are not letters.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

BRIGHT = 215  # of 255, in the darkest channel
FOUR = 4  # connected by sides, not by corners


def cut_out(line: Image.Image) -> Image.Image:
    """Give a picture of one line of text, closely cropped, as black letters on white, with a white margin."""
    import cv2

    pixels = np.asarray(line.convert("RGB"))
    bright = (pixels.min(-1) >= BRIGHT).astype(np.uint8)  # (rows, columns)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(bright, connectivity=FOUR)
    rows, columns = bright.shape
    left, top, width, height = boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]
    at_border = (left == 0) | (top == 0) | (left + width == columns) | (top + height == rows)
    letters = ~at_border & (boxes[:, 4] >= 4)
    letters[0] = False  # what is not bright
    soft = cv2.dilate(letters[labels].astype(np.uint8), np.ones((3, 3), np.uint8))  # with their smooth edges
    black = np.where(soft > 0, 255 - pixels.min(-1), 255).astype(np.uint8)
    margin = max(10, rows // 2)
    return Image.fromarray(np.pad(black, margin, constant_values=255)).convert("RGB")

"""Write `tests/read/data/pdq_reference.json`: what the reference package makes of the tests' pictures.

python tools/pdq_reference.py     # needs `pip install pdqhash`, which has no wheels for Linux and so wants a compiler
"""

import json
import sys
from pathlib import Path

import numpy as np
import pdqhash
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "read"))

from test_pdq import REFERENCE, dihedral_picture, reference_pictures  # noqa: E402


def main() -> None:
    """Hash every picture that the tests name."""
    found = {name: _hashed(picture) for name, picture in reference_pictures().items()}
    forms, _ = pdqhash.compute_dihedral(_pixels(dihedral_picture()))
    written = {"pictures": found, "dihedral": [_hexadecimal(bits) for bits in forms]}
    REFERENCE.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def _hashed(picture: Image.Image) -> dict[str, object]:
    bits, quality = pdqhash.compute(_pixels(picture))
    return {"bits": _hexadecimal(bits), "quality": quality / 100}


def _pixels(picture: Image.Image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(picture.convert("RGB")))


def _hexadecimal(bits: np.ndarray) -> str:
    return np.packbits(bits.astype(bool)).tobytes().hex()


if __name__ == "__main__":
    main()

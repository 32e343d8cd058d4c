"""PDQ equals the reference package bit for bit; distance and dihedral forms keep their laws."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from alciato.read.pdq import DIHEDRAL, dihedral, distance, parse, pdq

PHOTOGRAPHS = ["astronaut", "chelsea", "coffee", "camera", "rocket", "page", "text", "brick", "grass", "moon"]
SMALL = [(1, 1), (4, 90), (5, 5), (7, 61), (63, 64)]
BIG = (1999, 2600)
REFERENCE = Path(__file__).parent / "data" / "pdq_reference.json"
"""Made by the package `pdqhash` (tools/pdq_reference.py)."""


def picture(rows: int, columns: int, seed: int = 0) -> Image.Image:
    """Smooth shapes with noise over them."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (7, 5, 3), dtype=np.uint8)).resize((columns, rows), Image.BICUBIC)
    noise = random.integers(0, 60, (rows, columns, 3))
    return Image.fromarray(np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8))


def odd_sizes() -> list[tuple[int, int]]:
    """Sixty pairs of sides between 64 and 400 pixels."""
    return [(int(rows), int(columns)) for rows, columns in np.random.default_rng(1).integers(64, 401, (60, 2))]


def photograph(name: str) -> Image.Image:
    return Image.fromarray(getattr(data, name)()).convert("RGB")


def reference_pictures() -> dict[str, Image.Image]:
    """All pictures of which the reference's hash is known."""
    photographs = {name: photograph(name) for name in PHOTOGRAPHS}
    drawn = {f"{rows}x{columns}": picture(rows, columns) for rows, columns in [*odd_sizes(), *SMALL, BIG]}
    return photographs | drawn


def dihedral_picture() -> Image.Image:
    """The picture of which the eight forms are known."""
    return Image.fromarray(data.chelsea())


@cache
def known() -> dict:
    return json.loads(REFERENCE.read_text("utf-8"))


def reference(name: str) -> tuple[np.ndarray, float]:
    found = known()["pictures"][name]
    return parse(found["bits"]), found["quality"]


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_equals_the_reference_on_photographs(name):
    image = photograph(name)
    bits, quality = reference(name)
    assert distance(pdq(image).bits, bits) == 0
    assert pdq(image).quality == pytest.approx(quality, abs=0.02)


@pytest.mark.parametrize("size", odd_sizes())
def test_equals_the_reference_at_odd_sizes(size):
    image = picture(*size)
    bits, quality = reference("{}x{}".format(*size))
    assert distance(pdq(image).bits, bits) <= 2  # sums in another order may tip a coefficient at the median
    assert pdq(image).quality == pytest.approx(quality, abs=0.02)


@pytest.mark.parametrize("size", SMALL)
def test_small_pictures_have_the_quality_of_the_reference(size):
    # Under 64 pixels samples repeat, coefficients tie at the median, and rounding decides the bits.
    assert pdq(picture(*size)).quality == pytest.approx(reference("{}x{}".format(*size))[1], abs=0.02)


def test_equals_the_reference_on_a_big_picture():
    assert distance(pdq(picture(*BIG)).bits, reference("{}x{}".format(*BIG))[0]) == 0


def test_dihedral_forms_equal_the_reference():
    forms = dihedral(dihedral_picture())
    assert list(forms) == list(DIHEDRAL)
    for bits, form in zip(known()["dihedral"], forms.values(), strict=True):
        assert distance(parse(bits), form) == 0


def test_a_mirrored_picture_has_the_mirrored_hash():
    image = Image.fromarray(data.astronaut())
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert min(distance(pdq(mirrored).bits, form) for form in dihedral(image).values()) <= 16


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_recompressed_and_resized_pictures_stay_near(tmp_path, quality):
    image = Image.fromarray(data.coffee())
    image.resize((301, 199)).save(tmp_path / "copy.jpg", quality=quality)
    assert distance(pdq(image).bits, pdq(Image.open(tmp_path / "copy.jpg")).bits) <= 31


def test_other_pictures_are_far():
    first, second = (pdq(Image.fromarray(getattr(data, name)())).bits for name in ("coffee", "rocket"))
    assert distance(first, second) > 80


def test_distance_is_counted_bit_by_bit_and_broadcast():
    random = np.random.default_rng(0)
    left, right = (random.integers(0, 256, (n, 32), dtype=np.uint8) for n in (3, 5))
    loops = [
        [sum(bin(a ^ b).count("1") for a, b in zip(x, y, strict=True)) for y in right.tolist()] for x in left.tolist()
    ]
    assert distance(left[:, None], right).tolist() == loops


def test_a_hash_is_read_back_from_its_digits():
    first = pdq(picture(64, 64))
    assert np.array_equal(parse(first.hexadecimal), first.bits)
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        parse("abcd")


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_any_mode_is_taken(mode):
    assert pdq(picture(80, 70).convert(mode)).bits.shape == (32,)


def test_a_speck_has_no_quality():
    assert pdq(Image.new("RGB", (1, 1), "red")).quality == 0

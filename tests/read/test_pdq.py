"""PDQ equals the reference package bit for bit; distance and dihedral forms keep their laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from alciato.read.pdq import DIHEDRAL, dihedral, distance, parse, pdq

PHOTOGRAPHS = ["astronaut", "chelsea", "coffee", "camera", "rocket", "page", "text", "brick", "grass", "moon"]


def picture(rows: int, columns: int, seed: int = 0) -> Image.Image:
    """Smooth shapes with noise over them."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (7, 5, 3), dtype=np.uint8)).resize((columns, rows), Image.BICUBIC)
    noise = random.integers(0, 60, (rows, columns, 3))
    return Image.fromarray(np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8))


def reference(image: Image.Image) -> tuple[np.ndarray, float]:
    pdqhash = pytest.importorskip("pdqhash")
    bits, quality = pdqhash.compute(np.ascontiguousarray(np.asarray(image.convert("RGB"))))
    return np.packbits(bits.astype(bool)), quality / 100


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_equals_the_reference_on_photographs(name):
    image = Image.fromarray(getattr(data, name)()).convert("RGB")
    bits, quality = reference(image)
    assert distance(pdq(image).bits, bits) == 0
    assert pdq(image).quality == pytest.approx(quality, abs=0.02)


@settings(max_examples=60, deadline=None)
@given(st.integers(64, 400), st.integers(64, 400), st.integers(0, 9))
def test_equals_the_reference_at_odd_sizes(rows, columns, seed):
    image = picture(rows, columns, seed)
    bits, quality = reference(image)
    assert distance(pdq(image).bits, bits) <= 2  # sums in another order may tip a coefficient at the median
    assert pdq(image).quality == pytest.approx(quality, abs=0.02)


@pytest.mark.parametrize("size", [(1, 1), (4, 90), (5, 5), (7, 61), (63, 64)])
def test_small_pictures_have_the_quality_of_the_reference(size):
    # Under 64 pixels samples repeat, coefficients tie at the median, and rounding decides the bits.
    image = picture(*size)
    assert pdq(image).quality == pytest.approx(reference(image)[1], abs=0.02)


def test_equals_the_reference_on_a_big_picture():
    image = picture(1999, 2600)
    assert distance(pdq(image).bits, reference(image)[0]) == 0


def test_dihedral_forms_equal_the_reference():
    pdqhash = pytest.importorskip("pdqhash")
    pixels = data.chelsea()
    expected, _ = pdqhash.compute_dihedral(np.ascontiguousarray(pixels))
    forms = dihedral(Image.fromarray(pixels))
    assert list(forms) == list(DIHEDRAL)
    for bits, form in zip(expected, forms.values(), strict=True):
        assert distance(np.packbits(bits.astype(bool)), form) == 0


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

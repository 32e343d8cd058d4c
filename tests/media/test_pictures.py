"""Pictures come out upright, RGB, on white, within the limits."""

import io

import numpy as np
import pytest
from PIL import Image

from alciato.errors import BadMedia
from alciato.media.pictures import decode_picture
from alciato.settings import Limits
from media_samples import encoded


def saved(image, form, **options: object):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_is_rgb(form):
    picture = decode_picture(encoded(form), Limits())
    assert (picture.mode, picture.size) == ("RGB", (96, 64))


def test_orientation_is_applied():
    image = Image.new("RGB", (40, 20), "black")
    image.paste("red", (0, 0, 10, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    picture = decode_picture(saved(image, "PNG", exif=exif), Limits())
    assert picture.size == (20, 40)
    assert picture.getpixel((10, 2)) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_white(mode):
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0)).convert(mode)
    assert decode_picture(saved(image, "PNG"), Limits()).getpixel((4, 4)) == (255, 255, 255)


def test_a_palette_with_transparency_is_on_white():
    image = Image.new("P", (8, 8), 0)
    assert decode_picture(saved(image, "GIF", transparency=0), Limits()).getpixel((4, 4)) == (255, 255, 255)


def test_sixteen_bits_are_scaled_not_cut():
    image = Image.fromarray(np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0))
    row = np.asarray(decode_picture(saved(image, "PNG"), Limits()))[0, :, 0]
    assert row[0] == 0
    assert row[128] in range(126, 131)
    assert row[-1] == 255


def test_too_many_pixels_are_refused_before_they_are_decoded():
    with pytest.raises(BadMedia, match="96 by 64 pixels, at most 6000") as caught:
        decode_picture(encoded("PNG"), Limits(pixels=6000))
    assert caught.value.reason == "too-many-pixels"


@pytest.mark.parametrize("data", [b"", b"no picture", encoded("PNG")[:200], encoded("JPEG")[:300]])
def test_what_is_broken_says_so(data):
    with pytest.raises(BadMedia, match="cannot be decoded"):
        decode_picture(data, Limits())

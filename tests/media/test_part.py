import contextlib
import io
import random

import pytest

from alciato.errors import BadMedia
from alciato.item import Audio, Image, Video, media_hash
from alciato.media.part import media_part
from alciato.settings import Limits
from faults import giant_png, gif_of_frames, half, hollow_mp4, text_bomb_png
from media_samples import animation, clip, encoded, picture, wav

STILL = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MOVING = ("mp4", "mov", "webm", "mp3", "ogg", "flac")


def refused(data, name=None, limits=None):
    with pytest.raises(BadMedia) as caught:
        media_part(data, name, limits)
    return caught.value.reason


@pytest.mark.parametrize("form", STILL)
def test_still_pictures(form):
    part = media_part(encoded(form))
    assert (type(part), part.width, part.height, part.mime) == (Image, 96, 64, f"image/{form.lower()}")


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_animated_pictures_are_video(form):
    part = media_part(animation(form, frames=4, milliseconds=250))
    assert (type(part), part.width, part.height, part.duration) == (Video, 48, 32, 1.0)


def test_a_delay_too_short_to_show_is_a_tenth_of_a_second_as_in_browsers():
    assert media_part(animation(milliseconds=0)).duration == pytest.approx(0.4)


@pytest.mark.parametrize("form", [*STILL, *MOVING, "wav"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_cut_file_is_told(form, share):
    data = encoded(form, 3) if form in STILL else wav() if form == "wav" else clip(form, seconds=20, every=0.5)
    assert refused(data[: int(len(data) * share)]) == "truncated"


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_cut_animation_is_told(form, share):
    data = animation(form)
    assert refused(data[: int(len(data) * share)]) == "truncated"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sides_are_as_shown(orientation):
    exif = picture().getexif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    picture().save(file, "JPEG", exif=exif)
    part = media_part(file.getvalue())
    assert (part.width, part.height) == ((96, 64) if orientation < 5 else (64, 96))


@pytest.mark.parametrize("form", MOVING)
def test_clips_and_recordings(form):
    part = media_part(clip(form, seconds=1.0))
    assert isinstance(part, Video if form in ("mp4", "mov", "webm") else Audio)
    assert part.duration == pytest.approx(1.0, abs=0.05)


def test_a_container_without_pictures_is_a_recording():
    assert media_part(clip("mp4", pictures=False)).mime == "audio/mp4"
    assert media_part(clip("webm", pictures=False)).mime == "audio/webm"


def test_a_duration_that_is_not_stated_is_measured():
    data = clip("webm", seconds=2.0)
    place = data.index(b"\x44\x89")  # the element Duration of Matroska
    part = media_part(data[:place] + b"\xec" + data[place + 1 :])  # Void, of the same length
    assert part.duration == pytest.approx(2.0, abs=0.1)


def test_a_duration_that_is_a_lie_does_not_help():
    data = bytearray(clip("webm", seconds=30.0, every=1.0, sound=False))
    place = data.index(b"\x44\x89") + 3
    data[place : place + 8] = bytes(8)
    assert refused(bytes(data), limits=Limits(seconds=10)) == "too-long"


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", None, "empty"),
        (encoded("PNG"), "a.jpg", "disguised"),
        (b"PK\3\4" + bytes(50), "a.jpg", "disguised"),
        (b"<html><body>404</body>", "a.png", "disguised"),
        (b"MZ\x90\0" + bytes(50), "a.mp4", "disguised"),
        (b"only words", "a.gif", "disguised"),
        (b"\x00\x01\x02\x03" * 20, "a.jpg", "broken"),
        (b"\x00\x01\x02\x03" * 20, None, "unknown-kind"),
        (b"only words", None, "unknown-kind"),
        (b"PK\3\4" + bytes(50), "a.zip", "archive"),
        (giant_png(), None, "too-many-pixels"),
        (giant_png(9_000), None, "too-many-pixels"),
        (text_bomb_png(), None, "too-large"),
        (gif_of_frames(2_001), None, "too-many-frames"),
        (hollow_mp4(), None, "no-streams"),
        (clip("mp4", seconds=3 * 3600, every=1800, sound=False), None, "too-long"),
        (half(clip("mp4")), None, "truncated"),
        (b"\xff\xd8\xff", None, "truncated"),
        (b"#EXTM3U\nfile:///etc/passwd", "a.mp4", "disguised"),
    ],
)
def test_what_is_refused_and_why(data, name, reason):
    assert refused(data, name) == reason


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.JFIF", "a", "a.unknown", None])
def test_names_that_go_with_a_jpeg(name):
    assert media_part(encoded("JPEG"), name).mime == "image/jpeg"


def test_frames_of_small_size_on_a_huge_canvas_count_as_canvases():
    data = bytearray(gif_of_frames(1000))
    data[6:10] = b"\x00\x10\x00\x10"  # 4096 x 4096
    assert refused(bytes(data)) == "too-many-pixels"


@pytest.mark.parametrize("form", [*STILL, *MOVING, "wav", "gif animation"])
def test_flipped_bytes_are_taken_or_refused_but_nothing_else_happens(form):
    data = encoded(form) if form in STILL else wav() if form == "wav" else None
    data = data or (animation() if form == "gif animation" else clip(form))
    chance = random.Random(form)
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 12)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        with contextlib.suppress(BadMedia):
            assert media_part(bytes(broken)).media == media_hash(bytes(broken))


@pytest.mark.parametrize("place", ["early", "late"])
def test_every_flipped_byte_of_png_pixels_is_told_by_its_checksum(place):
    data = bytearray(encoded("PNG", 9))
    data[60 if place == "early" else -40] ^= 1
    assert refused(bytes(data)) == "broken"


def test_a_bomb_behind_the_pixels_is_found_too():
    data, bomb = encoded("PNG", 601), text_bomb_png()
    packed = bomb[33 : len(bomb) - len(data) + 33]
    assert refused(data[:-12] + packed + data[-12:]) == "too-large"


def test_a_png_may_be_turned_too():
    exif = picture().getexif()
    exif[0x0112] = 6
    part = media_part(encoded("PNG", options={"exif": exif}))
    assert (part.width, part.height) == (64, 96)


def test_metadata_in_an_odd_encoding_do_not_stop_a_recording():
    data = wav()
    comment = b"ICMT" + (5).to_bytes(4, "little") + b"caf\xe9\x00" + b"\x00"
    listed = b"LIST" + (4 + len(comment)).to_bytes(4, "little") + b"INFO" + comment
    whole = data[:4] + (len(data) - 8 + len(listed)).to_bytes(4, "little") + data[8:] + listed
    assert media_part(whole).duration == pytest.approx(media_part(data).duration)

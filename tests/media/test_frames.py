"""Clips and animated pictures give key frames with their times."""

import io
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from PIL import Image
from skimage import data

from alciato.errors import BadMedia
from alciato.media.frames import LARGE, key_frames, sampled_frames
from alciato.settings import Limits
from media_samples import animation, clip, wav

PHOTOGRAPHS = ["coffee", "rocket", "chelsea"]


def photographs(size=(320, 240)):
    return [Image.fromarray(getattr(data, name)()).resize(size) for name in PHOTOGRAPHS]


def film(pictures, seconds=2.0, rate=25, rotation=0):
    """Each picture stands for so many seconds, moving a little."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = *pictures[0].size, "yuv420p", 2_000_000
        for number in range(int(len(pictures) * seconds * rate)):
            picture = pictures[int(number / rate / seconds)]
            moved = np.roll(np.asarray(picture), number % 5, axis=1)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(moved))
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def test_each_shot_has_one_key_frame_of_its_own():
    frames = list(key_frames(film(photographs()), "video/mp4", Limits()))
    assert [round(frame.start) for frame in frames] == [0, 2, 4]
    assert [round(frame.end) for frame in frames] == [2, 4, 6]
    for frame, picture in zip(frames, photographs(), strict=True):
        assert frame.start <= frame.second < frame.end
        difference = np.asarray(frame.picture, float) - np.asarray(picture, float)
        assert np.abs(difference).mean() < 25
        assert frame.picture.size == (320, 240)


def test_an_animated_picture_is_a_clip():
    file = io.BytesIO()
    first, *others = photographs((96, 64))
    first.save(file, "GIF", save_all=True, append_images=others, duration=1000, loop=0)
    frames = list(key_frames(file.getvalue(), "image/gif", Limits()))
    assert [frame.second for frame in frames] == [0, 1, 2]
    assert [frame.end for frame in frames] == [1, 2, 3]


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_every_animated_format_is_read(form):
    frames = list(sampled_frames(animation(form, frames=8), f"image/{form.lower()}", Limits()))
    assert frames[0].second == 0
    assert 3 <= len(frames) <= 8


@pytest.mark.parametrize("form", ["mp4", "mov", "webm"])
def test_sampled_frames_are_small_and_four_a_second(form):
    frames = list(sampled_frames(clip(form, seconds=2.0), "video/mp4", Limits()))
    assert 6 <= len(frames) <= 9
    assert all(later.second - sooner.second >= 0.24 for sooner, later in pairwise(frames))


def test_large_frames_are_made_smaller():
    big = [Image.fromarray(data.coffee()).resize((1920, 1080))]
    (frame,) = key_frames(film(big, seconds=0.4), "video/mp4", Limits())
    assert max(frame.picture.size) == LARGE


def test_limits_hold_while_decoding():
    film_of_6_seconds = film(photographs())
    assert list(sampled_frames(film_of_6_seconds, "video/mp4", Limits(seconds=1.0)))[-1].second <= 1.0
    with pytest.raises(BadMedia, match="at most 1000"):
        list(sampled_frames(film_of_6_seconds, "video/mp4", Limits(pixels=1000)))
    assert len(list(sampled_frames(animation(frames=9, milliseconds=500), "image/gif", Limits(frames=3)))) == 3


@pytest.mark.parametrize("broken", [b"", b"#EXTM3U\nhttp://example.org/a.ts", wav()[:30], clip("mp4")[:400]])
def test_what_is_broken_says_so(broken):
    with pytest.raises(BadMedia):
        list(key_frames(broken, "video/mp4", Limits()))


def test_sound_without_pictures_has_no_frames():
    with pytest.raises(BadMedia):
        list(key_frames(wav(), "audio/wav", Limits()))

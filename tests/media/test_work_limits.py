"""Files that are small and keep a decoder busy: stopped at the limits, reported with the reason, the next one works."""

import io
import time
from fractions import Fraction

import av
import pytest
from PIL import Image as Pictures

from alciato.errors import BadMedia
from alciato.media import frames
from alciato.media.frames import decoded_frames, key_frames, sampled_frames
from alciato.media.part import media_part
from alciato.settings import Limits
from alciato.sources.pages import SIDE, pages_post
from media_samples import clip, encoded, pdf, picture

SHORT = Limits(work_seconds=1)
"""A process is ended after whole seconds only, so each test that reaches the limit takes two: these are slow."""


def repeated_clip(count, size=(1920, 1080), rate=1000):
    """An MP4 that shows one keyframe `count` times: some bytes a frame, a whole picture to decode each time."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        frame = av.VideoFrame.from_image(Pictures.new("RGB", size, "teal"))
        frame.pts, frame.time_base = 0, Fraction(1, rate)
        (packet,) = [*stream.encode(frame), *stream.encode()]
        data = bytes(packet)
        for number in range(count):
            again = av.Packet(data)
            again.stream, again.time_base, again.is_keyframe = stream, Fraction(1, rate), True
            again.pts = again.dts = number
            container.mux(again)
    return file.getvalue()


def still_clip():
    """An MP4 of 60 frames of one picture, 10 a second."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 12
        for number in range(60):
            frame = av.VideoFrame.from_image(picture(1, (64, 48)))
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def repeated_gif(count, size=(600, 600)):
    """A GIF that shows one frame `count` times."""
    file = io.BytesIO()
    Pictures.new("P", size, 1).save(file, "GIF")
    data = file.getvalue()
    image = data.index(b",", 13 + 3 * 2 ** ((data[10] & 7) + 1))
    return data[:image] + (b"!\xf9\x04\x00\x02\x00\x00\x00" + data[image:-1]) * count + b";"


def drawing(operators=b"", box=b"0 0 200 200"):
    """A PDF of one page with these operators and this sheet."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [" + box + b"] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n" % len(operators) + operators + b"\nendstream",
    ]
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(data)
    data += b"xref\n0 5\n0000000000 65535 f \n" + table + b"trailer << /Root 1 0 R /Size 5 >>\n"
    return data + b"startxref\n%d\n%%%%EOF" % start


def stopped(work):
    started = time.process_time()
    with pytest.raises(BadMedia) as caught:
        list(work())
    assert time.process_time() - started < 5  # this process has not done it
    assert caught.value.reason == "too-much-work"
    return str(caught.value)


@pytest.mark.parametrize("box", [b"0 0 0.001 100000000", b"0 0 100000000 0.001", b"0 0 100000000 100000000"])
def test_a_sheet_of_any_shape_is_drawn_within_bounds(box):
    post = pages_post(drawing(b"1 0 0 rg 0 0 50 50 re f", box), "a.pdf", Limits(memory_bytes=500 * 2**20))
    (page,) = post.item.parts
    assert max(page.width, page.height) <= SIDE + 1


@pytest.mark.slow
def test_a_page_of_400_000_paths_is_stopped():
    curves = b"0 0 m 10 190 190 10 199 199 c 10 150 150 10 0 3 c h f* 0.2 w 0 0 m 9 99 99 9 150 150 c S\n" * 130_000
    data = drawing(b"0.9 0.5 0.1 rg\n" + curves)
    told = stopped(lambda: [pages_post(data, "a.pdf", SHORT)])
    assert "page 1" in told
    assert "more than 1 s of processor time" in told
    assert "limits.work_seconds" in told
    assert len(pages_post(pdf(), "b.pdf", SHORT).item.parts) == 2  # the next file is read


def test_each_page_adds_to_the_time():
    pages = pages_post(pdf(pages=30), "a.pdf", Limits(work_seconds=1, pages=30))
    assert sum(part.type == "image" for part in pages.item.parts) == 30


@pytest.mark.slow
def test_a_clip_of_a_thousand_frames_a_second_is_stopped():
    data = repeated_clip(900)
    assert media_part(data).duration < 1  # nothing in what it states is too much
    assert "more than 1 s of processor time" in stopped(lambda: key_frames(data, "video/mp4", SHORT))
    assert len(list(sampled_frames(clip(), "video/mp4", SHORT))) > 1  # the next clip is read


@pytest.mark.slow
def test_an_animation_of_1_900_frames_is_stopped():
    data = repeated_gif(1900)
    assert media_part(data).duration == pytest.approx(190, rel=0.9)
    assert "more than 1 s of processor time" in stopped(lambda: sampled_frames(data, "image/gif", SHORT, 500))


def test_memory_is_limited_too():
    data = repeated_gif(2, (2000, 2000))
    told = stopped(lambda: sampled_frames(data, "image/gif", Limits(memory_bytes=10 * 2**20)))
    assert "10 MiB" in told
    assert "limits.memory_bytes" in told


def test_of_a_clip_with_very_many_frames_only_keyframes_are_decoded(monkeypatch):
    data = still_clip()  # 60 frames, keyframes 12 frames apart
    every = len(list(decoded_frames(data, "video/mp4", Limits())))
    monkeypatch.setattr(frames, "MANY_FRAMES", 50)
    assert len(list(decoded_frames(data, "video/mp4", Limits()))) == 5
    monkeypatch.setattr(frames, "MANY_FRAMES", 60)
    assert len(list(decoded_frames(data, "video/mp4", Limits()))) == every
    monkeypatch.setattr(frames, "MANY_PIXELS", 60 * 64 * 48 - 1)
    assert len(list(decoded_frames(data, "video/mp4", Limits()))) == 5


def test_a_jpeg_may_not_draw_its_pixels_thousands_of_times():
    data = encoded("JPEG", options={"progressive": True})
    scan = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(BadMedia, match="1010 scans of 6144 pixels") as caught:
        media_part(data[:-2] + scan * 1000 + data[-2:], limits=Limits(pixels=100_000))
    assert caught.value.reason == "too-much-work"
    assert media_part(data, limits=Limits(pixels=100_000)).width == 96

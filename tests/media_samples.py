"""Small real media, made on the spot: the same seed gives the same bytes."""

import io
import wave
from fractions import Fraction
from functools import cache

import numpy as np
from PIL import Image, ImageDraw


def picture(seed=0, size=(96, 64)):
    """A picture that no other seed gives: smooth colors, some noise, a number."""
    noise = np.random.default_rng(seed)
    corners = noise.integers(0, 256, (3, 4, 3), dtype=np.uint8)
    drawn = Image.fromarray(corners).resize(size, Image.Resampling.BICUBIC)
    ImageDraw.Draw(drawn).text((4, 4), f"{seed}", fill="white")
    return drawn


def encoded(form, seed=0, size=(96, 64), options=None):
    file = io.BytesIO()
    picture(seed, size).save(file, form, **(options or {}))
    return file.getvalue()


def animation(form="GIF", seed=0, frames=4, milliseconds=200, size=(48, 32)):
    first, *others = (picture(seed * 1000 + frame, size) for frame in range(frames))
    file = io.BytesIO()
    first.save(file, form, save_all=True, append_images=others, duration=milliseconds, loop=0)
    return file.getvalue()


def tone(seed=0, seconds=0.5, rate=16_000):
    """Samples of 16 bits (samples,)."""
    time = np.arange(int(seconds * rate)) / rate
    return (np.sin(2 * np.pi * (220 + 20 * seed) * time) * 12_000).astype(np.int16)


def wav(seed=0, seconds=0.5, rate=16_000):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(tone(seed, seconds, rate).tobytes())
    return file.getvalue()


@cache
def clip(form="mp4", seed=0, seconds=1.0, *, pictures=True, sound=True, every=0.1, size=(64, 48)):
    """A clip of the container `form`: mp4, mov, webm, mp3, ogg or flac; a frame every `every` seconds."""
    import av

    video_codec, audio_codec = {
        "mp4": ("mpeg4", "aac"), "mov": ("mpeg4", "aac"), "webm": ("libvpx", "libopus"),
        "mp3": (None, "libmp3lame"), "ogg": (None, "libopus"), "flac": (None, "flac"),
    }[form]  # fmt: skip
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        video = _video_stream(container, video_codec, size) if pictures and video_codec else None
        audio = container.add_stream(audio_codec, rate=48_000, layout="mono") if sound else None
        if video is not None:
            for number in range(int(seconds / every)):
                frame = av.VideoFrame.from_image(picture(seed * 1000 + number, size))
                frame.pts, frame.time_base = round(number * every * 1000), Fraction(1, 1000)
                container.mux(video.encode(frame))
            container.mux(video.encode())
        if audio is not None:
            _encode_sound(container, audio, tone(seed, seconds, 48_000))
    return file.getvalue()


def _video_stream(container, codec, size):
    stream = container.add_stream(codec, rate=10)
    stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
    stream.codec_context.time_base = Fraction(1, 1000)
    return stream


def _encode_sound(container, stream, samples):
    import av

    whole = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    whole.sample_rate, whole.pts = 48_000, 0
    resampler = av.AudioResampler(
        format=stream.format, layout="mono", rate=48_000, frame_size=stream.frame_size or 1024
    )
    for frame in [*resampler.resample(whole), *resampler.resample(None)]:
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def pdf(lines=("Hello from Mars",), pages=1, size=(300, 200)):
    """A PDF with the lines on each page, written by hand so that no library is needed; page numbers below."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for page in range(pages):
        shown = [*lines, f"page {page + 1}"]
        text = " ".join(f"({line}) Tj 0 -20 Td" for line in shown)
        stream = f"BT /F1 14 Tf 20 {size[1] - 40} Td {text} ET".encode()
        box = f"[0 0 {size[0]} {size[1]}]"
        resources = "<< /Font << /F1 3 0 R >> >>"
        entry = f"/MediaBox {box} /Contents {5 + 2 * page} 0 R /Resources {resources}"
        objects.append(f"<< /Type /Page /Parent 2 0 R {entry} >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    return _pdf_file(objects)


def _pdf_file(objects):
    file = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    file += b"".join(b"%010d 00000 n \n" % place for place in places)
    file += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(file)

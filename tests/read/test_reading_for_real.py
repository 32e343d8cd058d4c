"""The packaged models on real media: words over photographs, speech in a clip, an animated picture."""

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont
from skimage import data

from alciato.item import Audio, Image, Item, Post, Video, media_hash
from alciato.models import Runtime
from alciato.read import read, read_post
from alciato.settings import Settings
from alciato.store import Collection

pytestmark = pytest.mark.slow


def meme(name, lines, size=(600, 450)):
    picture = Pictures.fromarray(getattr(data, name)()).convert("RGB").resize(size)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(44)
    for place, line in lines.items():
        draw.text((20, place), line, font=font, fill="white", stroke_width=3, stroke_fill="black")
    return picture


def saved(picture, form="JPEG", **options: object):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def recording(samples, rate):
    """The samples as an MP4 clip with one picture standing still."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        video = container.add_stream("mpeg4", rate=5)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        audio = container.add_stream("aac", rate=rate, layout="mono")
        still = meme("rocket", {20: "LIFT OFF"}, (320, 240))
        for number in range(int(len(samples) / rate * 5)):
            frame = av.VideoFrame.from_image(still)
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        whole = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="flt", layout="mono")
        whole.sample_rate = rate
        resampler = av.AudioResampler(format=audio.format, layout="mono", rate=rate, frame_size=1024)
        for frame in [*resampler.resample(whole), *resampler.resample(None)]:
            container.mux(audio.encode(frame))
        container.mux(audio.encode())
    return file.getvalue()


@pytest.fixture(scope="module")
def voice():
    from alciato.world.voice import speak

    samples, rate = speak("the weather is very nice today")
    silence = np.zeros(rate, np.float32)
    return np.concatenate([silence, samples, silence]), rate


@pytest.fixture(scope="module")
def made(tmp_path_factory, voice):
    captions = [meme(name, {380: line}) for name, line in (("coffee", "FIRST COFFEE"), ("chelsea", "THEN THE CAT"))]
    media = {
        "meme": saved(meme("astronaut", {20: "LOOK AT ME", 75: "I AM THE CAPTAIN", 380: "of the robots"})),
        "gif": saved(captions[0], "GIF", save_all=True, append_images=captions[1:], duration=1500, loop=0),
        "clip": recording(*voice),
    }
    shas = {name: media_hash(bytes_) for name, bytes_ in media.items()}
    parts = {
        "meme": Image(media=shas["meme"], mime="image/jpeg", width=600, height=450),
        "gif": Video(media=shas["gif"], mime="image/gif", width=600, height=450, duration=3),
        "clip": Video(media=shas["clip"], mime="video/mp4", width=320, height=240, duration=len(voice[0]) / voice[1]),
    }
    collection = Collection.open(tmp_path_factory.mktemp("collection"))
    collection.add(Post(Item(id=name, parts=(part,)), {shas[name]: media[name]}) for name, part in parts.items())
    assert read(collection, Runtime(Settings())).failed == []
    return collection


def segments(made, item, kind):
    return [segment for segment in made.segments([item]) if segment.kind == kind]


def test_words_of_a_meme_are_found_where_they_are(made):
    whole, above, below = segments(made, "meme", "ocr")
    assert whole.text == f"{above.text} {below.text}"  # a meme is found by both its halves
    assert above.text == "LOOK AT ME I AM THE CAPTAIN"
    assert below.text == "of the robots"
    assert above.box.bottom < 200
    assert below.box.top > 350
    assert above.language == "en"


def test_an_animated_picture_is_read_shot_by_shot(made):
    first, second = segments(made, "gif", "ocr")
    assert (first.text, first.start, first.end) == ("FIRST COFFEE", 0, 1.5)
    assert (second.text, second.start, second.end) == ("THEN THE CAT", 1.5, 3)
    assert [segment.start for segment in segments(made, "gif", "frame")] == [0, 1.5]


def test_a_clip_is_heard_and_seen(made):
    said = segments(made, "clip", "speech")
    assert "today" in " ".join(segment.text for segment in said)
    assert 0.5 < said[0].start < 2.5
    (shown,) = segments(made, "clip", "ocr")
    assert shown.text == "LIFT OFF"


def test_a_recording_alone_is_heard(voice):
    file = io.BytesIO()
    import wave

    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(voice[1])
        writer.writeframes((voice[0] * 32767).astype("<i2").tobytes())
    sha = media_hash(file.getvalue())
    item = Item(id="voice", parts=(Audio(media=sha, mime="audio/wav", duration=3),))
    readings = {one.kind: one for one in read_post(Post(item, {sha: file.getvalue()}), Runtime(Settings()))}
    assert set(readings) == {"speech", "language"}
    assert "today" in " ".join(one.text for one in readings["speech"].findings)


def test_bengali_is_read_where_tesseract_is(tmp_path):
    from alciato.errors import AlciatoError
    from alciato.models import Ocr, Runtime

    try:
        from alciato.world.letters import typeface

        Runtime(Settings()).load("packaged:tesseract/ben", Ocr)
        face = typeface("সুপ্রভাত", 44)
    except AlciatoError as error:
        pytest.skip(str(error))
    picture = meme("coffee", {300: "LOOK AT ME"})
    ImageDraw.Draw(picture).text((20, 20), "রাতের খাবার", font=face, fill="white", stroke_width=3, stroke_fill="black")
    sha = media_hash(saved(picture, "PNG"))
    item = Item(id="bengali", parts=(Image(media=sha, mime="image/png", width=600, height=450),))
    readings = {one.kind: one for one in read_post(Post(item, {sha: saved(picture, "PNG")}), Runtime(Settings()))}
    assert [one.text for one in readings["ocr"].findings] == ["রাতের খাবার", "LOOK AT ME"]

import io
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pictures

from alciato.errors import BadMedia, UsageError
from alciato.item import Audio, Image, Item, Link, Text
from alciato.item.columns import find_columns
from alciato.sources.datasets import from_row, wav_bytes
from media_samples import encoded, picture, tone, wav


def test_a_row_with_the_features_of_datasets():
    row = {
        "id": 7,
        "image": picture(1),
        "audio": {"path": None, "array": tone() / 32768, "sampling_rate": 16_000},
        "text": "words",
        "caption": ["first", "second"],
        "label": 3,
        "created_at": 1_714_557_600,
        "reply_to": "6",
        "tags": np.array([1, 2]),
        "score": np.float32(0.5),
    }
    post = from_row(row)
    body, image, audio, first, second = post.item.parts
    assert (body, first, second) == (
        Text(text="words"),
        Text(text="first", name="caption"),
        Text(text="second", name="caption"),
    )
    assert (type(image), image.width, image.height, image.mime) == (Image, 96, 64, "image/png")
    assert (type(audio), audio.duration) == (Audio, 0.5)
    assert post.item.id == "7"
    assert post.item.links == (Link(kind="reply_to", target="6"),)
    assert post.item.metadata == {"label": 3, "created_at": "2024-05-01T10:00:00Z", "tags": [1, 2], "score": 0.5}
    assert Item.model_validate_json(post.item.model_dump_json()) == post.item


def test_undecoded_bytes_are_kept_as_they_are():
    data = encoded("JPEG")
    post = from_row({"image": {"bytes": data, "path": "folder/a.jpg"}})
    assert list(post.media.values()) == [data]
    assert post.item.parts[0].name == "a.jpg"
    assert post.item.id == Item.of(post.item.parts).id


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "YCbCr", "F"])
def test_pil_pictures_of_any_mode(mode):
    (part,) = from_row({"image": Pictures.new(mode, (5, 4))}).item.parts
    assert (part.width, part.height) == (5, 4)


def test_pixels_of_a_pil_picture_come_back():
    post = from_row({"image": picture(3)})
    (data,) = post.media.values()
    assert np.array_equal(np.asarray(Pictures.open(io.BytesIO(data))), np.asarray(picture(3)))


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50))
def test_samples_of_16_bits_come_back_exactly(samples):
    with wave.open(io.BytesIO(wav_bytes(np.array(samples) / 32768, 8000))) as reader:
        back = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
    assert back.tolist() == samples


def test_channels_are_interleaved():
    with wave.open(io.BytesIO(wav_bytes(np.array([[1, 2], [3, 4]], dtype=np.int16), 8000))) as reader:
        assert reader.getnchannels() == 2
        assert np.frombuffer(reader.readframes(2), "<i2").tolist() == [1, 3, 2, 4]


def test_a_file_that_the_row_names(tmp_path):
    (tmp_path / "a.wav").write_bytes(wav())
    assert isinstance(from_row({"audio": str(tmp_path / "a.wav")}).item.parts[0], Audio)
    with pytest.raises(BadMedia, match="cannot be read"):
        from_row({"audio": str(tmp_path / "b.wav")})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"x": 1}, "bad-row"),
        ({"text": None, "image": None}, "empty"),
        ({"text": float("nan")}, "empty"),
        ({"image": "https://example.org/a.png"}, "remote"),
        ({"image": object()}, "bad-row"),
        ({"image": b"not a picture"}, "unknown-kind"),
        ({"image": b""}, "empty"),
    ],
)
def test_rows_that_are_no_posts(row, reason):
    with pytest.raises(BadMedia) as caught:
        from_row(row)
    assert caught.value.reason == reason


def test_columns_are_found_by_their_usual_names_or_as_mapped():
    found = find_columns(["ID", "Image Path", "Post-Text", "createdAt", "file_name", "x", "body"])
    assert (found.id, found.media, found.created_at) == ("ID", ("Image Path",), "createdAt")
    assert found.texts == (("body", None), ("Post-Text", "Post-Text"))
    mapped = find_columns(["text", "x", "image"], {"text": "x"})
    assert mapped.texts == (("x", None),)
    with pytest.raises(UsageError, match="Did you mean 'text'"):
        find_columns([], {"txet": "x"})


def test_a_general_name_counts_where_nothing_has_its_own_column():
    assert find_columns(["image", "path"]).media == ("image",)
    assert find_columns(["text", "path"]).media == ("path",)
    assert find_columns(["image", "audio"]).media == ("image", "audio")
    assert find_columns(["image", "where"], {"media": "where"}).media == ("image", "where")

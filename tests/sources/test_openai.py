import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alciato.errors import BadMedia, UsageError
from alciato.item import Item, Table, Text, media_hash
from alciato.media.part import media_part
from alciato.sources.openai import from_openai, markdown, to_openai
from media_samples import animation, clip, encoded, wav

MEDIA = {
    media_hash(data): data
    for data in (
        encoded("PNG"), encoded("JPEG", 1), encoded("WEBP", 2), wav(), clip("mp3"), clip("mp4"), clip("webm"),
        animation(), clip("ogg"), clip("flac"), clip("mp4", pictures=False), clip("webm", pictures=False),
    )
}  # fmt: skip
PARTS = [media_part(data) for data in MEDIA.values()]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(PARTS) | st.builds(Text, text=st.text(st.characters(exclude_categories=["Cs"])))))
def test_an_item_comes_back_and_so_does_the_content(parts):
    item = Item.of(parts)
    content = to_openai(item, MEDIA)
    post = from_openai(content)
    assert post.item == item
    assert to_openai(post.item, post.media) == content
    assert all(MEDIA[name] == data for name, data in post.media.items())


def test_the_content_parts_are_those_of_the_api():
    content = to_openai(Item.of([Text(text="hi"), *PARTS]), MEDIA)
    assert content[0] == {"type": "text", "text": "hi"}
    body = base64.b64encode(encoded("PNG")).decode()
    assert content[1] == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{body}"}}
    assert content[4] == {
        "type": "input_audio",
        "input_audio": {"data": base64.b64encode(wav()).decode(), "format": "wav"},
    }
    formats = [part["input_audio"]["format"] for part in content if part["type"] == "input_audio"]
    assert formats == ["wav", "mp3", "ogg", "flac", "m4a", "webm"]
    clips = [part["video_url"]["url"].partition(";")[0] for part in content if part["type"] == "video_url"]
    assert clips == ["data:video/mp4", "data:video/webm", "data:image/gif"]


def test_a_string_is_one_text():
    assert from_openai("hello").item.parts == (Text(text="hello"),)


def test_a_table_goes_out_as_markdown():
    table = Table(columns=("planet", "moons|rings"), rows=(("Mars", 2), ("a|b\nc", None), (True, 0.5)))
    expected = "| planet | moons\\|rings |\n| --- | --- |\n| Mars | 2 |\n| a\\|b<br>c |  |\n| True | 0.5 |"
    assert markdown(table) == expected
    assert to_openai(Item.of([table]), {}) == [{"type": "text", "text": expected}]


@pytest.mark.parametrize("url", ["https://example.org/a.png", "file:///etc/passwd", "/etc/passwd"])
def test_an_address_is_refused(url):
    with pytest.raises(BadMedia, match="Nothing is fetched") as caught:
        from_openai([{"type": "image_url", "image_url": {"url": url}}])
    assert caught.value.reason == "remote"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "image"}, r"no type of content part is named 'image'.*'image_url'"),
        ({"type": "image_url"}, r"content part 0 of type 'image_url' lacks a field \('image_url'\)"),
        ({"type": "text", "text": 7}, "lacks a field"),
        ({"type": "input_audio", "input_audio": "x"}, "lacks a field"),
        ({"type": "image_url", "image_url": {"url": 7}}, "lacks a field"),
        ({}, "no type of content part"),
    ],
)
def test_content_that_is_not_understood(part, message):
    with pytest.raises(UsageError, match=message):
        from_openai([part])


def test_media_in_content_are_checked_like_others():
    body = base64.b64encode(encoded("PNG")[:300]).decode()
    with pytest.raises(BadMedia, match="ends before"):
        from_openai([{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{body}"}}])
    with pytest.raises(BadMedia, match="base64"):
        from_openai([{"type": "input_audio", "input_audio": {"data": "?", "format": "wav"}}])


def test_bytes_that_are_not_given_are_asked_for():
    with pytest.raises(UsageError, match="are not given"):
        to_openai(Item.of(PARTS), {})

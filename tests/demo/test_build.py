"""The demo's posts: the same bytes every time, every fact on disk, readable media."""

import hashlib
import json

import av
import numpy as np
import pypdfium2
import pytest
from PIL import Image

from alciato.demo import build_demo
from alciato.errors import ModelError
from alciato.world.letters import script_of
from alciato.world.voice import speak


def files_of(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(built, tmp_path):
    build_demo(tmp_path)
    assert files_of(tmp_path) == files_of(built[0])


@pytest.mark.slow
def test_another_seed_moves_the_scenes(built, tmp_path):
    other = build_demo(tmp_path, seed=8)
    differ = {a.id for a, b in zip(built[1].posts, other.posts, strict=True) if a.media != b.media}
    assert "lonely-dog" in differ
    assert "gravel" not in differ


def test_every_file_is_there_with_the_hash_that_the_truth_tells(built):
    folder, truth = built
    for post in truth.posts:
        if post.file:
            assert hashlib.sha256((folder / "posts" / post.file).read_bytes()).hexdigest() == post.media
        if post.table:
            assert (folder / "posts" / post.table).exists()


def test_truth_json_is_the_truth(built):
    folder, truth = built
    assert type(truth).model_validate_json((folder / "truth.json").read_text(encoding="utf-8")) == truth


def test_it_is_as_various_as_the_issue_asks(built):
    _, truth = built
    assert len(truth.posts) >= 60
    written = [post for post in truth.posts if post.lines]
    assert len({post.language for post in written}) >= 5
    assert {script_of(" ".join(post.lines)) for post in written} == {"latin", "bengali", "han"}
    assert {post.kind for post in truth.posts} == {
        "picture",
        "text",
        "clip",
        "animation",
        "recording",
        "page",
        "note",
        "table",
    }
    made = {post.transformation for post in truth.posts if post.transformation}
    assert made == {"resized", "recompressed", "cropped", "words", "frame"}


def test_confounder_sets_offend_only_together(built):
    _, truth = built
    for name in {post.set for post in truth.posts if post.set}:
        members = [post for post in truth.posts if post.set == name]
        (bad,) = [post for post in members if post.label]
        benign = [post for post in members if not post.label]
        assert any(post.lines == bad.lines and post.caption != bad.caption for post in benign)
        assert any(post.lines != bad.lines and post.caption == bad.caption for post in benign)


def test_ids_are_unique_and_links_and_queries_name_posts(built):
    _, truth = built
    ids = [post.id for post in truth.posts]
    assert len(ids) == len(set(ids))
    assert {post.reply_to for post in truth.posts if post.reply_to} <= set(ids)
    assert {found for query in truth.queries for found in query.finds} <= set(ids)


def test_queries_are_many_and_a_quarter_crosses_languages(built):
    _, truth = built
    answered = [query for query in truth.queries if query.finds]
    assert len(answered) >= 40
    assert sum(query.cross_lingual for query in answered) >= len(answered) / 4
    assert len(truth.queries) - len(answered) >= 8
    assert len({query.id for query in truth.queries}) == len(truth.queries)


def test_pictures_clips_recordings_and_pages_open(built):
    folder, truth = built
    for post in truth.posts:
        path = folder / "posts" / (post.file or "")
        if post.kind in {"picture", "animation"}:
            with Image.open(path) as picture:
                assert min(picture.size) >= 200
        elif post.kind == "clip":
            with av.open(str(path)) as clip:
                assert [stream.type for stream in clip.streams] == ["video", "audio"]
                assert clip.duration / 1e6 == pytest.approx(9, abs=0.3)
        elif post.kind == "recording":
            with av.open(str(path)) as recording:
                assert recording.streams.audio[0].rate == 22050
    with pypdfium2.PdfDocument(folder / "posts/pages/allotment-news.pdf") as pages:
        words = [page.get_textpage().get_text_range() for page in pages]
    assert len(words) == 2
    assert "Copper" in words[0]
    assert "Compost stays free." in words[1]


def test_tables_are_written_as_platforms_write_them(built):
    folder, _ = built
    rows = [json.loads(line) for line in (folder / "posts/challenge/train.jsonl").read_text("utf-8").splitlines()]
    assert rows[0] == {
        "id": 1001,
        "img": "img/01001.png",
        "label": 1,
        "text": "the natural home of every martian",
        "alt_text": "An overflowing rubbish bin with a fly and a banana skin.",
    }
    chat = json.loads((folder / "posts/telegram/result.json").read_text("utf-8"))
    assert chat["messages"][1]["reply_to_message_id"] == chat["messages"][0]["id"]


def test_the_voice_says_longer_things_longer():
    short, rate = speak("rain")
    long, _ = speak("rain in the mountains all day long")
    assert rate == 22050
    assert 0.05 < np.abs(short).max() <= 1
    assert len(long) > 2 * len(short)


def test_an_unknown_voice_is_named():
    with pytest.raises(ModelError, match="no voice 'martian'"):
        speak("hello", voice="martian")

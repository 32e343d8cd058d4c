import json

import pytest

from alciato.item import Image, Link, Post, Text, Video
from alciato.sources import Skipped, scan
from media_samples import clip, encoded, pdf

EXPORT = {
    "name": "Friends of Saturn",
    "type": "private_group",
    "id": 77,
    "messages": [
        {"id": 1, "type": "service", "date": "2024-05-01T10:00:00", "action": "create_group", "text": ""},
        {
            "id": 2, "type": "message", "date": "2024-05-01T12:00:00", "date_unixtime": "1714557600", "from": "Zork",
            "text": ["look at ", {"type": "bold", "text": "this"}, " planet"], "photo": "photos/photo_1.jpg",
        },
        {
            "id": 3, "type": "message", "date": "2024-05-01T12:01:00", "date_unixtime": "1714557660", "from": "Ada",
            "reply_to_message_id": 2, "text": "", "file": "video_files/a.mp4",
            "thumbnail": "video_files/a.mp4_thumb.jpg", "media_type": "video_file", "forwarded_from": "Mars Daily",
        },
        {
            "id": 4, "type": "message", "date": "2024-05-01T12:02:00", "from": "Ada", "text": "left out",
            "file": "(File not included. Change data exporting settings to download.)",
        },
        {"id": 5, "type": "message", "from": "Ada", "text": "", "photo": "../../secret.jpg"},
        {"id": 6, "type": "message", "from": "Ada", "text": "a paper", "file": "files/paper.pdf"},
        {
            "id": 7, "type": "message", "text": "",
            "poll": {"question": "Tea?", "answers": [{"text": "yes"}, {"text": "no"}]},
        },
        {"id": 8, "type": "message", "text": ""},
        "nonsense",
    ],
}  # fmt: skip


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "ChatExport"
    for name in ("photos", "video_files", "files"):
        (folder / name).mkdir(parents=True)
    (folder / "photos/photo_1.jpg").write_bytes(encoded("JPEG", 1))
    (folder / "photos/photo_1_thumb.jpg").write_bytes(encoded("JPEG", 2))
    (folder / "video_files/a.mp4").write_bytes(clip("mp4"))
    (folder / "video_files/a.mp4_thumb.jpg").write_bytes(encoded("JPEG", 3))
    (folder / "files/paper.pdf").write_bytes(pdf())
    (folder / "result.json").write_text(json.dumps(EXPORT))
    return folder


def test_an_export_loads_as_it_is(export):
    found = list(scan([export]))
    posts = {x.item.id: x.item for x in found if isinstance(x, Post)}
    first, second = posts["telegram:77:2"], posts["telegram:77:3"]
    assert first.parts[0] == Text(text="look at this planet")
    assert (type(first.parts[1]), first.parts[1].name) == (Image, "photo_1.jpg")
    assert first.metadata == {
        "chat": "Friends of Saturn",
        "author": "Zork",
        "created_at": "2024-05-01T10:00:00Z",
        "source": str(export / "photos/photo_1.jpg"),
        "table": str(export / "result.json"),
    }
    assert [type(part) for part in second.parts] == [Video]
    assert second.links == (Link(kind="reply_to", target="telegram:77:2"),)
    assert second.metadata["forwarded_from"] == "Mars Daily"
    assert posts["telegram:77:7"].parts == (Text(text="Tea?\nyes\nno"),)


def test_what_was_left_out_is_reported_and_the_words_are_kept(export):
    found = list(scan([export]))
    reports = [(x.row, x.reason) for x in found if isinstance(x, Skipped)]
    assert reports == [(4, "missing-file"), (5, "outside-folder"), (9, "bad-row")]
    posts = {x.item.id: x.item for x in found if isinstance(x, Post)}
    assert posts["telegram:77:4"].parts == (Text(text="left out"),)
    assert "telegram:77:5" not in posts
    assert "telegram:77:8" not in posts


def test_media_and_thumbnails_are_no_posts_of_their_own_but_documents_are(export):
    sources = [x.item.source for x in scan([export]) if isinstance(x, Post) and not x.item.id.startswith("telegram")]
    assert sources == [str(export / "files/paper.pdf")]


def test_an_export_of_a_whole_account(tmp_path):
    chats = [EXPORT | {"id": number, "messages": [{"id": 1, "type": "message", "text": "hello"}]} for number in (1, 2)]
    (tmp_path / "result.json").write_text(json.dumps({"about": "…", "chats": {"about": "…", "list": chats}}))
    assert [x.item.id for x in scan([tmp_path])] == ["telegram:1:1", "telegram:2:1"]

"""Files with bytes changed, cut out and put in: they are taken or reported, and nothing else happens."""

import random

import pytest

from alciato.item import Post
from alciato.sources import scan
from faults import good_files

INSERTED = (b"\0", b'"', b"[", b"{", b"\n", b"9" * 30, b"\xff\xfe", b"\\ud800", b"null", b"-1", b"1e999")
NAMES = ("page.pdf", "posts.parquet", "posts.jsonl", "posts.csv", "marked.md", "moving.webp", "clip.mp4", "sound.ogg")


def damaged(data, chance):
    data = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(data) or 1)
        if (choice := chance.random()) < 0.6 and data:
            data[place] = chance.randrange(256)
        elif choice < 0.8:
            del data[place : place + chance.randint(1, 40)]
        else:
            data[place:place] = chance.choice(INSERTED)
    return bytes(data)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files(tmp_path, name):
    good_files(tmp_path)
    whole, chance = (tmp_path / name).read_bytes(), random.Random(name)
    for _ in range(80):
        (tmp_path / name).write_bytes(damaged(whole, chance))
        for found in scan([tmp_path / name]):
            assert found.item.model_dump_json() if isinstance(found, Post) else found.reason


def test_column_names_that_are_no_text(tmp_path):
    good_files(tmp_path)
    data = (tmp_path / "posts.parquet").read_bytes()
    (tmp_path / "posts.parquet").write_bytes(data.replace(b"caption", b"c\xbeption"))
    assert [found.reason for found in scan([tmp_path / "posts.parquet"])] == ["broken"]

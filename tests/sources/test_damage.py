"""Files with bytes changed, cut out and put in: they are taken or reported, and nothing else happens."""

import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alciato.item import Post
from alciato.settings import MIB, Limits
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


def test_a_few_bytes_of_parquet_that_stand_for_gigabytes_are_refused(tmp_path):
    count = 8_000_000
    numbers = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), pa.array(np.zeros(count)))
    pq.write_table(pa.table({"text": ["hello"], "numbers": numbers}), tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 2_000
    (found,) = scan([tmp_path / "bomb.parquet"], Limits(memory_bytes=128 * MIB))
    assert (found.reason, found.row) == ("too-much-work", 1)


def test_json_that_would_fill_the_memory_is_refused_before_it_is_parsed(tmp_path):
    (tmp_path / "bomb.json").write_bytes(b'[{"text": "a", "numbers": [' + b"[]," * 2**20 + b"[]]}]")
    (found,) = scan([tmp_path / "bomb.json"], Limits(memory_bytes=64 * MIB))
    assert found.reason == "too-large"
    assert "limits.memory_bytes" in found.message


def test_a_time_of_nothing_but_blanks_is_none_at_once(tmp_path):
    row = {"text": "hello", "created_at": "2024-01-01 1" + " " * 1_000_000 + "x"}
    (tmp_path / "posts.jsonl").write_text(json.dumps(row))
    (found,) = scan([tmp_path / "posts.jsonl"])
    assert "created_at" not in found.item.metadata


def test_a_large_page_of_parquet_is_read_within_its_own_bytes_beyond_the_limit(tmp_path):
    rows = [np.random.default_rng(number).bytes(MIB) for number in range(48)]
    table = pa.table({"text": [f"row {number}" for number in range(48)], "extra": rows})
    pq.write_table(table, tmp_path / "posts.parquet", row_group_size=48)
    found = list(scan([tmp_path / "posts.parquet"], Limits(memory_bytes=330 * MIB)))
    assert [one.item.parts[0].text for one in found] == table["text"].to_pylist()

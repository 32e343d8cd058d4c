import json
import math
import random

import pytest

from alciato.errors import UsageError
from alciato.item import Audio, Image, Link, Post, Table, Text
from alciato.settings import Limits
from alciato.sources import Skipped, scan
from media_samples import encoded, wav


def written(folder, rows, name="posts.jsonl"):
    path = folder / name
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def split(found):
    found = list(found)
    return [x.item for x in found if isinstance(x, Post)], [x for x in found if isinstance(x, Skipped)]


def bodies(items):
    return [[part.text for part in item.parts if isinstance(part, Text)] for item in items]


def test_the_hateful_memes_layout_loads_as_it_is_and_adds_no_picture_twice(tmp_path):
    (tmp_path / "img").mkdir()
    for number in (42953, 23058):
        (tmp_path / f"img/{number}.png").write_bytes(encoded("PNG", number))
    rows = [
        {"id": 42953, "img": "img/42953.png", "label": 0, "text": "its their character"},
        {"id": 23058, "img": "img/23058.png", "label": 1, "text": "robots of saturn"},
    ]
    written(tmp_path, rows, "train.jsonl")
    items, skipped = split(scan([tmp_path]))
    assert not skipped
    assert [item.id for item in items] == ["42953", "23058"]
    text, image = items[1].parts
    assert (text, type(image), image.name) == (Text(text="robots of saturn"), Image, "23058.png")
    assert items[1].metadata == {
        "label": 1,
        "source": str(tmp_path / "img/23058.png"),
        "table": str(tmp_path / "train.jsonl"),
    }


def test_a_broken_line_is_reported_with_its_number_and_the_others_are_kept(tmp_path):
    rows = [
        {"text": "one"},
        '{"text": "two"',
        "",
        "[1, 2]",
        "7",
        '{"text": "\\ud800 five"}',
        {"other": 1},
        {"text": " "},
    ]
    items, skipped = split(scan([written(tmp_path, rows)]))
    assert bodies(items) == [["one"], ["\ufffd five"]]
    assert [(x.row, x.reason) for x in skipped] == [
        (2, "bad-row"), (4, "bad-row"), (5, "bad-row"), (7, "bad-row"), (8, "empty"),
    ]  # fmt: skip
    assert skipped[0].message == "it is not JSON: Expecting ',' delimiter, at character 15."
    assert "--map text=COLUMN" in skipped[3].message


def test_json_made_to_break_the_parser_is_reported(tmp_path):
    deep, long = "[" * 100_000, "9" * 100_000
    nested = json.dumps({"text": "deep"})[:-1] + ', "x": ' + "[" * 100 + "]" * 100 + "}"
    rows = [f'{{"text": "a", "x": {deep}', f'{{"text": "b", "x": {long}}}', nested, {"text": "good", "x": math.nan}]
    items, skipped = split(scan([written(tmp_path, rows)]))
    assert [(x.row, x.reason) for x in skipped] == [(1, "bad-row"), (2, "bad-row"), (3, "bad-row")]
    assert bodies(items) == [["good"]]
    assert items[0].metadata["x"] is None


def test_a_line_longer_than_the_limit_is_skipped_without_holding_it(tmp_path):
    path = written(tmp_path, [{"text": "x" * 5000}, {"text": "short"}])
    items, skipped = split(scan([path], Limits(text_bytes=1000)))
    assert bodies(items) == [["short"]]
    assert [(x.row, x.reason) for x in skipped] == [(1, "too-large")]


def test_bytes_that_are_not_utf8_spoil_only_their_row(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "one"}\n{"text": "\xff"}\n{"text": "three"}\n')
    (tmp_path / "b.csv").write_bytes(b"id,text\n1,one\n2,\xff\n3,thr\0ee\n4,four\n")
    items, skipped = split(scan([tmp_path]))
    assert bodies(items) == [["one"], ["three"], ["one"], ["four"]]
    assert [(x.row, x.reason) for x in skipped] == [(2, "bad-encoding"), (3, "bad-encoding"), (4, "bad-row")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_in_the_usual_encodings_and_separators(tmp_path, encoding, separator):
    rows = ["Text|created_at|score", '"two\nlines, ""quoted"""|2024-05-01 10:00|007', "মঙ্গল||1.5"]
    (tmp_path / "a.csv").write_bytes("\r\n".join(rows).replace("|", separator).encode(encoding))
    items, skipped = split(scan([tmp_path]))
    assert not skipped
    assert bodies(items) == [['two\nlines, "quoted"'], ["মঙ্গল"]]
    assert items[0].metadata["created_at"] == "2024-05-01T10:00:00Z"
    assert [item.metadata["score"] for item in items] == ["007", 1.5]


def test_a_row_with_too_few_cells_is_reported(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n1,one\n2\n3,three,more\n4,four\n")
    items, skipped = split(scan([tmp_path]))
    assert [item.id for item in items] == ["1", "4"]
    assert [x.row for x in skipped] == [3, 4]


def test_a_quote_that_never_ends_is_reported(tmp_path):
    (tmp_path / "a.csv").write_text('id,text\n1,one\n2,"' + "x" * 200_000)
    items, skipped = split(scan([tmp_path]))
    assert [item.id for item in items] == ["1"]
    assert {x.reason for x in skipped} == {"bad-row"}


def csv_with(tmp_path, lines):
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    return split(scan([tmp_path]))


@pytest.mark.slow
@pytest.mark.parametrize("quoted_later", [False, True])
def test_an_unclosed_quote_costs_its_own_row_only(tmp_path, quoted_later):
    rows = [f"{number},text {number}" for number in range(10_000)]
    rows[500] = '500,"never closed'
    if quoted_later:
        rows[700] = '700,"with, a comma"'
        rows[800] = '800,"a ""quoted"" word"'
    items, skipped = csv_with(tmp_path, ["id,text", *rows])
    assert [(one.row, one.reason) for one in skipped] == [(502, "bad-row")]
    assert "line 502 is never closed" in skipped[0].message
    assert len(items) == 9_999
    if quoted_later:
        assert {"with, a comma", 'a "quoted" word'} <= {item.parts[0].text for item in items}


def test_a_row_may_span_lines(tmp_path):
    items, skipped = csv_with(tmp_path, ["id,text", '1,"two', 'lines, and ""a quote"""', "2,one"])
    assert (bodies(items), skipped) == ([['two\nlines, and "a quote"'], ["one"]], [])


def test_a_table_of_unclosed_quotes_is_read_in_time(tmp_path):
    items, skipped = csv_with(tmp_path, ["id,text", *(f'{number},"x{number}' for number in range(3000)), "3000,good"])
    assert items[-1].id == "3000"
    assert len(items) + len(skipped) == 3001
    assert len([one for one in skipped if "never closed" in one.message]) == 100


def test_the_caption_of_a_row_is_its_authors_words_and_alt_text_is_a_description(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded("PNG", 1))
    items, _ = csv_with(tmp_path, ["id,img,caption,alt_text", "1,a.png,you are all fools,a grey square"])
    assert [(part.text, part.name) for part in items[0].parts if isinstance(part, Text)] == [
        ("you are all fools", "caption"),
        ("a grey square", "alt_text"),
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_mapped_column_that_no_table_has_is_an_error_that_names_those_that_are(tmp_path, name):
    lines = ["id,words", "1,hello"] if name == "a.csv" else ['{"id": 1, "words": "hello"}']
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    with pytest.raises(UsageError, match=r"no column of these tables is named 'wordz'. Did you mean 'words'\?"):
        list(scan([tmp_path], mapping={"text": "wordz"}))
    assert bodies(split(scan([tmp_path], mapping={"text": "words"}))[0]) == [["hello"]]


def test_a_mapped_column_need_not_be_in_every_table(tmp_path):
    (tmp_path / "a.csv").write_text("id,words\n1,hello\n")
    (tmp_path / "b.csv").write_text("id,words,mood\n2,hello there,sad\n")
    items, skipped = split(scan([tmp_path], mapping={"text": "words", "label": "mood"}))
    assert ([item.metadata.get("label") for item in items], skipped) == ([None, "sad"], [])


def test_a_table_without_words_or_media_is_one_item(tmp_path):
    (tmp_path / "planets.csv").write_text("planet,moons,mass\nMars,2,0.107\nVenus,0,\n")
    (item,), skipped = split(scan([tmp_path]))
    assert not skipped
    rows = (("Mars", 2, 0.107), ("Venus", 0, None))
    assert item.parts == (Table(columns=("planet", "moons", "mass"), rows=rows, name="planets.csv"),)
    (_, (report,)) = split(scan([tmp_path], Limits(cells=5)))
    assert report.reason == "too-many-cells"


def test_columns_without_a_name_or_with_the_same_one_stay_apart(tmp_path):
    (tmp_path / "a.csv").write_text("mass,mass,\n1,2,3\n")
    (item,), _ = split(scan([tmp_path]))
    assert item.parts[0].columns == ("mass", "mass (2)", "column 3")
    assert item.parts[0].rows == ((1, 2, 3),)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.txt", "a.tsv"])
def test_a_mark_of_utf8_and_nothing_else(tmp_path, name):
    (tmp_path / name).write_bytes("\ufeff".encode())
    items, skipped = split(scan([tmp_path]))
    assert not items
    assert [x.reason for x in skipped] == ["broken" if name == "a.json" else "empty"]


def test_a_table_in_utf16(tmp_path):
    (tmp_path / "a.jsonl").write_bytes('{"text": "মঙ্গল"}\n{"text": "two"}'.encode("utf-16"))
    items, skipped = split(scan([tmp_path]))
    assert bodies(items) == [["মঙ্গল"], ["two"]]
    assert not skipped


def test_rows_beyond_the_limit_are_left_out_and_reported(tmp_path):
    path = written(tmp_path, [{"text": f"{n}"} for n in range(5)])
    items, skipped = split(scan([path], Limits(rows=3)))
    assert len(items) == 3
    assert [x.reason for x in skipped] == ["too-many-rows"]


def test_columns_are_mapped(tmp_path):
    (tmp_path / "a.csv").write_text("planet,moons\nMars,2\n")
    (item,), _ = split(scan([tmp_path], mapping={"text": "planet", "label": "moons"}))
    assert (item.parts, item.metadata["label"]) == ((Text(text="Mars"),), 2)
    _, (report,) = split(scan([tmp_path], mapping={"label": "moons"}))
    assert report.reason == "no-columns"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../../etc/passwd", "outside-folder"),
        ("/etc/passwd", "outside-folder"),
        ("link.png", "outside-folder"),
        ("https://example.org/a.png", "remote"),
        ("file:///etc/passwd", "remote"),
        ("nothing.png", "missing-file"),
        ("a\0.png", "bad-row"),
        ("", "empty"),
        (".", "not-a-file"),
        ("posts.jsonl", "unknown-kind"),
        ("data:image/png;base64,!!!", "bad-row"),
        ({"bytes": None, "path": None}, "bad-row"),
        (7, "bad-row"),
        ("x" * 100_000, "bad-row"),
        ("\ud800.png", "bad-row"),
        ({"bytes": 10**12}, "bad-row"),
        ({"bytes": "text"}, "bad-row"),
        ({"array": "text"}, "bad-row"),
        ({"array": [[1], [1, 2]]}, "bad-row"),
        ({"array": [1, 2], "sampling_rate": "x"}, "bad-row"),
        ({"array": [1, 2], "sampling_rate": 10**30}, "bad-row"),
    ],
)
def test_media_that_a_row_may_not_name(tmp_path, path, reason):
    (tmp_path / "posts").mkdir()
    (tmp_path / "outside.png").write_bytes(encoded("PNG"))
    (tmp_path / "posts/link.png").symlink_to(tmp_path / "outside.png")
    table = written(tmp_path / "posts", [{"img": path}, {"text": "still taken"}])
    items, skipped = split(scan([table]))
    assert [(x.row, x.reason) for x in skipped] == [(1, reason)]
    assert bodies(items) == [["still taken"]]


def test_a_picture_elsewhere_in_the_given_folder_is_found(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "images/a.png").write_bytes(encoded("PNG"))
    rows = [
        {"id": "x", "img": "../images/a.png"},
        {"id": "y", "img": "images/a.png"},
        {"id": "z", "img": "images\\a.png"},
    ]
    written(tmp_path / "notes", rows)
    items, skipped = split(scan([tmp_path]))
    assert not skipped
    assert [item.id for item in items] == ["x", "y", "z"]


def test_a_picture_whose_row_fails_is_not_reported_a_second_time(tmp_path):
    (tmp_path / "cut.png").write_bytes(encoded("PNG")[:500])
    written(tmp_path, [{"text": "words", "img": "cut.png"}])
    items, skipped = split(scan([tmp_path]))
    assert not items
    assert [(x.row, x.reason) for x in skipped] == [(1, "truncated")]


def test_two_rows_under_one_id(tmp_path):
    rows = [{"id": 1, "text": "a"}, {"id": 1, "text": "b"}, {"id": "1", "text": "a"}, {"id": 2, "text": "b"}]
    items, skipped = split(scan([written(tmp_path, rows)]))
    assert [item.id for item in items] == ["1", "1", "2"]
    assert [(x.row, x.reason) for x in skipped] == [(2, "duplicate-id")]


def test_replies_become_links(tmp_path):
    rows = [
        {"id": 1, "text": "a"},
        {"id": 2, "text": "b", "in_reply_to": 1.0},
        {"id": 3, "text": "c", "parent_id": None},
    ]
    items, _ = split(scan([written(tmp_path, rows)]))
    assert [item.links for item in items] == [(), (Link(kind="reply_to", target="1"),), ()]


def test_columns_that_alciato_uses_itself_are_kept_under_another_name(tmp_path):
    rows = [{"text": "a", "source": "a forum", "table": 5, "date": "31/12/2024", "user": "Zork"}]
    path = written(tmp_path, rows)
    (item,), _ = split(scan([path]))
    assert item.metadata == {
        "original_source": "a forum",
        "original_table": 5,
        "original_created_at": "31/12/2024",
        "author": "Zork",
        "source": str(path),
        "table": str(path),
    }


def test_parquet_with_embedded_media_and_types(tmp_path):
    import datetime

    import pyarrow as pa
    import pyarrow.parquet as pq

    moment = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)
    columns = {
        "image": [{"bytes": encoded("JPEG"), "path": "/elsewhere/a.jpg"}, None],
        "audio": [None, {"bytes": wav(), "path": None}],
        "title": ["Mars", None],
        "created_at": [moment, None],
        "score": [math.nan, 0.5],
        "tags": [["a", "b"], []],
    }
    pq.write_table(pa.table(columns), tmp_path / "posts.parquet")
    (first, second), skipped = split(scan([tmp_path]))
    assert not skipped
    assert [type(part) for part in first.parts] == [Text, Image]
    assert (first.parts[0].name, first.parts[1].name) == ("title", "a.jpg")
    assert first.metadata["created_at"] == "2024-05-01T12:00:00Z"
    assert (first.metadata["score"], first.metadata["tags"]) == (None, ["a", "b"])
    assert isinstance(second.parts[0], Audio)
    assert second.source == str(tmp_path / "posts.parquet")


def test_parquet_whose_middle_is_damaged_gives_what_is_whole_and_a_report(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    noise = random.Random(0)
    words = [f"row {n} {noise.randbytes(200).hex()}" for n in range(200)]
    pq.write_table(pa.table({"text": words}), path, row_group_size=100, use_dictionary=False, compression="gzip")
    data = bytearray(path.read_bytes())
    middle = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data[middle + 1000 : middle + 2000] = bytes(1000)
    path.write_bytes(data)
    items, skipped = split(scan([path]))
    assert len(items) >= 96
    assert [x.reason for x in skipped] == ["broken"]


def test_a_json_list_of_posts_is_a_table(tmp_path):
    (tmp_path / "posts.json").write_text(json.dumps([{"text": "a"}, {"text": "b"}]))
    (tmp_path / "other.json").write_text('{"version": 1}')
    (tmp_path / "broken.json").write_text('{"version": ')
    items, skipped = split(scan([tmp_path]))
    assert bodies(items) == [["a"], ["b"]]
    assert [x.reason for x in skipped] == ["broken", "unknown-kind"]


def test_two_tables_of_the_same_rows_give_each_post_once(tmp_path):
    rows = [{"id": f"p{number}", "text": f"words {number}"} for number in range(3)]
    (tmp_path / "posts.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (tmp_path / "posts.csv").write_text("id,text\n" + "".join(f"{row['id']},{row['text']}\n" for row in rows))
    (tmp_path / "others.csv").write_text("id,text\np0,other words\n")
    assert [post.item.id for post in scan([tmp_path])] == ["p0", "p0", "p1", "p2"]

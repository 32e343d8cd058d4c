"""From posts to examples, splits and batches; what is bad is said or counted, never silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from alciato.errors import AlciatoError, UsageError  # noqa: E402
from alciato.item import Image, Item, Post, Text, media_hash  # noqa: E402
from alciato.learn import (  # noqa: E402
    ContrastiveGroup,
    PictureCollator,
    PictureTensors,
    Shares,
    examples_of,
    held_out,
    load_examples,
    split,
)
from alciato.learn.labels import as_class  # noqa: E402
from alciato.learn.splits import group_of  # noqa: E402

torch.set_num_threads(1)
GENERATOR = torch.Generator()


def texts(count=40, **metadata):
    """Posts of two classes in words."""
    return [
        Post(Item(id=f"p{n}", parts=(Text(text=f"robot {n} of Saturn"),), metadata={"label": "ab"[n % 2], **metadata}))
        for n in range(count)
    ]


def test_a_folder_with_a_table_of_files(folder):
    examples = load_examples(folder)
    assert examples.classes == ("blue", "red")
    assert examples.counts() == {"blue": 10, "red": 10}
    assert not examples.skipped
    assert examples[0].picture().size[1] == 24


def test_labels_may_stand_elsewhere(folder, tmp_path):
    table = tmp_path / "elsewhere.csv"
    (folder / "labels.csv").rename(table)
    assert load_examples(folder, labels=table).counts() == {"blue": 10, "red": 10}
    table.write_text(table.read_text() + "green-1.png,green\n")
    examples = load_examples(folder, labels=table)
    assert examples.classes == ("blue", "red")
    assert examples.skipped == {"labels of no post": 1}


@pytest.mark.parametrize("ending", ["tsv", "jsonl", "parquet"])
def test_tables_of_other_kinds(folder, tmp_path, ending):
    import json

    import pyarrow as pa
    from pyarrow import csv, parquet

    rows = csv.read_csv(folder / "labels.csv")
    (folder / "labels.csv").unlink()
    table = tmp_path / f"labels.{ending}"
    if ending == "parquet":
        parquet.write_table(rows, table)
    elif ending == "tsv":
        csv.write_csv(rows, table, csv.WriteOptions(delimiter="\t"))
    else:
        table.write_text("\n".join(json.dumps(row) for row in rows.to_pylist()))
    assert isinstance(rows, pa.Table)
    assert load_examples(folder, labels=table).counts() == {"blue": 10, "red": 10}


def test_a_collection_gives_the_same(folder, tmp_path):
    from alciato.sources import scan
    from alciato.store import Collection

    collection = Collection.open(tmp_path / "collection")
    collection.add(post for post in scan([folder]) if isinstance(post, Post))
    one, other = load_examples(tmp_path / "collection"), load_examples(folder)
    assert {e.id: e.label for e in one} == {e.id: e.label for e in other}
    assert one[3].picture().tobytes()


def test_posts_without_a_label_are_counted(folder):
    text = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join([text[0], "red-0.png,", *text[2:]]))
    examples = load_examples(folder)
    assert len(examples) == 19
    assert examples.skipped == {"without a label": 1}


def test_no_labels_at_all(folder):
    (folder / "labels.csv").unlink()
    with pytest.raises(AlciatoError, match="none of the 20 posts has a label.*20 without a label.*--labels"):
        load_examples(folder)


def test_a_label_that_is_no_class(folder):
    with pytest.raises(UsageError, match="no class is named 'blue'"):
        load_examples(folder, classes=["red", "blu"])


def test_one_class_only():
    posts = [post for post in texts() if post.item.metadata["label"] == "a"]
    with pytest.raises(AlciatoError, match="only the class 'a'.*two classes"):
        examples_of(posts)
    with pytest.raises(AlciatoError, match="there are no posts"):
        examples_of([])


def test_pictures_that_do_not_open_are_counted(folder):
    data = (folder / "red-3.png").read_bytes()
    (folder / "red-3.png").write_bytes(data[:40])
    examples = load_examples(folder)
    assert examples.counts() == {"blue": 10, "red": 9}
    assert sum(examples.skipped.values()) == 1, examples.skipped


def test_a_picture_that_breaks_in_a_collection_is_counted(folder):
    """Bytes that were whole when they were added, and are not any more."""
    from collections import Counter

    from alciato.learn.examples import _Gathered, _labelled

    part = Image(media=media_hash(b"gone"), mime="image/png", width=3, height=3)
    items = [post.item for post in texts()]
    items.append(Item(id="broken", parts=(part,), metadata={"label": "a"}))
    gathered = _Gathered(items, lambda _: b"gone", Counter())
    examples = _labelled(gathered, None, None, "label", check_pictures=True)
    assert len(examples) == 40
    assert examples.skipped == {"picture broken": 1}


def test_tables_that_cannot_be(folder, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("file,label\nred-1.png,red\nred-1.png,blue\n")
    with pytest.raises(AlciatoError, match=r"'red-1\.png' has two labels, 'red' and 'blue'"):
        load_examples(folder, labels=table)
    table.write_text("file,colour\nred-1.png,red\n")
    with pytest.raises(UsageError, match="no column of labels.*file, colour"):
        load_examples(folder, labels=table)
    with pytest.raises(UsageError, match="no such table"):
        load_examples(folder, labels=tmp_path / "none.csv")
    with pytest.raises(AlciatoError, match="it is not there"):
        load_examples(tmp_path / "nowhere")


def test_what_is_a_label():
    assert [as_class(value) for value in (1, 1.0, "1", True, " x ")] == ["1", "1", "1", "True", "x"]
    assert [as_class(value) for value in (None, float("nan"), "", "  ")] == [None] * 4
    with pytest.raises(UsageError, match="one class is needed"):
        as_class(["a", "b"])


@given(st.integers(12, 80), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_splits_hold_every_example_once_and_every_class(count, seed):
    examples = examples_of(texts(count))
    parts = split(examples, seed)
    assert sorted(e.id for part in parts for e in part) == sorted(e.id for e in examples)
    assert all(count for part in parts for count in part.counts().values()), "each class in each split"
    assert abs(len(parts.train) - 0.7 * count) <= 2
    assert [e.id for e in split(examples, seed).train] == [e.id for e in parts.train]


def test_copies_stay_together():
    """Three posts of the same words: a copy in another split would be a leak."""
    posts = texts(40)
    posts += [
        Post(Item(id=f"{post.item.id}-{n}", parts=post.item.parts, metadata=post.item.metadata))
        for post in posts
        for n in (1, 2)
    ]
    parts = split(examples_of(posts))
    groups = [{group_of(example) for example in part} for part in parts]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


def test_a_split_may_be_given():
    posts = texts(12, split="train")
    posts[0] = texts(1, split="val")[0]
    posts[1].item.metadata["split"] = "test"
    parts = split(examples_of(posts))
    assert [len(part) for part in parts] == [10, 1, 1]
    posts[2].item.metadata["split"] = "trian"
    with pytest.raises(UsageError, match="'trian'"):
        split(examples_of(posts))


def test_empty_splits_are_errors():
    with pytest.raises(AlciatoError, match="validation split of 2 examples is empty"):
        split(examples_of(texts(2)))
    with pytest.raises(UsageError, match="sum to 1"):
        Shares(0.5, 0.5, 0.5)
    posts = texts(12, split="train")
    for post in posts[::2]:
        post.item.metadata["split"] = "test"
    posts[0].item.metadata["split"] = "val"
    with pytest.raises(AlciatoError, match="no training example is of class 'a'"):
        split(examples_of(posts))


def test_pictures_become_normalised_squares(folder):
    examples = load_examples(folder)
    collate = PictureCollator(PictureTensors(16, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)))
    batch = next(held_out(examples, collate, 4))
    assert batch["pictures"].shape == (4, 3, 16, 16)
    assert batch["labels"].tolist() == [examples[n].number for n in range(4)]
    red = next(n for n in range(4) if examples[n].label == "red")
    colour = examples[red].picture().getpixel((3, 3))
    assert (batch["pictures"][red, :, 5, 5] * 255).round().tolist() == list(colour)
    assert collate.decode(batch)[0] == {"id": examples[0].id, "label": examples[0].number, "picture": [16, 16]}


def test_a_post_without_a_picture_is_refused(folder):
    mixed = [load_examples(folder)[0], examples_of(texts(2))[1]]
    with pytest.raises(AlciatoError, match="the post p1 has no picture"):
        PictureCollator(PictureTensors(8))(mixed, GENERATOR)


def test_a_target_of_another_type_is_named(folder):
    example = examples_of(texts(2))[0]
    assert (example.label, example.number) == ("a", 0)
    with pytest.raises(AlciatoError, match="the post p0 has a target ContrastiveGroup, but a class label is needed"):
        replace(example, target=ContrastiveGroup("g")).label  # noqa: B018

"""A collection on object storage, spoken to over the real S3 protocol on loopback."""

import pytest

from alciato.item import Item, Post, Text
from alciato.store import Collection


@pytest.mark.slow
def test_the_same_collection_on_object_storage(bucket: str):
    post = Post(Item(id="a", parts=(Text(text="a teapot on Mars"),)))
    assert Collection.open(bucket).add([post]).added == 1
    again = Collection.open(bucket)
    assert again.add([post]).known == 1
    assert again.item("a") == post.item
    found = again.table("segments").search("teapot", query_type="fts", fts_columns="words").to_list()
    assert [row["item"] for row in found] == ["a"]
    again.maintain(force=True)
    assert again.status().items == 1

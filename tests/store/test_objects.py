"""A collection on object storage, spoken to over the real S3 protocol on loopback."""

import json
import time
import uuid
from collections.abc import Iterator

import pytest

from alciato.item import Item, Post, Text
from alciato.store import Collection
from alciato.store.lock import ObjectLock

moto_server = pytest.importorskip("moto.server")
obstore = pytest.importorskip("obstore")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"posts-{uuid.uuid4().hex}"  # the server's state outlives it within a process
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "NO_PROXY": host,
    }
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    import boto3

    boto3.client("s3", endpoint_url=settings["AWS_ENDPOINT"], region_name="us-east-1").create_bucket(Bucket=name)
    yield f"s3://{name}/collection"
    server.stop()


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


def test_only_one_writer_holds_the_lock(bucket: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("alciato.store.lock.WAIT", 0.3)
    first, second = ObjectLock(bucket), ObjectLock(bucket)
    with first, pytest.raises(Exception, match="another process has been writing"), second:
        pass
    with second:
        pass


def test_a_lock_left_behind_by_a_killed_writer_is_taken_over(bucket: str):
    store = obstore.store.from_url(bucket)
    obstore.put(store, "writer.lock", json.dumps({"owner": "dead", "until": time.time() - 1}).encode())
    with ObjectLock(bucket):
        claim = json.loads(bytes(obstore.get(store, "writer.lock").bytes()))
        assert claim["owner"] != "dead"
    assert not obstore.list(store).collect()


def test_a_writer_that_lost_its_lock_leaves_the_new_owner_alone(bucket: str):
    store = obstore.store.from_url(bucket)
    with ObjectLock(bucket):
        obstore.put(store, "writer.lock", json.dumps({"owner": "other", "until": time.time() + 60}).encode())
    assert json.loads(bytes(obstore.get(store, "writer.lock").bytes()))["owner"] == "other"

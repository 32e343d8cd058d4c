"""Posts, readings and an encoder for the tests of the store."""

import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from alciato.item import Box, Finding, Image, Item, Post, Reading, Segment, Text, media_hash
from alciato.store import Collection


class EncoderDouble(NamedTuple):
    """What the store sees of an encoder."""

    name: str = "double:a"
    fingerprint: str = "a"
    dimension: int = 4

    def encode(self, segments: list[Segment]) -> dict[str, np.ndarray]:
        """Vectors that tell encoders and texts apart."""
        return {
            one.id: np.array([len(one.text), *map(ord, self.fingerprint), *[1] * 9], np.float32)[: self.dimension]
            for one in segments
        }


def text_post(number: int, words: str | None = None) -> Post:
    return Post(Item(id=f"p{number}", parts=(Text(text=words or f"hello number {number}"),)))


def picture_post(number: int) -> Post:
    data = b"picture %d" % number
    picture = Image(media=media_hash(data), mime="image/png", width=3, height=2)
    return Post(Item(id=f"q{number}", parts=(picture,), metadata={"author": "o'brien"}), {media_hash(data): data})


def ocr(item: str, text: str | None = "LOOK AT ME") -> tuple[Reading, list[Segment]]:
    findings = (Finding(text=text, box=Box(0, 0, 3, 1), confidence=0.5),) if text else ()
    reading = Reading(item=item, part=0, kind="ocr", model="m", version="1", findings=findings)
    segment = Segment(id=f"{item}/0/ocr/0", item=item, part=0, kind="ocr", text=text or "", box=Box(0, 0, 3, 1))
    return reading, [segment] if text else []


def encoded(item: str, encoder: EncoderDouble) -> Reading:
    """What says that an encoder has encoded the texts of an item."""
    return Reading(item=item, part=0, kind="encode", model=encoder.name, version=encoder.fingerprint)


def embeddings_of(collection: Collection) -> Mapping[str, dict[str, list[float]]]:
    """Vectors by fingerprint and segment id."""
    return {
        encoder.fingerprint: {
            row["id"]: row["vector"]
            for row in collection.embeddings(encoder.fingerprint).search().limit(None).to_list()
        }
        for encoder in collection.encoders()
    }


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return Collection.open(tmp_path / "store")


@cache
def object_server() -> tuple[str, int]:
    """Host and port of an S3 server on loopback, which ends with the process."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    return host, port


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> str:
    """URI of a collection in a bucket of an S3 server."""
    pytest.importorskip("obstore")
    name = f"posts-{uuid.uuid4().hex}"
    host, port = object_server()
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
    return f"s3://{name}/collection"

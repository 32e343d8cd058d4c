"""Pictures in a collection: as a query, as a post to find others like, in clusters."""

import io

import numpy as np
import pytest

import near_copy_set as made
from alciato.duplicates import duplicates
from alciato.errors import UsageError
from alciato.item import Item, Post, Text, media_hash
from alciato.media.part import media_part
from alciato.models import Runtime
from alciato.read.pdq import pdq
from alciato.search import search, similar
from alciato.settings import load_settings
from alciato.store import Collection


def post(name, *pictures, text=None):
    parts, media = [] if text is None else [Text(text=text)], {}
    for number, picture in enumerate(pictures):
        kept = io.BytesIO()
        picture.save(kept, "PNG")
        parts.append(media_part(kept.getvalue(), f"{name}{number}.png"))
        media[media_hash(kept.getvalue())] = kept.getvalue()
    return Post(Item(id=name, parts=tuple(parts), metadata={"source": f"/posts/{name}"}), media)


@pytest.fixture(scope="module")
def settings():
    return load_settings(models={"ocr": None})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, settings):
    """Six photographs, hashed but otherwise unread, and a picture that two posts carry."""
    from alciato.read import read

    collection = Collection.open(tmp_path_factory.mktemp("pictures"))
    for name in made.PHOTOGRAPHS[:6]:
        collection.add([post(name, made.photograph(name))])
    chelsea = made.plain(made.photograph("chelsea.png"))
    collection.add([post("again", made.photograph("chelsea.png"), text="the same file once more")])
    collection.add([post("cut", made.cropped(chelsea, (0.08, 0.08, 0.08, 0.08)).picture)])
    collection.add([post("meme", made.captioned(made.photograph("coffee.png"), "first coffee", "then robots").picture)])
    collection.add(
        [post("blank", made.blank("white").picture), post("blank2", made.blank("white", (300, 200)).picture)]
    )
    read(collection, Runtime(settings), kinds=["pdq"])
    return collection


def test_a_small_copy_finds_the_post_with_its_distance(pictures, settings, tmp_path):
    path = tmp_path / "query.jpg"
    made.recompressed(made.resized(made.plain(made.photograph("rocket.jpg")), 0.5), 60).picture.save(path)
    hits = search(pictures, image=path, runtime=Runtime(settings))
    assert [hit.item for hit in hits] == []  # rocket is not among the six
    made.resized(made.plain(made.photograph("coins.png")), 0.5).picture.save(path)
    hit = search(pictures, image=path, runtime=Runtime(settings))[0]
    assert (hit.item, hit.span.kind, hit.why[0].retriever) == ("coins.png", "picture", "near_copy")
    assert hit.why[0].distance <= 31


def test_a_crop_finds_the_whole_and_the_whole_finds_the_crop(pictures, settings):
    chelsea = made.plain(made.photograph("chelsea.png"))
    found = [
        hit.item
        for hit in search(pictures, image=made.cropped(chelsea, (0.06,) * 4).picture, runtime=Runtime(settings))
    ]
    assert {"chelsea.png", "again", "cut"} == set(found)
    found = [hit.item for hit in search(pictures, image=chelsea.picture, runtime=Runtime(settings))]
    assert {"chelsea.png", "again", "cut"} == set(found)


def test_words_and_picture_together(pictures, settings):
    hits = search(pictures, "the same file", image=made.photograph("chelsea.png"), runtime=Runtime(settings))
    assert hits[0].item == "again"
    assert {reason.retriever for reason in hits[0].why} >= {"bm25", "near_copy"}


def test_similar_leaves_the_post_itself_out(pictures, settings):
    found = [hit.item for hit in similar(pictures, "chelsea.png", runtime=Runtime(settings))]
    assert found[:2] == ["again", "cut"] or set(found) == {"again", "cut"}
    assert [hit.item for hit in similar(pictures, "coffee.png", runtime=Runtime(settings))] == ["meme"]
    with pytest.raises(UsageError, match="no item has the id"):
        similar(pictures, "nobody", runtime=Runtime(settings))


def test_duplicates_of_the_collection(pictures, settings):
    clusters = duplicates(pictures, runtime=Runtime(settings))
    groups = {frozenset(member.item for member in cluster.members) for cluster in clusters}
    assert groups == {frozenset({"chelsea.png", "again", "cut"}), frozenset({"coffee.png", "meme"})}
    cats = next(cluster for cluster in clusters if len(cluster.members) == 3)
    assert cats.members[0].relation == "original"
    relations = {member.item: member.relation for member in cats.members}
    assert relations["cut"] == "crop"
    assert {relations["chelsea.png"], relations["again"]} == {"original", "copy"}
    assert clusters == duplicates(pictures, runtime=Runtime(settings))


def test_nothing_to_group(tmp_path, settings):
    collection = Collection.open(tmp_path)
    assert duplicates(collection, runtime=Runtime(settings)) == []
    collection.add([post("one", made.photograph("moon.png"))])
    assert duplicates(collection, runtime=Runtime(settings)) == []


@pytest.mark.slow
def test_a_frame_of_a_clip(tmp_path, settings):
    import av

    clip = io.BytesIO()
    with av.open(clip, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width, stream.height = 320, 240
        for name in ("coffee.png", "astronaut.png"):
            picture = made.photograph(name).resize((320, 240))
            for _ in range(16):
                container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    part = media_part(clip.getvalue(), "clip.mp4")
    collection = Collection.open(tmp_path)
    collection.add([Post(Item(id="clip", parts=(part,)), {media_hash(clip.getvalue()): clip.getvalue()})])
    still = made.photograph("astronaut.png").resize((640, 480))
    collection.add([post("still", still), post("moon", made.photograph("moon.png"))])
    (cluster,) = duplicates(collection, runtime=Runtime(settings))
    assert {member.item: member.relation for member in cluster.members} == {"still": "original", "clip": "frame"}
    frame = next(member for member in cluster.members if member.item == "clip")
    assert frame.start == pytest.approx(2.0, abs=0.3)
    assert np.bitwise_count(pdq(still).bits).sum() > 0

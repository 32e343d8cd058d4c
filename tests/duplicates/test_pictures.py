"""Pictures in a collection: as a query, as a post to find others like, in clusters."""

import io
from pathlib import Path

import numpy as np
import pytest

import alciato
import near_copy_set as made
from alciato.duplicates import duplicates
from alciato.errors import UsageError
from alciato.item import Box, Finding, Item, Post, Text, media_hash
from alciato.media.part import media_part
from alciato.models import Runtime
from alciato.read.pdq import pdq
from alciato.search import search, similar
from alciato.settings import Models, load_settings
from alciato.store import Collection
from media_samples import clip


def post(name, *pictures, text=None, created_at=None):
    parts, media = [] if text is None else [Text(text=text)], {}
    for number, picture in enumerate(pictures):
        kept = io.BytesIO()
        picture.save(kept, "PNG")
        parts.append(media_part(kept.getvalue(), f"{name}{number}.png"))
        media[media_hash(kept.getvalue())] = kept.getvalue()
    return Post(
        Item(
            id=name,
            parts=tuple(parts),
            metadata={"source": f"/posts/{name}"} | ({"created_at": created_at} if created_at else {}),
        ),
        media,
    )


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


def test_a_near_copy_of_the_picture_comes_before_a_post_with_the_words(pictures, settings):
    coffee = made.photograph("coffee.png")
    hits = search(pictures, "the same file once more", image=coffee, runtime=Runtime(settings))
    assert hits[0].item == "coffee.png"
    assert "again" in [hit.item for hit in hits]


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
    assert cats.members[0].relation == "representative"
    relations = {member.item: member.relation for member in cats.members}
    assert relations["cut"] == "crop"
    assert {relations["chelsea.png"], relations["again"]} == {"representative", "copy"}
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
    assert {member.item: member.relation for member in cluster.members} == {"still": "representative", "clip": "frame"}
    frame = next(member for member in cluster.members if member.item == "clip")
    assert frame.start == pytest.approx(2.0, abs=0.3)
    assert np.bitwise_count(pdq(still).bits).sum() > 0


def test_features_are_stored_and_nothing_is_decoded_twice(tmp_path, settings, monkeypatch):
    from alciato.duplicates import features as module

    collection = Collection.open(tmp_path)
    chelsea = made.plain(made.photograph("chelsea.png"))
    collection.add([post("cat", chelsea.picture), post("cut", made.cropped(chelsea, (0.06,) * 4).picture)])
    first = duplicates(collection, runtime=Runtime(settings))
    assert len(first) == 1
    decoded = []
    extracted = module.extracted
    monkeypatch.setattr(
        module, "extracted", lambda data, part, *rest: decoded.append(part.media) or extracted(data, part, *rest)
    )
    assert duplicates(collection, runtime=Runtime(settings)) == first
    assert decoded == []
    collection.add([post("again", made.resized(chelsea, 0.5).picture)])
    (cluster,) = duplicates(collection, runtime=Runtime(settings))
    assert {member.item for member in cluster.members} == {"cat", "cut", "again"}
    assert len(decoded) == 1, "only the medium that was added"


def test_stored_features_are_those_that_were_extracted(tmp_path):
    from alciato.duplicates.features import extract_features, save_features, stored_features, version_of

    collection = Collection.open(tmp_path)
    lines = [Finding(text="first coffee", box=Box(10, 10, 200, 60))]
    features = extract_features(made.photograph("coffee.png"), lines, medium="a" * 64, start=1.5)
    version = version_of(lines)
    save_features(collection, {"a" * 64: [features], "b" * 64: []}, {"a" * 64: version, "b" * 64: version})
    found = stored_features(collection, {"a" * 64: version, "b" * 64: version, "c" * 64: version})
    assert set(found) == {"a" * 64, "b" * 64}
    assert found["b" * 64] == []
    (back,) = found["a" * 64]
    assert (back.size, back.text, back.start, back.quality) == (features.size, "first coffee", 1.5, features.quality)
    for left, right in (
        (back.bits, features.bits),
        (back.features.points, features.features.points),
        (back.features.descriptors, features.features.descriptors),
        (back.thumbnail.pixels, features.thumbnail.pixels),
        (back.thumbnail.words, features.thumbnail.words),
    ):
        np.testing.assert_array_equal(left, right)
    assert stored_features(collection, {"a" * 64: version_of([])}) == {}, "other words, other features"


def test_the_representative_is_the_best_copy_and_of_equal_ones_the_earliest(tmp_path, settings):
    collection = Collection.open(tmp_path)
    coffee = made.plain(made.photograph("coffee.png"))
    collection.add([post("small", made.resized(coffee, 0.5).picture, created_at="2024-01-01T00:00:00Z")])
    collection.add([post("late", coffee.picture, created_at="2024-03-01T00:00:00Z")])
    collection.add([post("early", coffee.picture, created_at="2024-02-01T00:00:00Z")])
    other = made.captioned(made.photograph("coffee.png"), "rocket fuel is late", "once more tonight").picture
    collection.add([post("words", made.resized(made.plain(other), 0.8).picture)])
    (cluster,) = duplicates(collection, runtime=Runtime(settings))
    relations = {member.item: member.relation for member in cluster.members}
    assert cluster.members[0].item == "early"
    assert relations == {"early": "representative", "late": "copy", "small": "copy", "words": relations["words"]}
    assert relations["words"] in ("recaption", "copy", "crop")


def test_what_is_near_to_another_member_only_is_linked_not_recaptioned():
    from alciato.duplicates.clustering import clustered
    from alciato.duplicates.features import Place, extract_features
    from alciato.duplicates.near_copies import NearCopy

    seen = [
        extract_features(made.photograph(name), places=(Place(name, 0, None),), medium=name)
        for name in ("astronaut.png", "coffee.png", "moon.png")
    ]
    recaption = NearCopy("recaption", 70)
    (cluster,) = clustered(seen, {(0, 1): recaption, (1, 2): recaption}, dict.fromkeys)
    relations = {member.item: member.relation for member in cluster.members}
    assert sorted(relations.values()) == ["linked", "recaption", "representative"]


@pytest.mark.slow
def test_similar_follows_the_frames_of_a_clip(tmp_path, settings):
    files = tmp_path / "clips"
    files.mkdir()
    for name, seed, seconds in (("short.mp4", 3, 1.0), ("long.mp4", 3, 2.0), ("other.mp4", 8, 1.0)):
        (files / name).write_bytes(clip("mp4", seed, seconds, sound=False, size=(320, 240)))
    silent = settings.model_copy(update={"models": Models(ocr=None, transcriber=None)})
    library = alciato.open(tmp_path / "c", settings=silent)
    library.add(files)
    ids = {Path(item.source).name: item.id for item in library.items()}
    assert ids["long.mp4"] in [hit.item for hit in library.similar(ids["short.mp4"])]

"""A batch: every reader on every part, one failure stops nothing, segments and vectors fit together."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pictures

from alciato.item import Image, Item, Text, Video, media_hash
from alciato.models import Runtime
from alciato.read.batch import BatchReader, Job, together
from alciato.read.readers import HashReader, LanguageReader
from alciato.read.words import WordsReader
from alciato.settings import Settings
from media_samples import clip, encoded
from read.doubles import LettersEncoder, SizedOcr

ALL = [(0, "language"), (0, "segment"), (0, "encode"), (1, "ocr"), (1, "pdq"), (1, "language")]


def reader(ocr=None, image_encoder=None):
    made = BatchReader(Runtime(Settings()), ())
    made.readers = [WordsReader(ocr or SizedOcr()), HashReader(), LanguageReader()]
    made.encoder, made.image_encoder = LettersEncoder(), image_encoder
    return made


def job(number=0, work=ALL, known=None, data=None):
    data = encoded("PNG", number, (100 + number, 50)) if data is None else data
    picture = Image(media=media_hash(data), mime="image/png", width=100 + number, height=50)
    item = Item(id=f"i{number}", parts=(Text(text="the captain says good morning"), picture))
    return Job(item, {media_hash(data): data}.__getitem__, set(work), known or {})


def embedded(found):
    """Ids of the segments that have a vector, whichever encoder made it."""
    return {id_ for vectors in found.embeddings.values() for id_ in vectors}


def test_every_reading_is_made_and_every_text_has_its_vector():
    first, second = reader().read([job(0), job(1)])
    assert {(one.part, one.kind) for one in first.readings} == set(ALL)
    assert [segment.id for segment in first.segments] == ["i0/0/body/0", "i0/1/picture/0", "i0/1/ocr/0"]
    (vectors,) = second.embeddings.values()
    assert set(vectors) == {"i1/0/body/0", "i1/1/ocr/0"}
    assert np.allclose(vectors["i1/1/ocr/0"], LettersEncoder().encode(["101 by 50"]).dense[0])


def test_a_picture_is_decoded_once_for_all_readers(monkeypatch):
    decoded = []
    opened = Pictures.open
    monkeypatch.setattr(Pictures, "open", lambda *given: decoded.append(1) or opened(*given))
    reader().read([job()])
    assert len(decoded) == 1


def test_a_model_that_falls_over_leaves_its_reason_and_stops_nothing():
    found = reader(SizedOcr(fails_at=101)).read([job(0), job(1), job(2)])
    errors = [(one.item, one.kind, one.error) for each in found for one in each.readings if one.error]
    assert errors == [("i1", "ocr", "RuntimeError: the model fell over")]
    assert [len(each.readings) for each in found] == [6, 6, 6]


@pytest.mark.parametrize("data", [b"", b"not a picture", encoded("PNG")[:100]])
def test_broken_media_leave_their_reason(data):
    (found,) = reader().read([job(data=data)])
    reasons = {one.kind: one.error for one in found.readings if one.error}
    assert set(reasons) == {"ocr", "pdq"}
    assert all(reason.startswith("broken: ") for reason in reasons.values())
    assert "i0/0/body/0" in embedded(found)


def test_only_what_is_asked_for_is_read_and_what_is_known_is_used():
    full = reader().read([job()])[0]
    known = {(one.part, one.kind): one.findings for one in full.readings}
    ocr = SizedOcr()
    (found,) = reader(ocr).read([job(work=[(1, "pdq")], known=known)])
    assert [one.kind for one in found.readings] == ["pdq"]
    assert [segment.kind for segment in found.segments] == ["picture"]
    assert ocr.asked == 0


def test_a_new_encoder_encodes_the_segments_that_are_there_without_reading():
    full = reader().read([job()])[0]
    known = {(one.part, one.kind): one.findings for one in full.readings}
    ocr = SizedOcr()
    waiting = replace(job(work=[(0, "encode")], known=known), segments=full.segments)
    (found,) = reader(ocr).read([waiting])
    assert [one.kind for one in found.readings] == ["encode"]
    assert found.replaced == {}
    assert embedded(found) == {"i0/0/body/0", "i0/1/ocr/0"}
    assert ocr.asked == 0


def test_new_words_are_named_their_language_again():
    (found,) = reader().read([job(work=[(1, "ocr")])])
    assert [one.kind for one in found.readings] == ["ocr", "language"]


def test_an_image_encoder_gives_pictures_and_frames_their_vectors():
    made = reader(image_encoder=LettersEncoder())
    assert "i0/1/picture/0" in embedded(made.read([job()])[0])
    data = clip("mp4", seconds=1.0)
    film = Item(id="v", parts=(Video(media=media_hash(data), mime="video/mp4", width=64, height=48, duration=1),))
    (found,) = made.read([Job(film, {media_hash(data): data}.__getitem__, {(0, "pdq"), (0, "encode_images")}, {})])
    frames = {segment.id for segment in found.segments if segment.kind == "frame"}
    assert frames
    assert embedded(found) == frames


def test_what_is_found_survives_the_way_from_a_worker_and_is_joined():
    found = reader(image_encoder=LettersEncoder()).read([job(0), job(1)])
    back = pickle.loads(pickle.dumps(found))
    assert [one.readings for one in back] == [one.readings for one in found]
    assert [one.segments for one in back] == [one.segments for one in found]
    whole = together(back)
    assert whole.replaced == dict.fromkeys(("i0", "i1"), found[0].replaced["i0"])
    vectors = {id_: vector.tolist() for some in whole.embeddings.values() for id_, vector in some.items()}
    assert vectors == {
        id_: vector.tolist() for one in found for some in one.embeddings.values() for id_, vector in some.items()
    }
    assert {"i0/1/picture/0", "i1/1/picture/0"} <= set(vectors)


def test_each_encoder_has_its_own_provenance():
    one, other = reader(), reader(image_encoder=LettersEncoder())
    versions = [{one.kind: one.version for one in made.wanted()} for made in (one, other)]
    assert versions[1].pop("encode_images") == LettersEncoder.fingerprint
    assert versions[0] == versions[1]

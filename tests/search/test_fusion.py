import random

from hypothesis import given
from hypothesis import strategies as st

from alciato.search.fusion import reciprocal_rank_fusion

RANKINGS = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8), max_size=5)


@given(RANKINGS)
def test_equals_the_formula_written_as_loops(rankings):
    names = {name for ranking in rankings for name in ranking}
    loops = {name: sum(1 / (60 + r.index(name) + 1) for r in rankings if name in r) for name in names}
    fused = reciprocal_rank_fusion(rankings)
    assert fused.keys() == loops.keys()
    assert all(abs(fused[name] - loops[name]) < 1e-12 for name in names)
    assert list(fused.values()) == sorted(fused.values(), reverse=True)


@given(RANKINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_rankings_changes_no_score(rankings, order: random.Random):
    shuffled = list(rankings)
    order.shuffle(shuffled)
    left, right = reciprocal_rank_fusion(rankings), reciprocal_rank_fusion(shuffled)
    assert left.keys() == right.keys()
    assert all(abs(left[name] - right[name]) < 1e-12 for name in left)


@given(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1))
def test_one_ranking_stays_as_it_is(ranking):
    assert list(reciprocal_rank_fusion([ranking])) == ranking
    assert list(reciprocal_rank_fusion([ranking, ranking])) == ranking


def test_first_in_all_is_first_and_two_routes_beat_one():
    assert next(iter(reciprocal_rank_fusion([["a", "b"], ["a", "c"]]))) == "a"
    assert next(iter(reciprocal_rank_fusion([["x", "b"], ["y", "b"]]))) == "b"


def test_ties_are_broken_by_name_and_a_name_counts_once():
    assert list(reciprocal_rank_fusion([["b"], ["a"]])) == ["a", "b"]
    assert reciprocal_rank_fusion([["a", "a", "b"]]) == reciprocal_rank_fusion([["a", "b"]])

"""From scores to reasons and a decision."""

import pytest

from alciato.item import Span
from alciato.judge.decide import MAX_EVIDENCE, verdict_for
from alciato.judge.strategies.prototype import Prototype
from alciato.judge.strategy import Judgement, Match
from alciato.read.content import Content

SAID = Span(part=0, kind="body", text="martians are vermin")
HEARD = Span(part=0, kind="speech", text="out with them " * 20, start=2.0, end=4.0)


@pytest.fixture
def verdict(encoder, policy, post):
    strategy = Prototype(encoder, policy)

    def made(scores, *matches, unread=(), **more):
        judgement = Judgement({"hate": 0.0, "self-harm": 0.0} | scores, matches, **more)
        return verdict_for(Content(post("martians are vermin").item), judgement, policy, strategy, unread)

    return made


def test_each_category_over_its_threshold_is_a_reason_the_strongest_first(verdict):
    hurt, hate = (
        Match("self-harm", 0.6, "it tells to", (HEARD,)),
        Match("hate", 0.85, "it insults", (SAID,), "Martians"),
    )
    found = verdict({"self-harm": 0.6, "hate": 0.85}, hurt, hate)
    assert found.decision == "remove"
    assert found.target == "Martians"
    assert found.evidence == (SAID, HEARD)
    first, second = found.reasons
    assert first == "Attack, 0.85 (limit 0.80): it insults. It rests on the text “martians are vermin”."
    assert second.startswith("Self-harm, 0.60 (limit 0.50): it tells to. It rests on what is said at 2.0 s “out with")
    assert second.endswith("…”.")


def test_under_all_thresholds_the_nearest_category_is_told(verdict):
    found = verdict({"hate": 0.4, "self-harm": 0.3}, Match("self-harm", 0.3), Match("hate", 0.4, "it insults", (SAID,)))
    assert (found.decision, found.target, found.evidence) == ("allow", None, ())
    assert found.reasons == ("Nothing reached a threshold; nearest was Attack: 0.40 of 0.50.",)
    assert verdict({}).reasons == ("Nothing in it comes near a category of the policy.",)


def test_what_was_not_seen_is_never_allowed_and_removal_stays_removal(verdict):
    assert verdict({}, unread=["Part 1 was not read."]).decision == "review"
    found = verdict({}, unseen=("The second half was not judged.",), notes=("It was long.",))
    assert found.decision == "review"
    assert found.reasons[-2:] == ("It was long.", "The second half was not judged.")
    assert verdict({"hate": 0.9}, Match("hate", 0.9, "x"), unread=["Part 1 was not read."]).decision == "remove"


def test_a_place_is_told_once_and_places_are_bounded(verdict):
    places = tuple(Span(part=0, kind="body", text=f"{n}") for n in range(2 * MAX_EVIDENCE))
    found = verdict({"hate": 0.9}, Match("hate", 0.9, "x", (SAID, *places)), Match("hate", 0.8, "y", (SAID,)))
    assert found.evidence == (SAID, *places)[:MAX_EVIDENCE]
    assert "“0”" in found.reasons[0]
    assert "“2”" not in found.reasons[0]  # the first three places

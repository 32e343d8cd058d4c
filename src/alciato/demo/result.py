"""What a run of the demo found, as figures."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TimedStep(_Figures):
    """A step of the demo and the seconds that it took."""

    name: str
    seconds: float


class SearchFigures(_Figures):
    """Mean reciprocal rank of the first right post, over written queries; and how many got the right one first."""

    queries: int
    mean_reciprocal_rank: float
    first: int
    cross_lingual_queries: int
    cross_lingual_mean_reciprocal_rank: float
    unanswerable: int = Field(description="queries that no post answers")
    told_so: int = Field(description="of these, how many got an empty result")
    missed: tuple[str, ...] = Field((), description="ids of the queries whose first hit is not right")


class CopyFigures(_Figures):
    """Pairs of near copies: found of those that are, and found that are none."""

    pairs: int
    found: int
    false: int
    recall: float


class TextFigures(_Figures):
    """Words read of those that are on the pictures in Latin script, and of those that are spoken."""

    words: int
    read: int
    accuracy: float
    spoken_words: int
    heard: int


class JudgeFigures(_Figures):
    """Decisions against the truth of made posts; flagged: review or remove."""

    strategy: str
    posts: int
    breaking: int
    flagged: int = Field(description="of the breaking posts")
    benign: int
    wrongly_flagged: int = Field(description="of the benign posts that were judged")
    unjudged: int = Field(0, description="no words were found in them; they go to a person")
    missed: tuple[str, ...] = ()


class DemoResult(_Figures):
    """Everything that the demo measured, and where its results are."""

    folder: str
    posts: int
    report: str
    steps: tuple[TimedStep, ...]
    seconds: float
    search: SearchFigures
    copies: CopyFigures
    text: TextFigures
    judge: JudgeFigures
    answers: tuple[str, ...] = Field((), description="the answers to the questions asked")

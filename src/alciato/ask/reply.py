"""What comes back from a question: sentences, each with the passages of posts that it rests on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alciato.item import Span

NOT_HELD = "The collection does not hold an answer to this."


class Citation(BaseModel):
    """A passage of a post: enough to open the post at the place."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    number: int = Field(ge=1)
    item: str
    span: Span = Field(description="the place; its text is the passage, word for word")
    source: str | None = Field(None, description="path of the file")
    author: str | None = None
    created_at: str | None = None


class Sentence(BaseModel):
    """A sentence of the answer and the numbers of the citations that it rests on, never none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str = Field(min_length=1)
    citations: tuple[int, ...] = Field(min_length=1)


class Reply(BaseModel):
    """An answer. Where `found` is False there are no sentences: the collection does not hold it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    question: str
    found: bool
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    model: str = Field(description="`extract` with the encoder's name, or the chat model that wrote")
    dropped: int = Field(0, ge=0, description="sentences of the chat model that its passages did not support")

    @model_validator(mode="after")
    def _every_sentence_has_its_sources(self) -> Reply:
        """Refuse an answer with a citation that leads nowhere, and one without sentences that says it was found."""
        known = {citation.number for citation in self.citations}
        for sentence in self.sentences:
            if not set(sentence.citations) <= known:
                message = f"the sentence {sentence.text!r} cites {sentence.citations}, known are {sorted(known)}"
                raise ValueError(message)
        if self.found != bool(self.sentences):
            message = f"found is {self.found}, but there are {len(self.sentences)} sentences"
            raise ValueError(message)
        return self

    def __str__(self) -> str:
        """Give the answer as plain text with the sources below it."""
        if not self.found:
            return NOT_HELD
        said = " ".join(f"{one.text} {''.join(f'[{n}]' for n in one.citations)}" for one in self.sentences)
        return "\n".join([said, "", *(f"[{one.number}] {one.span.text} ({place(one)})" for one in self.citations)])


def place(citation: Citation) -> str:
    """Say where a passage stands: file or item, and the place in it."""
    where, span = citation.source or citation.item, citation.span
    if span.start is not None:
        end = f" to {span.end:.1f} s" if span.end is not None else " s"
        where += f", {span.kind}, {span.start:.1f}{end}"
    elif span.box is not None:
        where += f", {span.kind} at " + ", ".join(f"{edge:.0f}" for edge in span.box)
    return where

"""The vectors of a policy's texts of one form: words alone, or words with what a picture shows.

A form is a tuple of texts, (words,) or (words, picture). Its vector is that of the parts side by side, divided by
the root of their number: the dot product of two pairs is then the mean of the similarity of their words and that of
their pictures, so that a pair is near another only if both halves are. One sentence made of both loses this: on the
confounder sets of `calibration` it had an AUROC of 0.83 when it was tried, pairs have 0.93.

Vectors x are moved by the mean of the policy's texts and scaled to length 1 again: sentence encoders put everything
into a narrow cone (cosines of 0.75 to 0.9), and the mean is what all share. With P the examples of a category, N the
benign texts, and w the standard deviation of the similarities among them all, the margin is the logarithm of a ratio
of two kernel densities:

    m(x) = (log sum_{p in P} exp(b x.p / w) - log sum_{n in N} exp(b x.n / w)) / b,    b = SHARPNESS

Sums, not means: a category with few examples needs a closer match.
Source: kernel density classification, Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 6.6.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alciato.judge.policy import Policy, PolicyExample, background, background_pairs
from alciato.models import Encoder
from alciato.models.vector_cache import cached_vectors
from alciato.settings import Settings

SHARPNESS = 2.6
"""Chosen with the packaged encoder on the half of `calibration` that curves are fitted on: of 1.0 to 10.0 it has the
greatest AUROC there, for words (0.904) and for pairs (0.971)."""
FEW = 30
"""Benign texts of a form below which the background corpus is added: few texts tell neither mean nor width."""
Array = NDArray[np.floating[Any]]
Form = tuple[str, ...]


def margin(x: Array, examples: Array, benign: Array, width: float, sharpness: float = SHARPNESS) -> Array:
    """Log ratio of the two kernel densities, in units of `width`.

    Shapes: x (texts, dim), examples (examples, dim), benign (benign, dim), all of length 1; gives (texts,).
    No examples give minus infinity, no benign texts plus infinity.
    """
    return (_log_sum(x, examples, sharpness / width) - _log_sum(x, benign, sharpness / width)) / sharpness


def _log_sum(x: Array, texts: Array, sharpness: float) -> Array:
    """Logarithm of the kernel density of each x, not divided by the number of texts; minus infinity without any."""
    if not len(texts):
        return np.full(len(x), -np.inf)
    logits = (x @ texts.T).astype(np.float64) * sharpness
    largest = logits.max(axis=1, keepdims=True)
    return np.asarray(largest[:, 0] + np.log(np.exp(logits - largest).sum(axis=1)))


def form_of(words: str, picture: str | None) -> Form:
    """Give (words, picture) for a pair, else the one that is there."""
    parts = tuple(part for part in (words, picture) if part and part.strip())
    return parts or ("",)


class Space:
    """Examples of each category and benign texts, of one form. With settings their vectors are kept in its cache."""

    def __init__(
        self,
        encoder: Encoder,
        examples: Mapping[str, Sequence[Form]],
        benign: Sequence[Form],
        settings: Settings | None = None,
    ) -> None:
        self._encoder, self._settings = encoder, settings
        self.texts = examples
        forms = [*benign, *(form for forms in examples.values() for form in forms)]
        raw = self._raw(forms, keep=True)
        self._mean = raw.mean(axis=0)
        centred = self._centre(raw)
        similarity = (centred @ centred.T)[~np.eye(len(raw), dtype=bool)]
        self.width = max(float(similarity.std()), 1e-6)
        self.benign, rest = centred[: len(benign)], centred[len(benign) :]
        ends = np.cumsum([len(forms) for forms in examples.values()])
        self.examples = dict(zip(examples, np.split(rest, ends[:-1]), strict=True))

    def encode(self, forms: Sequence[Form], *, keep: bool = False) -> Array:
        """Give centred vectors of length 1, shape (texts, dim); with `keep` from the cache, where there is one."""
        return self._centre(self._raw(forms, keep=keep))

    def margins(self, x: Array) -> dict[str, Array]:
        """Give the margin of each text for each category, shape (texts,)."""
        benign = _log_sum(x, self.benign, SHARPNESS / self.width)
        return {
            category: (_log_sum(x, examples, SHARPNESS / self.width) - benign) / SHARPNESS
            for category, examples in self.examples.items()
        }

    def ranked(self, x: Array, category: str) -> list[Form]:
        """Give the examples of a category, the nearest to one vector (dim,) first."""
        order = np.argsort(-(self.examples[category] @ x), kind="stable")
        return [self.texts[category][int(place)] for place in order]

    def _raw(self, forms: Sequence[Form], *, keep: bool) -> Array:
        if keep and self._settings is not None:
            return _kept(self._encoder, forms, self._settings)
        return embed(self._encoder, forms)

    def _centre(self, raw: Array) -> Array:
        moved = raw - self._mean
        return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9))


def embed(encoder: Encoder, forms: Sequence[Form]) -> Array:
    """Give one vector of length 1 for each text, shape (texts, parts * dim); all are of one form."""
    return _joined(encoder.encode(_parts(forms), role="query").dense, forms)


def _kept(encoder: Encoder, forms: Sequence[Form], settings: Settings) -> Array:
    return _joined(cached_vectors(encoder, settings, "policies", _parts(forms), "query"), forms)


def _parts(forms: Sequence[Form]) -> list[str]:
    return [part for form in forms for part in form]


def _joined(raw: Array, forms: Sequence[Form]) -> Array:
    """Put the vectors of the parts of each form side by side."""
    parts = len(forms[0])
    return np.asarray(raw.reshape(len(forms), parts * raw.shape[1]) / np.sqrt(parts))


def spaces_of(encoder: Encoder, policy: Policy, settings: Settings | None = None) -> dict[int, Space]:
    """Make the spaces of a policy by number of parts: 1 for words, 2 for pairs, where it has examples of that form."""
    found = {}
    for parts in (1, 2):
        examples = {category.id: _forms(category.examples, parts) for category in policy.categories}
        if any(examples.values()):
            found[parts] = Space(encoder, examples, _benign(policy, parts), settings)
    return found


def _forms(examples: Sequence[PolicyExample], parts: int) -> list[Form]:
    forms = [form_of(example.words, example.picture) for example in examples]
    return [form for form in forms if len(form) == parts]


def _benign(policy: Policy, parts: int) -> list[Form]:
    """What is benign: as written, the halves of pairs too; with the background corpus where that is little."""
    written = [*policy.benign, *(example for category in policy.categories for example in category.counterexamples)]
    found = _forms(written, parts)
    if parts == 1:
        pairs = [example for category in policy.categories for example in category.examples] + written
        found += list(_halves(pairs))
    found = list(dict.fromkeys(found))
    everyday = _forms((*background(), *background_pairs()), parts)
    return found if len(found) >= FEW else list(dict.fromkeys([*found, *everyday]))


def _halves(examples: Sequence[PolicyExample]) -> Iterator[Form]:
    """Yield words and picture of each pair apart: that they offend only together is what makes them a pair."""
    for example in examples:
        form = form_of(example.words, example.picture)
        if len(form) == 2:
            yield from ((part,) for part in form)

"""Near copies of a picture among the units: by perceptual hash."""

from __future__ import annotations

from alciato.models import Picture
from alciato.search.neighbours import COPY
from alciato.search.routes import Ranking, Scope, by_copy
from alciato.settings import Settings
from alciato.store import Collection


def copies_of(collection: Collection, scope: Scope, picture: Picture, settings: Settings) -> Ranking:
    """Rank the pictures and frames that are near copies of a picture."""
    from alciato.read.pdq import pdq

    del collection, settings
    return by_copy(scope, pdq(picture).bits, COPY)

"""What a reader must do: look at one part, give what is there. It knows nothing of storage or of other items."""

from __future__ import annotations

from typing import Protocol

from alciato.item import Finding
from alciato.read.content import PartContent


class Reader(Protocol):
    """One kind of reading by one model.

    `version` changes whenever the same part could give other findings; then the part is read again.
    `after` names the kinds of reading whose findings this one takes from `content.found`: with these it is done again.
    """

    kind: str
    model: str
    version: str
    parts: frozenset[str]  # types of part that it applies to
    after: tuple[str, ...]

    def read(self, content: PartContent) -> list[Finding]:
        """Give what is there. Raises `BadMedia` or `ModelError` with the reason why it cannot."""
        ...

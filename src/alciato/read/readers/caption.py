"""A description of a picture or clip in a sentence or two, by a chat model that sees."""

from __future__ import annotations

import hashlib

from alciato.errors import UsageError
from alciato.item import Finding
from alciato.models import Chat, Message
from alciato.read.content import PartContent

INSTRUCTION = (
    "Describe in one or two plain sentences what can be seen, so that somebody who searches can find it: "
    "who or what, doing what, where. Do not interpret and do not repeat words written in the picture."
)
FRAMES = 4  # key frames of a clip that are shown


class CaptionReader:
    """`caption`: text."""

    kind = "caption"
    parts = frozenset({"image", "video"})
    after: tuple[str, ...] = ()

    def __init__(self, chat: Chat) -> None:
        """Raise `UsageError` if the model does not see."""
        if not chat.supports_images:
            raise UsageError(f"{chat.name} does not take pictures.", remedy="Name a chat model that sees, or none.")
        prompt = hashlib.sha256(INSTRUCTION.encode()).hexdigest()[:8]
        self.model, self.version = chat.name, f"{chat.fingerprint}+{prompt}"
        self._chat = chat

    def read(self, content: PartContent) -> list[Finding]:
        """Ask for a description of all that is seen, a clip's frames spread over its length."""
        step = max(1, -(-len(content.views) // FRAMES))
        pictures = [view.picture for view in content.views[::step]]
        answer = self._chat.generate([Message("user", [*pictures, INSTRUCTION])], max_tokens=160).text.strip()
        return [Finding(text=answer)] if answer else []

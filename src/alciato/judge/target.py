"""The target of an attack: the group of the policy that a text names, or the account that it addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from alciato.judge.policy import TargetGroup

_ACCOUNT = re.compile(r"(?<![\w@])@[\w.]*\w")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
"""Scripts that do not put spaces between words."""


def find_target(text: str, groups: Sequence[TargetGroup]) -> str | None:
    """Give the name of the group that is named first, else the first @account, else None."""
    found = [(hit.start(), group.name) for group in groups if (hit := _pattern(group).search(text))]
    if found:
        return min(found)[1]
    account = _ACCOUNT.search(text)
    return account.group() if account else None


@lru_cache(maxsize=1024)
def _pattern(group: TargetGroup) -> re.Pattern[str]:
    """Whole words, so that `king` is not found in `kingdom`; the longest first; in any case of letters."""
    words = sorted({group.name, *group.words}, key=len, reverse=True)
    return re.compile("|".join(_word(word) for word in words), re.IGNORECASE)


def _word(word: str) -> str:
    escaped = re.escape(word).replace(r"\ ", r"\s+")
    return escaped if _SPACELESS.search(word) else rf"(?<!\w){escaped}(?!\w)"

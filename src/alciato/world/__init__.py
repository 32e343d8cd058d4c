"""The emblem world: composed posts whose every fact is known. A laboratory, not a claim about photographs.

`make("scene", n=100, seed=7)` gives posts with picture, words, item and typed truth; `write` puts them into a folder
that `alciato add` reads; `sheet` shows many at a glance. One seed, one post, the same everywhere.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Compact networks that learned parts share, a few million parameters each; every size is a configuration.

`build_vision`, `build_text`, `build_decoder` and `build_masked` take a configuration of our own small networks, or
`Pretrained(folder=…)`, a Hugging Face model in a local folder: the code around them is the same.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

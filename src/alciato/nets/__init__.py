"""Network parts that training and serving share: compact backbones, and the networks of published mechanisms.

The backbones (`VisionTransformer`, `TextEncoder`) have a few million parameters; every size is a configuration.
Pretrained networks are not wrapped here: `alciato.models` loads them, and sentence-transformers, transformers, peft and
trl train them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

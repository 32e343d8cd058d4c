"""Training: labelled examples, typed targets, objectives, one trainer for small mechanisms, folders of trained models.

    from alciato.learn import Classification, Trainer, TrainingConfig
    fitted = Trainer(TrainingConfig(epochs=5), folder).fit(model, train, collate, Classification(classes), validation)

What is trained where: `Trainer` is for small networks of our own (a few million parameters; exact resume, gradient
accumulation, several processes). Pretrained models are trained by the trainers of their own libraries: text encoders by
sentence-transformers, language models by trl, other models by transformers, adapters by peft.

Everything here needs `pip install 'alciato[train]'` and is imported when it is first used.
"""

from typing import Any

import lazy_loader

from alciato.errors import naming_what_is_missing

_attach, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    with naming_what_is_missing():
        return _attach(name)

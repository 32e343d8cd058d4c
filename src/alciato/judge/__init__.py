"""Judge: an item and a policy to a verdict with scores, a decision, reasons and the places they rest on.

from alciato.judge import judge, load_policy
for verdict in judge(collection, load_policy("general")):
    print(verdict.item, verdict.decision, verdict.reasons)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Libraries have one thread in a process of tests: as many processes as cores keep all busy, and none spins.

`make quick` tries fewer examples of each law; `make test` and CI try as many as Hypothesis does.
"""

import os

from hypothesis import settings

from alciato.executor import ONE_THREAD

os.environ |= dict.fromkeys(ONE_THREAD, "1") | {"OMP_WAIT_POLICY": "PASSIVE"}
settings.register_profile("quick", max_examples=25)

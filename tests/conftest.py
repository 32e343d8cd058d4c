"""Libraries have one thread in a process of tests: as many processes as cores keep all busy, and none spins."""

import os

from alciato.executor import ONE_THREAD

os.environ |= dict.fromkeys(ONE_THREAD, "1") | {"OMP_WAIT_POLICY": "PASSIVE"}

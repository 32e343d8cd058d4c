"""Sources: files and folders → posts; what cannot be taken is reported with its reason and skipped.

`scan` is all that the rest of Alciato needs. Nothing is fetched from the network, no archive is opened, no link is
followed out of the folder that was given.
"""

from alciato.sources.scan import scan
from alciato.sources.skipped import Skipped

__all__ = ["Skipped", "scan"]

from .pipeline import ReadSummary as ReadSummary
from .pipeline import read as read
from .pipeline import read_post as read_post
from .pipeline import unread as unread

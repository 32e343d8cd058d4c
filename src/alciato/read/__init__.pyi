from .content import Content as Content
from .content import contents_of as contents_of
from .pipeline import ReadSummary as ReadSummary
from .pipeline import read as read
from .pipeline import read_content as read_content
from .pipeline import read_post as read_post
from .pipeline import unread as unread

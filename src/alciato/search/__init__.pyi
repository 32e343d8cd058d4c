from .finding import search as search
from .hit import Hit as Hit
from .hit import Reason as Reason
from .similarity import similar as similar

from .clustering import Cluster as Cluster
from .clustering import Member as Member
from .clustering import duplicates as duplicates

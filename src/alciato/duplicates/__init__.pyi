from .cluster import Cluster as Cluster
from .cluster import Member as Member
from .clustering import duplicates as duplicates

from .build import build_demo as build_demo
from .result import DemoResult as DemoResult
from .run import run_demo as run_demo
from .truth import DemoTruth as DemoTruth
from .truth import TruthPost as TruthPost

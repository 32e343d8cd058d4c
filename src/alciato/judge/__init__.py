"""Judge: an item and a policy to a verdict with scores, a decision, reasons and the places they rest on.

from alciato.judge import judge, load_policy
for verdict in judge(collection, load_policy("general")):
    print(verdict.item, verdict.decision, verdict.reasons)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alciato.judge.evaluation import Performance, evaluate
    from alciato.judge.judging import judge, judge_items
    from alciato.judge.policy import Category, Example, Policy, load_policy, shipped_policies
    from alciato.judge.report_html import write_report
    from alciato.judge.report_jsonl import verdict_line, write_jsonl
    from alciato.judge.report_terminal import verdict_table
    from alciato.judge.strategy import STRATEGIES

_PLACES = {
    "Category": "policy",
    "Example": "policy",
    "Performance": "evaluation",
    "Policy": "policy",
    "STRATEGIES": "strategy",
    "evaluate": "evaluation",
    "judge": "judging",
    "judge_items": "judging",
    "load_policy": "policy",
    "shipped_policies": "policy",
    "verdict_line": "report_jsonl",
    "verdict_table": "report_terminal",
    "write_jsonl": "report_jsonl",
    "write_report": "report_html",
}

__all__ = [
    "STRATEGIES",
    "Category",
    "Example",
    "Performance",
    "Policy",
    "evaluate",
    "judge",
    "judge_items",
    "load_policy",
    "shipped_policies",
    "verdict_line",
    "verdict_table",
    "write_jsonl",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for: numpy, the store and the report's engine wait until they are used."""
    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(name)

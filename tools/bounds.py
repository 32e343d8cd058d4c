"""Holds the bounds that no linter rule counts: 350 lines a file, 25 a function (40 where it is one straight flow).

A function's lines are those of its code: signature, docstring, comments and blank lines do not count.
Straight means: at most two branches or loops, and none inside another.
"""

import ast
import sys
from pathlib import Path

FILE, FUNCTION, STRAIGHT = 350, 25, 40
BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.Match, ast.AsyncFor)


def main() -> int:
    """Print every place over its bound; 1 if there is one."""
    found = [line for root in sys.argv[1:] for path in sorted(Path(root).rglob("*.py")) for line in over(path)]
    print("\n".join(found) or "bounds hold")
    return 1 if found else 0


def over(path: Path) -> list[str]:
    """List what is over its bound in one file."""
    source = path.read_text()
    count = len(source.splitlines())
    found = [f"{path}: {count} lines, at most {FILE}"] if count > FILE else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size, bound = code_lines(node, source), STRAIGHT if straight(node) else FUNCTION
            if size > bound:
                found.append(f"{path}:{node.lineno} {node.name}: {size} lines, at most {bound}")
    return found


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, source: str) -> int:
    """Count the lines of a function that hold code."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if not body:
        return 0
    lines = source.splitlines()[body[0].lineno - 1 : node.end_lineno]
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


def straight(node: ast.AST) -> bool:
    """Tell whether a function is one straight flow."""
    branches = [inner for inner in ast.walk(node) if isinstance(inner, BRANCHES)]
    nested = any(isinstance(deep, BRANCHES) for b in branches for deep in ast.walk(b) if deep is not b)
    return len(branches) <= 2 and not nested


if __name__ == "__main__":
    raise SystemExit(main())

"""Mutation testing: break one expression at a time and see whether a fast test notices.

    python tools/mutate.py --sample 400 --seed 7        # or: make mutate

Sites are drawn at random, with a seed, from the source of the folders whose mistakes cost most. The fast tests run once
under coverage, which records which test reaches which line; each mutant is then run against the tests that reach its
line, up to `MOST_TESTS`, in a copy of the source. A mutant is killed where a test fails or runs out of time. Outcomes
are appended to a file as they come: the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "alciato"
FOLDERS = ("search", "duplicates", "judge", "ask", "store", "read/plan.py")
WORK = ROOT / ".mutate"
MOST_TESTS = 40
SECONDS = 180
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One broken expression: file below src/alciato, line, what stood there and what stands there now."""

    file: str
    line: int
    before: str
    after: str
    start: int
    """First byte of the expression in the file."""
    end: int

    @property
    def key(self) -> str:
        """Name of the mutant in the file of outcomes."""
        return f"{self.file}:{self.start}:{self.before}->{self.after}"

    def source(self) -> str:
        """Text of the file with the mutant in place."""
        whole = (SOURCE / self.file).read_bytes()
        return (whole[: self.start] + self.after.encode() + whole[self.end :]).decode()


def mutants(file: Path) -> Iterator[Mutant]:
    """Yield all mutants of a file, in the order of its text."""
    text = file.read_text("utf-8")
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    for node in _expressions(ast.parse(text)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before = text.encode()[start:end].decode()
        for changed in _changes(node):
            after = ast.unparse(changed)
            after = f"({after})" if isinstance(changed, ast.expr) and not isinstance(node, ast.Constant) else after
            yield Mutant(str(file.relative_to(SOURCE)), node.lineno, before, after, start, end)


def _expressions(tree: ast.Module) -> Iterator[ast.stmt | ast.expr]:
    """Walk what runs: no annotations, no docstrings, no blocks for type checkers, no messages of errors."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.keyword) and node.arg == "strict":
            continue  # of zip: a check of lengths that are equal by construction
        if isinstance(node, ast.stmt | ast.expr):
            yield node
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "type_params", "type_comment"}:
                continue
            waiting += [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, ast.AST)]


def _changes(node: ast.stmt | ast.expr) -> Iterator[ast.AST]:
    """Yield the node broken in each way that applies."""
    changed = copy.deepcopy(node)
    if isinstance(changed, ast.Compare) and type(changed.ops[0]) in COMPARISONS:
        changed.ops[0] = COMPARISONS[type(changed.ops[0])]()
        yield changed
    elif isinstance(changed, ast.BinOp) and type(changed.op) in ARITHMETIC and not _textual(changed):
        changed.op = ARITHMETIC[type(changed.op)]()
        yield changed
    elif isinstance(changed, ast.BoolOp):
        changed.op = ast.And() if isinstance(changed.op, ast.Or) else ast.Or()
        yield changed
    elif isinstance(changed, ast.UnaryOp) and isinstance(changed.op, ast.Not):
        yield changed.operand
    elif isinstance(changed, ast.Constant) and isinstance(changed.value, bool):
        yield ast.Constant(not changed.value)
    elif isinstance(changed, ast.Constant) and isinstance(changed.value, int | float):
        yield ast.Constant(_other_number(changed.value))
    elif isinstance(changed, ast.Return) and changed.value is not None and ast.unparse(changed.value) != "None":
        yield ast.Return(ast.Constant(None))
    elif isinstance(changed, ast.Expr) and isinstance(changed.value, ast.Call):
        yield ast.Pass()


def _other_number(value: float) -> float:
    """Another number: the next one of a small whole number, else twice the number.

    A tuned constant that is changed by one, such as 160 passages to 161, changes nothing that a test should hold.
    """
    if isinstance(value, int):
        return value + 1 if abs(value) <= 3 else 2 * value
    return 2 * value or 0.1


def _textual(node: ast.BinOp) -> bool:
    """Tell whether an operation joins or fills text."""
    parts = (node.left, node.right)
    return any(
        isinstance(p, ast.JoinedStr) or (isinstance(p, ast.Constant) and isinstance(p.value, str)) for p in parts
    )


def sample(count: int, seed: int, folders: list[str]) -> list[Mutant]:
    """Draw mutants at random over all files of the folders; a run that is cut short has still a random sample."""
    places = [SOURCE / folder for folder in folders]
    files = sorted(f for place in places for f in ([place] if place.is_file() else place.rglob("*.py")))
    every = [mutant for file in files for mutant in mutants(file)]
    return random.Random(seed).sample(every, min(count, len(every)))


def coverage_of_tests() -> None:
    """Run the fast tests once; `.mutate/coverage` then holds which test reaches which line."""
    environment = os.environ | {"COVERAGE_FILE": str(WORK / "coverage")}
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal", "-m", "not slow", "-q"]
    command += ["--cov=alciato", "--cov-context=test", "--cov-report="]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if done.returncode:
        sys.exit("The fast tests fail without any mutant: repair them first.")


def tests_by_line(file: str) -> dict[int, list[str]]:
    """Names of the tests that reach each line of a file; line 0 holds all that reach the file."""
    from coverage import CoverageData

    data = CoverageData(str(WORK / "coverage"))
    data.read()
    lines = data.contexts_by_lineno(str(SOURCE / file))
    found = {line: [_test(context) for context in contexts if context] for line, contexts in lines.items()}
    found[0] = list(dict.fromkeys(test for tests in found.values() for test in tests))
    return found


def _test(context: str) -> str:
    return context.rpartition("|")[0]


def chosen_tests(mutant: Mutant, reached: dict[int, list[str]]) -> list[str]:
    """Tests to run: those that reach the line, else (for what runs at import) those that reach the file."""
    folder = f"tests/{mutant.file.split('/')[0]}/"
    tests = reached.get(mutant.line) or reached[0]
    return sorted(tests, key=lambda test: (not test.startswith(folder), test))[:MOST_TESTS]


def outcome(mutant: Mutant, tests: list[str], copy_of_source: Path) -> str:
    """Run the tests against the mutant: `killed`, `timeout` or `survived`; `no test` where none reaches it."""
    if not tests:
        return "no test"
    place = copy_of_source / "alciato" / mutant.file
    whole = place.read_text("utf-8")
    place.write_text(mutant.source(), "utf-8")
    environment = os.environ | {"PYTHONPATH": str(copy_of_source), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:cov", *tests]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, timeout=SECONDS, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        return "timeout"
    finally:
        place.write_text(whole, "utf-8")
    return "killed" if done.returncode else "survived"


def run(drawn: list[Mutant], results: Path, workers: int) -> list[dict[str, object]]:
    """Run the mutants that have no outcome yet, and return all outcomes."""
    known = [json.loads(line) for line in results.read_text("utf-8").splitlines()] if results.exists() else []
    done = {row["key"] for row in known}
    left = [mutant for mutant in drawn if mutant.key not in done]
    reached = {file: tests_by_line(file) for file in {mutant.file for mutant in left}}
    copies: Queue[Path] = Queue()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool, results.open("a") as stream:
        for number in range(workers):
            shutil.copytree(SOURCE, Path(folder, str(number), "alciato"))
            copies.put(Path(folder, str(number)))

        def one(mutant: Mutant) -> dict[str, object]:
            place = copies.get()
            try:
                tests = chosen_tests(mutant, reached[mutant.file])
                return {"key": mutant.key, "outcome": outcome(mutant, tests, place), **asdict(mutant)}
            finally:
                copies.put(place)

        for row in pool.map(one, left):
            known.append(row)
            stream.write(json.dumps(row) + "\n")
            stream.flush()
            print(f"{row['outcome']:9} {row['file']}:{row['line']}  {row['before']!s:.60} -> {row['after']!s:.60}")
    keys = {mutant.key for mutant in drawn}
    return [row for row in known if row["key"] in keys]


def main() -> None:
    """Draw, run, and print the share killed, in all and by folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sample", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="measure coverage again and forget earlier outcomes")
    parser.add_argument("folders", nargs="*", default=list(FOLDERS), help="folders or files below src/alciato")
    asked = parser.parse_args()
    results = WORK / f"outcomes-{asked.seed}.jsonl"
    if asked.again:
        shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(exist_ok=True)
    if not (WORK / "coverage").exists():
        coverage_of_tests()
    rows = run(sample(asked.sample, asked.seed, asked.folders), results, asked.workers)
    totals: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    for row in rows:
        for group in (str(row["file"]).split("/")[0], "all"):
            totals[group] += 1
            killed[group] += row["outcome"] in ("killed", "timeout")
    for group, total in sorted(totals.items()):
        print(f"{group:12} {killed[group]:4} of {total:4} killed: {killed[group] / total:.3f}")


if __name__ == "__main__":
    main()

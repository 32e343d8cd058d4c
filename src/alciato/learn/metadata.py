"""Numeric metadata as features of a judge, without columns that leak the label.

A column leaks the label where its values repeat and each occurs with one class only, or where a threshold on it
separates one class from the others (AUROC of at least 0.99, or at most 0.01). A judge that is trained with such a
column learns to read the answer. Found columns that leak are left out with a warning; a named one is an error.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

from alciato.errors import UsageError, unknown_name
from alciato.learn.examples import Examples
from alciato.nets.modular_posts import MetadataColumn, numbers_of

COVERAGE = 0.5
"""A number of the metadata is found as a column if at least this share of the training posts has it."""
REPEATS = 4
"""Posts for each distinct value of a column, on average, from which on a value that tells the class is no accident."""
SEPARATION = 0.99
"""AUROC of a single column from which on it is taken for the label in other words."""
FEWEST = 5
"""Examples of a class, and of the others, that a separation is measured on."""


def metadata_columns(examples: Examples, named: Sequence[str] | None = None) -> tuple[list[MetadataColumn], list[str]]:
    """Find the numeric columns of the metadata, with mean and standard deviation; constant ones are left out.

    Args:
        examples: training examples.
        named: names of the columns to use; None: all that enough posts have and that do not leak the label.

    Returns:
        the columns in alphabetical order; a warning for each column that was left out because it leaks the label.

    Raises:
        UsageError: a named column that no post has, or that leaks the label.
    """
    found: dict[str, list[tuple[float, str]]] = {}
    for example in examples:
        for name, value in numbers_of(example.item).items():
            found.setdefault(name, []).append((value, example.label))
    for name in named or ():
        if name not in found:
            raise unknown_name("numeric metadata column", name, list(found))
    columns, warnings = [], []
    for name, pairs in sorted(found.items()):
        values = [value for value, _ in pairs]
        std = statistics.pstdev(values)
        wanted = name in named if named is not None else len(values) >= COVERAGE * len(examples)
        if not wanted or not std:
            continue
        reason = label_leak(values, [label for _, label in pairs])
        if reason is None:
            columns.append(MetadataColumn(name=name, mean=statistics.fmean(values), std=std))
        elif named is not None:
            raise UsageError(f"the metadata column {name!r} leaks the label: {reason}.", remedy="Leave it out.")
        else:
            warnings.append(f"the metadata column {name!r} is left out, because it leaks the label: {reason}")
    return columns, warnings


def label_leak(values: Sequence[float], labels: Sequence[str]) -> str | None:
    """Explain how a column of numbers leaks the label of the same posts; None if it does not."""
    from sklearn.metrics import roc_auc_score

    pairs = set(zip(values, labels, strict=True))
    distinct = len({value for value, _ in pairs})
    classes = sorted(set(labels))
    repeated = distinct == len(classes) or distinct * REPEATS <= len(values)
    if len(classes) > 1 and len(pairs) == distinct and repeated:
        return "each of its values occurs with one class only"
    column, named = np.asarray(values, float), np.asarray(labels)
    for label in classes:
        positive = named == label
        if min(positive.sum(), (~positive).sum()) >= FEWEST:
            auroc = float(roc_auc_score(positive, column))
            if not 1 - SEPARATION < auroc < SEPARATION:
                return f"alone it separates {label!r} from the others (AUROC {max(auroc, 1 - auroc):.2f})"
    return None

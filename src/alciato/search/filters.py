"""`--where`: a condition over a few named columns, parsed, checked against an allow-list, written out as SQL.

`created_at > '2024-01-01' and author = 'zork'`. A time may be written as a bare string; without a zone it is UTC.
The text is bounded in length, in tokens and in nesting before it is parsed (sqlglot). Every node of the syntax tree
must be listed here, every column must be one of the table's public ones, and both sides of a comparison must have
one type; everything else is an error that says what is allowed. What the store gets is written from the tree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal

import sqlglot
from sqlglot import expressions as sql
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType

from alciato.errors import UsageError, unknown_name
from alciato.item import SEGMENT_KINDS

Type = Literal["text", "time", "number", "boolean", "null"]

SEGMENT: Mapping[str, Type] = {
    "created_at": "time",
    "author": "text",
    "label": "text",
    "source": "text",
    "language": "text",
    "kind": "text",
    "item": "text",
    "part": "number",
    "text": "text",
}
"""Columns of a segment that a condition may name, with their types."""
ITEM: Mapping[str, Type] = {
    "created_at": "time",
    "author": "text",
    "label": "text",
    "source": "text",
    "id": "text",
    "added_at": "time",
}
"""Columns of an item that a condition may name."""
_SAME = {"id": "item", "item": "id"}
"""Two names of one thing: what a table of items calls `id`, its segments call `item`. Conditions may use either."""
MAX_LENGTH, MAX_TOKENS, MAX_DEPTH = 4_000, 400, 20
"""Characters, tokens, and nesting (brackets, or `not` and signs in a row) of a condition."""
MAX_INTEGER = 2**63 - 1
"""The largest integer of the store."""
_EXAMPLE = "Such as: created_at > '2024-01-01' and author = 'zork'."
_COMPARISONS = (sql.EQ, sql.NEQ, sql.GT, sql.GTE, sql.LT, sql.LTE)
_FUNCTIONS: Mapping[str, tuple[type[sql.Expression] | None, tuple[Type, ...], Type]] = {
    "lower": (sql.Lower, ("text",), "text"),
    "upper": (sql.Upper, ("text",), "text"),
    "length": (sql.Length, ("text",), "number"),
    "contains": (sql.Contains, ("text", "text"), "boolean"),
    "starts_with": (sql.StartsWith, ("text", "text"), "boolean"),
    "ends_with": (sql.EndsWith, ("text", "text"), "boolean"),
    "regexp_like": (sql.RegexpLike, ("text", "text"), "boolean"),
    "date_part": (None, ("text", "time"), "number"),
}
"""Functions by name: their node, the types of their arguments and of their value. sqlglot has no node for the last."""
FUNCTIONS = tuple(_FUNCTIONS)


def checked_filter(where: str | None, columns: Mapping[str, Type] = SEGMENT) -> str | None:
    """Return the condition as SQL that the store can run, times as timestamps; None for None.

    Args:
        where: the condition as it was written.
        columns: the columns that it may name, `SEGMENT` or `ITEM`.

    Raises:
        UsageError: a condition that is too long or too deep, cannot be parsed, names an unknown column, function or
            kind of segment, compares two types, or is not a condition.
    """
    if where is None:
        return None
    _check_bounds(where, _tokens(where))
    tree = _parsed(where)
    if _Checker(where, columns).type_of(tree) != "boolean":
        raise UsageError(f"the filter {where!r} is no condition.", remedy=_EXAMPLE)
    return str(tree.sql(comments=False))


def filter_error(where: str, error: Exception) -> UsageError:
    """Say that the store refused a condition; what names its private columns or files is left out."""
    told = str(error).split(", /", 1)[0].split(". Valid fields", 1)[0]
    pattern = re.search(r"regex parse error:.*error: ([^\n]*?)\)?$", told, re.DOTALL)
    reason = f"the regular expression is not valid: {pattern[1]}" if pattern else told.split("\n", 1)[0]
    reason = _STORE_WORDS.sub("", reason)[:200].rstrip(". ")
    return UsageError(f"the filter {where!r} cannot be followed: {reason}.", remedy=_EXAMPLE)


_STORE_WORDS = re.compile(r"^.*(?:expression to batch|Execution error|Arrow error|Compute error): ")
"""What the store says before its reason."""


def _tokens(where: str) -> list[Token]:
    if wrong := next((letter for letter in where if letter == "\0" or "\ud800" <= letter <= "\udfff"), None):
        raise UsageError(f"the filter {where[:80]!r} holds {wrong!r}, which no text has.", remedy=_EXAMPLE)
    if len(where) > MAX_LENGTH:
        raise UsageError(
            f"the filter has {len(where)} characters, at most {MAX_LENGTH} are taken.", remedy="Write a shorter one."
        )
    try:
        tokens = list(sqlglot.tokenize(where))
    except TokenError as error:
        raise UsageError(f"the filter {where!r} cannot be understood: a string does not close.", remedy=_EXAMPLE) from (
            error
        )
    if not tokens:
        raise UsageError("the filter is empty.", remedy=_EXAMPLE)
    if any(token.comments or token.token_type == TokenType.SEMICOLON for token in tokens):
        raise UsageError(
            f"the filter {where!r} cannot be understood: it has a comment or a semicolon.", remedy=_EXAMPLE
        )
    return tokens


def _check_bounds(where: str, tokens: list[Token]) -> None:
    """Refuse what is too long or too deep for a parser that recurses, and brackets that do not close."""
    depth = deepest = signs = most_signs = 0
    for token in tokens:
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        deepest = max(deepest, depth)
        signs = signs + 1 if token.token_type in (TokenType.NOT, TokenType.DASH, TokenType.PLUS) else 0
        most_signs = max(most_signs, signs)
        if depth < 0:
            break
    if depth:
        raise UsageError(f"the brackets of the filter {where[:80]!r} do not close.", remedy=_EXAMPLE)
    if len(tokens) > MAX_TOKENS or max(deepest, most_signs) > MAX_DEPTH:
        raise UsageError(
            f"the filter has {len(tokens)} words and signs, nested {max(deepest, most_signs)} deep; "
            f"at most {MAX_TOKENS} and {MAX_DEPTH} are taken.",
            remedy="Write a shorter one, such as with `in (…)` in place of many `or`.",
        )


def _parsed(where: str) -> sql.Expression:
    try:
        # A condition, not a statement: for statements that it does not know, sqlglot writes to its log.
        return sqlglot.parse_one(where, into=sql.Condition)
    except ParseError as error:
        place = error.errors[0]["highlight"] if error.errors else ""
        raise UsageError(
            f"the filter {where!r} cannot be understood{f' at {place!r}' if place else ''}.", remedy=_EXAMPLE
        ) from error
    except RecursionError as error:  # the bounds above are to prevent it
        raise UsageError(f"the filter {where[:80]!r} is nested too deeply.", remedy=_EXAMPLE) from error


class _Checker:
    """Gives the type of a node of the tree, and raises where a node, a name or a type is not allowed.

    Times that were written as bare strings are replaced in the tree by timestamps.
    """

    def __init__(self, where: str, columns: Mapping[str, Type]) -> None:
        self._where, self._columns = where, columns
        self._rules: Mapping[type[sql.Expression], Callable[[sql.Expression], Type]] = {
            sql.Paren: lambda node: self.type_of(node.this),
            sql.Column: self._column,
            sql.Literal: lambda node: "text" if node.is_string else self._number(node),
            sql.Boolean: lambda _: "boolean",
            sql.Null: lambda _: "null",
            sql.Cast: self._cast,
            sql.Not: lambda node: self._all([node.this], "boolean", "boolean"),
            sql.Neg: lambda node: self._all([node.this], "number", "number"),
            sql.Is: self._is,
            sql.In: self._in,
            sql.Between: lambda node: self._compared([node.this, node.args["low"], node.args["high"]]),
            **{kind: lambda node: self._compared([node.left, node.right]) for kind in _COMPARISONS},
            **{kind: lambda node: self._operands(node, "text", "boolean") for kind in (sql.Like, sql.ILike)},
            **{kind: lambda node: self._operands(node, "boolean", "boolean") for kind in (sql.And, sql.Or)},
            **{kind: lambda node: self._operands(node, "number", "number") for kind in (sql.Add, sql.Sub, sql.Mod)},
        }

    def type_of(self, node: sql.Expression) -> Type:
        """Type of the value of a node, after all below it was checked."""
        rule = self._rules.get(type(node))
        if rule is not None:
            return rule(node)
        if isinstance(node, sql.Func | sql.Anonymous):
            return self._function(node)
        raise self._refused(node)

    def _number(self, node: sql.Expression) -> Type:
        """Refuse a number that the store cannot hold: it would compare another one, in silence."""
        written = node.name
        try:
            too_large = int(written) > MAX_INTEGER if written.isdecimal() else not math.isfinite(float(written))
        except ValueError:  # `1e`: a number to the parser, and to nobody else
            raise self._refused(node) from None
        if too_large:
            raise UsageError(
                f"the number {written[:40]} of the filter {self._where[:80]!r} is too large: at most {MAX_INTEGER}.",
                remedy=_EXAMPLE,
            )
        return "number"

    def _operands(self, node: sql.Expression, wanted: Type, given: Type) -> Type:
        return self._all([node.left, node.right], wanted, given)

    def _all(self, nodes: list[sql.Expression], wanted: Type, given: Type) -> Type:
        """Check that all nodes have the type that is wanted. A chain of `and` is as long as it likes."""
        for node in nodes:
            found = self.type_of(node)
            if found not in (wanted, "null"):
                raise UsageError(
                    f"the filter {self._where!r} cannot be followed: {node.sql()} is a {found}, "
                    f"but a {wanted} is needed there.",
                    remedy=_EXAMPLE,
                )
        return given

    def _compared(self, nodes: list[sql.Expression]) -> Type:
        types = [self.type_of(node) for node in nodes]
        if "time" in types:
            nodes = [self._as_time(node) for node in nodes]
            types = [self.type_of(node) for node in nodes]
        if len(set(types) - {"null"}) > 1:
            sides = " with ".join(f"{node.sql()} (a {kind})" for node, kind in zip(nodes, types, strict=True))
            raise UsageError(f"the filter {self._where!r} cannot be followed: it compares {sides}.", remedy=_EXAMPLE)
        self._check_kind(nodes)
        return "boolean"

    def _check_kind(self, nodes: list[sql.Expression]) -> None:
        """A kind that no segment has would find nothing, in silence."""
        if not any(isinstance(node, sql.Column) and node.name == "kind" for node in nodes):
            return
        for node in nodes:
            if isinstance(node, sql.Literal) and node.name not in SEGMENT_KINDS:
                raise unknown_name("kind of segment", node.name, list(SEGMENT_KINDS))

    def _as_time(self, node: sql.Expression) -> sql.Expression:
        if isinstance(node, sql.Literal) and node.is_string:
            return node.replace(_timestamp(node.name, self._where))
        return node

    def _is(self, node: sql.Expression) -> Type:
        if not isinstance(node.expression, sql.Null | sql.Boolean):
            raise self._refused(node)
        if isinstance(node.expression, sql.Boolean):
            return self._all([node.this], "boolean", "boolean")
        self.type_of(node.this)
        return "boolean"

    def _in(self, node: sql.Expression) -> Type:
        if not node.expressions:
            raise self._refused(node)
        return self._compared([node.this, *node.expressions])

    def _column(self, node: sql.Expression) -> Type:
        if node.args.get("table") or node.this.args.get("quoted"):
            raise UsageError(
                f"the filter {self._where!r} cannot be understood: {node.sql()} is no column.",
                remedy="Text stands in single quotes: author = 'zork'.",
            )
        if node.name not in self._columns and (other := _SAME.get(node.name)) in self._columns:
            node.set("this", sql.to_identifier(other))
        if node.name not in self._columns:
            raise unknown_name("column", node.name, list(self._columns))
        return self._columns[node.name]

    def _cast(self, node: sql.Expression) -> Type:
        """`timestamp '…'` and `date '…'`: nothing else is converted."""
        literal, kind = node.this, node.args["to"].this
        times = (sql.DataType.Type.TIMESTAMP, sql.DataType.Type.TIMESTAMPNTZ, sql.DataType.Type.DATE)
        if not isinstance(literal, sql.Literal) or kind not in times:
            raise self._refused(node)
        _timestamp(literal.name, self._where)
        return "time"

    def _function(self, node: sql.Expression) -> Type:
        name = next((name for name, (kind, _, _) in _FUNCTIONS.items() if kind is type(node)), node.name.lower())
        if name not in _FUNCTIONS or not isinstance(node, _FUNCTIONS[name][0] or sql.Anonymous):
            called = node.name if isinstance(node, sql.Anonymous) else node.sql_name()
            raise unknown_name("function", called.lower(), list(FUNCTIONS))
        _, wanted, given = _FUNCTIONS[name]
        arguments = list(_arguments(node))
        if len(arguments) != len(wanted):
            raise UsageError(
                f"the filter {self._where!r} cannot be followed: {name} takes {len(wanted)} arguments.",
                remedy=_EXAMPLE,
            )
        for argument, kind in zip(arguments, wanted, strict=True):
            self._all([argument], kind, given)
        return given

    def _refused(self, node: sql.Expression) -> UsageError:
        return UsageError(
            f"the filter {self._where!r} cannot be understood: {node.sql()[:60]!r} is not allowed in it.",
            remedy=f"Use columns ({', '.join(self._columns)}), comparisons, and, or, not, in, like, between, is null.",
        )


def _arguments(node: sql.Expression) -> Iterator[sql.Expression]:
    """The arguments of a function in order, wherever sqlglot keeps them."""
    for key in node.arg_types:
        value = node.args.get(key)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, sql.Expression):
                yield each


def _timestamp(written: str, where: str) -> sql.Expression:
    """A time as `CAST('…' AS TIMESTAMP)`, in UTC. Raises `UsageError`."""
    try:
        time = datetime.fromisoformat(written)
        time = time.astimezone(UTC) if time.tzinfo else time
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{written!r} in the filter {where!r} is no time.", remedy="Write '2024-05-01' or '2024-05-01T18:30:00Z'."
        ) from error
    return sql.cast(sql.Literal.string(time.replace(tzinfo=None).isoformat(sep=" ")), "timestamp")

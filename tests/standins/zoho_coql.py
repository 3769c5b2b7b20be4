"""As much of COQL as the stand-in of Zoho CRM understands; the rest is a syntax error.

`select a, b from M where <conditions> order by x asc, y desc limit n offset m` with
comparisons, `in (...)`, `and`, `or` and parentheses [D]. Times are compared as instants.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
Test = Callable[[Record], bool]

_TOKEN = re.compile(
    r"\s*(?P<text>'(?:[^'\\]|\\.)*'|>=|<=|!=|=|>|<|\(|\)|,|[\w.:+$-]+)\s*"
)


class BadQuery(Exception):
    """It is no COQL."""

    def __init__(self, column: int, near: str) -> None:
        super().__init__(near)
        self.column = column
        self.near = near


@dataclass(frozen=True)
class Query:
    """A query that was understood."""

    columns: list[str]
    module: str
    holds: Test
    order: list[tuple[str, bool]]
    limit: int
    offset: int
    most_keys: int
    # What every id that holds is above, so that a large module need not be gone through.
    above_id: int

    @classmethod
    def parse(cls, text: str) -> Query:
        return _Parser(text).query()

    def ordered(self, records: Sequence[Record]) -> list[Record]:
        """In the order that was asked for; that of ids without one [A]."""
        found = list(records)
        for name, is_falling in reversed(self.order or [("id", False)]):
            found = _sorted(found, name, is_falling)
        return found


def _sorted(records: list[Record], name: str, is_falling: bool) -> list[Record]:
    return sorted(
        records, key=lambda one: _value(name, one.get(name)), reverse=is_falling
    )


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, int]] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise BadQuery(at + 1, text[at:][:10])
            self._tokens.append((found["text"], found.start("text")))
            at = found.end()
        self._at = 0
        self._most_keys = 0
        self._depth = 0
        self._above_id = 0

    def query(self) -> Query:
        self._expect("select")
        columns = [self._next()]
        while self._takes(","):
            columns.append(self._next())
        self._expect("from")
        module = self._next()
        self._expect("where")
        holds = self._either()
        order = []
        if self._takes("order"):
            self._expect("by")
            order = [self._by()]
            while self._takes(","):
                order.append(self._by())
        limit, offset = 200, 0
        if self._takes("limit"):
            limit = int(self._next())
        if self._takes("offset"):
            offset = int(self._next())
        if self._at < len(self._tokens):
            self._fail()
        return Query(
            columns,
            module,
            holds,
            order,
            limit,
            offset,
            self._most_keys,
            self._above_id,
        )

    def _by(self) -> tuple[str, bool]:
        name = self._next()
        is_falling = self._takes("desc")
        if not is_falling:
            self._takes("asc")
        return name, is_falling

    def _either(self) -> Test:
        found = [self._both()]
        while self._takes("or"):
            found.append(self._both())
        if len(found) > 1 and not self._depth:
            self._above_id = 0
        return lambda one: any(test(one) for test in found)

    def _both(self) -> Test:
        found = [self._one()]
        while self._takes("and"):
            found.append(self._one())
        return lambda one: all(test(one) for test in found)

    def _one(self) -> Test:
        if self._takes("("):
            self._depth += 1
            inside = self._either()
            self._depth -= 1
            self._expect(")")
            return inside
        name, sign = self._next(), self._next()
        if sign == "in":
            values = set(self._listed(name))
            self._most_keys = max(self._most_keys, len(values))
            return lambda one: _value(name, one.get(name)) in values
        if sign not in _SIGNS:
            self._fail()
        value = _value(name, self._next().strip("'"))
        if (name, sign, self._depth) == ("id", ">", 0):
            self._above_id = value
        return lambda one: (
            one.get(name) is not None and _SIGNS[sign](_value(name, one[name]), value)
        )

    def _listed(self, name: str) -> Iterator[Any]:
        self._expect("(")
        yield _value(name, self._next().strip("'"))
        while self._takes(","):
            yield _value(name, self._next().strip("'"))
        self._expect(")")

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            self._fail()
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _takes(self, word: str) -> bool:
        is_there = self._at < len(self._tokens) and self._tokens[self._at][0] == word
        self._at += is_there
        return is_there

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            self._fail()

    def _fail(self) -> None:
        there = self._tokens[self._at : self._at + 1]
        near, column = there[0] if there else ("", 0)
        raise BadQuery(column + 1, near)


_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    ">": lambda left, right: bool(left > right),
    "<": lambda left, right: bool(left < right),
    ">=": lambda left, right: bool(left >= right),
    "<=": lambda left, right: bool(left <= right),
}


def _value(name: str, value: Any) -> Any:
    """A value as it is compared: ids as numbers, times as instants."""
    if isinstance(value, dict):
        value = value["id"]
    if name.endswith("_Time") and value is not None:
        return dt.datetime.fromisoformat(str(value))
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value

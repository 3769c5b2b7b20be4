"""Which expectations hold beyond doubt: one scan a table instead of several for each.

Great Expectations asks each expectation by a dozen steps of its own, which take some 15 ms
however small the table is; a release is asked 224 of them, and nearly all hold. Those of
the kinds below are asked here first, all of a table in one query. What holds is evidence
as Great Expectations would give it, figure by figure; `tests/unit/gates/test_screening.py`
compares both. What does not hold, what cannot be asked, what has another option or is of
another kind is left to Great Expectations, which alone says what failed and shows the rows.

Each condition here is at least as strict as that of Great Expectations, so that nothing
passes here that would not pass there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.common import sql
from pipeline.gates.suite import Suite
from pipeline.release import duckdb_files

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


@dataclass(frozen=True)
class Held:
    """The figures of an expectation that holds, as Great Expectations would give them."""

    observed: int | None = None
    unexpected: int | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Question:
    """How an expectation is asked.

    Attributes:
        violations: SQL over one table that is 0 where it holds.
        values: Its parameters. They are not written into the SQL, where 0.1 is a decimal.
        columns: What it needs, by the exact name.
        counts_nothing: No figure of what is unexpected is given for a table without rows.
    """

    violations: str
    values: Sequence[Any] = ()
    columns: Sequence[str] = ()
    counts_nothing: bool = True


def held(database: Path, suites: Sequence[Suite]) -> list[list[Held | None]]:
    """What holds beyond doubt; None for what Great Expectations has to be asked.

    Returns:
        One list a suite, with one item an expectation, in their order.
    """
    with duckdb_files.connect(database, read_only=True) as connection:
        return [_of_suite(connection, suite) for suite in suites]


def _of_suite(connection: duckdb.DuckDBPyConnection, suite: Suite) -> list[Held | None]:
    table = f"{sql.quoted(suite.schema)}.{sql.quoted(suite.table)}"
    found: list[Held | None] = [None] * len(suite.expectations)
    questions: dict[int, Question] = {}
    for place, item in enumerate(suite.expectations):
        options = _options(item)
        if item.configuration.type == "unexpected_rows_expectation":
            if set(options) == {"unexpected_rows_query"}:
                query = str(options["unexpected_rows_query"]).format(batch=table)
                found[place] = _without_rows(connection, query)
        elif (question := _question(item.configuration.type, options)) is not None:
            questions[place] = question
    found_by_place = _in_one_scan(connection, table, questions)
    return [found_by_place.get(place, item) for place, item in enumerate(found)]


def _options(item: Expectation) -> dict[str, Any]:
    """What is asked, without what is not given."""
    options: Mapping[str, Any] = item.configuration.kwargs
    return {name: value for name, value in options.items() if value is not None}


def _without_rows(connection: duckdb.DuckDBPyConnection, query: str) -> Held | None:
    try:
        row = connection.execute(f"select 1 from ({query}) limit 1").fetchone()
    except duckdb.Error:
        return None
    return Held(unexpected=0) if row is None else None


def _in_one_scan(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    questions: Mapping[int, Question],
) -> dict[int, Held]:
    try:
        described = connection.execute(f"select * from {table} limit 0").description
        # Great Expectations finds a column by its exact name only.
        names = {column[0] for column in described or []}
        asked = {
            place: question
            for place, question in questions.items()
            if names.issuperset(question.columns)
        }
        if not asked:
            return {}
        conditions = ", ".join(question.violations for question in asked.values())
        row = connection.execute(
            f"select count(*), {conditions} from {table}",
            [value for question in asked.values() for value in question.values],
        ).fetchone()
    except duckdb.Error:
        return {}
    if row is None:
        return {}
    rows = int(row[0])
    found = {}
    for (place, question), violations in zip(asked.items(), row[1:], strict=True):
        if violations != 0:
            continue
        if not question.columns:
            found[place] = Held(observed=rows)
        elif rows == 0 and question.counts_nothing:
            found[place] = Held(rows=0)
        else:
            found[place] = Held(unexpected=0, rows=rows)
    return found


def _question(kind: str, options: Mapping[str, Any]) -> Question | None:
    ask = _KINDS.get(kind)
    return None if ask is None else ask(**options) if _fits(ask, options) else None


def _fits(ask: Callable[..., Question], options: Mapping[str, Any]) -> bool:
    return set(options) <= set(ask.__annotations__) - {"return"}


def _not_null(column: str) -> Question:
    name = sql.quoted(column)
    return Question(f"count(*) - count({name})", columns=[column])


def _unique(column: str) -> Question:
    name = sql.quoted(column)
    return Question(
        f"count({name}) - count(distinct {name})",
        columns=[column],
        counts_nothing=False,
    )


def _unique_together(column_list: Sequence[str]) -> Question:
    # Two rows that lack the same value count as alike, which is stricter.
    names = ", ".join(sql.quoted(column) for column in column_list)
    return Question(
        f"count(*) - count(distinct ({names}))",
        columns=column_list,
        counts_nothing=False,
    )


def _in_set(column: str, value_set: Sequence[Any]) -> Question:
    name = sql.quoted(column)
    places = ", ".join("?" for _ in value_set)
    return Question(
        _unmet(name, f"{name} in ({places})"),
        values=list(value_set),
        columns=[column],
    )


def _between(column: str, min_value: Any = None, max_value: Any = None) -> Question:
    name = sql.quoted(column)
    bounds = {">=": min_value, "<=": max_value}
    given = {sign: value for sign, value in bounds.items() if value is not None}
    within = " and ".join(f"{name} {sign} ?" for sign in given)
    return Question(_unmet(name, within), values=list(given.values()), columns=[column])


def _unmet(name: str, condition: str) -> str:
    """How many values there are of which the condition is not true."""
    return f"count(*) filter (where {name} is not null and ({condition}) is not true)"


def _row_count(min_value: Any = None, max_value: Any = None) -> Question:
    bounds = {">=": min_value, "<=": max_value}
    given = {sign: value for sign, value in bounds.items() if value is not None}
    within = " and ".join(f"count(*) {sign} ?" for sign in given)
    return Question(
        f"case when {within} then 0 else 1 end", values=list(given.values())
    )


_KINDS: Mapping[str, Callable[..., Question]] = {
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_values_to_be_unique": _unique,
    "expect_compound_columns_to_be_unique": _unique_together,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_be_between": _between,
    "expect_table_row_count_to_be_between": _row_count,
}

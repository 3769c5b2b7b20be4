"""The account matrix over random marks: the SQL that dbt compiles, against plain Python."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.common.settings import PROJECT_ROOT
from tests import models
from tests.profiles import examples

MODELS = ("core_account_scores", "account_matrix")
WEIGHTS = {
    "attractiveness": {"size": 5, "growth": 3, "fame": 2},
    "strength": {"fit": 4, "price": 3, "service": 3},
}
LOOKS = {12 * back: dt.date(2014 - back, 1, 31) for back in range(4)}
SETUP = """
    attach ':memory:' as work; attach ':memory:' as warehouse;
    create schema work.core; create schema warehouse.marts; create schema warehouse.meta;
    create table work.core.core_refresh as select date '2014-01-31' as as_of_date;
    create table work.core.core_policy as
        select 'p' as policy_id, 0.6::decimal(9, 6) as min_coverage;
    create table work.core.core_customers (customer_id varchar, customer_type varchar);
    create table work.core.core_matrix_settings as select 'p' as policy_id,
        5::decimal(4, 2) as midpoint, 36 as window_months, 0.5::decimal(4, 2) as trend_step;
    create table warehouse.meta.matrix_factors (policy_id varchar, dimension varchar,
        factor varchar, weight decimal(12, 9));
    create table warehouse.meta.matrix_strategies as
        select 'p' as policy_id, columns(* exclude policy_id) from read_csv($seed);
    create table warehouse.marts.customer_tiers (customer_id varchar, tier_rank integer);
    create table warehouse.marts.customer_value (customer_id varchar, order_count bigint,
        revenue_12m decimal(28, 4), margin_12m decimal(28, 4),
        profit_12m decimal(28, 4), growth_rate double);
    insert into warehouse.marts.customer_value values
        ('a', 0, 0, 0, 0, null), ('b', 1, 9, 5, 4, 0.1), ('c', 1, 9, 5, -1, 0.1),
        ('d', 1, 9, null, null, -0.1);
    create table work.core.core_factor_scores (customer_id varchar, dimension varchar,
        factor varchar, competitor varchar, score decimal(4, 2), scorer varchar,
        scored_on date, evidence varchar, source varchar)
"""


class Mark(NamedTuple):
    customer_id: str
    dimension: str
    factor: str
    competitor: str | None
    score: Decimal
    scored_on: dt.date


def mark(customer: str, slot: tuple[str, str, str | None], age: int) -> Any:
    dimension, factor, who = slot
    return st.builds(
        Mark,
        st.just(customer),
        st.just(dimension),
        st.just(factor),
        st.just(who),
        st.integers(0, 20).map(lambda half: Decimal(half) / 2),
        st.integers(0, age).map(lambda days: LOOKS[0] - dt.timedelta(days=days)),
    )


SLOTS = [
    (dimension, factor, who)
    for dimension, factors in WEIGHTS.items()
    for factor in factors
    for who in ((None,) if dimension == "attractiveness" else (None, "x", "y"))
]


@st.composite
def one_account(draw: Any, customer: str) -> list[Mark]:
    """Most slots marked lately, so that most accounts are rated, and older marks."""
    found = []
    for slot in SLOTS:
        if draw(st.integers(0, 5)):
            found.append(draw(mark(customer, slot, 1100)))
    for slot in draw(st.lists(st.sampled_from(SLOTS), max_size=8)):
        found.append(draw(mark(customer, slot, 2600)))
    return found


MANY = st.tuples(
    *(
        st.just([]) | one_account(customer) | one_account(customer)
        for customer in "abcd"
    )
).map(lambda accounts: [mark for account in accounts for mark in account])


@pytest.fixture(scope="module")
def compiled() -> dict[str, str]:
    """Model → its SQL."""
    return {name: models.compiled()[name][1] for name in MODELS}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        seed = PROJECT_ROOT / "dbt_project" / "seeds" / "matrix_strategies.csv"
        for statement in SETUP.split(";"):
            if "$seed" in statement:
                connection.execute(statement.replace("$seed", f"'{seed}'"))
            else:
                connection.execute(statement)
        connection.executemany(
            "insert into warehouse.meta.matrix_factors values ('p', ?, ?, ? / 10)",
            [
                [dimension, factor, weight]
                for dimension, factors in WEIGHTS.items()
                for factor, weight in factors.items()
            ],
        )
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = connection.execute(query)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def expected(
    given_marks: list[Mark], months: int, customer: str, dimension: str, who: str | None
) -> tuple[int, Fraction | None]:
    """Tenths of the weights that are known, and the score where that is enough."""
    end = LOOKS[months]
    start = end.replace(year=end.year - 3)
    newest: dict[str, Mark] = {}
    for mark in given_marks:
        if mark[:2] == (customer, dimension) and mark.competitor == who:
            before = newest.get(mark.factor)
            if start < mark.scored_on <= end and (
                before is None
                or (mark.scored_on, -mark.score) > (before.scored_on, -before.score)
            ):
                newest[mark.factor] = mark
    weights = WEIGHTS[dimension]
    known = sum(weights[factor] for factor in newest)
    if known < 6:
        return known, None
    points = sum(
        (weights[factor] * Fraction(m.score) for factor, m in newest.items()),
        Fraction(),
    )
    return known, points / known


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(given_marks=MANY)
def test_scores_places_and_strategies(
    compiled: dict[str, str],
    connection: duckdb.DuckDBPyConnection,
    given_marks: list[Mark],
) -> None:
    connection.execute("delete from work.core.core_factor_scores")
    if given_marks:
        connection.executemany(
            "insert into work.core.core_factor_scores "
            "values (?, ?, ?, ?, ?, 'Ann', ?, 'seen', 'crm')",
            [list(mark) for mark in given_marks],
        )
    connection.execute(
        "create or replace table work.core.core_account_scores as "
        + compiled["core_account_scores"]
    )
    sums = rows(
        connection,
        "select customer_id, months_ago, dimension, competitor, sum(weight) as weights, "
        "max(coverage) as coverage, max(dimension_score) as score, "
        "sum(contribution) as contributions from work.core.core_account_scores "
        "group by all",
    )
    for row in sums:
        known, score = expected(
            given_marks,
            row["months_ago"],
            row["customer_id"],
            row["dimension"],
            row["competitor"],
        )
        assert row["coverage"] == Decimal(known) / 10
        assert abs(row["weights"] - 1) <= Decimal("0.000002")
        assert row["contributions"] == row["score"]
        assert (row["score"] is None) == (score is None)
        if score is not None:
            assert abs(Fraction(row["score"]) - score) <= Fraction(1, 1_000_000)

    matrix = {
        row["customer_id"]: row for row in rows(connection, compiled["account_matrix"])
    }
    assert set(matrix) == {mark.customer_id for mark in given_marks}
    for customer, row in matrix.items():
        _, attractive = expected(given_marks, 0, customer, "attractiveness", None)
        _, ours = expected(given_marks, 0, customer, "strength", None)
        theirs = [
            score
            for who in "xy"
            if (score := expected(given_marks, 0, customer, "strength", who)[1])
            is not None
        ]
        rated = attractive is not None and ours is not None and bool(theirs)
        assert row["is_rated"] == rated
        assert (row["not_rated_reason"] is None) == rated
        assert (row["strategy_code"] is not None) == rated
        if rated:
            assert attractive is not None
            assert ours is not None
            strength = 5 + (ours - max(theirs)) / 2
            assert abs(Fraction(row["relative_strength"]) - strength) <= Fraction(
                1, 10**6
            )
            # Half marks and whole tenths: who is not on the midpoint is far from it.
            sides = ["high" if side >= 5 else "low" for side in (attractive, strength)]
            assert row["quadrant"] == "/".join(sides)
            assert (
                row["strategy_code"]
                == {
                    # The third has bought and loses money: nobody is to invest there
                    # before that is mended.
                    "high/high": "turn_around" if customer == "c" else "improve",
                    "low/high": "turn_around" if customer == "c" else "maintain",
                    "low/low": "harvest" if customer in "bd" else "exit",
                    "high/low": {"c": "turn_around", "d": "selective"}.get(
                        customer, "enter"
                    ),
                }["/".join(sides)]
            )

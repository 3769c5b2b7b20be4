"""Profit after cost to serve: METHODS' numbers, the pools, and a replay of the past."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipeline.common.settings import PROJECT_ROOT
from tests.conftest import command, own_project

pytestmark = pytest.mark.slow

CENT = Decimal("0.01")


@pytest.fixture
def warehouse(whole_warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The release of the whole demonstration."""
    return whole_warehouse


def cents(*amounts: object) -> list[Decimal]:
    return [Decimal(str(amount)).quantize(CENT) for amount in amounts]


def whale(connection: duckdb.DuckDBPyConnection, measure: str) -> tuple[object, ...]:
    """The query of docs/value.md, with another measure of what a line earns."""
    page = (PROJECT_ROOT / "docs" / "value.md").read_text(encoding="utf-8")
    match = re.search(r"```sql\n(.*?)```", page, re.DOTALL)
    assert match is not None
    query = match[1]
    assert query.count("margin_amount - freight_amount") == 1
    row = connection.execute(
        query.replace("margin_amount - freight_amount", measure)
    ).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("measure", "total", "peak", "place", "negative", "loss"),
    [
        ("margin_amount", "470482.60", "2643543.32", 300, 335, "-2173060.72"),
        (
            "margin_amount - freight_amount",
            "-1540783.31",
            "1896723.77",
            236,
            399,
            "-3437507.08",
        ),
    ],
)
def test_whale_of_the_resellers(
    warehouse: duckdb.DuckDBPyConnection,
    measure: str,
    total: str,
    peak: str,
    place: int,
    negative: int,
    loss: str,
) -> None:
    """METHODS.md section 5."""
    customers, *amounts, found_place, found_negative = whale(warehouse, measure)
    assert (customers, found_place, found_negative) == (635, place, negative)
    assert cents(*amounts) == cents(total, peak, loss)


def test_sales_of_both_channels(warehouse: duckdb.DuckDBPyConnection) -> None:
    """METHODS.md section 5."""
    rows = warehouse.execute(
        """
        select channel, sum(net_amount), sum(freight_amount)
        from marts.order_lines group by all order by all
        """
    ).fetchall()
    assert [(channel, *cents(*amounts)) for channel, *amounts in rows] == [
        ("internet", *cents("29358677.22", "733969.61")),
        ("reseller", *cents("80450596.98", "2011265.92")),
    ]


def test_every_pool_is_somewhere(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Three callers are unknown, and the radio won nobody."""
    rows = warehouse.execute(
        """
        select cost_pool, pool_amount, unallocated_amount, difference, unpriced_facts
        from meta.cost_pools
        """
    ).fetchall()
    assert {name: cents(*amounts) for name, *amounts, _, _ in rows} == {
        "order_handling": cents("352969.80", 0),
        "freight": cents("2745235.52", 0),
        "service": cents("447412.00", "44.50"),
        "account_management": cents("99955.80", 0),
        "late_payment": cents("84309.41", 0),
        "returns_handling": cents(0, 0),
        "acquisition": cents("98893.52", "3200"),
    }
    assert {row[3:] for row in rows} == {(0, 0)}


def test_profit_is_margin_less_what_customers_are_charged_with(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """To the last decimal, over both types; dealers lose money after cost to serve."""
    assert warehouse.execute(
        """
        select (select sum(profit) from marts.customer_concentration)
            = (select sum(margin_amount) from marts.order_lines)
            - (select sum(allocated_amount) from meta.cost_pools)
        """
    ).fetchone() == (True,)
    assert warehouse.execute(
        """
        select
            customer_type, count(profit_rank), count(revenue_rank),
            count(type_cumulative_profit_share),
            count(*) filter (revenue_rank is null and profit >= 0),
            max_by(type_cumulative_profit, type_profit_rank) = sum(profit)
        from marts.customer_concentration group by all order by all
        """
    ).fetchall() == [
        ("company", 656, 635, 0, 0, True),
        ("person", 18_484, 18_484, 18_484, 0, True),
    ]


def test_a_join_that_doubles_is_refused(home: Path, tmp_path: Path) -> None:
    tickets = 'select * from {{ ref("core_service_tickets") }}'
    project = own_project(
        tmp_path / "dbt_project",
        "models/core/core_cost_entries.sql",
        lambda sql: sql.replace(tickets, f"{tickets}, (values (1), (2)) as n (n)"),
    )
    result = command("refresh", "--home", home, CUSTOMER_TIERS_DBT_PROJECT=str(project))
    assert result.returncode == 3, result.stderr
    assert "every_cent_of_cost_is_somewhere" in result.stderr
    assert "cost_pool=service" in result.stderr


def test_the_past_can_be_replayed_from_the_entries(
    built_home: Path, earlier_home: Path
) -> None:
    """What was booked up to a month end is what a refresh as of it computes.

    One thing it cannot know: what campaigns that still run have cost.
    """
    with duckdb.connect() as connection:
        for name, home in (("later", built_home), ("earlier", earlier_home)):
            (path,) = (home / "candidates").glob("*/work.duckdb")
            connection.execute(f"attach '{path}' as {name} (read_only)")
        connection.execute(
            """
            create table differences as
            with booked as (
                from later.core.core_cost_entries where cost_date <= date '2013-06-30'
            ),
            sides as (
                (from booked except all from earlier.core.core_cost_entries)
                union all by name
                (select * replace (-amount as amount) from (
                    from earlier.core.core_cost_entries except all from booked
                ))
            )
            select cost_pool, count(*) as entries, -sum(amount) as missing
            from sides group by all
            """
        )
        assert connection.execute("from differences order by cost_pool").fetchall() == [
            ("acquisition", 7, Decimal("6900.0000") + Decimal("39415.2500")),
        ]
        (compared,) = connection.execute(
            "select count(distinct cost_pool) from earlier.core.core_cost_entries"
        ).fetchall()
        assert compared == (6,)

"""The queries of docs/queries.md: each runs on a release, and its traps are traps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import duckdb
import psycopg
import pytest

from pipeline import metrics
from pipeline.common.settings import PROJECT_ROOT
from tests.integration import servers

PAGE = PROJECT_ROOT / "docs" / "queries.md"
Rows = list[tuple[Any, ...]]


@dataclass
class Question:
    """A question with its SQL; `wrong` is how it is not to be asked."""

    title: str
    right: str
    wrong: list[str] = field(default_factory=list)


def questions() -> dict[int, Question]:
    """The questions of the page by their numbers."""
    found: dict[int, Question] = {}
    for part in re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        number, title = part.splitlines()[0].split(". ", 1)
        blocks = re.findall(r"^```sql( wrong)?\n(.*?)^```", part, flags=re.M | re.S)
        (right,) = [query for kind, query in blocks if not kind]
        wrong = [query for kind, query in blocks if kind]
        found[int(number)] = Question(title, right, wrong)
    return found


QUESTIONS = questions()


def asked(connection: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return connection.execute(query).fetchall()


def right(connection: duckdb.DuckDBPyConnection, number: int) -> Rows:
    return asked(connection, QUESTIONS[number].right)


def wrong(connection: duckdb.DuckDBPyConnection, number: int) -> Rows:
    (query,) = QUESTIONS[number].wrong
    return asked(connection, query)


def test_there_are_thirty_in_both_languages() -> None:
    assert list(QUESTIONS) == list(range(1, 31))
    for number, question in QUESTIONS.items():
        assert re.search(r"[a-z]\w*.*\? .*[\u4e00-\u9fff].*？$", question.title), number


@pytest.mark.parametrize("number", QUESTIONS)
def test_each_gives_rows_and_every_column_is_named_once(
    warehouse: duckdb.DuckDBPyConnection, number: int
) -> None:
    result = warehouse.execute(QUESTIONS[number].right)
    names = [column[0] for column in result.description or []]
    rows = result.fetchall()
    assert names
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names), names
    assert rows, "nothing of the demonstration answers this"
    assert any(value is not None for value in rows[0])


@pytest.mark.parametrize(
    "number", [number for number, each in QUESTIONS.items() if each.wrong]
)
def test_a_trap_is_one_on_this_data(
    warehouse: duckdb.DuckDBPyConnection, number: int
) -> None:
    assert wrong(warehouse, number) != right(warehouse, number)


def one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    (row,) = asked(connection, query)
    return row[0]


def test_facts_side_by_side_are_counted_once(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    revenue = one(warehouse, "select sum(net_amount) from marts.order_lines")
    tickets = one(warehouse, "select count(customer_id) from marts.service_tickets")
    assert right(warehouse, 8) == [(revenue, tickets)]
    assert wrong(warehouse, 8)[0][0] > 2 * revenue
    (with_contacts,) = right(warehouse, 9)[0]
    assert with_contacts < revenue < wrong(warehouse, 9)[0][0]


def test_orders_are_no_lines_and_returns_no_orders() -> None:
    """The demonstration has no returns: worked out on three lines, one of them a return."""
    connection = duckdb.connect()
    connection.execute(
        """
        create schema marts;
        create table marts.order_lines as
        from (values
            ('o1', 'p1', 100.0, false), ('o1', 'p1', 50.0, false), ('r1', 'p1', -30.0, true)
        ) as lines (order_id, product_id, net_amount, is_return);
        create table marts.products as select 'p1' as product_id, 'bikes' as category
        """
    )
    assert right(connection, 10) == [(1, 120)]
    assert wrong(connection, 10)[0][0] == 3
    assert right(connection, 11) == [("bikes", 150, 30, pytest.approx(0.2))]


def test_open_months_are_left_out(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The demonstration ends with a month; a day before, its last month is open."""
    connection = duckdb.connect()
    connection.execute(
        """
        create schema marts;
        create table marts.revenue_by_month as
        from (values (date '2014-01-01', 5, 1, true), (date '2014-02-01', 1, 1, false))
            as months (revenue_month, revenue, orders, is_complete);
        create table marts.customer_value as select date '2014-02-10' as as_of_date;
        create table marts.order_lines as
        from (values
            (date '2014-02-01', 1), (date '2014-01-31', 50),
            (date '2013-02-10', 7), (date '2013-02-11', 90), (date '2013-01-31', 90)
        ) as lines (order_date, net_amount)
        """
    )
    assert [row[1] for row in right(connection, 12)] == [5]
    assert right(connection, 13) == [(1, 7)]
    months = right(warehouse, 12)
    assert sum(row[1] for row in months) == one(
        warehouse,
        "select sum(net_amount) from marts.order_lines where order_date < "
        "(select date_trunc('month', max(as_of_date) + 1) from marts.customer_value)",
    )


def test_the_tier_then_is_not_the_tier_now(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    then: dict[Any, Any] = dict(right(warehouse, 14))
    now: dict[Any, Any] = dict(wrong(warehouse, 14))
    first = one(
        warehouse,
        "select min(valid_from) from marts.customer_tier_history where tier_rank = 1",
    )
    assert min(now) < first <= max(then)
    by_spell = asked(
        warehouse,
        """
        select cast(date_trunc('month', order_date) as date), sum(net_amount)
        from marts.order_lines
        inner join marts.customer_tier_history using (customer_id)
        where
            tier_rank = 1
            and valid_from <= order_date
            and order_date < coalesce(valid_to, date '9999-12-31')
        group by 1
        """,
    )
    assert then == dict(by_spell)


@pytest.mark.parametrize(
    "day", ["2012-06-30", "2013-03-31", "2013-04-01", "2014-01-31"]
)
def test_as_of_a_day_each_known_customer_has_one_tier(
    warehouse: duckdb.DuckDBPyConnection, day: str
) -> None:
    query = QUESTIONS[17].right.replace(
        "select min(valid_to) as day from marts.customer_tier_history",
        f"select date '{day}' as day",
    )
    assert f"date '{day}'" in query
    known = one(
        warehouse,
        "select count(distinct customer_id) from marts.customer_tier_history "
        f"where valid_from <= date '{day}'",
    )
    counted: dict[Any, Any] = dict(asked(warehouse, query))
    assert sum(counted.values()) == known
    if day == "2014-01-31":
        assert counted == dict(
            asked(
                warehouse,
                "select tier_code, count(*) from marts.customer_tiers group by tier_code",
            )
        )


def test_an_interval_that_is_closed_counts_wrongly(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    counted = sum(row[1] for row in right(warehouse, 17))
    moved_that_day, ended = asked(
        warehouse,
        """
        select
            count(*) filter (valid_to = day),
            count(*) filter (valid_to is null and valid_from <= day)
        from marts.customer_tier_history
        cross join (select min(valid_to) as day from marts.customer_tier_history)
        """,
    )[0]
    assert moved_that_day > 0
    between = sum(row[1] for row in wrong(warehouse, 17))
    assert between == counted + moved_that_day - ended


def test_retention_of_cohorts_is_over_all_of_their_customers(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    cohorts = asked(
        warehouse,
        "select cohort_month, month_number, customers, active from marts.cohort_retention",
    )
    old = [row for row in cohorts if str(row[0]) <= "2012-12-01"]
    customers = sum(row[2] for row in old if row[1] == 0)
    for month, share in right(warehouse, 26):
        active = sum(row[3] for row in old if row[1] == month)
        assert share == pytest.approx(active / customers)


def test_headline_figures_of_the_page_are_the_metrics(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    figures = metrics.ask(warehouse)
    tiers = right(warehouse, 2)
    assert sum(row[2] for row in tiers) == figures["customers"].value
    assert tiers[0][4] == pytest.approx(figures["key_share_of_revenue"].value)
    money = right(warehouse, 20)
    assert sum(row[1] for row in money) == figures["revenue_12m"].value
    assert sum(row[4] for row in money) == figures["profit_12m"].value
    assert sum(row[2] or 0 for row in right(warehouse, 23)) == (
        figures["predicted_revenue_12m"].value
    )


# DuckDB's type → PostgreSQL's, where their names differ.
TYPES = {"VARCHAR": "text", "DOUBLE": "double precision"}
# Rows of each table that the copy holds: what is asked here is whether it can be asked.
SAMPLE = 5000


@pytest.mark.slow
def test_queries_and_metrics_run_on_postgresql_too(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    defined = metrics.load()
    by_dataset: dict[str, list[metrics.Metric]] = {}
    for metric in defined.metrics:
        by_dataset.setdefault(metric.dataset, []).append(metric)
    statements = [
        *(each.right for each in QUESTIONS.values()),
        *(query for each in QUESTIONS.values() for query in each.wrong),
        *(defined.query(group) for group in by_dataset.values()),
        *(defined.query(group, "customer_type") for group in by_dataset.values()),
    ]
    names = set(re.findall(r"\b(?:marts|meta)\.[a-z0-9_]+", "\n".join(statements)))
    with (
        servers.postgresql() as url,
        psycopg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False),
            autocommit=True,
        ) as postgres,
    ):
        postgres.execute("create schema marts; create schema meta")
        for name in sorted(names):
            copy(warehouse, postgres, name)
        for statement in statements:
            assert postgres.execute(statement.encode()).description, statement


def copy(
    warehouse: duckdb.DuckDBPyConnection, postgres: psycopg.Connection, name: str
) -> None:
    """Copies the first rows of a table."""
    columns = warehouse.execute(f"describe {name}").fetchall()
    declared = ", ".join(
        f'"{each[0]}" {TYPES.get(each[1], each[1])}' for each in columns
    )
    postgres.execute(f"create table {name} ({declared})".encode())
    rows = warehouse.execute(f"from {name} limit {SAMPLE}").fetchall()
    with postgres.cursor().copy(f"copy {name} from stdin".encode()) as target:
        for row in rows:
            target.write_row(row)

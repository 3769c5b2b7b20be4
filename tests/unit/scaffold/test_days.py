"""Days that are written as numbers, periods or parts: the same days come out of staging."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.profiling import sample
from pipeline.profiling.profile import profile
from tests.unit.scaffold import brought
from tests.unit.scaffold.brought import Made, make, staged, write_csv

FIRST = dt.datetime(2023, 1, 3, 9, 30)
MOMENTS = [FIRST + dt.timedelta(days=9 * n, minutes=7 * n) for n in range(80)]
REST = ("customer_id", "product", "quantity", "amount")


def rows(written: Callable[[dt.datetime], Sequence[object]]) -> list[Sequence[object]]:
    """An order at each moment, which stands behind its number."""
    return [
        (1000 + n, *written(moment), f"K{n % 9}", "Pump", 1 + n % 4, 10 + n)
        for n, moment in enumerate(MOMENTS)
    ]


def days(made: Made) -> list[dt.date]:
    """The days of the orders, as staging gives them."""
    brought.becomes_what_it_says(made)
    found = staged(made).execute(
        "select order_date from stg_order_lines order by cast(order_id as bigint)"
    )
    return [day for (day,) in found.fetchall()]


def of_month(moment: dt.datetime) -> dt.date:
    return moment.date().replace(day=1)


def of_quarter(moment: dt.datetime) -> dt.date:
    return dt.date(moment.year, 3 * ((moment.month - 1) // 3) + 1, 1)


def of_week(moment: dt.datetime) -> dt.date:
    return moment.date() - dt.timedelta(days=moment.weekday())


def epoch(moment: dt.datetime) -> float:
    return moment.replace(tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    ("header", "written", "day", "last"),
    [
        ("order_date", lambda t: [int(epoch(t))], dt.datetime.date, "2024-12-14"),
        (
            "created_at",
            lambda t: [int(epoch(t)) * 1000],
            dt.datetime.date,
            "2024-12-14",
        ),
        (
            "order_date",
            lambda t: [(t.date() - dt.date(1899, 12, 30)).days],
            dt.datetime.date,
            "2024-12-14",
        ),
        ("下单日期", lambda t: [f"{t:%A, %B %d, %Y}"], dt.datetime.date, "2024-12-14"),
        ("month", lambda t: [f"{t:%Y-%m}"], of_month, "2024-12-31"),
        ("Period", lambda t: [f"{t:%Y%m}"], of_month, "2024-12-31"),
        ("Month", lambda t: [f"{t:%b-%y}"], of_month, "2024-12-31"),
        ("月份", lambda t: [f"{t.year}年{t.month}月"], of_month, "2024-12-31"),
        (
            "date",
            lambda t: [f"{t.year}-Q{(t.month + 2) // 3}"],
            of_quarter,
            "2024-12-31",
        ),
        (
            "date",
            lambda t: [f"Q{(t.month + 2) // 3} {t.year}"],
            of_quarter,
            "2024-12-31",
        ),
        ("date", lambda t: [f"{t:%G-W%V}"], of_week, "2024-12-09"),
        (
            "year,month,day",
            lambda t: [t.year, t.month, t.day],
            dt.datetime.date,
            "2024-12-14",
        ),
        ("Year,Month", lambda t: [t.year, f"{t:%B}"], of_month, "2024-12-31"),
        ("年,月", lambda t: [t.year, t.month], of_month, "2024-12-31"),
    ],
)
def test_days_that_are_not_written_as_days(
    header: str,
    written: Callable[[dt.datetime], Sequence[object]],
    day: Callable[[dt.datetime], dt.date],
    last: str,
    tmp_path: Path,
) -> None:
    names = ["order_id", *header.split(","), *REST]
    what = write_csv(tmp_path / "in" / "sales.csv", names, rows(written))
    made = make(what, tmp_path / "p")
    assert days(made) == [day(moment) for moment in MOMENTS]
    # A sum of a month is known until its end.
    assert str(made.sources.business.as_of) == last


def test_a_database_counts_seconds(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "create table sales (order_id integer primary key, ordered_at integer, "
            "customer_id text, product text, quantity integer, amount integer)"
        )
        connection.executemany(
            "insert into sales values (?, ?, ?, ?, ?, ?)",
            rows(lambda t: [int(epoch(t))]),
        )
    made = make(path, tmp_path / "p")
    assert days(made) == [moment.date() for moment in MOMENTS]
    found = staged(made).execute(
        "select min(ordered_at) at time zone 'UTC' from stg_order_lines"
    )
    assert found.fetchone() == (FIRST,)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        # What is not called a moment is none, whatever its numbers may be.
        ("batch", [202300 + n % 12 + 1 for n in range(80)]),
        ("serial_number", [45_000 + n for n in range(80)]),
        ("phone", [1_700_000_000 + n for n in range(80)]),
        # Nor is what cannot be one.
        ("month", [1 + n % 12 for n in range(80)]),
        ("lead_time", [3 + n for n in range(80)]),
        ("time", [30_000 + n for n in range(80)]),
        ("period", [202390 + n for n in range(80)]),
    ],
)
def test_other_numbers_stay_numbers(
    name: str, values: list[int], tmp_path: Path
) -> None:
    body = [(n, value) for n, value in enumerate(values)]
    write_csv(tmp_path / "in" / "things.csv", f"thing_id,{name}", body)
    with sample.opened() as connection:
        found = profile(connection, str(tmp_path / "in")).tables["things"]
    assert {column.kind for column in found.columns.values()} == {"integer"}


def test_a_year_and_a_month_beside_a_day_are_left_alone(tmp_path: Path) -> None:
    what = write_csv(
        tmp_path / "in" / "sales.csv",
        ["order_id", "order_date", "year", "month", *REST],
        rows(lambda t: [t.date(), t.year, t.month]),
    )
    made = make(what, tmp_path / "p")
    assert days(made) == [moment.date() for moment in MOMENTS]

"""The definitions of the metrics: whole, in SQL, and unknown with a reason."""

from __future__ import annotations

import copy
import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipeline import metrics
from pipeline.common import calendar
from pipeline.common.errors import ConfigurationError
from pipeline.metrics import definitions, figures

DEFINED: dict[str, Any] = yaml.safe_load(definitions.FILE.read_text(encoding="utf-8"))
ONE_CUSTOMER = """
    create schema marts;
    create table marts.customers as
        select 'a' as customer_id, 'company' as customer_type, null as country,
            null as industry, null as owner;
    create table marts.customer_tiers as
        select 'a' as customer_id, 'key' as tier_code, 1 as tier_rank;
    create table marts.tier_summary as select 'key' as tier_code, 1 as tier_rank;
    create table marts.customer_value as
        select 'a' as customer_id, date '{day}' as as_of_date,
            cast({revenue} as decimal(28, 4)) as revenue_12m, 1 as order_count_12m,
            date '2010-01-01' as first_order_date, 'active' as lifecycle_stage;
"""


def company(day: str = "2014-01-31", revenue: str = "5") -> duckdb.DuckDBPyConnection:
    """A release of before most figures were there, with one customer."""
    connection = duckdb.connect()
    connection.execute(ONE_CUSTOMER.format(day=day, revenue=revenue))
    return connection


def test_unknown_is_null_with_a_reason_and_never_zero() -> None:
    (figure,) = metrics.ask(company(revenue="null"), ["revenue_12m"]).values()
    assert figure.value is None
    assert figure.reason_id == "no_sales"
    assert figure.reason is not None
    assert figure.reason.en == "No source records sales."
    (figure,) = metrics.ask(company(), ["revenue_12m"]).values()
    assert (figure.value, figure.reason) == (5, None)


def test_an_older_release_says_so_of_the_figure_that_it_lacks() -> None:
    found = metrics.ask(company(), ["revenue_12m", "profit_12m", "retention"])
    assert found["revenue_12m"].value == 5
    for name in ("profit_12m", "retention"):
        assert found[name].value is None
        assert found[name].reason == figures.OLDER


def test_a_slice_has_the_figures_of_its_own() -> None:
    found = metrics.ask_by(company(), "tier_code", ["customers", "revenue_12m"])
    assert {name: each.value for name, each in found["revenue_12m"].items()} == {
        "key": 5
    }
    with pytest.raises(ValueError, match="cannot be cut by colour"):
        metrics.ask_by(company(), "colour", ["customers"])


@pytest.mark.parametrize(
    "day",
    [
        "2014-01-31",
        "2013-02-28",
        "2012-02-28",
        "2012-02-29",
        "2014-03-30",
        "2016-02-27",
    ],
)
def test_the_period_is_that_of_the_marts(day: str) -> None:
    row = company(day).execute(metrics.load().period).fetchone()
    as_of = dt.date.fromisoformat(day)
    assert row == (
        as_of,
        calendar.months_before(as_of, 12),
        calendar.months_before(as_of, 24),
    )


def broken(tmp_path: Path, **changes: Any) -> Path:
    """The file with one metric changed."""
    changed = copy.deepcopy(DEFINED)
    changed["metrics"][0] |= changes
    path = tmp_path / "metrics.yaml"
    path.write_text(yaml.safe_dump(changed, allow_unicode=True), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dataset": "nowhere"}, "there is no dataset nowhere"),
        ({"unknown": [{"when": "true", "reason": "why"}]}, "no reason why"),
        ({"id": "revenue_12m"}, "defined twice: revenue_12m"),
        ({"unit": "apples"}, "unit"),
        ({"formula": "1"}, "Extra inputs"),
        ({"name": {"en": "Customers"}}, "zh"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        definitions.load(broken(tmp_path, **changes))
    assert definitions.load(broken(tmp_path, unit="count"))

"""The suites on drift and quality: what stops, what can be accepted, and its name."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from expectations.marts.common import STOPPING_DRIFT
from pipeline.common.settings import PROJECT_ROOT
from pipeline.gates.run import run_suites
from pipeline.gates.suite import (
    Suite,
    _name,
    product_suites,
    severity_of,
    suites_of_marts,
)
from tests.conftest import own_suites
from tests.models import seed_rows

# What a person may accept: that something is unusual, never that something is wrong.
ACCEPTABLE = ("drift_", "quality_")


def test_only_drift_and_quality_can_be_accepted() -> None:
    for suite in product_suites():
        for item in suite.expectations:
            name = _name(item)
            severity = severity_of(item)
            is_acceptable = bool((item.meta or {}).get("acceptable"))
            assert is_acceptable == (
                name.startswith(ACCEPTABLE) and severity == "critical"
            ), f"{suite.subject}:{name}"


def test_names_are_unique_in_a_suite() -> None:
    for suite in product_suites():
        names = [_name(item) for item in suite.expectations]
        assert len(names) == len(set(names)), suite.subject


def test_what_stops_by_name_is_critical_in_the_seed() -> None:
    critical = {
        (row["mart"], row["metric"])
        for row in seed_rows("drift_bounds")
        if row["severity"] == "critical"
    }
    named = {
        (mart, metric) for mart, metrics in STOPPING_DRIFT.items() for metric in metrics
    }
    assert named <= critical


ROWS = [
    ("order_lines", "price_level", "shop goods", "critical"),
    ("order_lines", "rows_of_the_day", "shop", "warning"),
    ("products", "null_share", "category", "critical"),
    ("products", "null_share", "unit_cost", "warning"),
]


@pytest.mark.parametrize("outcome", ["outside", "ok", "no history"])
def test_each_row_outside_fails_its_own_check(tmp_path: Path, outcome: str) -> None:
    database = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "create schema marts; create schema meta; "
            "create table marts.order_lines as select 1 as order_id; "
            "create table meta.drift (mart varchar, metric varchar, subject varchar, "
            "severity varchar, outcome varchar, reason varchar)"
        )
        connection.executemany(
            "insert into meta.drift values (?, ?, ?, ?, ?, 'why')",
            [(*row, outcome) for row in ROWS],
        )
    suites = [
        Suite(
            suite.subject,
            suite.schema,
            suite.table,
            [item for item in suite.expectations if _name(item).startswith("drift")],
        )
        for suite in product_suites()
        if suite.subject in {"marts.order_lines", "meta.drift"}
    ]
    checks = run_suites("out", database, suites)
    assert {check.outcome for check in checks} <= {"passed", "failed"}
    failed = {
        f"{check.subject}:{check.name}": (check.severity, check.failing_rows)
        for check in checks
        if check.outcome == "failed"
    }
    assert failed == (
        {
            "marts.order_lines:drift_price_level": ("critical", 1),
            "marts.order_lines:drift": ("warning", 1),
            "meta.drift:drift_of_other_metrics": ("critical", 1),
            "meta.drift:drift_of_other_marts": ("warning", 1),
        }
        if outcome == "outside"
        else {}
    )


@pytest.mark.parametrize("with_copies", [False, True])
def test_an_own_suite_takes_the_place_of_the_products(
    tmp_path: Path, with_copies: bool
) -> None:
    """Also in a folder that holds a copy of the product's files."""
    folder = own_suites(tmp_path / "expectations", acceptable=True)
    if with_copies:
        shutil.copytree(
            PROJECT_ROOT / "expectations" / "marts",
            folder / "marts",
            dirs_exist_ok=True,
        )
    suites = {item.subject: item for item in suites_of_marts(folder, {"order_lines"})}
    first = suites["marts.customer_tiers"].expectations[0]
    assert first.description == "ten at most"
    assert set(suites) == {item.subject for item in product_suites()}

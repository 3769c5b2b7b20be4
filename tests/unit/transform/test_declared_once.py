"""Facts that dbt and the pipeline both need are the same on both sides."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.common import calendar
from pipeline.common.errors import CustomerTiersError, GateRefused
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.journal.evidence import Evidence
from pipeline.orchestration.assets.transform import judge_build
from pipeline.sources import load_sources
from pipeline.transform import dbt as transform
from pipeline.value.history_sql import DAYS_SINCE_LAST, HISTORIES, triple
from pipeline.value.replay import Histories
from tests.models import Warehouse, compiled
from tests.unit.transform.test_value_history import MODELS, world


def test_twelve_months_ago_is_one_day_in_sql_and_python() -> None:
    """Every day of two years of which one has a 29th of February, and the year after."""
    days = [dt.date(2011, 1, 1) + dt.timedelta(n) for n in range(3 * 366)]
    assert dt.date(2012, 2, 29) in days
    warehouse = Warehouse().lay(
        "refresh__context",
        {
            "refresh_id": "varchar",
            "as_of_date": "date",
            "known_until": "timestamp",
            "time_zone": "varchar",
            "reporting_currency": "varchar",
        },
        [(str(day), day, None, None, None) for day in days],
    )
    rows = warehouse.build("core_refresh").rows("from {core_refresh}")
    assert len(rows) == len(days)
    for row in rows:
        day = row["as_of_date"]
        assert row["twelve_months_ago"] == calendar.months_before(day, 12), day
        assert row["twenty_four_months_ago"] == calendar.months_before(day, 24), day
    found = {row["as_of_date"]: row["twelve_months_ago"] for row in rows}
    assert found[dt.date(2012, 2, 29)] == dt.date(2011, 2, 28)
    assert found[dt.date(2013, 2, 28)] == dt.date(2012, 2, 29)


def test_the_latest_version_goes_by_the_key_of_sources_yaml() -> None:
    written = {
        name: " ".join(query.split())
        for name, (_, query, _) in compiled().items()
        if name.startswith(("stg_", "base_"))
    }
    for source in load_sources(Settings.load()).sources:
        for entity in source.entities.values():
            readers = [
                query
                for query in written.values()
                if f"{source.name}__{entity.name}" in query.replace('"', "")
                and "_version" in query
            ]
            assert readers, entity.name
            key = ", ".join(f'"{column}"' for column in entity.key)
            assert any(f"partition by {key} order by" in query for query in readers)


def test_days_since_the_last_order_are_one_number_in_sql_and_python() -> None:
    """At month ends and on the days around a 29th of February: model, value, report."""
    days = [dt.date(2023, 2, 28), dt.date(2024, 2, 29), dt.date(2024, 3, 1)]
    as_of = dt.date(2024, 3, 2)
    orders = [
        (number, customer, "p", day + dt.timedelta(shift), 10.0, False)
        for number, (customer, day) in enumerate(itertools.product("abc", days))
        for shift in (-400, -1, ord(customer) - ord("c"))
    ]
    warehouse = world(as_of, orders).build(*MODELS)
    rows = warehouse.rows(
        f"""
        select
            moment_no, as_of_date, last_order_date, days_since_last_order,
            {DAYS_SINCE_LAST} as days_since_last
        from {{core_valued_moments}}
        where last_order_date is not null
        """
    )
    assert {row["days_since_last_order"] for row in rows} >= {0, 1, 2, 31}
    found: dict[int, list[int]] = {}
    for row in rows:
        by_hand = (row["as_of_date"] - row["last_order_date"]).days
        assert row["days_since_last_order"] == row["days_since_last"] == by_hand
        found.setdefault(row["moment_no"], []).append(by_hand)
    known = warehouse.relation("core_customer_moments")
    query = HISTORIES.format(known=known, some="true", history=triple(1))
    for moment_no, silent in found.items():
        columns = warehouse.connection.execute(
            query, {"first_no": moment_no, "last_no": moment_no}
        ).fetchnumpy()
        cells = Histories(
            columns["moment_no"], columns["history"], columns["customers"]
        ).cells()
        counted = np.repeat(cells.silent, cells.triples.count.astype(int))
        assert sorted(counted) == sorted(silent)


def places(pattern: str) -> set[str]:
    """The files of the product in whose text a pattern occurs, by name."""
    files = [
        path
        for folder in ("pipeline", "dbt_project", "expectations")
        for path in (PROJECT_ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sql", ".j2"}
        and not {"target", "logs"} & set(path.relative_to(PROJECT_ROOT).parts)
    ]
    return {path.name for path in files if re.search(pattern, path.read_text("utf-8"))}


@pytest.mark.parametrize(
    ("fact", "pattern", "declared"),
    [
        (
            "days since the last order; the forecasts come before the model",
            r"days_\w+\(\s*\"[\w.]*last_order_date\"|- [\w.]*last_order_date\b",
            {"core_measured_moments.sql", "history_sql.py"},
        ),
        (
            "days since anything; a test numbers the days from an epoch",
            r"days_between\([^}]*as_of",
            {"recency.sql", "forecasts_agree.sql"},
        ),
        ("days late", r"greatest\(\s*\{\{ days_", {"recency.sql"}),
        (
            "a rhythm; from as many days on a margin rate is a customer's own",
            r"order_days(?: \}\})? >= \d",
            {"recency.sql", "core_measured_moments.sql"},
        ),
        ("a broken contract is a refusal", "Constraint Error", {"dbt.py"}),
        ("what was left out", r"\bNOT_MADE\b", {"evidence.py", "dbt_tests.py"}),
    ],
)
def test_a_fact_is_declared_in_one_place(
    fact: str, pattern: str, declared: set[str]
) -> None:
    assert places(pattern) == declared, fact


def test_the_report_takes_the_rhythm_of_the_marts() -> None:
    """And has none of its own, which would be another on another page."""
    for path in (PROJECT_ROOT / "pipeline" / "reports").rglob("*.py"):
        assert "order_days" not in path.read_text("utf-8"), path


@pytest.mark.parametrize(
    ("errors", "outcome", "raised"),
    [
        ([], "passed", None),
        (["customers: Constraint Error: NOT NULL failed"], "failed", GateRefused),
        (
            ["customers: Constraint Error: x", "leads: Binder Error: y"],
            "crashed",
            CustomerTiersError,
        ),
        (["dbt built nothing: no reason given"], "crashed", CustomerTiersError),
    ],
)
def test_what_was_not_built_means_one_thing_to_evidence_and_exit_code(
    tmp_path: Path,
    errors: list[str],
    outcome: str,
    raised: type[CustomerTiersError] | None,
) -> None:
    """Bad data are refused (3), a model that does not work is an error (1).

    A table that is not there has no test that could fail.
    """
    check = transform._models_check(errors)
    assert not check.may_be_accepted
    evidence = Evidence("transform", "x", planned=1, checks=[check])
    assert (check.outcome, check.blocks) == (outcome, raised is not None)
    assert bool(evidence.problems()) is (raised is not None)
    built = transform.Built(evidence, errors)
    if raised is None:
        judge_build(Home(tmp_path), built)
        return
    with pytest.raises(CustomerTiersError, match=re.escape(errors[0])) as stopped:
        judge_build(Home(tmp_path), built)
    assert type(stopped.value) is raised

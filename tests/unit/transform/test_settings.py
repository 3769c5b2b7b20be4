"""The seed `settings`: each setting is given, typed, and read by somebody."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipeline.common.settings import PROJECT_ROOT
from pipeline.transform import dbt as transform
from tests.models import SEEDS, Warehouse

VIEWS = tuple(
    f"core_{subject}_settings"
    for subject in ("lifecycle", "matrix", "potential", "value")
)


@pytest.fixture
def warehouse() -> Warehouse:
    return Warehouse().seed("policies", "settings")


def test_the_projects_own_settings_are_whole(warehouse: Warehouse) -> None:
    assert warehouse.found_by("settings_are_whole") == []
    warehouse.build(*VIEWS)
    for view in VIEWS:
        rows = warehouse.rows(f"select * from {{{view}}}")
        assert rows, view
        assert [row for row in rows if None in row.values()] == [], view


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ("delete from {} where name = 'value.yearly_discount'", {"is not given"}),
        (
            "delete from {} where name = 'lifecycle.new_days' "
            "and applies_to = 'person'",
            {"is not given"},
        ),
        (
            "update {} set name = 'potential.min_pears' "
            "where name = 'potential.min_peers'",
            {"is not given", "is not a setting, or not of this"},
        ),
        (
            "update {} set applies_to = 'nobody' where name = 'value.yearly_discount'",
            {"is not given", "is not a setting, or not of this"},
        ),
        (
            "update {} set value = 'thirty' where name = 'potential.min_peers'",
            {"is not a integer"},
        ),
        ("delete from {} where name = 'matrix.midpoint'", {"is not given"}),
        # A policy may go without an account matrix.
        ("delete from {} where name like 'matrix.%'", set()),
    ],
)
def test_a_setting_that_cannot_be_used_is_found(
    warehouse: Warehouse, change: str, problems: set[str]
) -> None:
    warehouse.connection.execute(change.format(warehouse.relation("settings")))
    found = warehouse.found_by("settings_are_whole")
    assert {row["problem"] for row in found} == problems


def test_a_row_of_its_own_counts_before_one_for_all(warehouse: Warehouse) -> None:
    relation = warehouse.relation("settings")
    warehouse.connection.execute(
        f"update {relation} set applies_to = '*', value = '7' "
        "where name = 'lifecycle.new_days' and applies_to = 'company'"
    )
    warehouse.build("core_lifecycle_settings")
    rows = warehouse.rows("select * from {core_lifecycle_settings}")
    assert {row["customer_type"]: row["new_days"] for row in rows} == {
        "company": 7,
        "person": 90,
    }


def test_what_reads_a_setting_outside_dbt_knows_its_name(warehouse: Warehouse) -> None:
    given = {row["name"] for row in warehouse.rows("select name from {settings}")}
    text = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("expectations", "pipeline")
        for path in (PROJECT_ROOT / folder).rglob("*.py")
    )
    read = set(re.findall(r"'((?:lifecycle|matrix|potential|value)\.[a-z_]+)'", text))
    assert read
    assert read <= given


def test_an_old_seed_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    """Else a company would be valued by the product's numbers instead of its own."""
    seeds = tmp_path / "seeds"
    shutil.copytree(SEEDS, seeds)
    assert transform.check_policy(seeds).outcome == "passed"
    (seeds / "lifecycle_settings.csv").write_text("customer_type,new_days\nperson,7\n")
    check = transform.check_policy(seeds)
    assert check.blocks
    assert "lifecycle_settings" in check.observed
    assert "settings.csv" in check.observed


def test_a_policy_may_lie_in_a_folder_of_its_own(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(SEEDS, seeds)
    (seeds / "policy").mkdir()
    for path in seeds.glob("t*.csv"):
        path.rename(seeds / "policy" / path.name)
    assert transform.check_policy(seeds).outcome == "passed"

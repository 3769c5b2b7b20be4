"""What a company's own project gets of seeds: nothing that is the demonstration's."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pipeline.common.settings import Settings
from pipeline.sources import load_sources
from pipeline.sources.config import SourcesFile
from pipeline.transform import project
from pipeline.transform.package import NEUTRAL_SEEDS, PACKAGE

NEUTRAL = sorted(NEUTRAL_SEEDS.rglob("*.csv"))
SEEDS = {path.stem: path for path in (PACKAGE / "seeds").rglob("*.csv")}


def rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        found = list(reader)
        return list(reader.fieldnames or []), found


def another_company() -> SourcesFile:
    sources = load_sources(Settings.load())
    return sources.model_copy(update={"demonstration": None})


@pytest.mark.parametrize("path", NEUTRAL, ids=lambda path: path.stem)
def test_a_neutral_seed_has_the_columns_of_the_one_it_stands_for(path: Path) -> None:
    assert rows(path)[0] == rows(SEEDS[path.stem])[0]


def test_nothing_that_a_company_gets_is_of_the_demonstration() -> None:
    plan = project.make_plan(project.find(PACKAGE), another_company())
    seeds = {
        Path(name).stem: path
        for name, path in plan.links.items()
        if name.startswith("seeds/") and path.suffix == ".csv"
    }
    assert seeds.keys() == SEEDS.keys()
    for name, path in seeds.items():
        text = path.read_text(encoding="utf-8")
        for word in (
            *("base-2010", "pareto-2014", "made up", "emonstration", "AdventureWorks"),
            *("\nerp,", "\ncrm,", "\nhelpdesk,"),
        ):
            assert word not in text, f"{name} has {word!r}"
    # Money, rates, days and people are for a company to say.
    for name in ("cost_rates", "peer_bands", "wallet_rates", "holidays"):
        assert rows(seeds[name])[1] == []
    promised = {
        cell
        for row in rows(seeds["service_policies"])[1]
        for column, cell in row.items()
        if column.endswith(("_days", "_hours", "_limit", "_year"))
    }
    assert promised == {""}


def test_the_demonstration_keeps_its_own() -> None:
    sources = load_sources(Settings.load())
    plan = project.make_plan(project.find(PACKAGE), sources)
    assert not [path for path in plan.links.values() if NEUTRAL_SEEDS in path.parents]


def test_what_is_not_money_is_as_the_demonstration_has_it() -> None:
    """Settings and marks of accounts are copies; one that is new must come to both."""
    for name, key in (
        ("settings", ("name",)),
        ("quality_bounds", ("model", "metric", "subject", "least", "most", "severity")),
        ("matrix_factors", ("dimension", "factor", "weight")),
        ("matrix_strategies", ("attractiveness_level", "strength_level", "rule_order")),
    ):
        first, second = (
            [tuple(row[column] for column in key) for row in rows(path)[1]]
            for path in (SEEDS[name], NEUTRAL_SEEDS / f"{name}.csv")
        )
        assert first == second, name


def seeds_of(folder: Path, **own: Path) -> dict[str, Path]:
    """The seeds of a project that holds these of its own."""
    there = folder / "dbt_project" / "seeds"
    there.mkdir(parents=True)
    for name, path in own.items():
        (there / f"{name}.csv").write_bytes(path.read_bytes())
    plan = project.make_plan(project.find(there.parent), another_company())
    return {
        Path(name).stem: path
        for name, path in plan.links.items()
        if name.startswith("seeds/")
    }


def test_own_seeds_go_before_the_neutral_ones(tmp_path: Path) -> None:
    own = {"policies": NEUTRAL_SEEDS / "policies.csv", "tiers": SEEDS["tiers"]}
    found = seeds_of(tmp_path, **own)
    assert {name for name, path in found.items() if tmp_path in path.parents} == {*own}
    assert found["settings"] == NEUTRAL_SEEDS / "settings.csv"


def test_older_policies_keep_what_they_were_made_of(tmp_path: Path) -> None:
    """Rows for `first` say nothing to a policy of another name."""
    found = seeds_of(tmp_path, policies=SEEDS["policies"])
    assert found["settings"] == SEEDS["settings"]
    assert found["service_policies"] == SEEDS["service_policies"]
    assert found["cost_rates"] == NEUTRAL_SEEDS / "cost_rates.csv"
    for name, path in found.items():
        if path.suffix == ".csv":
            _, there = rows(path)
            ids = {row["policy_id"] for row in there if "policy_id" in row}
            assert "first" not in ids, name

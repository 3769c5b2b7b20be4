"""What an operator finds on Dagster's page after a refresh; `ui` itself is `test_ui`'s."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.gates import questions
from pipeline.orchestration.definitions import build_definitions
from pipeline.release import catalogue


@pytest.fixture
def graph(
    published_home: Path, company_sources: Path, monkeypatch: pytest.MonkeyPatch
) -> dg.AssetGraph:
    monkeypatch.setenv("CUSTOMER_TIERS_SOURCES", str(company_sources))
    return build_definitions(Settings.load(published_home)).resolve_asset_graph()


def test_each_check_of_a_gate_shows_what_it_found(
    published_home: Path, graph: dg.AssetGraph
) -> None:
    home = Home(published_home)
    release = catalogue.chosen(home)
    made = [
        check
        for check in catalogue.checks_of(home, release.refresh_id)
        if check["gate"] != "transform"
    ]
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        keys = [key for key in graph.asset_check_keys if key.name in questions.ASKS]
        records = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            keys
        )
    assert records.keys() == {*keys}
    found = {key: evaluation(record) for key, record in records.items()}
    counts = {
        key: int(str(each.metadata["checks"].value)) for key, each in found.items()
    }
    assert sum(counts.values()) == len(made)
    for key, each in found.items():
        table = str(each.metadata["evidence"].value)
        assert table.count("\n") == counts[key] + 1  # a row each below the head
        if key.name == questions.DRIFT:
            assert "| drift" in table
        if key.name == questions.COLUMNS:  # the first refresh has none to compare with
            assert (counts[key], each.passed) == (0, True)
            assert str(each.description).startswith("Nothing to ask")
    for check in made:
        table_of = re.split(r"[./]", check["subject"])[-1]
        saying = [
            key
            for key, each in found.items()
            if key.asset_key.path[-1] == table_of
            and f"{check['name']} {check['outcome']}" in str(each.description)
        ]
        assert len(saying) == (check["outcome"] != "passed"), check["name"]
        assert not any(found[key].passed for key in saying)


def evaluation(record: Any) -> dg.AssetCheckEvaluation:
    """What a check came to, as Dagster keeps it."""
    found = record.event.dagster_event.asset_check_evaluation_data
    assert isinstance(found, dg.AssetCheckEvaluation)
    return found

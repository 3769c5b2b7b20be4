"""The dbt project by itself: its unit tests, its graph, its names."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner

from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.sources import load_sources
from pipeline.transform import dbt as transform
from pipeline.transform import dbt_runner, project

PROJECT = PROJECT_ROOT / "dbt_project"


@pytest.fixture(scope="module")
def manifest(published_home: Path) -> Mapping[str, Any]:
    """Of the demonstration's project, which the home's refresh has parsed."""
    settings = Settings.load()
    sources = load_sources(settings)
    return transform.parse(sources, settings).manifest_json


@pytest.mark.slow
def test_unit_tests(built_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(built_home, home, symlinks=True)
    (candidate,) = (home / "candidates").iterdir()
    settings = Settings.load(home)
    profile = candidate / "dbt" / "profiles.yml"
    profile.write_text(profile.read_text().replace(str(built_home), str(home)))
    result = dbtRunner().invoke(
        [
            "test",
            "--select",
            "test_type:unit",
            "--project-dir",
            str(project.compose(load_sources(settings), settings)),
            "--profiles-dir",
            str(candidate / "dbt"),
            "--target-path",
            str(home / "target"),
            "--quiet",
        ]
    )
    dbt_runner.close_dbt()
    outcomes = {item.node.name: (item.status, item.message) for item in result.result}
    assert len(outcomes) >= 5
    assert {name: told for name, told in outcomes.items() if told[0] != "pass"} == {}


def models(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        node for node in manifest["nodes"].values() if node["resource_type"] == "model"
    ]


def test_only_staging_reads_a_source(manifest: Mapping[str, Any]) -> None:
    """`refresh` is no source of records: the facts and the memory of the refresh."""
    for node in models(manifest):
        reads = [item for item in node["depends_on"]["nodes"] if "source." in item]
        if node["fqn"][1] != "staging":
            assert all(".refresh." in item for item in reads), node["name"]
            context = any(item.endswith(".context") for item in reads)
            assert context == (node["name"] == "core_refresh"), node["name"]


def test_layers_read_downwards_only(manifest: Mapping[str, Any]) -> None:
    height = {"staging": 0, "core": 1, "intermediate": 2, "marts": 2, "meta": 3}
    # What drift compares stands below meta.drift_samples and reads meta.event_days.
    height["drift"] = 3
    # The one judgement on the models that tables rest on: what is worth less than its
    # bound decides no verdict. dbt itself holds that there is no circle.
    below_marts = {"figure_quality"}

    def height_of(node: Mapping[str, Any]) -> int:
        layer, folder = node["fqn"][1:3]
        return height[folder if folder in height else layer]

    for node in models(manifest):
        for upstream in node["depends_on"]["nodes"]:
            other = manifest["nodes"].get(upstream)
            if (
                other is not None
                and other["resource_type"] == "model"
                and other["name"] not in below_marts
            ):
                assert height_of(other) <= height_of(node), node["name"]


def test_names_say_the_layer(manifest: Mapping[str, Any]) -> None:
    patterns = {
        "staging": r"(stg|base)_[a-z0-9]+(_[a-z0-9]+)*?__[a-z_]+",
        "core": r"core_[a-z_]+",
        "intermediate": r"int_[a-z_]+",
        "marts": r"(?!stg_|base_|core_|int_)[a-z][a-z0-9_]*",
        "meta": r"[a-z_]+",
    }
    for node in models(manifest):
        assert re.fullmatch(patterns[node["fqn"][1]], node["name"]), node["name"]


def test_what_readers_see_is_under_contract(manifest: Mapping[str, Any]) -> None:
    for node in models(manifest):
        if node["database"] == "warehouse":
            assert node["config"]["contract"]["enforced"], node["name"]
            assert "One row per " in node["description"], node["name"]
            for column in node["columns"].values():
                assert column["description"], f"{node['name']}.{column['name']}"


def test_every_provided_entity_has_its_staging_model() -> None:
    described = yaml.safe_load((PROJECT_ROOT / "sources.yaml").read_text())
    for source in described["sources"]:
        for entity in source["provides"]:
            name = f"stg_{source['name']}__{entity}.sql"
            assert (PROJECT / "models" / "staging" / source["name"] / name).exists()

"""Ready projects: each is whole, and holds nothing that the product refuses."""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import tomllib
from pathlib import Path

import pytest

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.gates.suite import entity_suite
from pipeline.scaffold import new_project, ready_project
from pipeline.sources import Personal, SourcesFile, load_sources
from tests.conftest import invoke

NAMES = ready_project.names()


def test_there_is_one_for_fxiaoke() -> None:
    assert "fxiaoke" in NAMES


@pytest.fixture(params=NAMES)
def preset(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def project(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[SourcesFile, Settings]:
    """The project as its first command reads it, with any credentials."""
    folder = tmp_path / "project"
    ready_project.init(folder, preset)
    for name in [name for name in os.environ if name.startswith("CUSTOMER_TIERS_")]:
        monkeypatch.delenv(name)
    for name in ready_project.variables(preset):
        monkeypatch.setenv(name, "value-of-a-test")
    settings = Settings.load(None, folder / "sources.yaml")
    sources = load_sources(settings)
    return sources, sources.applied_to(settings)


def test_it_lacks_nothing(project: tuple[SourcesFile, Settings]) -> None:
    sources, settings = project
    assert new_project.lacks(sources, settings) == []


def test_every_entity_says_where_personal_data_stands(
    project: tuple[SourcesFile, Settings],
) -> None:
    for source in project[0].sources:
        for entity in source.entities.values():
            assert entity.personal is not None, entity.name
            if isinstance(entity.personal, Personal) and entity.fields:
                personal = {entity.personal.customer, *entity.personal.columns}
                assert personal <= {*entity.key, *entity.fields}, entity.name


def test_what_is_provided_is_counted(project: tuple[SourcesFile, Settings]) -> None:
    for source in project[0].sources:
        becomes = {
            item.entity
            for entity in source.entities.values()
            for item in entity.becomes
        }
        assert becomes == set(source.provides)


def test_every_suite_is_one_of_an_entity(
    project: tuple[SourcesFile, Settings],
) -> None:
    sources, settings = project
    for source in sources.sources:
        path = settings.expectations / "landing" / f"{source.name}.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree)
        for entity in source.entities.values():
            for sample in (True, False):
                suite = entity_suite(
                    source.name, entity, settings.expectations, sample=sample
                )
                # More than what is asked of every entity anyway.
                assert len(suite.expectations) > len(entity.key) + 1, entity.name


def test_staging_reads_only_what_sources_yaml_lands(
    project: tuple[SourcesFile, Settings],
) -> None:
    sources, settings = project
    models = settings.dbt_project.rglob("*.sql")
    text = "\n".join(path.read_text(encoding="utf-8") for path in models)
    found = set(re.findall(r'source\("(\w+)", "(\w+)"\)', text))
    declared = {
        (source.name, entity)
        for source in sources.sources
        for entity in source.entities
    }
    assert found and found <= declared


def test_the_wheel_holds_every_file_of_it(preset: str) -> None:
    settings = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["*"]
    for path in (ready_project.FOLDER / preset).rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".py":
            assert any(fnmatch.fnmatch(path.name, item) for item in patterns), path


def test_the_command_names_the_variables(preset: str, tmp_path: Path) -> None:
    made = invoke("init", tmp_path / "new", "--preset", preset)
    assert made.returncode == 0, made.stderr
    for name in ready_project.variables(preset):
        assert name in made.stdout
    assert "sources.yaml" in made.stdout.splitlines()[0]


def test_variables_in_comments_are_not_asked_for(preset: str) -> None:
    text = (ready_project.FOLDER / preset / "sources.yaml").read_text(encoding="utf-8")
    names = ready_project.variables(preset)
    assert names and all(f"${{{name}}}" in text for name in names)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(ConfigurationError, match="not empty"):
        ready_project.init(tmp_path, NAMES[0])
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_unknown_preset_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="fxiaoke"):
        ready_project.init(tmp_path / "new", "sap")
    assert not (tmp_path / "new").exists()


def test_a_preset_brings_its_own_sources(tmp_path: Path) -> None:
    made = invoke("init", tmp_path / "new", "--preset", NAMES[0], "--source", "x")
    assert made.returncode == 2
    assert "leave out --source" in " ".join(made.stderr.split())


def test_files_that_no_system_exported_are_refused(tmp_path: Path) -> None:
    """And a preset that there is not, before anything is read."""
    (tmp_path / "in").mkdir()
    header = "customer,day,amount\n"
    rows = "".join(f"C{n},2025-01-0{1 + n % 9},{n}.50\n" for n in range(40))
    (tmp_path / "in" / "sales.csv").write_text(header + rows)
    for preset, words in (("zoho", "an export of zoho"), ("sap", "there is")):
        made = invoke(
            "init", tmp_path / "new", "--preset", preset, "--from", tmp_path / "in"
        )
        assert made.returncode == 2, made.stdout
        assert words in " ".join(made.stderr.split())
        assert not (tmp_path / "new").exists()

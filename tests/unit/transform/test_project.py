"""The dbt project of a refresh: whose file stands where, without dbt."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.sources import SourcesFile, load_sources
from pipeline.transform import dbt, package, project
from pipeline.transform.package import NEUTRAL_SEEDS, PACKAGE

RETAIL = PROJECT_ROOT / "tests" / "projects" / "online_retail"
SOURCES = """
version: 1
business: {time_zone: Asia/Shanghai, reporting_currency: CNY}
sources:
  - name: shop
    description: The till.
    kind: files
    path: inbox
    provides: [customers]
    entities:
      people: {files: a.csv, key: [id], description: One row per person.}
      visits: {files: b.csv, key: [id]}
"""


class Own:
    """A project's folder, and what is composed of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("sources.yaml", SOURCES)
        self.write(
            "dbt_project/models/staging/shop/stg_shop__customers.sql", "select 1"
        )

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    @property
    def settings(self) -> Settings:
        return Settings.load(self.folder / "home", self.folder / "sources.yaml")

    @property
    def sources(self) -> SourcesFile:
        return load_sources(self.settings)

    def compose(self) -> Path:
        return project.compose(self.sources, self.settings)

    def replaced(self) -> list[str]:
        origin = project.find(self.settings.dbt_project)
        return project.make_plan(origin, self.sources).replaced


@pytest.fixture
def own(tmp_path: Path) -> Own:
    return Own(tmp_path / "own")


def contents(folder: Path) -> Mapping[str, Path]:
    return {name: path.resolve() for name, path in package.files(folder).items()}


def test_the_package_is_used_and_not_copied(own: Own) -> None:
    folder = own.compose()
    assert folder.is_relative_to(own.folder / "dbt_project" / "target")
    found = contents(folder)
    neutral = {path.stem: path for path in NEUTRAL_SEEDS.rglob("*.csv")}
    for name, path in package.files(PACKAGE).items():
        is_demonstration = re.match(r"models/staging/\w+/", name)
        if is_demonstration or name.endswith("__unit_tests.yml"):
            assert name not in found, name
        elif name.startswith("seeds/") and Path(name).suffix == ".csv":
            assert found[name] == neutral.get(Path(name).stem, path), name
        elif not re.search(r"^unit_tests:", path.read_text(), re.M):
            assert found[name] == path, name
    staging = "models/staging/shop/stg_shop__customers.sql"
    assert found[staging] == own.folder / "dbt_project" / staging
    assert not any(
        "unit_tests" in (yaml.safe_load(path.read_text()) or {})
        for path in found.values()
        if path.suffix == ".yml"
    )


def test_sources_yaml_is_the_only_place_of_what_it_says(own: Own) -> None:
    folder = own.compose()
    assert yaml.safe_load((folder / project.LANDED).read_text()) == {
        "sources": [
            {
                "name": "shop",
                "schema": "landing",
                "description": "The till.",
                "tables": [
                    {
                        "name": "people",
                        "identifier": "shop__people",
                        "description": "One row per person.",
                    },
                    {"name": "visits", "identifier": "shop__visits"},
                ],
            }
        ]
    }
    described = yaml.safe_load((folder / "dbt_project.yml").read_text())
    assert described["vars"] == project.variables(own.sources)
    assert described["vars"]["time_zone"] == "Asia/Shanghai"
    assert described["vars"]["provides"] == {"customers": ["shop"]}
    kept = yaml.safe_load((PACKAGE / "dbt_project.yml").read_text())
    assert "vars" not in kept
    assert {**kept, "vars": described["vars"]} == described


def test_what_a_project_declares_itself_is_not_declared_twice(own: Own) -> None:
    own.write(
        "dbt_project/models/staging/shop/_shop__sources.yml",
        "sources: [{name: shop, schema: landing, tables: [{name: people}]}]",
    )
    landed = yaml.safe_load((own.compose() / project.LANDED).read_text())
    assert [table["name"] for table in landed["sources"][0]["tables"]] == ["visits"]


@pytest.mark.parametrize(
    ("product", "mine"),
    [
        ("models/marts/customers.sql", "models/mine/customers.sql"),
        ("models/core/core_customer_keys.py", "models/core_customer_keys.sql"),
        ("seeds/tiers.csv", "seeds/mine/tiers.csv"),
        ("tests/weights_sum_to_one.sql", "tests/weights_sum_to_one.sql"),
    ],
)
def test_an_own_file_stands_in_the_place_of_the_products(
    own: Own, product: str, mine: str
) -> None:
    header = (PACKAGE / product).read_text().splitlines()[0]
    path = own.write(f"dbt_project/{mine}", f"{header}\n")
    place = str(Path(product).with_suffix(path.suffix))
    found = contents(own.compose())
    assert found[place] == path
    node = package.node(mine)
    assert [name for name in found if package.node(name) == node] == [place]
    assert own.replaced() == [path.stem]
    path.unlink()
    # What stands there without it: of the tiers, those that fit any company.
    neutral = NEUTRAL_SEEDS / Path(product).name
    there = neutral if neutral.exists() else PACKAGE / product
    assert contents(own.compose())[product] == there
    assert own.replaced() == []


def test_an_own_macro_replaces_that_one_macro(own: Own) -> None:
    path = own.write(
        "dbt_project/macros/dialect.sql",
        "{% macro type_money() %} decimal(30, 6) {% endmacro %}",
    )
    folder = own.compose()
    texts = [
        path.read_text()
        for name, path in package.files(folder).items()
        if name.startswith("macros/")
    ]
    assert path.read_text() in texts
    defined = re.findall(r"macro (\w+)\(", " ".join(texts))
    shipped = " ".join(item.read_text() for item in (PACKAGE / "macros").glob("*.sql"))
    assert sorted(defined) == sorted(re.findall(r"macro (\w+)\(", shipped))
    assert own.replaced() == ["type_money"]


def test_what_a_project_describes_is_described_once(own: Own) -> None:
    own.write(
        "dbt_project/models/marts/mine.yml",
        "models: [{name: customers, description: Ours. One row per customer.}]",
    )
    names = [
        item["name"]
        for path in package.files(own.compose()).values()
        if path.suffix == ".yml"
        for item in (yaml.safe_load(path.read_text()) or {}).get("models") or []
    ]
    assert names.count("customers") == 1
    assert len(names) == len(set(names)) > 20


def test_a_policy_of_an_older_version_is_refused_with_its_column(own: Own) -> None:
    header = (PACKAGE / "seeds" / "tiers.csv").read_text().splitlines()[0]
    columns = header.split(",")
    own.write("dbt_project/seeds/tiers.csv", ",".join(columns[:-1]) + "\n")
    with pytest.raises(ConfigurationError, match=rf"tiers\.csv lacks {columns[-1]},"):
        own.compose()


def test_a_column_with_a_default_may_be_missing(own: Own) -> None:
    """As in every project that an earlier `init` wrote."""
    own.write(
        "dbt_project/seeds/match_thresholds.csv",
        "customer_type,link_probability,review_probability,prior,registration_distance,"
        "max_cluster\ncompany,0.92,0.4,0.15,2,50\nperson,0.95,0.5,0.0001,20,20\n",
    )
    assert (own.compose() / "seeds" / "match_thresholds.csv").exists()


def test_nothing_is_written_again_when_nothing_has_changed(own: Own) -> None:
    folder = own.compose()
    places = [path for path in folder.rglob("*") if path.name != ".lock"]
    before = {path: path.lstat().st_mtime_ns for path in places}
    inodes = {path: path.lstat().st_ino for path in places}
    assert own.compose() == folder
    assert {path: path.lstat().st_mtime_ns for path in places} == before
    assert {path: path.lstat().st_ino for path in places} == inodes


def test_other_sources_have_a_project_of_their_own(own: Own) -> None:
    first = own.compose()
    own.write("sources.yaml", SOURCES.replace("CNY", "EUR"))
    assert own.compose() != first
    assert first.exists()
    os.utime(first / ".lock", (0, 0))
    own.write("sources.yaml", SOURCES.replace("CNY", "USD"))
    own.compose()
    assert not first.exists(), "a year later nobody needs it"


def test_where_the_project_cannot_be_written_the_home_holds_it(own: Own) -> None:
    own.write("dbt_project/target", "no folder")
    assert own.compose().is_relative_to(own.folder / "home" / "dbt")


def test_an_installed_package_is_never_written_to(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody with nothing of their own: the folder is then the package's."""
    monkeypatch.setattr(project, "PROJECT_ROOT", own.folder)  # where no checkout is
    settings = replace(own.settings, dbt_project=PACKAGE)
    folder = project.compose(own.sources, settings)
    assert folder.is_relative_to(own.folder / "home" / "dbt")


def test_a_whole_project_is_used_as_it_is(own: Own) -> None:
    """One that somebody maintains themselves, and no former `init` has made."""
    shutil.rmtree(own.folder / "dbt_project")
    own.write("dbt_project/dbt_project.yml", "name: customer_tiers\nvars: {mine: 1}\n")
    own.write("dbt_project/models/marts/customers.sql", "select 1")
    folder = own.compose()
    assert sorted(contents(folder)) == [
        "models/marts/customers.sql",
        project.LANDED,
    ]
    described = yaml.safe_load((folder / "dbt_project.yml").read_text())
    assert described["vars"]["mine"] == 1
    assert (folder / "profiles.yml").exists()


def test_a_folder_that_is_none_is_refused(own: Own) -> None:
    settings = replace(own.settings, dbt_project=own.folder / "nowhere")
    with pytest.raises(ConfigurationError, match="nowhere is no folder"):
        project.compose(own.sources, settings)


def test_the_package_has_the_version_of_the_product() -> None:
    text = (PROJECT_ROOT / "pyproject.toml").read_text()
    assert f'\nversion = "{package.version()}"\n' in text


def test_another_version_of_the_product_is_noted(
    own: Own, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = own.compose()
    (folder.parent / "package_version").write_text("0.0.9")
    own.write("sources.yaml", SOURCES.replace("CNY", "EUR"))
    own.compose()
    assert "and were of 0.0.9" in caplog.text
    caplog.clear()
    own.write("sources.yaml", SOURCES.replace("CNY", "USD"))
    own.compose()
    assert caplog.text == ""


@pytest.mark.slow
def test_a_whole_copy_needs_no_source_of_the_demonstration(tmp_path: Path) -> None:
    """As somebody makes one who copies the folder and adds staging of his own."""
    copy = tmp_path / "dbt_project"
    shutil.copytree(
        PACKAGE, copy, ignore=shutil.ignore_patterns("target", "logs", "__pycache__")
    )
    shutil.copytree(
        RETAIL / "dbt_project" / "models" / "staging" / "shop",
        copy / "models" / "staging" / "shop",
    )
    settings = replace(
        Settings.load(
            sources_file=PROJECT_ROOT / "tests/projects/online_retail/sources.yaml"
        ),
        dbt_project=copy,
        environment={"ONLINE_RETAIL": str(tmp_path)},
    )
    parsed = dbt.parse(load_sources(settings), settings).manifest_json
    names = {node["name"] for node in parsed["nodes"].values()}
    assert {"stg_shop__order_lines", "customer_tiers"} <= names
    assert not {name for name in names if name.startswith(("stg_erp__", "base_crm__"))}


def test_a_source_of_the_demonstration_s_name_needs_none_of_its_tables(
    tmp_path: Path,
) -> None:
    """`crm` is what many call theirs; the staging of the demonstration's is not for it."""
    described = yaml.safe_load(
        (PROJECT_ROOT / "tests/projects/online_retail/sources.yaml").read_text()
    )
    described["dbt_project"] = str(PACKAGE)
    described["sources"][0]["provides"] = []
    described["sources"].append(
        {
            "name": "crm",
            "kind": "files",
            "path": str(tmp_path),
            "provides": ["contacts"],
        }
        | {"entities": {"contacts": {"files": "*.csv", "key": ["id"]}}}
    )
    path = tmp_path / "sources.yaml"
    path.write_text(yaml.safe_dump(described))
    settings = replace(
        Settings.load(sources_file=path), environment={"ONLINE_RETAIL": str(tmp_path)}
    )
    origin = project.find(PACKAGE)
    links = project.make_plan(origin, load_sources(settings)).links
    staging = {Path(name).stem for name in links if name.startswith("models/staging/")}
    assert staging == {"_refresh__sources", "stg_crm__contacts"}


@pytest.mark.parametrize(
    ("edited", "text"),
    [
        (
            "tests/nothing_is_wrong.sql",
            "select id from {{ ref('above') }} where id = 2",
        ),
        ("models/_docs.md", "{% docs above %}Of other words.{% enddocs %}"),
        ("models/above.sql", "select 3 as id"),
        ("macros/limit.sql", "{% macro limit() %}4{% endmacro %}"),
    ],
)
def test_what_is_said_of_a_test_outlives_an_edit(
    own: Own, edited: str, text: str
) -> None:
    """dbt's cached parse loses its severity too; of a project that is whole, and small."""
    shutil.rmtree(own.folder / "dbt_project")
    files = {
        "dbt_project.yml": (
            "{name: customer_tiers, version: 1.0.0, profile: customer_tiers}"
        ),
        "macros/limit.sql": "{% macro limit() %}1{% endmacro %}",
        "models/above.sql": "select {{ limit() }} as id",
        "models/_docs.md": "{% docs above %}Of some words.{% enddocs %}",
        "models/_models.yml": (
            "models: [{name: above, description: \"{{ doc('above') }}\"}]"
        ),
        "tests/nothing_is_wrong.sql": "select id from {{ ref('above') }} where id = 1",
        "tests/_own.yml": (
            "data_tests: [{name: nothing_is_wrong, description: Nothing is wrong., "
            "config: {severity: warn, meta: {zh: 没有错误}}}]"
        ),
    }

    def said() -> tuple[str, str, Mapping[str, str]]:
        nodes = dbt.parse(own.sources, own.settings).manifest_json["nodes"]
        (test,) = (node for node in nodes.values() if node["resource_type"] == "test")
        config = test["config"]
        return test["description"], config["severity"], config["meta"]

    for path, content in files.items():
        own.write(f"dbt_project/{path}", content)
    before = said()
    assert before == ("Nothing is wrong.", "warn", {"zh": "没有错误"})
    own.write(f"dbt_project/{edited}", text)
    assert said() == before

"""The bundle for Superset: on the published release, and in a real Superset.

The slow tests need an environment with Superset in it (`make superset-env`) and are skipped
without; they import the bundle, ask each chart for its rows, on the DuckDB file and on
PostgreSQL, before and after a publish.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
import yaml

from pipeline import metrics
from pipeline.common.home import Home
from pipeline.serving.superset import definitions, labels
from tests.conftest import command, invoke, opened
from tests.integration import servers, superset_server
from tests.integration.superset_server import Superset, SupersetError
from tests.unit.serving.releases import publish

Parts = Mapping[str, Any]


def bundle(home: Path, folder: Path, *options: str, name: str = "b.zip") -> Path:
    """A bundle of the current release."""
    file = folder / name
    done = invoke("export", "superset", file, "--home", home, *options)
    assert done.returncode == 0, done.stderr
    return file


def parts(file: Path) -> Parts:
    """Its files, without the folder that they lie in."""
    with zipfile.ZipFile(file) as archive:
        return {
            name.partition("/")[2]: yaml.safe_load(archive.read(name))
            for name in archive.namelist()
        }


def of_kind(found: Parts, kind: str) -> dict[str, Any]:
    """The files of a folder, by the name that a dashboard gives them."""
    return {
        Path(name).stem: part
        for name, part in found.items()
        if name.startswith(f"{kind}/")
    }


@pytest.fixture(scope="module")
def made(published_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return parts(bundle(published_home, tmp_path_factory.mktemp("bundle")))


def source(dataset: Mapping[str, Any]) -> str:
    """What Superset puts behind `from`."""
    if dataset["sql"]:
        return f"({dataset['sql']}) as virtual_table"
    return f'"{dataset["schema"]}"."{dataset["table_name"]}"'


def asked(chart: Mapping[str, Any], dataset: Mapping[str, Any]) -> str:
    """The query of a chart as Superset writes it of the saved query context."""
    (query,) = json.loads(chart["query_context"])["queries"]
    columns = {each["column_name"]: each for each in dataset["columns"]}
    aggregates = {each["metric_name"]: each for each in dataset["metrics"]}
    names = [
        each if isinstance(each, str) else each["label"] for each in query["columns"]
    ]
    shown = [columns[name]["expression"] or f'"{name}"' for name in names]
    chosen = [f'{text} as "{name}"' for text, name in zip(shown, names, strict=True)]
    for name in query["metrics"] or ():
        chosen.append(f'{aggregates[name]["expression"]} as "{name}"')
    text = f"select {', '.join(chosen)} from {source(dataset)}"
    if condition := query["extras"]["where"]:
        text += f" where {condition}"
    if query["metrics"] and shown:
        text += f" group by {', '.join(shown)}"
    if order := query["orderby"]:
        keys = [f'"{name}" {"asc" if up else "desc"}' for name, up in order]
        text += f" order by {', '.join(keys)}"
    return text


def test_every_chart_is_there_and_its_query_runs(
    made: Parts, warehouse: duckdb.DuckDBPyConnection
) -> None:
    charts, datasets = of_kind(made, "charts"), of_kind(made, "datasets")
    plan = definitions.dashboard()
    assert [*charts] == [chart.id for chart in plan.charts]
    assert [*datasets] == [*plan.datasets]
    by_id = {dataset["uuid"]: dataset for dataset in datasets.values()}
    warehouse.execute("use marts")
    for name, chart in charts.items():
        rows = warehouse.execute(asked(chart, by_id[chart["dataset_uuid"]])).fetchall()
        assert rows, name


def test_every_metric_is_what_the_report_says(
    made: Parts, warehouse: duckdb.DuckDBPyConnection
) -> None:
    figures = metrics.ask(warehouse)
    found: dict[str, Any] = {}
    for name, dataset in of_kind(made, "datasets").items():
        if definitions.dashboard().datasets[name].metrics_of is None:
            continue
        for metric in dataset["metrics"]:
            query = f"select {metric['expression']} from {source(dataset)}"
            (found[metric["metric_name"]],) = warehouse.execute(query).fetchone() or ()
    # In the order of the names: a sum of doubles differs in its last digit by its way.
    assert found.keys() == figures.keys()
    for name, figure in figures.items():
        assert found[name] == (
            None if figure.value is None else pytest.approx(figure.value)
        ), name


def test_what_is_not_known_is_null() -> None:
    defined = metrics.load()
    revenue = defined.known(defined.metric("revenue_12m"))
    margin = defined.known(defined.metric("margin_12m"))
    row = duckdb.sql(
        f"select {revenue}, {margin} from (select cast(null as decimal(28, 4)) as "
        "revenue_12m, cast(null as decimal(28, 4)) as margin_12m, "
        "cast(null as double) as margin_coverage_12m)"
    ).fetchone()
    assert row == (None, None)


def test_what_stands_in_it_is_said_in_both_languages(made: Parts) -> None:
    datasets = of_kind(made, "datasets")
    columns = [each for one in datasets.values() for each in one["columns"]]
    known = definitions.words()
    used = {each["column_name"] for each in columns}
    stems = {name[:-3] for name in used if name.endswith(("_en", "_zh"))}
    assert (
        sorted(
            used
            - {*known}
            - {f"{one}_{lang}" for one in known for lang in ("en", "zh")}
        )
        == []
    )
    assert sorted({*known} - used - stems) == []
    labelled = {each["column_name"]: each["verbose_name"] for each in columns}
    assert labelled["owner"] == "Owner / 负责人"
    assert labelled["reason_zh"] == "Why (Chinese) / 原因（中文）"
    (code,) = {
        each["description"]
        for each in datasets["tier_migration"]["columns"]
        if each["column_name"] == "to_tier"
    }
    assert "key: Key / 重要客户" in code
    assert "lapsed: Not bought for long / 长期未购买" in code
    described = [each for each in columns if each["expression"] is None]
    assert [each["column_name"] for each in described if not each["description"]] == []


def test_one_language_alone(published_home: Path, tmp_path: Path) -> None:
    for language, title, tier in (
        ("zh", "客户分级", "等级"),
        ("en", "Customer tiers", "Tier"),
    ):
        found = parts(bundle(published_home, tmp_path, "--lang", language))
        (dashboard,) = of_kind(found, "dashboards").values()
        assert dashboard["dashboard_title"] == title
        table = of_kind(found, "datasets")["customer_360"]
        names = {each["column_name"]: each for each in table["columns"]}
        assert names["tier"]["verbose_name"] == tier
        assert names["tier"]["expression"] == f'"tier_name_{language}"'
        chart = of_kind(found, "charts")["latest_moves"]
        reasons = [c for c in chart["params"]["all_columns"] if c.startswith("reason")]
        assert reasons == [f"reason_{language}"]


def test_what_an_older_release_does_not_have_is_left_out_and_named(
    tmp_path: Path,
) -> None:
    before = os.umask(0o077)
    release = publish(Home.open(tmp_path / "home"))
    os.umask(before)
    with duckdb.connect(str(release.path / "warehouse.duckdb"), read_only=True) as old:
        tables = old.execute("select table_name from duckdb_tables()").fetchall()
    assert ("customer_360",) not in tables
    file = tmp_path / "b.zip"
    said = invoke("export", "superset", file, "--home", tmp_path / "home", "--json")
    assert said.returncode == 0, said.stderr
    left_out = json.loads(said.stdout)["left_out"]
    assert (
        left_out["Customers, best tier first / 客户（按等级）"] == "marts.customer_360"
    )
    assert left_out["Key customers / 重要客户数"] == "dataset customers"
    assert "as_of_date" in left_out["This release / 当前版本"]
    found = parts(file)
    assert {*of_kind(found, "datasets")} == {"current_release"}
    assert of_kind(found, "charts") == {}


def test_ids_stay_and_another_name_has_others(
    made: Parts, published_home: Path, tmp_path: Path
) -> None:
    def ids(found: Parts) -> set[str]:
        return {part["uuid"] for part in found.values() if "uuid" in part}

    uri = "postgresql://superset@db.example.com/customers"
    first = bundle(published_home, tmp_path, "--uri", uri)
    again = bundle(published_home, tmp_path, "--uri", uri, name="c.zip")
    assert first.read_bytes() == again.read_bytes()
    assert ids(parts(first)) == ids(made)
    other = bundle(published_home, tmp_path, "--name", "Acme 客户", name="d.zip")
    assert not ids(parts(other)) & ids(made)
    position = of_kind(made, "dashboards")["customer_tiers"]["position"]
    placed = {
        n["meta"]["uuid"]
        for n in position.values()
        if isinstance(n, dict) and n["type"] == "CHART"
    }
    assert placed == {chart["uuid"] for chart in of_kind(made, "charts").values()}


def test_a_password_is_never_written(published_home: Path, tmp_path: Path) -> None:
    uri = "postgresql://superset:hunter2@db.example.com/customers"
    file = tmp_path / "b.zip"
    said = invoke("export", "superset", file, "--home", published_home, "--uri", uri)
    assert "Superset asks for it" in said.stdout
    found = parts(file)
    assert "hunter2" not in repr(found)
    (database,) = of_kind(found, "databases").values()
    assert database["sqlalchemy_uri"] == uri.replace("hunter2", "XXXXXXXXXX")


def test_the_file_is_opened_read_only_and_nothing_beside_it(made: Parts) -> None:
    (database,) = of_kind(made, "databases").values()
    assert database["extra"]["engine_params"]["connect_args"] == {
        "read_only": True,
        "config": {"enable_external_access": "false"},
    }
    assert not database["allow_dml"]


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("mysql://h/d", "releases are in DuckDB files and in PostgreSQL"),
        ("duckdb:///warehouse.duckdb", "with four slashes"),
        ("nonsense", "no SQLAlchemy URL"),
    ],
)
def test_a_database_that_holds_no_release_is_refused(
    published_home: Path, tmp_path: Path, uri: str, why: str
) -> None:
    file = tmp_path / "b.zip"
    said = invoke("export", "superset", file, "--home", published_home, "--uri", uri)
    assert said.returncode == 2
    assert why in " ".join(said.stderr.split())
    assert not file.exists()


# From here on in a real Superset.

PG = "Customer tiers PG"


@pytest.fixture(scope="module")
def server() -> Iterator[sa.URL]:
    superset_server.environment()
    with servers.postgresql() as url:
        yield url


def for_superset(url: sa.URL) -> str:
    """The URL with the driver that Superset has."""
    return url.set(drivername="postgresql+psycopg2").render_as_string(
        hide_password=False
    )


@pytest.fixture(scope="module")
def superset(
    server: sa.URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Superset]:
    servers.Database("postgresql", server, "").autocommit("create database superset")
    venv = superset_server.environment()
    metadata = for_superset(server.set(database="superset"))
    folder = tmp_path_factory.mktemp("superset")
    with superset_server.running(venv, folder, metadata) as found:
        yield found


def every_chart(superset: Superset, slug: str) -> dict[str, list[dict[str, Any]]]:
    """What each chart of a dashboard shows, asked of several at a time."""
    charts = superset.charts(slug)
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(charts, pool.map(superset.rows, charts.values()), strict=True))


def shows(found: Mapping[str, list[dict[str, Any]]], home: Path) -> None:
    """The charts show the current release, and what its metrics come to."""
    (release,) = found["This release / 当前版本"]
    assert release["refresh_id"] == (home / "current").resolve().name
    with opened(home) as warehouse:
        figures = metrics.ask(warehouse)
        (tiers,) = warehouse.execute(
            "select count(*) from marts.tier_summary where customers > 0"
        ).fetchone() or (0,)
    assert len(found["The tiers / 各等级"]) == tiers
    for chart in definitions.dashboard().charts:
        if chart.number is None:
            continue
        figure = figures[chart.number]
        ((value,),) = (
            row.values() for row in found[labels.said(figure.metric.name, "both")]
        )
        expected = None if figure.value is None else pytest.approx(float(figure.value))
        assert value == expected, chart.id


def database_id(superset: Superset, name: str) -> int:
    found = superset.get("/api/v1/database/")["result"]
    (number,) = [each["id"] for each in found if each["database_name"] == name]
    return int(number)


@pytest.mark.slow
def test_superset_shows_each_release_as_it_is_published(
    superset: Superset, server: sa.URL, home: Path, tmp_path: Path
) -> None:
    """On the file and on PostgreSQL; a second import changes, and adds nothing."""
    owner = servers.Database("postgresql", server, "")
    owner.autocommit("create database superset_reads")
    url = server.set(database="superset_reads")
    settings = {
        "CUSTOMER_TIERS_POSTGRES_URL": url.set(
            drivername="postgresql"
        ).render_as_string(hide_password=False)
    }
    exported = command("export", "postgres", "--home", home, **settings)
    assert exported.returncode == 0, exported.stderr
    owner.run("grant analyst to reader")
    as_reader = for_superset(url.set(username="reader", password=servers.PASSWORD))

    on_file = bundle(home, tmp_path)
    on_server = bundle(home, tmp_path, "--uri", as_reader, "--name", PG, name="pg.zip")
    superset.import_bundle(on_file)
    with pytest.raises(SupersetError, match="Import failed"):  # no password
        superset.import_bundle(on_server)
    superset.import_bundle(
        on_server, {"databases/customer-tiers-pg.yaml": servers.PASSWORD}
    )
    for slug in ("customer-tiers", "customer-tiers-pg"):
        found = every_chart(superset, slug)
        assert len(found) == len(definitions.dashboard().charts)
        assert [name for name, rows in found.items() if not rows] == []
        shows(found, home)
    refused_what_is_private(superset, home)

    again = command("refresh", "--home", home, **settings)
    assert again.returncode == 0, again.stderr
    assert (home / "current").resolve().name.startswith("r000002")
    for slug in ("customer-tiers", "customer-tiers-pg"):
        shows(every_chart(superset, slug), home)

    def counts() -> list[int]:
        kinds = ("database", "dataset", "chart", "dashboard")
        return [superset.get(f"/api/v1/{kind}/")["count"] for kind in kinds]

    before = counts()
    superset.import_bundle(bundle(home, tmp_path))
    superset.import_bundle(on_server)  # its password is known by now
    assert counts() == before
    shows(every_chart(superset, "customer-tiers"), home)


def refused_what_is_private(superset: Superset, home: Path) -> None:
    """Whoever writes SQL in Superset reads the release, and nothing beside it."""
    file, postgres = (database_id(superset, name) for name in ("Customer tiers", PG))
    private = home / "current" / "private.duckdb"
    assert private.exists()
    count = "select count(*) as n from marts.customers"
    assert superset.sql(file, count) == superset.sql(postgres, count)
    for database, query, why in (
        (file, f"attach '{private}' as private (read_only)", "disabled by config"),
        (file, f"select * from read_blob('{private}')", "disabled by config"),
        (file, "set enable_external_access = true", "Cannot enable external access"),
        (file, "select * from marts.customers_private", "does not exist"),
        (file, "create table marts.mine as select 1 as n", "does not allow"),
        (postgres, "select * from marts.customers_private", "does not exist"),
        (postgres, 'select * from serving."current"', "permission denied"),
    ):
        with pytest.raises(SupersetError, match=why):
            superset.sql(database, query)

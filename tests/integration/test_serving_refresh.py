"""A refresh that makes copies: each has the new release, or the refresh says which not."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import sqlalchemy as sa

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.journal import attempts
from pipeline.orchestration.assets.serving import serving_assets
from pipeline.orchestration.definitions import build_definitions
from pipeline.orchestration.refresh import _failed_after
from pipeline.orchestration.request import RefreshRequest
from pipeline.release import catalogue
from pipeline.serving import copies
from tests.conftest import command, invoke
from tests.integration import servers
from tests.integration.small import SmallCompany, World
from tests.unit.serving.releases import publish

WORLD: World = {
    "customers": [
        {
            "source_customer_id": f"C{number}",
            "customer_name": f"Customer {number}",
            "customer_type": "company",
            "email": f"c{number}@example.com",
        }
        for number in range(3)
    ],
    "order_lines": [
        {
            "order_id": f"O{number}",
            "line_number": 1,
            "customer_source": "shop",
            "source_customer_id": f"C{number % 3}",
            "source_product_id": "P",
            "ordered_at": "2024-06-01 12:00:00",
            "order_date": "2024-06-01",
            "quantity": 1,
            "net_amount": 10,
            "cost_amount": 5,
            "is_return": False,
            "currency": "EUR",
        }
        for number in range(6)
    ],
}
NOBODY = "postgresql://exporter:secret99@127.0.0.1:1/customers"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    before = os.umask(0o077)
    yield Home.open(tmp_path / "home")
    os.umask(before)


def materialized(settings: Settings) -> set[str]:
    """The copies that were made of the current release, as a run of Dagster makes them."""
    result = dg.materialize(
        serving_assets(settings),
        resources={"request": RefreshRequest(home=str(settings.home))},
        raise_on_error=False,
    )
    made = result.get_asset_materialization_events()
    return {event.asset_key.path[-1] for event in made if event.asset_key}


def test_a_copy_that_fails_holds_up_no_other_and_is_mended_by_the_next(
    monkeypatch: pytest.MonkeyPatch, home: Home, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUSTOMER_TIERS_ALERTS", "none")
    monkeypatch.setenv("CUSTOMER_TIERS_POSTGRES_URL", NOBODY)
    monkeypatch.setenv("CUSTOMER_TIERS_SERVE_DUCKDB", str(tmp_path / "shared"))
    first = publish(home)
    assert materialized(Settings.load(home.root)) == {"duckdb_copy"}
    (said,) = _failed_after(home, {"postgres_copy"})
    assert said.startswith("the copy in customers at 127.0.0.1:1 has no release: ")
    assert "`customer-tiers export postgres` tries again" in said
    # The release is what it was, and a later refresh makes what is missing.
    assert catalogue.chosen(home) == first
    assert attempts.history(home)[0].state == "published"
    with servers.postgresql() as server:
        url = server.render_as_string(hide_password=False)
        monkeypatch.setenv("CUSTOMER_TIERS_POSTGRES_URL", url)
        second = publish(home)
        done = materialized(Settings.load(home.root))
        assert done == {"duckdb_copy", "postgres_copy"}
    has = {copy.target: copy.release_id for copy in copies.known(home)}
    assert has.pop("customers at 127.0.0.1:1") is None
    assert {*has.values()} == {second.refresh_id}


def test_what_failed_after_a_release_is_said(home: Home) -> None:
    (said,) = _failed_after(home, set())
    assert "`customer-tiers report` tries again" in said
    report, parquet = _failed_after(home, {"report", "parquet_copy"})
    assert "`customer-tiers report` tries again" in report
    assert "the parquet copy could not be made" in parquet


@pytest.mark.slow
def test_a_refresh_makes_copies_and_says_which_failed(
    tmp_path: Path,
) -> None:
    company = SmallCompany(tmp_path, WORLD)
    shared = tmp_path / "shared"
    served = {
        "CUSTOMER_TIERS_SERVE_DUCKDB": str(shared),
        "CUSTOMER_TIERS_POSTGRES_URL": NOBODY,
        "CUSTOMER_TIERS_DBT_PROJECT": str(company.project),
    }
    at = ("--home", company.home)
    result = command(
        *("refresh", "--as-of", "2024-06-30", "--no-report", *at),
        *("--sources", company.sources),
        **served,
    )
    # Published, and not wholly done: it says what is missing and how it is mended.
    assert result.returncode == 1, result.stderr
    said = " ".join(result.stderr.split())
    assert "r000001-20240630 is published, but the copy in customers at" in said
    assert "127.0.0.1:1 has no release" in said
    assert f"`customer-tiers export postgres --home {company.home}` tries again" in said
    assert "secret99" not in result.stdout + result.stderr
    (attempt,) = json.loads(invoke("status", *at, "--json").stdout)["attempts"]
    assert attempt["state"] == "published"
    # The other copy was made; what is private stands in the release and not in it.
    with duckdb.connect(str(shared / "warehouse.duckdb"), read_only=True) as copy:
        assert copy.execute("select count(*) from marts.customers").fetchone() == (3,)
        assert not copy.execute(
            "select 1 from duckdb_tables() where table_name = 'customers_private'"
        ).fetchone()
    for path in company.home.rglob("*"):
        assert not path.is_file() or b"secret99" not in path.read_bytes(), path
    with servers.postgresql() as server:
        url = server.render_as_string(hide_password=False)
        mended = invoke("export", "postgres", *at, CUSTOMER_TIERS_POSTGRES_URL=url)
        assert mended.returncode == 0, mended.stderr
        engine = sa.create_engine(server, poolclass=sa.NullPool)
        with engine.connect() as reader:
            reader.exec_driver_sql("set role analyst")
            query = "select count(*), sum(net_amount) from marts.order_lines"
            assert reader.exec_driver_sql(query).all() == [(6, 60)]
            # The real release has the keys that were proved of it.
            reader.exec_driver_sql("reset role")
            keyed = reader.exec_driver_sql(
                "select conrelid::regclass::text from pg_constraint "
                "where contype = 'p' and conrelid::regclass::text like 'marts_r%%'"
            ).all()
            marts = reader.exec_driver_sql(
                "select 1 from pg_class where relkind = 'v' "
                "and relnamespace = 'marts'::regnamespace"
            ).all()
        assert len(keyed) == len(marts) > 30


def test_only_what_is_configured_is_part_of_a_refresh(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUSTOMER_TIERS_POSTGRES_URL", NOBODY)
    monkeypatch.setenv("CUSTOMER_TIERS_SERVE_PARQUET", str(tmp_path / "shared"))
    settings = Settings.load(tmp_path / "home")
    assert "secret99" not in repr(settings)
    graph = build_definitions(settings).resolve_asset_graph()
    release = {
        key.path[-1]
        for key in graph.materializable_asset_keys
        if graph.get(key).group_name == "release"
    }
    assert release == {"publish", "report", "postgres_copy", "parquet_copy"}
    for name in ("postgres_copy", "parquet_copy"):
        node = next(k for k in graph.materializable_asset_keys if k.path == [name])
        assert {key.path[-1] for key in graph.get(node).parent_keys} == {"publish"}
    monkeypatch.setenv("CUSTOMER_TIERS_POSTGRES_URL", "postgresql://a:b@c@d/e")
    with pytest.raises(ConfigurationError, match="no URL of PostgreSQL"):
        build_definitions(Settings.load(tmp_path / "home"))

"""What holds of any company's release, on a twentieth of the demonstration."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import duckdb
import pytest

from pipeline.common.settings import PROJECT_ROOT
from tests.conftest import invoke, publish_alone


def one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[object, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row


def test_every_table_and_column_is_described(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert (
        warehouse.execute(
            """
            select schema_name || '.' || table_name from duckdb_tables()
            where comment is null
            union all
            select schema_name || '.' || table_name || '.' || column_name
            from duckdb_columns() where comment is null and not internal
            """
        ).fetchall()
        == []
    )


def test_grain_is_said_of_every_mart(warehouse: duckdb.DuckDBPyConnection) -> None:
    comments = warehouse.execute("select table_name, comment from duckdb_tables()")
    for table, comment in comments.fetchall():
        assert "One row per " in comment, table


def test_personal_contact_data_stays_out_of_the_release(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """But for the one table that sources.yaml decides about."""
    columns = warehouse.execute(
        """
        select column_name from duckdb_columns()
        where table_name <> 'customers_private'
        """
    ).fetchall()
    assert not {"email", "phone"} & {name for (name,) in columns}
    assert one(
        warehouse,
        """
        select count(*) from marts.contacts
        where email_masked not like '_***@%.example'
            or not regexp_full_match(contact_name, '[A-Z][.] [A-Z][.]')
        """,
    ) == (0,)


def test_release_json_holds_the_evidence(published_home: Path) -> None:
    record = json.loads((published_home / "current" / "release.json").read_text())
    gates = {item["gate"]: item for item in record["evidence"]}
    assert set(gates) == {"in.erp", "in.helpdesk", "in.crm", "transform", "out"}
    assert set(record["gates"]) == set(gates)
    for item in gates.values():
        assert item["planned"] == len(item["checks"]) > 0
        assert item["refresh_id"] == record["refresh_id"]
        for check in item["checks"]:
            assert check["outcome"] == "passed" or check["severity"] == "warning"


def test_nobody_else_can_read_the_home(published_home: Path) -> None:
    for path in published_home.rglob("*"):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o077 == 0, f"{path} is {mode:o}"


def test_nothing_is_left_in_the_making(published_home: Path) -> None:
    assert [path.name for path in (published_home / "candidates").iterdir()] == ["kept"]
    release = published_home / "releases" / "r000001-20140131"
    assert {path.name for path in release.iterdir()} == {
        "warehouse.duckdb",
        "release.json",
        "reports",
    }


@pytest.mark.parametrize(
    "arguments", [["status"], ["releases"], ["report"], ["check-sources"]]
)
def test_commands_speak_json(home: Path, arguments: list[str]) -> None:
    result = invoke(*arguments, "--home", home, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)


def test_check_sources_changes_nothing(home: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (home / "landing").rglob("*")}
    result = invoke("check-sources", "--home", home)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("good") == 21
    after = {path: path.stat().st_mtime_ns for path in (home / "landing").rglob("*")}
    assert after == before


@pytest.mark.slow
def test_a_second_refresh_lands_nothing_and_gives_the_same_marts(
    built: Path, built_home: Path
) -> None:
    home = built
    assert (built_home.parent / "said").read_text().count("nothing new") == 21
    assert publish_alone(home).returncode == 0
    releases = sorted((home / "releases").iterdir())
    assert len(releases) == 2
    with duckdb.connect() as connection:
        for path, name in zip(releases, ("first", "second"), strict=True):
            connection.execute(
                f"attach '{path}/warehouse.duckdb' as {name}_release (read_only)"
            )
        tables = connection.execute(
            """
            select table_name from duckdb_tables()
            where database_name = 'first_release' and schema_name = 'marts'
            """
        ).fetchall()
        models = PROJECT_ROOT / "dbt_project" / "models" / "marts"
        assert len(tables) == len(list(models.glob("*.sql")))
        for (table,) in tables:
            for one_way, other in (("first", "second"), ("second", "first")):
                (differing,) = one(
                    connection,
                    f"""
                    select count(*) from (
                        from {one_way}_release.marts.{table}
                        except all from {other}_release.marts.{table}
                    )
                    """,
                )
                assert differing == 0, table
    rolled = invoke("rollback", "--home", home, "--json")
    assert json.loads(rolled.stdout)["refresh_id"] == "r000001-20140131"
    assert (home / "current").readlink() == Path("releases/r000001-20140131")


@pytest.mark.slow
def test_an_earlier_as_of_date_knows_nothing_later(earlier_home: Path) -> None:
    (candidate,) = (earlier_home / "candidates").iterdir()
    path = candidate / "release" / "warehouse.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        assert one(
            connection,
            """
            select max(order_date) <= date '2013-06-30', count(*) < 121253
            from marts.order_lines
            """,
        ) == (True, True)
        assert one(
            connection,
            """
            select count(*) from marts.service_tickets
            where greatest(opened_at, resolved_at, closed_at)
                >= timestamp '2013-07-01 07:00:00'
            """,
        ) == (0,)

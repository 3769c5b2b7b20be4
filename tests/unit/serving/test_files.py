"""The copies that are files: whole or not at all, open to everybody, nothing private."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from pipeline.cli.rendering import copies as rendering
from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.files import sha256
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.operations import metrics
from pipeline.release import catalogue
from pipeline.serving import copies, duckdb_copy, parquet_copy
from pipeline.serving.contents import Contents, read
from pipeline.serving.folder import MARK, ExportRunning, exclusive
from tests.conftest import invoke
from tests.unit import support
from tests.unit.serving.releases import TABLES, contents_of, publish

PUBLIC = {
    "marts.customers",
    "marts.notes",
    "marts.order_lines",
    "meta.current_release",
    "meta.refreshes",
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    before = os.umask(0o077)
    yield Home.open(tmp_path / "home")
    os.umask(before)


def in_duckdb(folder: Path) -> dict[str, Any]:
    """Table → its rows, and what the copy says of itself."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
        ).fetchall()
        return {
            name: sorted(connection.execute(f"from {name}").fetchall(), key=repr)
            for (name,) in tables
        }


def in_parquet(folder: Path) -> dict[str, Any]:
    current = (folder / "current").resolve(strict=True)
    manifest = json.loads((current / "manifest.json").read_text())
    return {
        f"{table['schema']}.{table['name']}": sorted(
            duckdb.execute(
                f"from read_parquet('{current / table['file']}')"
            ).fetchall(),
            key=repr,
        )
        for table in manifest["tables"]
    }


def to_duckdb(home: Home, contents: Contents, folder: Path) -> None:
    duckdb_copy.export(home, contents, folder)


def to_parquet(home: Home, contents: Contents, folder: Path) -> None:
    parquet_copy.export(home, contents, folder, keep=2)


Export = Callable[[Home, Contents, Path], None]
Held = Callable[[Path], dict[str, Any]]
BOTH = pytest.mark.parametrize(
    ("export", "held"),
    [(to_duckdb, in_duckdb), (to_parquet, in_parquet)],
    ids=["duckdb", "parquet"],
)


@BOTH
def test_a_copy_holds_the_release_and_nothing_private(
    home: Home, tmp_path: Path, export: Export, held: Held
) -> None:
    folder = tmp_path / "deep" / "copy"
    for _ in range(2):
        contents = contents_of(home)
        export(home, contents, folder)
        found = held(folder)
        assert set(found) == PUBLIC
        assert found["meta.current_release"] == [(contents.release_id,)]
        with duckdb.connect(str(contents.file), read_only=True) as release:
            for name in PUBLIC:
                rows = release.execute(f"from {name}").fetchall()
                assert found[name] == sorted(rows, key=repr)
    for path in [folder, *folder.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.name != MARK:
            assert mode == (0o755 if path.is_dir() else 0o444), path
            if path.is_file():
                assert b"zoe@example.com" not in path.read_bytes()


def test_the_duckdb_copy_says_what_its_columns_are(home: Home, tmp_path: Path) -> None:
    duckdb_copy.export(home, contents_of(home), tmp_path / "copy")
    path = tmp_path / "copy" / "warehouse.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        described = connection.execute(
            "select column_name, data_type, is_nullable, comment from duckdb_columns() "
            "where table_name = 'customers'"
        ).fetchall()
        (comment,) = connection.execute(
            "select comment from duckdb_tables() where table_name = 'customers'"
        ).fetchone() or ("",)
    assert comment == "Who buys. One row per customer."
    assert described == [
        ("customer_id", "VARCHAR", False, None),
        ("customer_name", "VARCHAR", True, "The name, as it's written."),
        ("release_id", "VARCHAR", True, None),
    ]


def test_a_process_that_reads_the_old_file_finds_the_new_one(
    home: Home, tmp_path: Path
) -> None:
    """By connecting or attaching anew, whatever else of the process stays open."""
    folder = tmp_path / "copy"
    file = folder / "warehouse.duckdb"
    old, new = contents_of(home), contents_of(home)
    release = "select release_id from meta.current_release"

    def asked(connection: duckdb.DuckDBPyConnection) -> Any:
        return connection.execute(release).fetchone()

    duckdb_copy.export(home, old, folder)
    with (
        duckdb.connect(str(file), read_only=True) as before,
        duckdb.connect() as attached,
    ):
        attach = f"attach '{file}' as warehouse (read_only); use warehouse"
        attached.execute(attach)
        assert asked(before) == asked(attached) == (old.release_id,)
        duckdb_copy.export(home, new, folder)
        assert asked(before) == asked(attached) == (old.release_id,)
        with duckdb.connect(str(file), read_only=True) as after:
            assert asked(after) == (new.release_id,)
            assert after.execute("select current_database()").fetchone() == (
                "warehouse",
            )
        attached.execute("use memory; detach warehouse")
        attached.execute(attach)
        assert asked(attached) == (new.release_id,)
        assert asked(before) == (old.release_id,)
    # The old one is gone from the folder: nobody is forgotten in it by chance.
    assert [path.parent.name for path in folder.rglob("*/warehouse.duckdb")] == [
        new.release_id
    ]


def test_a_copy_that_was_one_file_becomes_a_link(home: Home, tmp_path: Path) -> None:
    """As copies were before."""
    folder = tmp_path / "copy"
    file = folder / "warehouse.duckdb"
    first = contents_of(home)
    duckdb_copy.export(home, first, folder)
    whole = file.resolve()
    file.unlink()
    whole.rename(file)
    whole.parent.rmdir()
    with duckdb.connect(str(file), read_only=True) as before:
        second = contents_of(home)
        duckdb_copy.export(home, second, folder)
        assert file.is_symlink()
        release = "select release_id from meta.current_release"
        assert before.execute(release).fetchone() == (first.release_id,)
        with duckdb.connect(str(file), read_only=True) as after:
            assert after.execute(release).fetchone() == (second.release_id,)


def test_a_table_without_private_text_is_copied(home: Home, tmp_path: Path) -> None:
    """`meta.quarantine`, once what stood in its rows is in the private file."""
    contents = contents_of(home, "alter table meta.quarantine rename text to reason")
    duckdb_copy.export(home, contents, tmp_path / "copy")
    assert set(in_duckdb(tmp_path / "copy")) == {*PUBLIC, "meta.quarantine"}


def test_the_manifest_describes_the_files(home: Home, tmp_path: Path) -> None:
    contents = contents_of(
        home,
        "create table marts.huge as select 170141183460469231731687303715884::hugeint n",
        "create table marts.empty (a struct(b integer[]), c timestamp)",
    )
    target = parquet_copy.export(home, contents, tmp_path / "copy", keep=1)
    manifest = json.loads((target / "manifest.json").read_text())
    assert (manifest["release"], manifest["as_of"]) == (
        contents.release_id,
        "2024-01-31",
    )
    tables = {table["name"]: table for table in manifest["tables"]}
    for table in tables.values():
        assert table["sha256"] == sha256(target / table["file"])
        assert table["bytes"] == (target / table["file"]).stat().st_size
        relation = duckdb.sql(f"from read_parquet('{target / table['file']}')")
        assert table["rows"] == len(relation.fetchall())
        assert [(c["name"], c["type"]) for c in table["columns"]] == [
            (name, str(kind))
            for name, kind in zip(relation.columns, relation.types, strict=True)
        ]
    assert tables["order_lines"]["key"] == ["order_id", "line_number"]
    assert tables["notes"]["key"] == []  # a null in a column of it
    assert tables["huge"]["columns"][0]["type"] == "DECIMAL(38,0)"


def test_as_many_parquet_releases_stay_as_are_kept(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    first, second, third = (contents_of(home) for _ in range(3))
    for contents in (first, second, third):
        parquet_copy.export(home, contents, folder, keep=2)
        os.utime((folder / "current").resolve(), (1, int(contents.release_id[1:7])))
    # Once more: whoever reads the folder that there is goes on.
    target = parquet_copy.export(home, third, folder, keep=2)
    assert target.name == f"{third.release_id}.2"
    names = {path.name for path in folder.iterdir()}
    assert names == {MARK, "current", third.release_id, target.name}
    assert (folder / "current").readlink() == Path(target.name)


@BOTH
def test_killed_at_every_step_the_old_copy_or_the_new_one_is_whole(
    home: Home, tmp_path: Path, export: Export, held: Held
) -> None:
    folder = tmp_path / "copy"
    old = contents_of(home)
    export(home, old, folder)
    new = contents_of(home)
    whole = held(folder)
    code = """
        from pathlib import Path
        from pipeline.common.home import Home
        from pipeline.release import catalogue
        from pipeline.serving import contents, duckdb_copy, parquet_copy

        home, folder, kind = Home(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]
        found = contents.read(catalogue.chosen(home))
        def run():
            if kind == "to_duckdb":
                duckdb_copy.export(home, found, folder)
            else:
                parquet_copy.export(home, found, folder, keep=2)
        # The parent is imported once; each child dies one step later than the last.
        moment, codes = 0, []
        while not codes or codes[-1]:
            moment += 1
            if (pid := os.fork()) == 0:
                die_at(moment, str(folder))
                run()
                os._exit(0)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            print("look", flush=True)
            sys.stdin.readline()
        print("done", codes.count(-9), flush=True)
    """
    process = subprocess.Popen(
        support.python(
            code, home.root, folder, export.__name__, prelude=support.DIE_AT
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        if line.startswith("done"):
            assert int(line.split()[1]) >= 3
            break
        found = held(folder)
        seen.append(found["meta.current_release"][0][0])
        if seen[-1] == old.release_id:
            assert found == whole
        assert {row[-1] for row in found["marts.order_lines"]} == {seen[-1]}
        process.stdin.write("\n")
        process.stdin.flush()
    assert process.wait(60) == 0
    # At first the old one, from some step on the new one, and nothing is left over.
    assert seen == sorted(seen)
    assert {seen[0], seen[-1]} == {old.release_id, new.release_id}
    assert not [*folder.glob(".partial*")]


@BOTH
def test_a_failed_export_leaves_the_old_copy(
    home: Home, tmp_path: Path, export: Export, held: Held
) -> None:
    folder = tmp_path / "copy"
    export(home, contents_of(home), folder)
    before = held(folder)
    broken = contents_of(home)
    with duckdb.connect(str(broken.file)) as connection:
        connection.execute("delete from marts.order_lines where line_number = 2")
    with pytest.raises(CustomerTiersError, match=r"order_lines has 300 rows and 200"):
        export(home, broken, folder)
    assert held(folder) == before
    assert not [*folder.glob(".partial*")]


@BOTH
def test_a_folder_that_is_no_copy_is_left_alone(
    home: Home, tmp_path: Path, export: Export, held: Held
) -> None:
    contents = contents_of(home)
    with pytest.raises(ConfigurationError, match="lies in the home"):
        export(home, contents, home.current)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "warehouse.duckdb").write_text("somebody's")
    with pytest.raises(ConfigurationError, match="no export has put there"):
        export(home, contents, foreign)
    assert [path.name for path in foreign.iterdir()] == ["warehouse.duckdb"]
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ConfigurationError, match="cannot be written to"):
        export(home, contents, file)
    with (
        exclusive(home, tmp_path / "copy"),
        pytest.raises(ExportRunning, match="Another export"),
    ):
        export(home, contents, tmp_path / "copy")


def test_the_commands_export_and_status_says_what_each_copy_has(
    home: Home, tmp_path: Path
) -> None:
    first, second = publish(home), publish(home)
    at = ("--home", home.root)
    one = invoke("export", "duckdb", tmp_path / "d", *at, "--json")
    assert json.loads(one.stdout)["release"] == second.refresh_id, one.stderr
    older = ("--release", first.refresh_id)
    two = invoke("export", "parquet", tmp_path / "p", *at, *older)
    assert two.returncode == 0, two.stderr
    assert [(copy.kind, copy.release_id) for copy in copies.known(home)] == [
        ("duckdb", second.refresh_id),
        ("parquet", first.refresh_id),
    ]
    found = json.loads(invoke("status", *at, "--json").stdout)
    assert [copy["release_id"] for copy in found["copies"]] == [
        second.refresh_id,
        first.refresh_id,
    ]
    said = " ".join(invoke("status", *at).stdout.split())
    assert f"{tmp_path / 'd'} has {second.refresh_id}" in said
    assert f"{tmp_path / 'p'} has {first.refresh_id}" in said
    assert "export parquet" in said  # it is behind
    (tmp_path / "d" / "warehouse.duckdb").unlink()
    said = " ".join(invoke("status", *at).stdout.split())
    assert "warehouse.duckdb is missing" in said
    behind = {
        sample.labels["kind"]: sample.value
        for family in metrics.collect(Settings.load(home.root), home)
        for sample in family.samples
        if sample.name == "customer_tiers_copy_behind"
    }
    assert behind == {"duckdb": 1, "parquet": 1}
    failed = invoke("export", "duckdb", home.root / "x", *at)
    assert failed.returncode == 2
    assert "lies in the home" in failed.stderr


def test_a_release_whose_file_is_damaged_is_not_exported(
    home: Home, tmp_path: Path
) -> None:
    release = publish(home, tables=TABLES)
    file = release.path / "warehouse.duckdb"
    file.chmod(0o600)
    file.write_bytes(b"x" * file.stat().st_size)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(catalogue.chosen(home))


def test_a_forgotten_customer_stays_in_copies_until_they_are_made_again(
    home: Home, tmp_path: Path
) -> None:
    """And the command that makes them again is said."""
    contents = contents_of(home)
    with copies.noted(home, "parquet", str(tmp_path / "a b"), contents):
        parquet_copy.export(home, contents, tmp_path / "a b", keep=2)
    console = Console(file=io.StringIO(), width=500)
    rendering.not_forgotten(copies.known(home), " --home h", console)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue().strip()
    command = f"`customer-tiers export parquet '{tmp_path / 'a b'}' --keep 1 --home h`"
    assert said.endswith(f"until you run {command}")

"""What the engine takes is what it was given."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import duckdb
import pytest

from pipeline.common import engine
from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT
from pipeline.release.duckdb_files import connect
from pipeline.serving.contents import opened


def setting(path: Path, name: str) -> str:
    with connect(path) as connection:
        row = connection.execute(f"select current_setting('{name}')").fetchone()
    assert row is not None
    return str(row[0])


def test_half_of_the_machine_where_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(engine.MEMORY, raising=False)
    assert engine.memory() == max(engine.LEAST, engine.machine() // 2)
    monkeypatch.setattr(engine, "machine", lambda: 2**28)
    assert engine.memory() == engine.LEAST
    assert setting(tmp_path / "a.duckdb", "memory_limit") == "512.0 MiB"


@pytest.mark.parametrize(
    ("given", "taken"),
    [("300MB", "300.0 MiB"), ("2 GiB", "2.0 GiB"), ("1.5gb", "1.5 GiB")],
)
def test_what_is_said_counts(
    given: str, taken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(engine.MEMORY, given)
    assert setting(tmp_path / "a.duckdb", "memory_limit") == taken


def test_more_than_that_is_put_aside_where_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(engine.MEMORY, "100MB")
    monkeypatch.setenv(engine.SPILL, str(tmp_path))
    aside = str(tmp_path / f"customer-tiers-{os.getpid()}.tmp")
    assert setting(tmp_path / "a.duckdb", "temp_directory") == aside


@pytest.mark.parametrize("given", ["much", "4", "-1GB", "4TB"])
def test_an_amount_that_is_none_is_refused(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(engine.MEMORY, given)
    with pytest.raises(ConfigurationError, match="an amount such as 4GB"):
        engine.config()


def test_a_folder_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(engine.SPILL, str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match="no folder to write to"):
        engine.config()


# What bounds one.
BOUNDS = ("engine.config()", "materialization.config()", "'memory_limit'")


def test_no_connection_of_the_product_takes_what_the_engine_likes() -> None:
    """DuckDB by itself takes four fifths of the machine."""
    unbounded, seen = [], 0
    for path in sorted((PROJECT_ROOT / "pipeline").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                if (
                    isinstance(call, ast.Call)
                    and ast.unparse(call.func) == "duckdb.connect"
                ):
                    seen += 1
                    # Said in the call, or in the function that makes it.
                    said = ast.unparse(function)
                    if not any(word in said for word in BOUNDS):
                        unbounded.append(f"{path.name}:{call.lineno}")
    assert seen > 10
    assert unbounded == []


def test_a_copy_takes_a_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.duckdb"
    connect(file).close()

    def taken(*, copying: bool) -> str:
        with opened(file, copying=copying) as connection:
            row = connection.execute("select current_setting('memory_limit')")
            return str((row.fetchone() or ("",))[0])

    monkeypatch.setenv(engine.MEMORY, "6GB")
    assert (taken(copying=False), taken(copying=True)) == ("6.0 GiB", "2.0 GiB")
    monkeypatch.setenv(engine.MEMORY, "1GB")
    assert (taken(copying=False), taken(copying=True)) == ("1.0 GiB", "1.0 GiB")


@pytest.mark.parametrize("form", ["count(*)", "sum(x)", "max(x)"])
def test_a_total_beside_few_rows_does_not_fail_now_and_then(form: str) -> None:
    """DuckDB 1.5.5 does, with two threads, within some tens of tries."""
    query = f"""
        with given as (select i as x from range(1) as numbers (i)),
        few as (
            select * from given where x > 0
            union all
            select * from given where not exists (select 1 from given where x > 0)
        )
        select x, {form} over () from few
    """
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
        found = {tuple(connection.execute(query).fetchall()) for _ in range(400)}
    assert len(found) == 1

"""What the engine takes is what it was given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.common import engine
from pipeline.common.errors import ConfigurationError
from pipeline.release.duckdb_files import connect


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

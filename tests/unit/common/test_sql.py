"""Names, texts and paths in SQL: whatever stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common.sql import columns, literal, parquet, quoted


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


TEXTS = st.text(st.sampled_from("'\"\\;-\n客") | st.characters(codec="utf-8"))


@given(text=TEXTS.filter(lambda text: "\0" not in text))
def test_any_text_is_a_literal(engine: duckdb.DuckDBPyConnection, text: str) -> None:
    assert engine.execute(f"select {literal(text)}").fetchall() == [(text,)]


@given(name=TEXTS.filter(lambda text: text and "\0" not in text))
def test_any_name_is_an_identifier(
    engine: duckdb.DuckDBPyConnection, name: str
) -> None:
    engine.execute(f"create or replace temp table t as select 1 as {quoted(name)}")
    assert engine.execute(f"select {quoted(name)} from t").fetchall() == [(1,)]
    assert [column[0] for column in engine.description or ()] == [name]


def test_what_is_no_text_is_one_in_a_literal(tmp_path: Path) -> None:
    assert literal(tmp_path / "it's") == f"'{tmp_path}/it''s'"


def test_columns_are_named_one_by_one(engine: duckdb.DuckDBPyConnection) -> None:
    engine.execute(f'select {columns(["a, b", "c"])} from (select 1 as c, 2 as "a, b")')
    assert [column[0] for column in engine.description or ()] == ["a, b", "c"]


@pytest.mark.parametrize("name", ["it's", "data [old]", "a*b?", "客户 {x}"])
def test_files_of_any_name_are_one_relation(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    pq.write_table(pa.table({"a": [1], "b": [2]}), folder / "1.parquet")
    pq.write_table(pa.table({"b": [4], "c": [5]}), folder / "2.parquet")
    files = [folder / "1.parquet", folder / "2.parquet"]
    found = engine.execute(f"select a, b, c from {parquet(files)} order by b")
    assert found.fetchall() == [(1, 2, None), (None, 4, 5)]

"""The dictionary of the demonstration's release, and of lineage and joins in it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.common.files import read_json
from pipeline.common.sql import quoted
from pipeline.reports import dictionary
from pipeline.reports.dictionary import contents
from pipeline.reports.dictionary.contents import Dictionary, Table
from pipeline.reports.dictionary.joins import Join
from tests.conftest import invoke


@pytest.fixture(scope="module")
def found(published_home: Path) -> Dictionary:
    folder = (published_home / "current").resolve()
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        return contents.collect(connection, read_json(folder / "release.json"), "en")


def test_every_table_and_column_is_described(
    found: Dictionary, warehouse: duckdb.DuckDBPyConnection
) -> None:
    there = warehouse.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() "
        "where schema_name in ('marts', 'meta')"
    ).fetchall()
    assert {
        (table.full_name, column.name)
        for table in found.tables
        for column in table.columns
    } == set(there)
    for table in found.tables:
        assert table.description, table.full_name
        assert table.grain, table.full_name
        for column in table.columns:
            assert column.description, f"{table.full_name}.{column.name}"
    assert [
        table.full_name for table in found.tables if "{{" in table.description
    ] == []


def test_every_mart_has_a_title_a_key_and_its_sources(found: Dictionary) -> None:
    for table in found.tables:
        if table.schema != "marts":
            continue
        assert table.title, table.full_name
        assert table.key, table.full_name
        assert table.reads, table.full_name
        # What is made of the policy alone comes of no source.
        assert table.sources, table.full_name


def test_a_join_that_is_called_safe_keeps_the_rows(
    found: Dictionary, warehouse: duckdb.DuckDBPyConnection
) -> None:
    safe = [join for table in found.tables for join in table.joins if join.is_safe]
    assert len(safe) > 40
    wrong = [join for join in safe if multiplies(warehouse, join)]
    assert wrong == []


def test_a_join_that_is_called_unsafe_multiplies_rows(
    found: Dictionary, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """Not each of them on these data: some accounts have one statement only."""
    unsafe = [
        join for table in found.tables for join in table.joins if not join.is_safe
    ]
    assert len(unsafe) > 20
    for other in ("marts.order_lines", "marts.service_tickets", "marts.contacts"):
        join = next(
            each
            for each in unsafe
            if (each.table, each.other) == ("marts.customers", other)
        )
        assert multiplies(warehouse, join), other


def multiplies(connection: duckdb.DuckDBPyConnection, join: Join) -> bool:
    """Whether a value on the other side stands there more than once."""
    (row,) = connection.execute(
        f"select count({quoted(join.other_column)}) "
        f"<> count(distinct {quoted(join.other_column)}) from {join.other}"
    ).fetchall()
    return bool(row[0])


def named(found: Dictionary, name: str) -> Table:
    return next(table for table in found.tables if table.full_name == name)


def test_lineage_leads_to_what_the_sources_gave(found: Dictionary) -> None:
    lines = named(found, "marts.order_lines")
    assert "erp.order_lines" in lines.sources
    assert "marts.revenue_by_month" in lines.read_by
    assert ("core.core_order_lines", "model") in lines.reads
    tickets = named(found, "marts.service_tickets")
    assert {source.split(".")[0] for source in tickets.sources} >= {"helpdesk"}
    assert ("meta.code_labels", "seed") in named(found, "marts.customer_360").reads


def test_codes_that_occur_have_a_meaning(
    found: Dictionary, warehouse: duckdb.DuckDBPyConnection
) -> None:
    explained = 0
    for table in found.tables:
        for column in table.columns:
            if not column.codes:
                continue
            explained += 1
            (occurring,) = warehouse.execute(
                f"select coalesce(list(distinct {quoted(column.name)}), []) "
                f"from {table.full_name} where {quoted(column.name)} is not null"
            ).fetchone() or ([],)
            known = {code.code for code in column.codes}
            assert {*occurring} <= known, f"{table.full_name}.{column.name}"
            for code in column.codes:
                assert code.label_en, code
                assert code.label_zh, code
    assert explained > 40


@pytest.mark.parametrize("language", dictionary.LANGUAGES)
def test_the_command_writes_the_page(
    published_home: Path, tmp_path: Path, language: str
) -> None:
    path = tmp_path / "page.html"
    result = invoke(
        "docs", "--home", published_home, "--lang", language, "--output", path
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(path)
    page = path.read_text(encoding="utf-8")
    assert 'id="marts.customer_360"' in page
    # Nobody's name, though the marts hold them.
    assert "Metropolitan Bicycle Supply" not in page

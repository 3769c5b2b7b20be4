"""Rows that no column tells apart: their place does, and whole invoices replace others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from pydantic import ValidationError

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.landing import increments, load
from pipeline.landing.entity import LandedEntity
from pipeline.sources import Entity, Source, open_reader
from tests.unit.support import store_of

NOW = dt.datetime(2014, 2, 1, 5, tzinfo=dt.UTC)
HEADER = "invoice,item,quantity\n"


def source_of(folder: Path, **options: Any) -> Source:
    described = {"key": "position", "files": "*.csv", "settle_seconds": 0, **options}
    entity = Entity(name="lines", **described)
    return Source(
        name="shop", kind="files", path=folder, entities={"lines": entity}, provides=[]
    )


def rows_in_force(home: Home, source: Source) -> list[tuple[Any, ...]]:
    """Lands and accepts what is there; the rows as staging reads them."""
    (entity,) = source.entities.values()
    landed = LandedEntity(home, source.name, entity)
    with open_reader(source) as reader:
        for batch in load.land(landed, reader, now=NOW).batches:
            store_of(home, batch).accept(batch)
    landed = LandedEntity(home, source.name, entity)
    relation = landed.relation(landed.in_force())
    assert relation is not None
    with duckdb.connect() as connection:
        keys = increments.count_keys(connection, relation, entity)
        found = connection.execute(
            f"select invoice, item, quantity from {relation} as landed order by all"
        ).fetchall()
        current = connection.execute(
            f"select count(*) from {increments.current(relation, entity)} as newest"
        ).fetchone()
    assert (keys.different, keys.repeated) == (len(found), 0)
    assert current == (len(found),)
    return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "exports").mkdir()
    return tmp_path / "exports"


def test_equal_rows_are_rows(home: Home, folder: Path) -> None:
    (folder / "a.csv").write_text(HEADER + "1,x,2\n1,x,2\n")
    assert rows_in_force(home, source_of(folder)) == [("1", "x", "2")] * 2


def test_a_file_under_the_same_name_takes_its_own_place(
    home: Home, folder: Path
) -> None:
    (folder / "a.csv").write_text(HEADER + "1,x,2\n1,y,2\n2,x,1\n")
    (folder / "b.csv").write_text(HEADER + "3,x,9\n")
    assert len(rows_in_force(home, source_of(folder))) == 4
    (folder / "a.csv").write_text(HEADER + "1,x,5\n")
    assert rows_in_force(home, source_of(folder)) == [("1", "x", "5"), ("3", "x", "9")]


def test_whole_invoices_replace_those_of_older_files(home: Home, folder: Path) -> None:
    (folder / "a.csv").write_text(HEADER + "1,x,1\n2,x,1\n2,x,1\n2,y,1\n")
    source = source_of(folder, replace=["invoice"])
    assert len(rows_in_force(home, source)) == 4
    (folder / "b.csv").write_text(HEADER + "2,x,1\n2,x,7\n3,x,1\n")
    assert rows_in_force(home, source) == [
        ("1", "x", "1"),
        ("2", "x", "1"),
        ("2", "x", "7"),
        ("3", "x", "1"),
    ]


def test_replacing_goes_with_a_key_as_well(home: Home, folder: Path) -> None:
    """A line that the newer export of its invoice no longer has is gone."""
    (folder / "a.csv").write_text(HEADER + "1,x,1\n1,y,1\n")
    (folder / "b.csv").write_text(HEADER + "1,x,4\n")
    source = source_of(folder, key=["invoice", "item"], replace=["invoice"])
    assert rows_in_force(home, source) == [("1", "x", "4")]


def overlapping(path: Path) -> None:
    """Two sheets; invoice 2 is in both, whole."""
    book = openpyxl.Workbook()
    first, second = book.active, book.create_sheet("Year 2010-2011")
    first.title = "Year 2009-2010"
    header = HEADER.strip().split(",")
    for row in (header, [1, "x", 1], [1, "x", 1], [2, "x", 3], [2, "x", 3]):
        first.append(row)
    for row in (header, [2, "x", 3], [2, "x", 3], [3, "y", 1]):
        second.append(row)
    book.create_sheet("Notes").append(["what", "who"])
    book.create_sheet("Year 2000").sheet_state = "hidden"
    book.save(path)


def test_several_sheets_are_one_table(home: Home, folder: Path) -> None:
    overlapping(folder / "retail.xlsx")
    source = source_of(
        folder, files="*.xlsx", sheet="Year *", replace=["invoice"], load="append"
    )
    assert rows_in_force(home, source) == [
        (1, "x", 1),
        (1, "x", 1),
        (2, "x", 3),
        (2, "x", 3),
        (3, "y", 1),
    ]
    (entity,) = source.entities.values()
    origins = LandedEntity(home, "shop", entity).in_force()
    assert [batch.origin for batch in origins] == [
        "retail.xlsx[Year 2009-2010]",
        "retail.xlsx[Year 2010-2011]",
    ]


def test_a_pattern_that_no_sheet_fits_is_refused(folder: Path) -> None:
    overlapping(folder / "retail.xlsx")
    source = source_of(folder, files="*.xlsx", sheet="Month *")
    with (
        open_reader(source) as reader,
        pytest.raises(SourceUnavailable, match="no sheet that fits 'Month"),
    ):
        list(reader.extracts(source.entities["lines"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cursor": {"column": "at"}}, "cannot be followed"),
        ({"sweep_days": 7}, "cannot be followed"),
        ({"replace": ["invoice"], "leave_out": ["invoice"]}, "leave_out names invoice"),
        ({"sheet": "Year *", "load": "snapshot"}, "only the last sheet would count"),
    ],
)
def test_what_does_not_go_together_is_refused(
    folder: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        source_of(folder, **options)


def test_a_table_of_a_database_has_no_positions_that_last() -> None:
    entity = Entity.model_validate({"name": "lines", "key": "position"})
    described: dict[str, Any] = {
        "name": "erp",
        "kind": "database",
        "url": "sqlite:///a.db",
        "provides": [],
    }
    with pytest.raises(ValidationError, match="load: snapshot"):
        Source(entities={"lines": entity}, **described)
    whole = entity.model_copy(update={"load": "snapshot"})
    assert (
        Source(entities={"lines": whole}, **described).entities["lines"].is_by_position
    )

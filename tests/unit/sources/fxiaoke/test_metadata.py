"""What an object is made of, as rows; and the gate that compares it with before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.gates.judgement import declared, gate_in
from pipeline.journal.evidence import Evidence
from pipeline.landing import increments
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import land
from pipeline.release.layout import Candidate
from pipeline.sources import Source
from pipeline.sources.fxiaoke import metadata
from tests.standins.fxiaoke import DESCRIBE, FxiaokeStandin
from tests.unit.sources.fxiaoke.tenant import read, reader_of, serving, source_of


@pytest.fixture
def tenant() -> Iterator[FxiaokeStandin]:
    with serving() as standin:
        standin.put("AccountObj", name="华东电子", account_level="1")
        yield standin


def test_a_row_for_each_field_that_is_read_and_each_of_its_options(
    tenant: FxiaokeStandin,
) -> None:
    rows = read(tenant, entity="metadata")
    assert {row["field"] for row in rows} == {
        "_id",
        "account_level",
        "deal_day",
        "is_deleted",
        "last_modified_time",
        "life_status",
        "name",
        "owner",
        "total_order_amount",
    }
    levels = {
        row["option_value"]: (row["option_label"], row["label"], row["type"])
        for row in rows
        if row["field"] == "account_level"
    }
    assert levels == {
        "": ("", "客户级别", "select_one"),
        "1": ("重要客户", "客户级别", "select_one"),
        "2": ("普通客户", "客户级别", "select_one"),
    }
    assert {row["object"] for row in rows} == {"AccountObj"}


def test_an_object_is_described_once_a_reading(tenant: FxiaokeStandin) -> None:
    source = source_of(tenant)
    with reader_of(tenant, source) as reader:
        for entity in source.entities.values():
            for extract in reader.extracts(entity):
                list(extract.batches())
    assert len(tenant.calls(DESCRIBE)) == 1


def test_an_alias_is_the_name_of_the_column_and_of_its_options(
    tenant: FxiaokeStandin,
) -> None:
    tenant.fields["AccountObj"]["field_a1B2c__c"] = {
        "type": "select_one",
        "label": "等级",
        "options": [{"value": "x", "label": "甲"}],
    }
    tenant.put("AccountObj", name="two", field_a1B2c__c="x")
    source = source_of(
        tenant, {"fields": ["name", "grade"], "aliases": {"grade": "field_a1B2c__c"}}
    )
    assert [row["grade"] for row in read(tenant, source)] == [None, "x"]
    (option,) = [
        row
        for row in read(tenant, source, entity="metadata")
        if row["field"] == "grade" and row["option_value"]
    ]
    assert (option["api_name"], option["option_label"]) == ("field_a1B2c__c", "甲")


def test_without_fields_all_of_an_object_are_read(tenant: FxiaokeStandin) -> None:
    source = source_of(tenant, {"fields": [], "leave_out": ["owner"]})
    (row,) = read(tenant, source)
    assert set(row) == {*metadata.SYSTEM_FIELDS, *tenant.fields["AccountObj"]} - {
        "owner"
    }


def test_a_formula_is_of_the_type_that_it_returns() -> None:
    fields = metadata.fields_of(
        {
            "a": {"type": "formula", "return_type": "currency"},
            "b": {"type": "count", "return_type": "number"},
            "c": {"type": "quote", "quote_field_type": "date"},
            "d": {"type": "formula"},
            "e": "no description",
        }
    )
    assert {name: fields[name].kind for name in "abcd"} == {
        "a": "currency",
        "b": "number",
        "c": "date",
        "d": "text",
    }
    assert "e" not in fields


def test_a_declared_type_that_the_api_does_not_have(tenant: FxiaokeStandin) -> None:
    source = source_of(tenant, {"columns": {"name": "date %d.%m.%Y"}})
    with pytest.raises(SourceUnavailable, match="one of text, integer"):
        read(tenant, source)


class Gate:
    """A home into which the source is landed and judged, as a refresh does it."""

    def __init__(self, tenant: FxiaokeStandin, folder: Path) -> None:
        self.home = Home.open(folder / "home")
        self.tenant = tenant
        self.source: Source = source_of(tenant)
        self.candidate = Candidate(
            path=folder,
            refresh_id="r1",
            run_id="run-1",
            as_of_date=dt.date(2026, 5, 31),
            time_zone="Asia/Shanghai",
            reporting_currency="CNY",
            opened_at="2026-06-01T00:00:00+00:00",
        )

    def refresh(self, *, full: bool = False) -> Evidence:
        with reader_of(self.tenant, self.source) as reader:
            for entity in self.source.entities.values():
                landed = LandedEntity(self.home, self.source.name, entity)
                land(landed, reader, now=self.tenant.clock.now(), full=full)
        suites = Path("no suites of a project's own")
        return gate_in(self.home, self.candidate, self.source, suites, full=full)

    def failed(self, *, full: bool = False) -> dict[str, bool]:
        """The checks of the metadata that failed → whether they stop the refresh."""
        evidence = self.refresh(full=full)
        known = declared([self.source], Path("none"), full=full)
        assert {check.id for check in evidence.checks} <= set(known)
        return {
            check.name: check.blocks
            for check in evidence.checks
            if check.outcome != "passed" and "metadata" in check.subject
        }


@pytest.fixture
def gate(tenant: FxiaokeStandin, tmp_path: Path) -> Gate:
    gate = Gate(tenant, tmp_path)
    assert gate.failed() == {}
    return gate


def level(gate: Gate) -> dict[str, Any]:
    return gate.tenant.fields["AccountObj"]["account_level"]


def test_metadata_that_is_the_same_asks_nothing(gate: Gate) -> None:
    assert gate.failed() == {}


def test_a_field_that_vanished_stops(gate: Gate) -> None:
    del gate.tenant.fields["AccountObj"]["account_level"]
    assert gate.failed() == {"no_field_vanished": True}
    # It was refused, so that it is still compared with what there was.
    assert gate.failed() == {"no_field_vanished": True}
    assert gate.failed(full=True) == {"no_field_vanished": False}
    assert gate.failed() == {}


def test_records_that_were_read_without_a_field_are_not_taken(gate: Gate) -> None:
    """They would lack it until somebody changes them, long after it is back."""
    tenant = gate.tenant
    tenant.clock.advance(60)
    known = tenant.fields["AccountObj"].pop("account_level")
    (account,) = tenant.objects["AccountObj"]
    tenant.put("AccountObj", _id=account, name="华东电子 (新)")
    assert gate.failed() == {"no_field_vanished": True}
    # What is newer moves the increments on, past the one that lacks the field.
    tenant.clock.advance(3600)
    tenant.put("AccountObj", name="华南电子", account_level="2")
    assert gate.failed() == {"no_field_vanished": True}
    tenant.fields["AccountObj"]["account_level"] = known
    assert gate.failed() == {}
    landed = LandedEntity(gate.home, "crm", gate.source.entities["accounts"])
    rows = increments.current(str(landed.relation(landed.in_force())), landed.entity)
    with duckdb.connect() as connection:
        found = connection.execute(f"select name, account_level from {rows}")
        assert set(found.fetchall()) == {("华东电子 (新)", "1"), ("华南电子", "2")}


def test_a_field_that_changed_its_type_stops(gate: Gate) -> None:
    level(gate)["type"] = "text"
    assert gate.failed() == {"no_field_is_another": True}


def test_an_alias_that_names_another_field_stops(gate: Gate) -> None:
    gate.tenant.fields["AccountObj"]["field_a1B2c__c"] = level(gate)
    aliases = {"account_level": "field_a1B2c__c"}
    gate.source = source_of(gate.tenant, {"aliases": aliases})
    assert gate.failed() == {"no_field_is_another": True}
    assert gate.failed(full=True) == {"no_field_is_another": False}


def test_an_option_that_is_new_stops(gate: Gate) -> None:
    level(gate)["options"] = [
        *level(gate)["options"],
        {"value": "3", "label": "战略客户"},
    ]
    assert gate.failed() == {"no_option_is_new": True}


def test_an_option_that_is_gone_or_called_otherwise_is_said(gate: Gate) -> None:
    level(gate)["options"] = [{"value": "1", "label": "大客户"}]
    assert gate.failed() == {"no_option_vanished_or_was_renamed": False}


def test_a_field_that_is_new_is_said_and_its_options_are_not(gate: Gate) -> None:
    source = source_of(
        gate.tenant, {"fields": [*gate.source.entities["accounts"].fields, "grade"]}
    )
    gate.source = source
    gate.tenant.fields["AccountObj"]["grade"] = level(gate)
    assert gate.failed() == {"no_field_is_new": False}

"""Zoho Desk through real HTTP: tickets by when they changed, and lists that shift."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.landing import increments
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import land
from pipeline.sources import Source
from pipeline.sources.zoho.desk import ZohoDeskReader
from tests.standins.base import Reply, json_reply
from tests.standins.zoho_crm import CREDENTIALS, ZohoCrm
from tests.standins.zoho_desk import ORG_ID, ZohoDesk, field_of
from tests.unit.sources.zoho.shop import organisation


class Desk:
    """The desk in the stand-in, and its tables as landing has them."""

    def __init__(self, crm: ZohoCrm, service: ZohoDesk, folder: Path) -> None:
        self.crm = crm
        self.service = service
        self.home = Home.open(folder)
        self.source = self.configured()

    def configured(self, **options: Any) -> Source:
        return Source.model_validate(
            {
                "name": "desk",
                "kind": "zoho_desk",
                "zoho": {
                    **CREDENTIALS,
                    "accounts_url": self.crm.base_url,
                    "api_url": self.service.base_url,
                    "org_id": ORG_ID,
                    **options,
                },
                "connection": {"timeout_seconds": 5},
                "retry": {"first_seconds": 1},
                "provides": [],
                "entities": {
                    "metadata": {"reads": "metadata"},
                    "tickets": {"aliases": {"severity": "cf_severity"}},
                    "accounts": None,
                },
            }
        )

    def refresh(self, *names: str) -> None:
        clock = self.crm.clock.as_clock()
        for name in names:
            landed = LandedEntity(self.home, "desk", self.source.entities[name])
            with ZohoDeskReader(self.source, self.home, clock=clock) as reader:
                done = land(landed, reader, now=self.crm.clock.now())
            for batch in done.batches:
                landed.accept(batch)

    def rows(self, name: str, *columns: str) -> set[tuple[Any, ...]]:
        landed = LandedEntity(self.home, "desk", self.source.entities[name])
        relation = landed.relation(landed.in_force())
        assert relation is not None
        current = increments.current(relation, landed.entity)
        wanted = ", ".join(f'"{column}"' for column in columns or ("id",))
        with duckdb.connect() as connection:
            return set(connection.sql(f"select {wanted} from {current}").fetchall())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        crm = stack.enter_context(organisation().serving())
        service = stack.enter_context(ZohoDesk(crm).serving())
        yield Desk(crm, service, tmp_path)


def tickets(desk: Desk, count: int, *, seconds: float = 1) -> list[str]:
    found = []
    for number in range(count):
        found.append(desk.service.put("tickets", subject=f"Ticket {number}"))
        desk.crm.clock.advance(seconds)
    return found


@pytest.mark.parametrize("seconds", [0, 0.5, 60], ids=["one moment", "two", "minutes"])
def test_tickets_are_read_whatever_changes_meanwhile(
    desk: Desk, seconds: float
) -> None:
    keys = tickets(desk, 560, seconds=seconds)
    changing = iter(keys[2:])

    def change() -> None:
        desk.crm.clock.advance(1)
        desk.service.put("tickets", next(changing), subject="changed")

    for after in (1, 3):
        desk.service.before("/tickets/search", change, after=after)
    desk.refresh("tickets")
    there = {one["id"]: one["subject"] for one in desk.service.records["tickets"]}
    assert dict(desk.rows("tickets", "id", "subject")) == there

    desk.crm.clock.advance(3_600)
    changed = desk.service.put("tickets", keys[7], subject="later", statusType="Closed")
    before = len(desk.service.asked)
    desk.refresh("tickets")
    assert (changed, "later", "Closed") in desk.rows(
        "tickets", "id", "subject", "statusType"
    )
    if seconds == 60:
        assert len(desk.service.asked) - before <= 3


def test_a_ticket_has_its_values(desk: Desk) -> None:
    desk.service.put(
        "tickets",
        "1329983000000425001",
        ticketNumber="101",
        threadCount="2",
        isOverDue=False,
        closedTime="2026-06-12T10:00:00.000Z",
        cf={"cf_severity": "S1"},
        assigneeId=None,
    )
    desk.refresh("tickets")
    columns = ("id", "threadCount", "isOverDue", "closedTime", "severity", "assigneeId")
    closed = dt.datetime(2026, 6, 12, 10, tzinfo=dt.UTC)
    assert desk.rows("tickets", *columns) == {
        ("1329983000000425001", 2, False, closed, "S1", None)
    }


def test_a_ticket_that_was_deleted_is_found_by_its_key(desk: Desk) -> None:
    first, second = tickets(desk, 2)
    desk.refresh("tickets")
    desk.service.delete("tickets", first)
    desk.crm.clock.advance(31 * 86_400)
    desk.refresh("tickets")
    assert desk.rows("tickets") == {(second,)}


@pytest.mark.parametrize("empty_is_204", [True, False])
@pytest.mark.parametrize("count", [0, 99, 100, 101, 430])
def test_lists_are_read_to_their_end(
    desk: Desk, count: int, empty_is_204: bool
) -> None:
    desk.service.empty_is_204 = empty_is_204
    for number in range(count):
        desk.service.put("accounts", accountName=f"Account {number}")
    desk.refresh("accounts")
    assert len(desk.rows("accounts")) == count


def test_a_list_that_shifts_loses_nothing(desk: Desk) -> None:
    keys = [desk.service.put("accounts", accountName=f"A {n}") for n in range(450)]

    def delete() -> None:
        for key in keys[:30]:
            desk.service.delete("accounts", key)

    desk.service.before("/accounts", delete, after=2)
    desk.refresh("accounts")
    assert {(key,) for key in keys[30:]} <= desk.rows("accounts")


def test_accounts_name_those_of_the_crm(desk: Desk) -> None:
    linked = {"id": "7328395000000680055"}
    desk.service.put("accounts", accountName="A", zohoCRMAccount=linked)
    desk.service.put("accounts", accountName="B", zohoCRMAccount=None)
    desk.refresh("accounts")
    assert desk.rows("accounts", "accountName", "crmAccountId") == {
        ("A", "7328395000000680055"),
        ("B", None),
    }


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("Desk.search.READ", "tickets"),
        ("Desk.tickets.READ", "tickets"),
        ("Desk.contacts.READ", "accounts"),
        ("Desk.settings.READ", "metadata"),
    ],
)
def test_a_missing_scope_is_an_error_that_names_it(
    desk: Desk, scope: str, name: str
) -> None:
    desk.crm.scopes.discard(scope)
    with pytest.raises(SourceUnavailable, match="lacks the scope") as error:
        desk.refresh(name)
    assert scope in str(error.value)


def test_another_organisation_is_an_error(desk: Desk) -> None:
    desk.source = desk.configured(org_id="1")
    with pytest.raises(SourceUnavailable, match="org_id"):
        desk.refresh("tickets")


def test_what_passes_is_asked_again(desk: Desk) -> None:
    keys = tickets(desk, 3)
    replies = [json_reply({"errorCode": "THRESHOLD_EXCEEDED"}, 429), Reply(503)]
    desk.service.next_replies("/tickets", replies)
    desk.refresh("tickets")
    assert desk.rows("tickets") == {(key,) for key in keys}


def test_a_token_that_ended_is_fetched_again(desk: Desk) -> None:
    keys = tickets(desk, 250)
    desk.service.before("/tickets/search", desk.crm.end_tokens, after=1)
    desk.refresh("tickets")
    assert desk.rows("tickets") == {(key,) for key in keys}


def test_metadata_lands_with_options_and_what_statuses_stand_for(desk: Desk) -> None:
    """And once more when a status is given another type, as the gate has to see it."""
    fields = desk.service.fields["tickets"]
    fields.append(field_of("cf_severity", "Picklist", ["S1", "S2"]))
    (status,) = (field for field in fields if field["apiName"] == "status")
    status["allowedValues"].append({"value": "Parts", "statusType": "On Hold"})
    desk.refresh("metadata")
    columns = ("object", "field", "api_name", "option_value", "option_label")
    rows = desk.rows("metadata", *columns)
    assert {
        ("tickets", "severity", "cf_severity", "", ""),
        ("tickets", "severity", "cf_severity", "S1", "S1"),
        ("tickets", "status", "status", "Parts", "Parts"),
        ("tickets", "statusType", "status", "Parts", "On Hold"),
        ("accounts", "accountName", "accountName", "", ""),
    } <= rows
    # Times that the desk stamps are no fields, and what is not read is left out.
    assert not {row[1] for row in rows} & {"closedTime", "modifiedTime", "entitySkills"}
    status["allowedValues"][-1]["statusType"] = "Closed"
    desk.refresh("metadata")
    rows = desk.rows("metadata", *columns)
    assert ("tickets", "statusType", "status", "Parts", "Closed") in rows


def test_a_list_that_is_not_known_needs_its_fields(desk: Desk) -> None:
    values = desk.source.model_dump(exclude={"entities"}) | {
        "entities": {"products": {"load": "snapshot"}}
    }
    desk.source = Source.model_validate(values)
    with pytest.raises(SourceUnavailable, match="name its `fields`"):
        desk.refresh("products")

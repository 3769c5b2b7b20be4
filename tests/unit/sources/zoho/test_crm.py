"""Zoho CRM through real HTTP: what a reading brings, whatever happens meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.common.errors import SourceUnavailable
from pipeline.gates.source_trial import try_source
from pipeline.sources.zoho.crm import ZohoCrmReader
from pipeline.suppression.suppression_list import Entry, Suppression
from tests.standins.base import HTML, Reply, json_reply
from tests.standins.zoho_crm import ZohoCrm, field_of
from tests.unit.operations.alerting import certificate
from tests.unit.sources.zoho.shop import START, Tables, accounts, order, organisation

# The ways to read a whole module and what changed: bulk and COQL, COQL, page by page.
WAYS = [
    pytest.param({"bulk_from": 1}, id="bulk"),
    pytest.param({"bulk": False}, id="coql"),
    pytest.param({"bulk": False, "coql": False}, id="pages"),
]


@pytest.fixture
def crm() -> Iterator[ZohoCrm]:
    with organisation().serving() as server:
        yield server


@pytest.mark.parametrize("way", WAYS)
def test_everything_is_read_and_then_what_changed(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any]
) -> None:
    first, second = accounts(crm, 2)
    kept = order(crm, first, [1, 2])
    tables = Tables(crm, tmp_path, **way)
    tables.refresh()
    assert tables.keys("accounts") == {first, second}
    assert tables.rows("orders", "id", "Account_Name") == {(kept, first)}
    assert {row[1] for row in tables.rows("lines", "Parent_Id", "Quantity")} == {1, 2}

    crm.clock.advance(3600)
    crm.put("Accounts", second, Account_Name="Renamed")
    third = crm.put("Accounts", Account_Name="Third", Annual_Revenue=Decimal("12.34"))
    crm.put("Sales_Orders", kept, Ordered_Items=[{"Quantity": 5}])
    crm.delete("Accounts", first)
    tables.refresh()
    assert tables.rows("accounts", "id", "Account_Name", "Annual_Revenue") == {
        (second, "Renamed", None),
        (third, "Third", Decimal("12.34")),
    }
    assert tables.rows("lines", "Parent_Id", "Quantity") == {(kept, 5)}


@pytest.mark.parametrize("way", WAYS)
def test_values_land_the_same_whichever_way_they_come(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any]
) -> None:
    parent = crm.put("Accounts", Account_Name='A "quoted"\nname, 中文', Rating="")
    crm.put(
        "Accounts",
        Account_Name="",
        Parent_Account={"id": parent, "name": "A"},
        Rating="A+",
        Annual_Revenue=Decimal("1234567890123.4567"),
        Tags_of_Ours=["a", "b"],
        Owner={"id": "7328395000000605001", "name": "Li Lei", "email": "l@example.cn"},
        Modified_Time="2026-05-14T11:36:09+03:00",
    )
    tables = Tables(crm, tmp_path, **way)
    tables.refresh("accounts")
    columns = ("Account_Name", "Parent_Account", "Rating", "Annual_Revenue")
    assert tables.rows("accounts", *columns) == {
        ('A "quoted"\nname, 中文', None, None, None),
        (None, parent, "A+", Decimal("1234567890123.4567")),
    }
    found = tables.rows("accounts", "Owner", "Tags_of_Ours", "Modified_Time")
    moment = dt.datetime(2026, 5, 14, 8, 36, 9, tzinfo=dt.UTC)
    assert ("7328395000000605001", '["a", "b"]', moment) in found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seconds", [0, 1], ids=["one second for all", "one each"])
def test_more_records_than_numbered_pages_reach(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any], seconds: int
) -> None:
    """A row on the edge of a page changes while the next is fetched, and one is deleted."""
    crm.limits.page_rows, crm.limits.numbered_rows = 200, 2_000
    keys = accounts(crm, 2_450, seconds=seconds)
    changing = iter(keys[3:])

    def change() -> None:
        crm.clock.advance(1)
        crm.put("Accounts", next(changing), Account_Name="changed")

    for after in (2, 4, 11):
        crm.before("/Accounts", change, after=after)
        crm.before("/coql", change, after=after)
    tables = Tables(crm, tmp_path, **way)
    tables.refresh("accounts")
    assert tables.keys("accounts") == set(keys)
    crm.faults.clear()
    tables.refresh("accounts")
    named = dict(tables.rows("accounts", "id", "Account_Name"))
    there = crm.modules["Accounts"].records
    assert named == {key: there[key]["Account_Name"] for key in keys}


@pytest.mark.parametrize("way", WAYS[1:])
def test_an_import_of_many_records_in_one_second(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any]
) -> None:
    """Increments have no count to be held against: no page may shift unnoticed."""
    before = accounts(crm, 3, seconds=60)
    tables = Tables(crm, tmp_path, **way)
    tables.refresh("accounts")
    crm.clock.advance(3_600)
    keys = accounts(crm, 2_450, seconds=0)
    changing = iter(keys[3:])

    def change() -> None:
        crm.clock.advance(1)
        crm.put("Accounts", next(changing), Account_Name="changed")

    for after in (1, 3, 11):
        crm.before("/crm/v8/Accounts", change, after=after)
        crm.before("/coql", change, after=after)
    tables.refresh("accounts")
    assert tables.keys("accounts") == {*before, *keys}
    assert ("changed",) in tables.rows("accounts", "Account_Name")


@pytest.mark.parametrize("inclusive", [False, True])
def test_pages_do_not_depend_on_what_since_means(
    crm: ZohoCrm, tmp_path: Path, inclusive: bool
) -> None:
    """Whether If-Modified-Since counts its own second is not known."""
    crm.since_is_inclusive = inclusive
    keys = accounts(crm, 650, seconds=0.01)
    tables = Tables(crm, tmp_path, coql=False, bulk=False)
    tables.refresh("accounts")
    assert tables.keys("accounts") == set(keys)


def test_a_change_while_everything_is_read_is_not_lost(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    """The newest record is read last, the changed one first: the cursor is beyond it."""
    keys = accounts(crm, 30)

    def change() -> None:
        crm.put("Accounts", keys[0], Account_Name="changed meanwhile")
        crm.delete("Accounts", keys[2])
        crm.clock.advance(1800)
        crm.put("Accounts", keys[1], Account_Name="changed later")

    crm.before("/crm/bulk/v8/read/", change, after=3)
    crm.polls = 6  # the job of bulk read takes its time
    tables = Tables(crm, tmp_path)
    tables.refresh("accounts")
    named = dict(tables.rows("accounts", "id", "Account_Name"))
    assert named[keys[0]] == "changed meanwhile"
    assert named[keys[1]] == "changed later"
    assert keys[2] not in named


def test_a_module_of_more_fields_than_a_call_gives(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    names = [f"Field_{number}" for number in range(130)]
    crm.define("Deals", field_of("Stage"), *(field_of(name) for name in names))
    deals = [crm.put("Deals", **dict.fromkeys(names, f"old {n}")) for n in range(3)]
    ways: list[dict[str, Any]] = [{"bulk": False}, {"bulk": False, "coql": False}]
    for number, way in enumerate(ways):
        crm.faults.clear()
        entities = {"deals": {"object": "Deals"}}
        tables = Tables(crm, tmp_path / str(number), entities=entities, **way)
        tables.refresh()
        crm.clock.advance(3_600)
        crm.put("Deals", deals[0], **dict.fromkeys(names, f"change {number}"))

        def change(last: str = f"last {number}") -> None:
            crm.clock.advance(5)
            crm.put("Deals", deals[0], **dict.fromkeys(names, last))

        # Between the parts of one page: no record may be of two versions.
        crm.before("/coql", change, after=1)
        crm.before("/Deals", change, after=1)
        tables.refresh()
        found = tables.rows("deals", "Field_0", "Field_70", "Field_129")
        assert found == {(f"last {number}",) * 3, ("old 1",) * 3, ("old 2",) * 3}


@pytest.mark.parametrize("way", WAYS[1:])
@pytest.mark.parametrize("happens", ["change", "delete"])
def test_the_last_of_a_page_changes_between_its_parts(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any], happens: str
) -> None:
    """The next page begins where the page ended, not where its last record is now."""
    names = [f"Field_{number}" for number in range(60)]
    crm.define("Deals", *(field_of(name) for name in names))
    tables = Tables(crm, tmp_path, entities={"deals": {"object": "Deals"}}, **way)
    first = crm.put("Deals")
    tables.refresh()
    crm.clock.advance(3_600)
    deals = []
    for number in range(260):
        deals.append(crm.put("Deals", Field_0=f"{number}", Field_59=f"{number}"))
        crm.clock.advance(1)

    def change() -> None:
        crm.clock.advance(60)
        if happens == "change":
            # With the one that was there before, the two hundredth.
            crm.put("Deals", deals[198], Field_0="new", Field_59="new")
        else:
            for key in [first, *deals[:199]]:
                crm.delete("Deals", key)

    crm.before("/coql", change, after=1)
    crm.before("/crm/v8/Deals", change, after=1)
    tables.refresh()
    found = {
        row[0]: row[1:] for row in tables.rows("deals", "id", "Field_0", "Field_59")
    }
    there = crm.modules["Deals"].records
    assert set(there) <= set(found)
    assert all(first == last for first, last in found.values())


def test_an_answer_that_comes_again_for_ever_is_an_error(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    """As if times were more exact than they are written."""
    record = {"id": "7328395000000680055", "Modified_Time": "2026-06-01T08:00:00+00:00"}
    page = {"data": [record], "info": {"count": 1, "more_records": True}}
    crm.next_replies("/coql", [json_reply(page)] * 50)
    with pytest.raises(SourceUnavailable, match="coql: false"):
        Tables(crm, tmp_path).refresh("accounts")
    assert len(crm.calls("/coql")) == 2


def test_nothing_is_read_again_and_nothing_lands_when_nothing_changed(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    order(crm, accounts(crm, 3)[0], [1])
    tables = Tables(crm, tmp_path)
    tables.refresh()
    crm.clock.advance(86_400)
    before = len(crm.asked)
    done = tables.refresh()
    assert not any(landed.batches for landed in done.values())
    assert len(crm.asked) - before <= 10


def test_an_organisation_without_records_has_columns(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    """Empty answers are 204, and 304 with If-Modified-Since."""
    ways: list[dict[str, Any]] = [{}, {"coql": False, "bulk": False}]
    for number, way in enumerate(ways):
        tables = Tables(crm, tmp_path / str(number), **way)
        tables.refresh()
        assert tables.rows("accounts", "id", "Rating") == set()
        assert tables.rows("lines", "Parent_Id", "Parent_Modified_Time") == set()


@pytest.mark.parametrize("way", WAYS)
def test_broken_off_at_any_call_and_started_again(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any]
) -> None:
    """What was read before the end does not count, and the next reading misses nothing."""
    (account,) = accounts(crm, 1)
    order(crm, account, [1, 2])
    names = ("accounts", "lines")
    calls = 0
    while True:
        tables = Tables(crm, tmp_path / str(calls), **way)
        crm.faults.clear()
        broken = Reply(400, b'{"code": "BROKEN_OFF", "status": "error"}')
        crm.once("/crm/", broken, after=calls)
        try:
            tables.refresh(*names)
        except SourceUnavailable:
            crm.faults.clear()
            tables.refresh(*names)
        else:
            break
        assert tables.keys("accounts") == {account}
        assert len(tables.keys("lines")) == 2
        calls += 1
    assert calls >= 8


# Deletes


def test_a_hard_delete_is_found_by_comparing_keys(crm: ZohoCrm, tmp_path: Path) -> None:
    first, second = accounts(crm, 2)
    kept = order(crm, first, [1, 2, 3])
    tables = Tables(crm, tmp_path)
    tables.refresh()
    crm.delete("Accounts", second, kind="vanish")
    crm.modules["Sales_Orders"].records[kept]["Ordered_Items"].pop()
    crm._sorted.clear()
    tables.refresh()
    assert tables.keys("accounts") == {first, second}
    crm.clock.advance(8 * 86_400)
    tables.refresh()
    assert tables.keys("accounts") == {first}
    assert tables.rows("lines", "Quantity") == {(1,), (2,)}


@pytest.mark.parametrize("way", WAYS)
def test_an_order_without_lines_any_more_has_none(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any]
) -> None:
    """Nothing comes of its lines when it is read; and they come back with it."""
    (account,) = accounts(crm, 1)
    emptied, kept, changing = (order(crm, account, [n, 7]) for n in (1, 2, 3))
    tables = Tables(crm, tmp_path, **way)
    tables.refresh()
    crm.clock.advance(3_600)
    lines = crm.modules["Sales_Orders"].records[emptied]["Ordered_Items"]
    crm.put("Sales_Orders", emptied, Ordered_Items=[])
    crm.put("Sales_Orders", changing, Ordered_Items=[{"Quantity": 4}])
    tables.refresh()
    rows = tables.rows("lines", "Parent_Id", "Quantity")
    assert rows == {(kept, 2), (kept, 7), (changing, 4)}
    assert not tables.refresh()["lines"].batches
    # The same lines as they were before: their ids are those of before.
    crm.modules["Sales_Orders"].records[emptied]["Ordered_Items"] = lines
    crm.clock.advance(3_600)
    crm.put("Sales_Orders", emptied)
    tables.refresh()
    assert (emptied, 7) in tables.rows("lines", "Parent_Id", "Quantity")


@pytest.mark.parametrize("way", WAYS)
def test_lines_that_go_while_everything_is_read(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any]
) -> None:
    (account,) = accounts(crm, 1)
    emptied, kept = order(crm, account, [1, 2]), order(crm, account, [3])

    def empty() -> None:
        crm.clock.advance(1)
        crm.put("Sales_Orders", emptied, Ordered_Items=[])

    tables = Tables(crm, tmp_path, **way)
    # When its lines were read, and before what changed meanwhile is.
    crm.before("/crm/v8/", empty, after=4)
    tables.refresh("lines")
    assert tables.rows("lines", "Parent_Id") == {(kept,)}


@pytest.mark.parametrize("way", WAYS[1:])
def test_an_order_that_changes_between_two_pages_has_its_last_lines(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any]
) -> None:
    """It comes twice in one reading, each time with all of its lines."""
    (account,) = accounts(crm, 1)
    tables = Tables(crm, tmp_path, **way)
    order(crm, account, [0])
    tables.refresh("lines")
    crm.clock.advance(3_600)
    orders = []
    for number in range(201):
        orders.append(order(crm, account, [number, number + 1_000]))
        crm.clock.advance(1)

    def change() -> None:
        crm.clock.advance(60)
        crm.put("Sales_Orders", orders[0], Ordered_Items=[{"Quantity": 5_000}])
        crm.put("Sales_Orders", orders[1], Ordered_Items=[])

    # After the first page and its lines.
    crm.before("/coql", change, after=5)
    crm.before("/crm/v8/Sales_Orders", change, after=150)
    tables.refresh("lines")
    found = tables.rows("lines", "Parent_Id", "Quantity")
    assert {row for row in found if row[0] in orders[:2]} == {(orders[0], 5_000)}


@pytest.mark.parametrize("way", WAYS)
def test_what_was_restored_or_merged_is_found_by_comparing(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any]
) -> None:
    """Neither has a newer time: the keys and lookups that are listed say so."""
    first, second, third, restored = accounts(crm, 4)
    crm.put("Accounts", third, Parent_Account={"id": second, "name": "Second"})
    kept, moved = order(crm, first, [1]), order(crm, second, [2])
    gone = order(crm, first, [3, 4])
    crm.clock.advance(3_600)
    (late,) = accounts(crm, 1)  # so that the overlap does not bring the others again
    last = order(crm, late, [5])
    tables = Tables(crm, tmp_path, **way)
    tables.refresh()
    crm.clock.advance(3_600)
    crm.delete("Accounts", restored)
    crm.delete("Sales_Orders", gone)
    tables.refresh()
    crm.clock.advance(8 * 86_400)
    tables.refresh()
    assert restored not in tables.keys("accounts")
    assert len(tables.keys("lines")) == 3
    crm.restore("Accounts", restored)
    crm.restore("Sales_Orders", gone)
    crm.merge("Accounts", first, [second])
    crm.clock.advance(8 * 86_400)
    tables.refresh()
    assert tables.rows("accounts", "id", "Parent_Account") == {
        (first, None),
        (third, first),
        (restored, None),
        (late, None),
    }
    assert tables.rows("orders", "id", "Account_Name") == {
        (kept, first),
        (moved, first),
        (gone, first),
        (last, late),
    }
    assert {row[0] for row in tables.rows("lines", "Quantity")} == {1, 2, 3, 4, 5}
    crm.clock.advance(8 * 86_400)
    done = tables.refresh()
    landed = [batch.rows_landed for one in done.values() for batch in one.batches]
    assert not any(landed)


def test_who_was_forgotten_is_not_read_again_by_comparing(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    """The order stands under another key, and its owner is emptied, at every sweep."""
    first, second = accounts(crm, 2)
    kept = [order(crm, key, [1]) for key in (first, second)]
    for key in kept:
        crm.put("Sales_Orders", key, Owner={"id": "7328395000000605001", "name": "Li"})
    personal = {"customer": "Account_Name", "rows": "keep", "columns": ["Owner"]}
    entities = {"orders": {"object": "Sales_Orders", "personal": personal}}
    tables = Tables(crm, tmp_path, entities=entities)
    own = Suppression.load(tables.home)
    entry = Entry(
        print=own.print_of("zoho", first),
        source="zoho",
        pseudonym="-300000001",
        customer_type="company",
        receipt="f-1",
        forgotten_on="2026-06-01",
        reason="asked",
    )
    own.with_entries([entry]).save(tables.home)
    tables.refresh()
    expected = {
        (kept[0], "-300000001", None),
        (kept[1], second, "7328395000000605001"),
    }
    assert tables.rows("orders", "id", "Account_Name", "Owner") == expected
    crm.clock.advance(8 * 86_400)
    (sweep,) = tables.refresh()["orders"].batches
    assert (sweep.content, sweep.rows_landed) == ("sweep", 0)
    assert not [asked for asked in crm.calls("/coql") if b"where id in" in asked.body]
    assert tables.rows("orders", "id", "Account_Name", "Owner") == expected


def test_after_two_months_all_keys_are_compared(crm: ZohoCrm, tmp_path: Path) -> None:
    first, second = accounts(crm, 2)
    entities = {"accounts": {"object": "Accounts", "sweep_days": 365}}
    tables = Tables(crm, tmp_path, entities=entities)
    tables.refresh()
    crm.delete("Accounts", second)
    crm.clock.advance(70 * 86_400)  # Zoho lists it no more
    tables.refresh()
    assert tables.keys("accounts") == {first}


def test_lines_that_were_deleted_stay_deleted(crm: ZohoCrm, tmp_path: Path) -> None:
    """Two sweeps, and an order that is read again in between: no marker is lost."""
    (account,) = accounts(crm, 1)
    orders = []
    for number in range(3):
        orders.append(order(crm, account, [number, number + 10]))
        crm.clock.advance(3_600)  # so that the overlap does not bring it again
    tables = Tables(crm, tmp_path)
    tables.refresh()
    for key in orders[:2]:
        crm.modules["Sales_Orders"].records[key]["Ordered_Items"].pop()
        crm._sorted.clear()
        crm.clock.advance(8 * 86_400)
        tables.refresh()
    crm.put("Sales_Orders", orders[2], Ordered_Items=[{"Quantity": 7}])
    crm.clock.advance(3_600)
    tables.refresh()
    assert tables.rows("lines", "Quantity") == {(0,), (1,), (7,)}


# Counts


def test_less_than_zoho_counts_is_an_error(crm: ZohoCrm, tmp_path: Path) -> None:
    accounts(crm, 20)
    crm.counted_more["Accounts"] = 3
    with pytest.raises(SourceUnavailable) as error:
        Tables(crm, tmp_path).refresh("accounts")
    assert "counts 23 records in Accounts and gives 20" in str(error.value)
    assert "most_missing" in str(error.value)
    assert Tables(crm, tmp_path, most_missing=0.2).refresh("accounts")


@pytest.mark.parametrize("way", WAYS[1:])
def test_lines_of_fewer_orders_than_zoho_counts_are_an_error(
    crm: ZohoCrm, tmp_path: Path, way: dict[str, Any]
) -> None:
    """Or the lines of the others would count as gone."""
    (account,) = accounts(crm, 1)
    order(crm, account, [1])
    tables = Tables(crm, tmp_path, **way)
    tables.refresh("lines")
    crm.counted_more["Sales_Orders"] = 1
    crm.clock.advance(8 * 86_400)
    with pytest.raises(SourceUnavailable, match="counts 2 records in Sales_Orders"):
        tables.refresh("lines")


def test_a_field_that_coql_does_not_know_is_named(crm: ZohoCrm, tmp_path: Path) -> None:
    refused = {"code": "INVALID_QUERY", "details": {"column_name": "Notes_Of_Ours"}}
    crm.once("/coql", json_reply(refused | {"status": "error"}, 400))
    with pytest.raises(
        SourceUnavailable, match=r"column_name Notes_Of_Ours.*leave_out"
    ):
        Tables(crm, tmp_path).refresh("accounts")


def test_what_bulk_read_leaves_out_is_read_by_itself(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    keys = accounts(crm, 20)
    original = crm._new_job

    def leaves_out(asked: Any) -> Reply:
        reply = original(asked)
        next(iter(crm._jobs.values())).rows[:] = crm._records("Accounts")[5:]
        return reply

    crm._new_job = leaves_out  # type: ignore[method-assign]
    tables = Tables(crm, tmp_path)
    tables.refresh("accounts")
    assert tables.keys("accounts") == set(keys)


def test_lines_of_no_order_are_not_read(crm: ZohoCrm, tmp_path: Path) -> None:
    (account,) = accounts(crm, 1)
    order(crm, account, [1])
    orphan = {"id": crm.new_id(), "Quantity": 9, "Parent_Id": None}
    crm.modules["Ordered_Items"].orphans.append(orphan)
    tables = Tables(crm, tmp_path)
    tables.refresh()
    assert tables.rows("lines", "Quantity") == {(1,)}


# Tokens, permissions, limits


def test_a_token_that_ends_in_the_middle(crm: ZohoCrm, tmp_path: Path) -> None:
    keys = accounts(crm, 450)
    crm.before("/coql", crm.end_tokens, after=2)
    tables = Tables(crm, tmp_path, bulk=False)
    tables.refresh("accounts")
    assert tables.keys("accounts") == set(keys)
    assert len(crm.calls("/oauth/v2/token")) == 2


def test_all_readers_of_a_process_share_a_token(crm: ZohoCrm, tmp_path: Path) -> None:
    tables = Tables(crm, tmp_path)
    for _ in range(15):  # more than Zoho gives tokens within ten minutes
        tables.refresh("accounts")
    assert len(crm.calls("/oauth/v2/token")) == 1


@pytest.mark.parametrize(
    ("scope", "text"),
    [
        ("ZohoCRM.modules.READ", "ZohoCRM.modules.READ"),
        ("ZohoCRM.settings.READ", "ZohoCRM.settings.READ"),
        ("ZohoCRM.coql.READ", "ZohoCRM.coql.READ"),
        ("ZohoCRM.bulk.READ", "ZohoCRM.bulk.READ"),
    ],
)
def test_a_missing_scope_is_an_error_that_names_it(
    crm: ZohoCrm, tmp_path: Path, scope: str, text: str
) -> None:
    accounts(crm, 20)
    crm.scopes.discard(scope)
    with pytest.raises(SourceUnavailable) as error:
        Tables(crm, tmp_path).refresh("accounts")
    assert f"lacks the scope {text}" in str(error.value)


def test_a_missing_permission_is_an_error_that_names_it(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    crm.hidden.add("Accounts")
    with pytest.raises(SourceUnavailable, match="Crm_Implied_View_Accounts"):
        Tables(crm, tmp_path).refresh("accounts")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"refresh_token": "1000.xyzzy"}, "does not know the refresh token"),
        ({"client_secret": "xyzzy-secret"}, "client_id is wrong"),
        ({"entities": {"a": {"object": "Acounts"}}}, "there is no such module"),
    ],
)
def test_wrong_settings_are_said(
    crm: ZohoCrm, tmp_path: Path, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(SourceUnavailable) as error:
        Tables(crm, tmp_path, **options).refresh()
    assert text in str(error.value)
    for secret in ("xyzzy", "client-secret", "refresh-token"):
        assert secret not in str(error.value)


def test_wrong_credentials_are_one_request(crm: ZohoCrm, tmp_path: Path) -> None:
    """However many entities there are: Zoho counts the tokens that are asked for."""
    source = Tables(crm, tmp_path, refresh_token="1000.xyzzy").source
    (tmp_path / "expectations").mkdir()
    tried = try_source(source, tmp_path / "expectations")
    assert len(tried) == 3
    assert all("does not know the refresh token" in one.problem for one in tried)
    assert len(crm.calls("/oauth/v2/token")) == 1


def test_a_token_does_not_go_over_a_line_that_is_not_encrypted(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    given = {"access_token": "1000.a", "expires_in": 3600}
    domain = {"api_domain": "http://www.zohoapis.example"}
    crm.once("/oauth/v2/token", json_reply(given | domain))
    with pytest.raises(SourceUnavailable, match="no address with https"):
        Tables(crm, tmp_path).refresh("accounts")


def test_too_many_tokens_wait_and_then_say_so(crm: ZohoCrm, tmp_path: Path) -> None:
    crm.limits.tokens_in_ten_minutes = 0
    with pytest.raises(SourceUnavailable, match="more than 10 access tokens"):
        Tables(crm, tmp_path).refresh("accounts")
    assert sum(crm.clock.slept) >= 600


@pytest.mark.parametrize(
    "reply",
    [
        json_reply({"code": "TOO_MANY_REQUESTS", "status": "error"}, 429),
        json_reply({"code": "INTERNAL_ERROR", "status": "error"}, 500),
        json_reply({"code": "INTERNAL_ERROR", "status": "error"}, 200),
        Reply(502, b"<html>Bad Gateway</html>"),
        Reply(200, b'{"data": [', cut_after=3),
    ],
    ids=["429", "500", "200 with an error", "502 in HTML", "cut"],
)
def test_what_passes_is_asked_again(crm: ZohoCrm, tmp_path: Path, reply: Reply) -> None:
    keys = accounts(crm, 5)
    crm.next_replies("/coql", [reply, reply])
    tables = Tables(crm, tmp_path)
    tables.refresh("accounts")
    assert tables.keys("accounts") == set(keys)
    assert len(crm.clock.slept) >= 2


def test_html_in_place_of_json_is_an_error(crm: ZohoCrm, tmp_path: Path) -> None:
    crm.next_replies("/coql", [HTML] * 9)
    with pytest.raises(SourceUnavailable, match="a page of HTML in place of JSON"):
        Tables(crm, tmp_path).refresh("accounts")


def test_the_credits_of_a_day_are_kept_to(crm: ZohoCrm, tmp_path: Path) -> None:
    accounts(crm, 5)
    connection = {"calls_per_day": 4}
    with pytest.raises(SourceUnavailable, match=r"4 of the 4 calls"):
        Tables(crm, tmp_path, connection=connection).refresh()
    assert len(crm.calls("/crm/")) <= 4


# Bulk read


def test_bulk_read_takes_all_of_its_pages(crm: ZohoCrm, tmp_path: Path) -> None:
    crm.limits.bulk_rows = 7
    keys = accounts(crm, 90)
    tables = Tables(crm, tmp_path)
    tables.refresh("accounts")
    assert tables.keys("accounts") == set(keys)
    # Thirteen files at ten a minute.
    assert sum(crm.clock.slept) >= 60 - 13


def test_a_connection_cut_in_the_middle_of_a_zip(crm: ZohoCrm, tmp_path: Path) -> None:
    keys = accounts(crm, 60)

    def cut(asked: Any) -> Reply | None:
        if not asked.path.endswith("/result"):
            return None
        crm.faults.remove(cut)
        whole = crm.answer(asked)
        return Reply(200, whole.body, cut_after=len(whole.body) // 2)

    def damaged(asked: Any) -> Reply | None:
        if not asked.path.endswith("/result") or cut in crm.faults:
            return None
        crm.faults.remove(damaged)
        # Whole as far as HTTP can say.
        return Reply(200, crm.answer(asked).body[:-40])

    crm.faults += [cut, damaged]
    tables = Tables(crm, tmp_path)
    tables.refresh("accounts")
    assert tables.keys("accounts") == set(keys)
    assert len(crm.calls("/result")) == 3


def test_a_job_that_fails_is_an_error(crm: ZohoCrm, tmp_path: Path) -> None:
    accounts(crm, 20)
    crm.polls = 1

    def fail() -> None:
        for job in crm._jobs.values():
            job.fails = True

    crm.before("/crm/bulk/v8/read/", fail)
    with pytest.raises(SourceUnavailable, match=r"INTERNAL_SERVER_ERROR.*bulk: false"):
        Tables(crm, tmp_path).refresh("accounts")


def test_a_module_without_bulk_read_is_read_otherwise(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    keys = accounts(crm, 20)
    crm.modules["Accounts"].has_bulk = False
    tables = Tables(crm, tmp_path)
    tables.refresh("accounts")
    assert tables.keys("accounts") == set(keys)


# Metadata


def test_metadata_lands_with_its_options(crm: ZohoCrm, tmp_path: Path) -> None:
    crm.define("Custom__s", {"api_name": "Weird", "data_type": "text"})
    entities = {
        "accounts": {"object": "Accounts", "fields": ["Rating", "Vanished"]},
        "custom": {"object": "Custom__s"},
        "metadata": {"reads": "metadata"},
    }
    tables = Tables(crm, tmp_path, entities=entities)
    tables.refresh()
    rows = tables.rows("metadata", "object", "field", "option_value", "option_label")
    assert ("Accounts", "Rating", "A+", "Very good") in rows
    assert ("Custom__s", "Weird", "", "") in rows
    assert not any(row[1] == "Vanished" for row in rows)
    assert tables.rows("accounts", "Vanished") == set()


def test_a_value_that_is_not_of_its_type_is_quarantined(
    crm: ZohoCrm, tmp_path: Path
) -> None:
    good = crm.put("Accounts", Annual_Revenue="1200.50")
    crm.put("Accounts", Annual_Revenue="a lot")
    tables = Tables(crm, tmp_path)
    done = tables.refresh("accounts")["accounts"]
    assert tables.rows("accounts", "id", "Annual_Revenue") == {
        (good, Decimal("1200.5"))
    }
    assert tables.quarantined(done) == 1


def test_users_are_read_page_by_page(crm: ZohoCrm, tmp_path: Path) -> None:
    crm.users = [{"id": str(n), "full_name": f"User {n}"} for n in range(250)]
    tables = Tables(crm, tmp_path, entities={"users": None})
    tables.refresh()
    assert len(tables.keys("users")) == 250


# Time and samples


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_that_is_off_loses_nothing(
    crm: ZohoCrm, tmp_path: Path, minutes: int
) -> None:
    keys = accounts(crm, 20)
    tables = Tables(crm, tmp_path, ahead=dt.timedelta(minutes=minutes))
    tables.refresh("accounts")
    for number, key in enumerate(keys):
        crm.clock.advance(30)
        crm.put("Accounts", key, Account_Name=f"now {number}")
        if number % 4 == 0:
            tables.refresh("accounts")
    tables.refresh("accounts")
    named = dict(tables.rows("accounts", "id", "Account_Name"))
    assert named == {key: f"now {number}" for number, key in enumerate(keys)}
    assert crm.clock.now() > START


def test_a_sample_is_a_call_or_two(crm: ZohoCrm, tmp_path: Path) -> None:
    for key in accounts(crm, 1_500, seconds=0.1)[:300]:
        order(crm, key, [1])
    tables = Tables(crm, tmp_path)
    with ZohoCrmReader(tables.source, None, clock=crm.clock.as_clock()) as reader:
        for name, most in (("accounts", 2), ("lines", 12)):
            crm.asked.clear()
            entity = tables.source.entities[name]
            (extract,) = reader.extracts(entity, limit=300)
            rows = sum(batch.num_rows for batch in extract.batches())
            assert 200 <= rows <= 300
            assert len(crm.calls("/coql")) <= most


def test_tls_with_a_private_authority(tmp_path: Path) -> None:
    trusted, context = certificate(tmp_path / "certificates", "127.0.0.1")
    with organisation().serving(context) as crm:
        keys = accounts(crm, 3)
        tables = Tables(crm, tmp_path / "home", connection={"ca_file": trusted})
        tables.refresh("accounts")
        assert tables.keys("accounts") == set(keys)
        with pytest.raises(SourceUnavailable, match="certificate"):
            Tables(crm, tmp_path / "other", connection={}).refresh("accounts")

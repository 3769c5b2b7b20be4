"""Fxiaoke through real HTTP: what is read, again and again, is what the tenant holds."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.common.errors import SourceUnavailable
from pipeline.sources import Since
from pipeline.sources.fxiaoke import reader as fxiaoke_reader
from tests.profiles import examples
from tests.standins.base import Reply, json_reply
from tests.standins.fxiaoke import CUSTOM_QUERY, DESCRIBE, QUERY, FxiaokeStandin
from tests.unit.sources.fxiaoke.tenant import (
    START,
    Landing,
    live,
    read,
    reader_of,
    rows_of,
    serving,
    source_of,
)


@pytest.fixture
def tenant() -> Iterator[FxiaokeStandin]:
    with serving() as standin:
        yield standin


def fill(tenant: FxiaokeStandin, count: int) -> list[str]:
    return [tenant.put("AccountObj", name=f"客户 {number}") for number in range(count)]


def test_values_become_what_they_are(tenant: FxiaokeStandin) -> None:
    found = tenant.put(
        "AccountObj",
        name="华东电子",
        account_level="1",
        total_order_amount="123456789012345678.01",
        owner=["1000"],
        # Midnight in China, when it is the day before in Greenwich.
        deal_day=1780243200000,
    )
    (row,) = read(tenant)
    assert row == {
        "_id": found,
        "last_modified_time": START,
        "life_status": "normal",
        "is_deleted": False,
        "name": "华东电子",
        "account_level": "1",
        "total_order_amount": Decimal("123456789012345678.0100000000"),
        "owner": "1000",
        "deal_day": dt.date(2026, 6, 1),
    }


@pytest.mark.parametrize(
    ("zone", "day"),
    [("GMT+8", 1), ("GMT-8", 31), ("UTC+05:30", 31), ("", 1), ("Mars", 1)],
)
def test_a_day_begins_where_its_field_says(
    tenant: FxiaokeStandin, zone: str, day: int
) -> None:
    tenant.fields["AccountObj"]["deal_day"]["time_zone"] = zone
    tenant.put("AccountObj", name="one", deal_day="1780243200000")
    (row,) = read(tenant)
    assert row["deal_day"].day == day


def test_a_moment_may_be_declared_a_day(tenant: FxiaokeStandin) -> None:
    tenant.put("AccountObj", name="one", create_time=1780243199999)
    source = source_of(
        tenant, {"fields": ["create_time"], "columns": {"create_time": "date"}}
    )
    (row,) = read(tenant, source)
    assert row["create_time"] == dt.date(2026, 5, 31)


def test_a_day_that_is_none_rejects_its_record(tenant: FxiaokeStandin) -> None:
    tenant.put("AccountObj", name="one", deal_day="soon")
    source = source_of(tenant)
    with reader_of(tenant, source) as reader:
        (extract,) = reader.extracts(source.entities["accounts"])
        assert rows_of(extract) == []
    assert "deal_day" in extract.rejected[0].reason


def test_what_a_record_does_not_have_is_null(tenant: FxiaokeStandin) -> None:
    tenant.put("AccountObj", name="", owner=[])
    (row,) = read(tenant)
    assert row["name"] is row["owner"] is row["total_order_amount"] is None


def test_a_value_that_is_none_is_rejected_with_its_field(
    tenant: FxiaokeStandin,
) -> None:
    tenant.put("AccountObj", name="good", total_order_amount="12.50")
    tenant.put("AccountObj", name="bad", total_order_amount="12,50 元")
    source = source_of(tenant)
    with reader_of(tenant, source) as reader:
        (extract,) = reader.extracts(source.entities["accounts"])
        assert [row["name"] for row in rows_of(extract)] == ["good"]
    (rejected,) = extract.rejected
    assert "total_order_amount" in rejected.reason
    assert "bad" in rejected.text


def test_a_field_that_the_tenant_does_not_have_has_no_values(
    tenant: FxiaokeStandin,
) -> None:
    fill(tenant, 1)
    source = source_of(
        tenant,
        {
            "fields": ["name", "amount_here"],
            "columns": {"amount_here": "decimal(38,10)"},
        },
    )
    (row,) = read(tenant, source)
    assert row["amount_here"] is None
    (query,) = tenant.calls(QUERY)
    asked = query.json()["data"]["search_query_info"]["fieldProjection"]
    assert "amount_here" not in asked


def test_pages_go_on_where_offsets_end(tenant: FxiaokeStandin) -> None:
    tenant.limits.last_offset = 200
    fill(tenant, 450)
    rows = read(tenant)
    assert len({row["_id"] for row in rows}) == len(rows) == 450
    assert [len(tenant.calls(QUERY)), len(tenant.calls(DESCRIBE))] == [5, 1]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200])
def test_every_size_is_read_whole(tenant: FxiaokeStandin, count: int) -> None:
    fill(tenant, count)
    assert len(read(tenant)) == count


def test_a_sample_asks_for_no_more_than_it_needs(tenant: FxiaokeStandin) -> None:
    fill(tenant, 300)
    assert len(read(tenant, limit=150)) == 150
    assert len(tenant.calls(QUERY)) == 2


def test_the_count_is_found_under_either_name(tenant: FxiaokeStandin) -> None:
    tenant.total_name = "totalSize"
    fill(tenant, 120)
    assert len(read(tenant)) == 120


def test_lines_that_went_are_listed_however_long_a_reading_takes(
    tenant: FxiaokeStandin,
) -> None:
    """What changed while it goes on is read again, from later on than the first time."""
    tenant.declare("SalesOrderObj", {"name": {"type": "text"}})
    link = {"type": "master_detail", "label": "订单编号"}
    tenant.declare("SalesOrderProductObj", {"name": {"type": "text"}, "order_id": link})
    order = tenant.put("SalesOrderObj", name="order")
    gone, kept, changing = (
        tenant.put("SalesOrderProductObj", name=name, order_id=order)
        for name in ("gone", "kept", "changing")
    )
    with Landing(tenant, source_of(tenant, LINES)) as landing:
        landing.refresh()
        tenant.clock.advance(3_600)
        tenant.erase("SalesOrderProductObj", gone)
        tenant.put("SalesOrderObj", _id=order)
        tenant.clock.advance(7_200)

        def change() -> None:
            tenant.clock.advance(3_600)
            tenant.put("SalesOrderProductObj", _id=changing, name="changed")

        tenant.before(QUERY, change)
        landing.refresh()
        assert landing.current() == {(kept, "kept"), (changing, "changed")}


def page_of(tenant: FxiaokeStandin, ids: Sequence[str], total: int) -> Reply:
    """A page with these records, as the service would not give it."""
    records = [tenant.objects["AccountObj"][key] for key in ids]
    data = {"dataList": records, "offset": 0, "limit": 100, "total": total}
    return json_reply({"errorCode": 0, "errorMessage": "OK", "data": data})


def test_records_that_are_not_given_are_missed(tenant: FxiaokeStandin) -> None:
    ids = fill(tenant, 250)
    tenant.once(QUERY, page_of(tenant, ids[60:100], 250))
    with pytest.raises(SourceUnavailable, match=r"190 records .* counts 250") as error:
        read(tenant)
    assert error.value.may_pass


def test_a_short_page_is_not_the_last_one(tenant: FxiaokeStandin) -> None:
    ids = fill(tenant, 250)
    tenant.once(QUERY, page_of(tenant, ids[:40], 250))
    assert len({row["_id"] for row in read(tenant)}) == 250


def test_records_that_went_while_they_were_read_are_no_lack(
    tenant: FxiaokeStandin,
) -> None:
    ids = fill(tenant, 250)
    tenant.before(QUERY, lambda: tenant.erase("AccountObj", ids[240]), after=1)
    assert len(read(tenant)) == 249


def test_a_custom_object_has_a_way_of_its_own(tenant: FxiaokeStandin) -> None:
    tenant.declare("visit__c", {"name": {"type": "text"}})
    tenant.put("visit__c", name="拜访")
    source = source_of(tenant, {"object": "visit__c", "fields": ["name"]})
    assert [row["name"] for row in read(tenant, source)] == ["拜访"]
    assert len(tenant.calls(CUSTOM_QUERY)) == 1


def test_an_increment_reads_what_changed_and_the_overlap(
    tenant: FxiaokeStandin,
) -> None:
    ids = fill(tenant, 250)
    tenant.clock.advance(3600)
    tenant.put("AccountObj", _id=ids[7], name="renamed")
    with Landing(tenant) as landing:
        landing.refresh()
        before = len(tenant.calls(QUERY))
        tenant.clock.advance(60)
        tenant.put("AccountObj", _id=ids[3], name="renamed too")
        landing.refresh()
        assert landing.current() == live(tenant)
    # Two records, of which one is of the overlap: one page.
    assert len(tenant.calls(QUERY)) - before == 1


def test_what_changed_at_one_moment_is_read_over_the_edge_of_a_page(
    tenant: FxiaokeStandin,
) -> None:
    ids = fill(tenant, 300)
    with Landing(tenant) as landing:
        landing.refresh()
        tenant.clock.advance(3600)
        for key in ids[50:280]:
            tenant.put("AccountObj", _id=key, name="all at once")
        landing.refresh()
        assert landing.current() == live(tenant)


def test_a_record_that_changes_between_two_pages_is_there_once(
    tenant: FxiaokeStandin,
) -> None:
    ids = fill(tenant, 250)

    def change() -> None:
        tenant.clock.advance(1)
        tenant.put("AccountObj", _id=ids[10], name="changed behind")
        tenant.put("AccountObj", _id=ids[220], name="changed ahead")

    tenant.before(QUERY, change, after=1)
    with Landing(tenant) as landing:
        done = landing.refresh()
        assert done.batches[0].rows_read == 250
        landing.refresh()
        assert landing.current() == live(tenant)


def test_what_changes_while_a_long_reading_goes_on_is_read_at_once(
    tenant: FxiaokeStandin,
) -> None:
    """The newest change is later than one that was passed, by more than the overlap."""
    ids = fill(tenant, 250)

    def change() -> None:
        tenant.put("AccountObj", _id=ids[10], name="changed behind")
        tenant.clock.advance(3600)
        tenant.put("AccountObj", _id=ids[220], name="changed an hour later")

    tenant.before(QUERY, change, after=1)
    with Landing(tenant) as landing:
        landing.refresh()
        assert landing.current() == live(tenant)


def test_a_reading_that_never_ends_says_so(tenant: FxiaokeStandin) -> None:
    ids = fill(tenant, 3)

    def forever(asked: object) -> None:
        tenant.clock.advance(3600)
        tenant.put("AccountObj", _id=ids[0], name="again")

    tenant.faults.append(forever)
    with pytest.raises(SourceUnavailable, match="longer overlap"):
        read(tenant)


def test_a_life_that_ended_and_a_deleted_record_are_gone(
    tenant: FxiaokeStandin,
) -> None:
    ids = fill(tenant, 5)
    with Landing(tenant) as landing:
        landing.refresh()
        tenant.invalidate("AccountObj", ids[1])
        tenant.put("AccountObj", _id=ids[2], is_deleted=True)
        landing.refresh()
        assert {key for key, _ in landing.current()} == {ids[0], ids[3], ids[4]}


def test_what_was_deleted_for_good_is_found_when_the_sweep_is_due(
    tenant: FxiaokeStandin,
) -> None:
    ids = fill(tenant, 230)
    with Landing(tenant) as landing:
        landing.refresh()
        tenant.erase("AccountObj", ids[150])
        landing.refresh()
        assert len(landing.current()) == 230
        tenant.clock.advance(7 * 86_400)
        landing.refresh()
        assert landing.current() == live(tenant)


def test_a_full_reading_takes_everything_again(tenant: FxiaokeStandin) -> None:
    ids = fill(tenant, 130)
    with Landing(tenant) as landing:
        landing.refresh()
        tenant.clock.advance(86_400)
        tenant.erase("AccountObj", ids[0])
        landing.refresh(full=True)
        assert landing.current() == live(tenant)


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_wrong_clock_of_ours_loses_nothing(
    tenant: FxiaokeStandin, minutes: int
) -> None:
    ahead = dt.timedelta(minutes=minutes)
    ids = fill(tenant, 5)
    with Landing(tenant) as landing:
        for number, key in enumerate(ids):
            tenant.clock.advance(30)
            tenant.put("AccountObj", _id=key, name=f"changed {number}")
            landing.refresh(ahead=ahead)
            assert landing.current() == live(tenant)


def test_the_sweep_asks_for_keys_and_references_alone(tenant: FxiaokeStandin) -> None:
    fill(tenant, 3)
    source = source_of(tenant)
    with reader_of(tenant, source) as reader:
        since = Since(sweep_due=True)
        *_, keys = reader.extracts(source.entities["accounts"], since)
        assert keys.content == "keys"
        assert [list(row) for row in rows_of(keys)] == [["_id", "owner"]] * 3
    asked = tenant.calls(QUERY)[-1].json()["data"]["search_query_info"]
    assert asked["fieldProjection"] == ["_id", "owner"]


def test_what_changed_without_a_newer_time_is_found_by_the_sweep(
    tenant: FxiaokeStandin,
) -> None:
    """A record that another owner took over, and one that was gone and is back."""
    ids = fill(tenant, 230)
    tenant.clock.advance(3_600)
    fill(tenant, 1)  # so that the overlap does not bring the others again
    with Landing(tenant) as landing:
        landing.refresh()
        tenant.clock.advance(7 * 86_400)
        kept = tenant.objects["AccountObj"][ids[3]]
        tenant.erase("AccountObj", ids[3])
        landing.refresh()
        assert ids[3] not in {key for key, _ in landing.current()}
        tenant.objects["AccountObj"][ids[3]] = kept
        tenant.objects["AccountObj"][ids[150]]["owner"] = ["1001"]
        tenant._sorted.clear()
        tenant.clock.advance(3_600)
        cursors = landing.cursor()
        landing.refresh()
        assert ids[3] not in {key for key, _ in landing.current()}
        tenant.clock.advance(7 * 86_400)
        landing.refresh()
        assert landing.current() == live(tenant)
        assert dict(landing.current("owner"))[ids[150]] == "1001"
        assert landing.cursor() == cursors
        before = len(tenant.asked)
        tenant.clock.advance(7 * 86_400)
        assert not landing.refresh().batches[0].rows_landed
        # Keys, and not a record again: what is at the source is what landed.
        assert len(tenant.asked) - before <= 1 + 1 + 1 + 3


def test_what_is_read_by_its_keys_says_nothing_of_other_changes(
    tenant: FxiaokeStandin,
) -> None:
    """A record changes before it is read again, and another one an hour earlier."""
    ids = fill(tenant, 230)
    tenant.clock.advance(3_600)
    fill(tenant, 1)
    with Landing(tenant) as landing:
        landing.refresh()
        tenant.clock.advance(7 * 86_400)
        tenant.objects["AccountObj"][ids[150]]["owner"] = ["1001"]

        def change() -> None:
            tenant.put("AccountObj", _id=ids[7], name="changed meanwhile")
            tenant.clock.advance(3_600)
            tenant.put("AccountObj", _id=ids[150], name="changed at last")

        # After the increment and the three pages of keys.
        tenant.before(QUERY, change, after=4)
        landing.refresh()
        assert "changed at last" in {name for _, name in landing.current()}
        landing.refresh()
        assert landing.current() == live(tenant)


LINES = {
    "object": "SalesOrderProductObj",
    "parent": "SalesOrderObj",
    "parent_key": "order_id",
    "fields": ["name", "order_id"],
}


@pytest.mark.parametrize("left", [0, 1])
def test_lines_that_went_from_an_order_go_with_its_change(
    tenant: FxiaokeStandin, left: int
) -> None:
    """What was deleted for good leaves no trace but the order's own change."""
    tenant.declare("SalesOrderObj", {"name": {"type": "text"}})
    link = {"type": "master_detail", "label": "订单编号"}
    tenant.declare("SalesOrderProductObj", {"name": {"type": "text"}, "order_id": link})
    orders = [tenant.put("SalesOrderObj", name=f"order {n}") for n in range(130)]
    lines = [
        tenant.put("SalesOrderProductObj", name=f"line {n}", order_id=order)
        for order in orders
        for n in range(2)
    ]
    objects = tenant.objects["SalesOrderProductObj"]

    def there() -> set[tuple[str, str]]:
        return {(key, record["name"]) for key, record in objects.items()}

    with Landing(tenant, source_of(tenant, LINES)) as landing:
        landing.refresh()
        tenant.clock.advance(3_600)
        for number in range(120):
            for line in lines[2 * number : 2 * number + 2 - left]:
                tenant.erase("SalesOrderProductObj", line)
            tenant.put("SalesOrderObj", _id=orders[number], name="changed")
        # One went to another order, and one that did not change came from another.
        tenant.put("SalesOrderProductObj", _id=lines[255], order_id=orders[0])
        tenant.clock.advance(60)
        landing.refresh()
        assert landing.current() == there()
        landing.refresh()
        assert landing.current() == there()


@pytest.mark.parametrize("request_number", [0, 1, 2, 3, 5, 8])
def test_a_reading_that_ended_anywhere_begins_again(
    tenant: FxiaokeStandin, request_number: int
) -> None:
    """What it had landed by then is pending, and counts for nothing."""
    ids = fill(tenant, 250)
    with Landing(tenant) as landing:
        landing.refresh()
        tenant.clock.advance(8 * 86_400)
        tenant.erase("AccountObj", ids[100])
        for key in ids[:50] + ids[200:]:
            tenant.put("AccountObj", _id=key, name="changed")
        fill(tenant, 200)
        before, seen = landing.current(), len(tenant.asked)

        def hang_up(asked: object) -> Reply | None:
            is_over = len(tenant.asked) - seen > request_number
            return Reply(200, b"{", cut_after=1) if is_over else None

        tenant.faults.append(hang_up)
        with contextlib.suppress(SourceUnavailable):
            landing.refresh()
            assert len(tenant.asked) - seen <= request_number
        tenant.faults.clear()
        if len(tenant.asked) - seen > request_number:
            assert landing.current() == before
        landing.refresh()
        assert landing.current() == live(tenant)


def small_pages() -> Any:
    """Pages so small that a history of a few records has edges."""
    return mock.patch.object(fxiaoke_reader, "PAGE_ROWS", 3)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), st.integers(1, 6)),
        st.tuples(st.sampled_from(["change", "end", "erase"]), st.integers(0, 50)),
        st.tuples(st.just("another owner"), st.integers(0, 50)),
        st.tuples(st.sampled_from(["merge", "come back"]), st.integers(0, 50)),
        st.tuples(st.sampled_from(["erase meanwhile"]), st.integers(0, 50)),
        st.tuples(st.just("wait"), st.sampled_from([1, 299, 700, 8 * 86_400])),
        st.tuples(st.just("refresh"), st.sampled_from([-300, 0, 300])),
        st.tuples(st.just("meanwhile"), st.integers(0, 50)),
    ),
    max_size=25,
)


@settings(max_examples=examples(40), deadline=None)
@given(steps=STEPS)
# Erased before the first reading, and back with its old time after it.
@example(
    steps=[("erase", 0), ("wait", 700), ("enter", 1), ("refresh", 0), ("come back", 0)]
)
def test_increments_are_a_full_reading(steps: list[tuple[str, int]]) -> None:
    """Random histories of changes, deletions, pauses and refreshes, through HTTP."""
    erased: list[dict[str, Any]] = []
    with small_pages(), serving() as tenant, Landing(tenant) as landing:
        records = tenant.objects["AccountObj"]
        fill(tenant, 3)

        def erase(key: str) -> None:
            if key in records:
                erased.append(records[key])
                tenant.erase("AccountObj", key)

        for number, (step, value) in enumerate(steps):
            ids = sorted(records)
            if step == "enter":
                fill(tenant, value)
            elif step == "wait":
                tenant.clock.advance(value)
            elif step == "refresh":
                landing.refresh(ahead=dt.timedelta(seconds=value))
            elif step == "come back" and erased:
                # As it was, its time too.
                record = erased.pop(value % len(erased))
                records[record["_id"]] = record
                tenant._sorted.clear()
            elif not ids or step == "come back":
                continue
            elif step == "change":
                name = f"name {number}"
                tenant.put("AccountObj", _id=ids[value % len(ids)], name=name)
            elif step == "end":
                tenant.invalidate("AccountObj", ids[value % len(ids)])
            elif step == "another owner":
                # As when an employee leaves: the records have no newer time [A].
                records[ids[value % len(ids)]]["owner"] = [f"{1_000 + number}"]
            elif step == "erase":
                erase(ids[value % len(ids)])
            elif step == "merge":
                erase(ids[value % len(ids)])
                if ids[0] in records:
                    tenant.put("AccountObj", _id=ids[0], name=f"merged {number}")
            elif step == "erase meanwhile":
                key = ids[value % len(ids)]
                tenant.before(QUERY, functools.partial(erase, key), after=value % 3)
            else:
                key = ids[value % len(ids)]
                tenant.before(
                    QUERY, functools.partial(change_if_there, tenant, key, number)
                )
        # What was deleted for good is known when the keys were listed.
        tenant.clock.advance(8 * 86_400)
        landing.refresh()
        tenant.clock.advance(1)
        landing.refresh()
        # What was to happen meanwhile may have happened after the keys were listed.
        tenant.faults.clear()
        tenant.clock.advance(8 * 86_400)
        landing.refresh()
        assert landing.current() == live(tenant)
        owners = {
            key: (records[key].get("owner") or [None])[0] for key, _ in live(tenant)
        }
        assert dict(landing.current("owner")) == owners


ORDER_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.integers(0, 4)),
        st.tuples(
            st.sampled_from(["take out", "add", "move", "change", "empty"]),
            st.integers(0, 50),
        ),
        st.tuples(st.just("take out meanwhile"), st.integers(0, 50)),
        st.tuples(st.just("wait"), st.sampled_from([1, 299, 700])),
        st.tuples(st.just("refresh"), st.just(0)),
    ),
    max_size=20,
)


@settings(max_examples=examples(30), deadline=None)
@given(steps=ORDER_STEPS)
def test_increments_of_details_are_a_full_reading(steps: list[tuple[str, int]]) -> None:
    """Without any sweep: lines that go without a trace go with the change of their order."""
    with small_pages(), serving() as tenant:
        tenant.declare("SalesOrderObj", {"name": {"type": "text"}})
        link = {"type": "master_detail", "label": "订单编号"}
        fields = {"name": {"type": "text"}, "order_id": link}
        tenant.declare("SalesOrderProductObj", fields)
        orders = tenant.objects["SalesOrderObj"]
        lines = tenant.objects["SalesOrderProductObj"]

        def take_out(order: str, most: int) -> None:
            of_order = [key for key, one in lines.items() if one["order_id"] == order]
            for key in of_order[:most]:
                tenant.erase("SalesOrderProductObj", key)
            if order in orders:
                tenant.put("SalesOrderObj", _id=order)

        with Landing(tenant, source_of(tenant, LINES)) as landing:
            for number, (step, value) in enumerate(steps):
                keys = sorted(orders)
                chosen = keys[value % len(keys)] if keys else ""
                name = f"line {number}"
                if step == "order":
                    order = tenant.put("SalesOrderObj", name=f"order {number}")
                    for _ in range(value):
                        tenant.put("SalesOrderProductObj", name=name, order_id=order)
                elif step == "wait":
                    tenant.clock.advance(value)
                elif step == "refresh":
                    landing.refresh()
                elif not chosen:
                    continue
                elif step == "add":
                    tenant.put("SalesOrderProductObj", name=name, order_id=chosen)
                    tenant.put("SalesOrderObj", _id=chosen)
                elif step == "move" and lines:
                    line = sorted(lines)[value % len(lines)]
                    before = lines[line]["order_id"]
                    tenant.put("SalesOrderProductObj", _id=line, order_id=chosen)
                    take_out(before, 0)
                    take_out(chosen, 0)
                elif step == "change":
                    tenant.put("SalesOrderObj", _id=chosen, name=name)
                elif step == "take out meanwhile":
                    change = functools.partial(take_out, chosen, 1)
                    tenant.before(QUERY, change, after=value % 4)
                else:
                    take_out(chosen, 1 if step == "take out" else 99)
            tenant.clock.advance(30)
            landing.refresh()
            tenant.faults.clear()
            tenant.clock.advance(30)
            landing.refresh()
            assert landing.current() == {
                (key, one["name"]) for key, one in lines.items()
            }


def change_if_there(tenant: FxiaokeStandin, key: str, number: int) -> None:
    if key in tenant.objects["AccountObj"]:
        tenant.clock.advance(1)
        tenant.put("AccountObj", _id=key, name=f"changed meanwhile {number}")

"""Random histories of changes, deletes and overlaps: the increments equal a full read."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.zoho import paging
from tests.profiles import examples
from tests.unit.sources.zoho.shop import Tables, order, organisation

ACTIONS = st.one_of(
    st.tuples(st.just("create"), st.integers(1, 12)),
    st.tuples(st.just("change"), st.integers(0, 30)),
    st.tuples(st.just("order"), st.integers(0, 30)),
    st.tuples(st.just("change order"), st.integers(0, 30)),
    st.tuples(st.just("delete"), st.integers(0, 30)),
    st.tuples(st.just("delete order"), st.integers(0, 30)),
    st.tuples(st.just("wait"), st.sampled_from([1, 300, 700, 90_000])),
    st.tuples(st.just("another owner"), st.integers(0, 30)),
    st.tuples(st.just("another account"), st.integers(0, 30)),
    st.tuples(st.just("vanish"), st.integers(0, 30)),
    st.tuples(st.just("restore"), st.integers(0, 30)),
    st.tuples(st.just("restore order"), st.integers(0, 30)),
    st.tuples(st.just("merge"), st.integers(0, 30)),
    st.tuples(
        st.sampled_from(
            [
                "change in the middle",
                "vanish in the middle",
                "change order in the middle",
                "delete order in the middle",
            ]
        ),
        st.integers(1, 12),
    ),
)
# Pages so small that a history of a few records has edges, and several records of one
# moment lie on both sides of them.
SMALL = functools.partial(
    mock.patch.multiple,
    paging,
    COQL_FIRST_ROWS=3,
    COQL_ROWS=4,
    COQL_KEYS=2,
    PAGE_ROWS=3,
    NUMBERED_ROWS=6,
)


@given(
    # What happens, and whether a refresh follows.
    st.lists(st.tuples(ACTIONS, st.booleans()), min_size=6, max_size=10),
    st.sampled_from([{}, {"bulk": False}, {"bulk": False, "coql": False}]),
    st.booleans(),
)
@settings(max_examples=examples(60, fast=3), deadline=None)
def test_increments_equal_a_full_read(
    history: list[tuple[tuple[str, int], bool]], way: dict[str, Any], inclusive: bool
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        organisation().serving() as crm,
        SMALL(),
    ):
        crm.since_is_inclusive = inclusive
        crm.limits.page_rows, crm.limits.numbered_rows = 3, 6
        there = crm.modules["Accounts"].records
        orders = crm.modules["Sales_Orders"].records
        tables = Tables(crm, Path(folder) / "home", **way)
        names = ("accounts", "orders", "lines")
        accounts, sales = crm.modules["Accounts"], crm.modules["Sales_Orders"]
        tables.refresh(*names)

        def change(number: int = 3) -> None:
            if there:
                key = sorted(there)[number % len(there)]
                crm.put("Accounts", key, Account_Name=f"at {crm.clock.seconds}")

        def vanish(number: int = 3) -> None:
            if there:
                crm.delete(
                    "Accounts", sorted(there)[number % len(there)], kind="vanish"
                )

        def change_order(number: int = 3) -> None:
            if orders:
                lines = [{"Quantity": 100 + row} for row in range(number % 3)]
                key = sorted(orders)[number % len(orders)]
                crm.put("Sales_Orders", key, Ordered_Items=lines)

        def delete_order(number: int = 3) -> None:
            if orders:
                crm.delete("Sales_Orders", sorted(orders)[number % len(orders)])

        in_the_middle: dict[str, Callable[[], None]] = {
            "change in the middle": change,
            "vanish in the middle": vanish,
            "change order in the middle": change_order,
            "delete order in the middle": delete_order,
        }

        for (action, number), is_followed in history:
            match action:
                case "create":
                    for _ in range(number):
                        crm.put("Accounts", Account_Name="new")
                case "change":
                    change(number)
                case "order" if there:
                    order(crm, sorted(there)[number % len(there)], range(number % 4))
                case "change order":
                    change_order(number)
                case "delete" if there:
                    crm.delete("Accounts", sorted(there)[number % len(there)])
                case "delete order":
                    delete_order(number)
                case "vanish":
                    vanish(number)
                case "restore" if accounts.deleted:
                    entry = accounts.deleted[number % len(accounts.deleted)]
                    crm.restore("Accounts", entry["id"])
                case "restore order" if sales.deleted:
                    entry = sales.deleted[number % len(sales.deleted)]
                    crm.restore("Sales_Orders", entry["id"])
                case "another owner" if there:
                    # As when a user is removed: the records have no newer time [A].
                    key = sorted(there)[number % len(there)]
                    there[key]["Owner"] = {"id": f"{7_000 + number}", "name": "Li"}
                case "another account" if orders and there:
                    key = sorted(there)[number % len(there)]
                    found = {"id": key, "name": "Account"}
                    order_key = sorted(orders)[number % len(orders)]
                    crm.put("Sales_Orders", order_key, Account_Name=found)
                case "merge" if len(there) > 1:
                    kept, *others = sorted(there)
                    crm.merge("Accounts", kept, [others[number % len(others)]])
                case "wait":
                    crm.clock.advance(number)
                case _ if action in in_the_middle:
                    crm.before("/crm/", in_the_middle[action], after=number)
                    tables.refresh(*names)
                    crm.faults.clear()
            if is_followed:
                tables.refresh(*names)
        # Past the time after which all keys are compared.
        crm.clock.advance(8 * 86_400)
        tables.refresh(*names)
        whole = Tables(crm, Path(folder) / "whole", **way)
        whole.refresh(*names)
        columns = {
            "accounts": ("id", "Account_Name", "Owner", "Modified_Time"),
            "orders": ("id", "Account_Name", "Modified_Time"),
            "lines": ("id", "Parent_Id", "Quantity"),
        }
        for name, wanted in columns.items():
            assert tables.rows(name, *wanted) == whole.rows(name, *wanted), name
        assert tables.keys("accounts") == set(there)

"""Random histories of changes, deletes and overlaps: the increments equal a full read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

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
    st.tuples(st.just("change in the middle"), st.integers(1, 6)),
)


@given(
    # What happens, and whether a refresh follows.
    st.lists(st.tuples(ACTIONS, st.booleans()), min_size=6, max_size=10),
    st.sampled_from([{}, {"bulk": False}, {"bulk": False, "coql": False}]),
    st.booleans(),
)
@settings(max_examples=examples(18), deadline=None)
def test_increments_equal_a_full_read(
    history: list[tuple[tuple[str, int], bool]], way: dict[str, Any], inclusive: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, organisation().serving() as crm:
        crm.since_is_inclusive = inclusive
        crm.limits.page_rows, crm.limits.numbered_rows = 200, 2_000
        there = crm.modules["Accounts"].records
        orders = crm.modules["Sales_Orders"].records
        tables = Tables(crm, Path(folder) / "home", **way)
        names = ("accounts", "lines")
        tables.refresh(*names)

        def change(number: int = 3) -> None:
            if there:
                key = sorted(there)[number % len(there)]
                crm.put("Accounts", key, Account_Name=f"at {crm.clock.seconds}")

        for (action, number), is_followed in history:
            match action:
                case "create":
                    for _ in range(number):
                        crm.put("Accounts", Account_Name="new")
                case "change":
                    change(number)
                case "order" if there:
                    order(crm, sorted(there)[number % len(there)], range(number % 4))
                case "change order" if orders:
                    lines = [{"Quantity": 100 + row} for row in range(1 + number % 3)]
                    key = sorted(orders)[number % len(orders)]
                    crm.put("Sales_Orders", key, Ordered_Items=lines)
                case "delete" if there:
                    crm.delete("Accounts", sorted(there)[number % len(there)])
                case "delete order" if orders:
                    crm.delete("Sales_Orders", sorted(orders)[number % len(orders)])
                case "wait":
                    crm.clock.advance(number)
                case "change in the middle":
                    crm.before("/crm/", change, after=number)
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
            "accounts": ("id", "Account_Name", "Modified_Time"),
            "lines": ("id", "Parent_Id", "Quantity"),
        }
        for name, wanted in columns.items():
            assert tables.rows(name, *wanted) == whole.rows(name, *wanted), name
        assert tables.keys("accounts") == set(there)

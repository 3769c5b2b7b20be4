"""What must hold for each module that Zoho CRM gives, and why.

A critical check that fails stops the refresh; a warning is read. `sample` is true when
`check-sources` read the first records only, so that counts and totals mean nothing. That
fields and options are what they were is asked of every source's metadata anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from expectations.vocabulary import between, no_rows, row_count, without_nulls


def _record(*more: Any) -> list[Any]:
    """What must hold of the records of any module, and more."""
    return [
        without_nulls(
            "Modified_Time", why="increments go by it; without it none brings it"
        ),
        no_rows(
            "ids_are_as_zoho_gives_them",
            "select id from {batch} where not regexp_matches(id, '^[0-9]+$')",
            why="an id that a spreadsheet has touched leads nowhere",
        ),
        *more,
    ]


def metadata(sample: bool) -> list[Any]:
    """Fields, types and options of all modules."""
    return [row_count(1, why="a module without fields is one that may not be seen")]


def users(sample: bool) -> list[Any]:
    """Users."""
    return [row_count(1, why="whoever reads is a user")]


def accounts(sample: bool) -> list[Any]:
    """Accounts."""
    found = _record(
        without_nulls(
            "Account_Name", why="nobody can act on a customer without a name"
        ),
        no_rows(
            "no_account_owns_itself",
            "select id from {batch} where Parent_Account = id",
            why="its group would have no head",
        ),
    )
    return found if sample else [row_count(1, why="everything is about them"), *found]


def orders(sample: bool) -> list[Any]:
    """Sales orders."""
    return _record(
        without_nulls(
            "Account_Name", why="revenue without a customer counts for nobody"
        ),
        without_nulls("Created_Time", why="an order without its day counts in no year"),
    )


def order_items(sample: bool) -> list[Any]:
    """Lines of sales orders."""
    return [
        without_nulls("Parent_Id", why="a line without an order has no customer"),
        without_nulls("Quantity", why="a line without a quantity is left out"),
        no_rows(
            "lines_have_a_price",
            "select id from {batch} where coalesce(List_Price, ListPrice) is null",
            why="revenue that is not known is not 0; name the field of the price in "
            "`aliases` where it is called otherwise",
        ),
    ]


def deals(sample: bool) -> list[Any]:
    """Deals."""
    return _record(
        between("Probability", 0, 100, why="staging makes a share of the percentage"),
        no_rows(
            "amounts_are_not_negative",
            "select id, Amount from {batch} where Amount < 0",
            why="a pipeline is not negative",
            severity="warning",
        ),
    )


def calls(sample: bool) -> list[Any]:
    """Calls."""
    return _record(
        between(
            "Call_Duration_in_seconds",
            0,
            86_400,
            why="what a call costs goes by its minutes",
            severity="warning",
        )
    )


def events(sample: bool) -> list[Any]:
    """Meetings."""
    return _record(
        no_rows(
            "meetings_end_after_they_begin",
            "select id from {batch} where End_DateTime < Start_DateTime",
            why="their minutes are not known",
            severity="warning",
        )
    )


def invoices(sample: bool) -> list[Any]:
    """Invoices."""
    return _record(
        no_rows(
            "invoices_are_due_after_their_day",
            "select id from {batch} where Due_Date < Invoice_Date",
            why="a day that was typed wrong",
            severity="warning",
        )
    )


def campaigns(sample: bool) -> list[Any]:
    """Campaigns."""
    return _record(
        no_rows(
            "campaigns_cost_something_or_nothing",
            "select id, Actual_Cost from {batch} where Actual_Cost < 0",
            why="staging leaves it out",
            severity="warning",
        )
    )


def _plain(sample: bool) -> list[Any]:
    return _record()


SUITES: dict[str, Callable[[bool], list[Any]]] = {
    "metadata": metadata,
    "users": users,
    "accounts": accounts,
    "contacts": _plain,
    "leads": _plain,
    "deals": deals,
    "products": _plain,
    "orders": orders,
    "order_items": order_items,
    "invoices": invoices,
    "cases": _plain,
    "calls": calls,
    "events": events,
    "campaigns": campaigns,
}

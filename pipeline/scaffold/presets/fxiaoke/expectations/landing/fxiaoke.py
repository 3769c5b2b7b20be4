"""What must hold for each object that Fxiaoke gives, and why.

A critical check that fails stops the refresh; a warning is read. `sample` is true when
`check-sources` read the first records only, so that counts and totals mean nothing. That
fields and options are what they were is asked of every source's metadata anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from expectations.vocabulary import no_rows, one_of, row_count, without_nulls

# What a record can be in; another word would be a state that staging does not know.
LIFE = ["normal", "ineffective", "under_review", "in_change", "invalid"]


def _record(*more: Any) -> list[Any]:
    """What must hold of the records of any object, and more."""
    return [
        one_of(
            "life_status",
            LIFE,
            why="staging takes orders, payments and returns by it",
        ),
        without_nulls(
            "last_modified_time", why="increments go by it; without it none brings it"
        ),
        *more,
    ]


def _counted(*more: Any) -> list[Any]:
    """What must hold of records that count by their life, and more."""
    return _record(
        without_nulls(
            "life_status",
            why="a record whose state may not be seen is left out, and all of them are",
        ),
        *more,
    )


def metadata(sample: bool) -> list[Any]:
    """Fields, types and options of all objects."""
    return [row_count(1, why="an object without fields is one that may not be seen")]


def accounts(sample: bool) -> list[Any]:
    """客户."""
    found = _record(
        without_nulls("name", why="nobody can act on a customer without a name"),
        no_rows(
            "credit_codes_have_eighteen_characters",
            "select _id, uniform_social_credit_code from {batch} "
            "where length(trim(uniform_social_credit_code)) <> 18",
            why="another number than 统一社会信用代码 makes one customer of two",
            severity="warning",
        ),
        no_rows(
            "no_account_owns_itself",
            "select _id from {batch} where parent_account_id = _id",
            why="its group would have no head",
        ),
    )
    return found if sample else [row_count(1, why="everything is about them"), *found]


def orders(sample: bool) -> list[Any]:
    """销售订单."""
    return _counted(
        without_nulls("account_id", why="revenue without a customer counts for nobody"),
        without_nulls(
            "order_time",
            why="an order without its day counts in no year, and is left out",
            severity="warning",
        ),
    )


def order_products(sample: bool) -> list[Any]:
    """订单产品."""
    return _record(
        without_nulls("order_id", why="a line without an order has no customer"),
        without_nulls("quantity", why="a line without a quantity is left out"),
        without_nulls("subtotal", why="revenue that is not known is not 0"),
        no_rows(
            "subtotals_have_the_sign_of_their_quantities",
            "select _id, quantity, subtotal from {batch} where quantity * subtotal < 0",
            why="a sale that takes money away, or a return that brings some",
        ),
    )


def returns(sample: bool) -> list[Any]:
    """退货单."""
    return _counted(
        no_rows(
            "amounts_of_returns_are_not_negative",
            "select _id, returned_goods_inv_amount from {batch} "
            "where returned_goods_inv_amount < 0",
            why="staging takes them away; one that is negative already would be added",
        ),
    )


def payments(sample: bool) -> list[Any]:
    """回款."""
    return _counted(
        without_nulls("payment_amount", why="money that is not known is not 0"),
        without_nulls(
            "payment_time", why="it counts from its day on", severity="warning"
        ),
    )


def opportunities(sample: bool) -> list[Any]:
    """商机."""
    return _record(
        no_rows(
            "chances_are_percentages",
            "select _id, probability from {batch} "
            "where probability < 0 or probability > 100",
            why="staging makes shares of them",
        ),
        no_rows(
            "amounts_are_not_negative",
            "select _id, amount from {batch} where amount < 0",
            why="a pipeline is not negative",
            severity="warning",
        ),
    )


def _plain(sample: bool) -> list[Any]:
    return _record()


SUITES: dict[str, Callable[[bool], list[Any]]] = {
    "metadata": metadata,
    "accounts": accounts,
    "contacts": _plain,
    "leads": _plain,
    "opportunities": opportunities,
    "products": _plain,
    "orders": orders,
    "order_products": order_products,
    "returns": returns,
    "payments": payments,
    "cases": _plain,
    "activities": _plain,
    "marketing_events": _plain,
    "appraisals": _plain,
}

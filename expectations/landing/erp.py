"""What must hold for the tables of the ERP, and why. Bounds were set on 2026-11-22."""

from __future__ import annotations

from datetime import date
from typing import Any

from expectations.vocabulary import (
    between,
    columns_present,
    no_rows,
    one_of,
    row_count,
    without_nulls,
)


def customers(sample: bool) -> list[Any]:
    """Both kinds of customers in one table."""
    return [
        columns_present(
            ["customer_number", "kind", "name", "country", "territory_id"],
            why="staging reads these columns",
        ),
        one_of(
            "kind",
            ["company", "person"],
            why="rules, anchors and RFM are kept apart by it",
        ),
        without_nulls("name", why="nobody can act on a customer without a name"),
        no_rows(
            "customer_numbers_look_like_one",
            "select customer_number from {batch} "
            "where not regexp_full_match(customer_number, 'AW[0-9]{{8}}')",
            why="AW and eight digits; the CRM and the help desk find customers by it",
        ),
        *_not_empty(sample, "a customer table that is empty was not meant"),
    ]


def company_profiles(sample: bool) -> list[Any]:
    """What the ERP knows of companies."""
    return [
        between(
            "annual_sales",
            0,
            1_000_000_000_000,
            why="size of the customer; a negative one would turn its potential over",
        ),
        between("number_employees", 0, 10_000_000, why="a head count"),
    ]


def person_profiles(sample: bool) -> list[Any]:
    """What the ERP knows of persons."""
    return [between("yearly_income", 0, 100_000_000, why="an income in USD")]


def territories(sample: bool) -> list[Any]:
    """Sales regions."""
    return [
        without_nulls("region", why="peer groups and reports go by region"),
        *_not_empty(sample, "customers would have no region"),
    ]


def products(sample: bool) -> list[Any]:
    """All versions of all products."""
    return [
        without_nulls("product_name", why="a product without a name cannot be offered"),
        between("list_price", 0, 1_000_000, why="a price in USD"),
        between("standard_cost", 0, 1_000_000, why="a cost in USD"),
        *_not_empty(sample, "a product table that is empty was not meant"),
    ]


def currency_rates(sample: bool) -> list[Any]:
    """USD for one unit of a currency."""
    return [
        between(
            "rate_date", date(1990, 1, 1), date(2099, 12, 31), why="a mistyped century"
        ),
        no_rows(
            "codes_are_currencies",
            "select distinct currency_code from {batch} "
            "where not regexp_full_match(currency_code, '[A-Z]{{3}}')",
            why="amounts find their rate under this name",
        ),
        no_rows(
            "rates_are_positive",
            "select currency_code, rate_date, end_of_day_rate from {batch} "
            "where end_of_day_rate is null or end_of_day_rate <= 0",
            why="amounts are multiplied with it; a zero would make revenue vanish",
        ),
    ]


def orders(sample: bool) -> list[Any]:
    """Order headers of both channels."""
    return [
        columns_present(
            ["order_number", "channel", "customer_number", "order_date"],
            why="staging reads these columns",
        ),
        without_nulls("customer_number", why="revenue belongs to somebody"),
        without_nulls("order_date", why="a day decides on rate, period and recency"),
        between(
            "order_date",
            date(2005, 1, 1),
            date(2099, 12, 31),
            why="the ERP began in 2005; another century is mistyped",
        ),
        one_of(
            "channel", ["reseller", "internet"], why="the two channels of the company"
        ),
        one_of(
            "booked_currency",
            ["USD"],
            why="the ERP books everything in USD; another value is a mislabelled one",
        ),
        *_not_empty(sample, "an order table that is empty was not meant"),
    ]


def order_lines(sample: bool) -> list[Any]:
    """Order lines of both channels."""
    return [
        without_nulls("sales_amount", why="revenue of the line"),
        without_nulls("total_product_cost", why="margin is revenue less this"),
        without_nulls("product_id", why="white space is found by product"),
        between("line_number", 1, 1_000, why="lines are counted from 1"),
        between("quantity", 1, 100_000, why="the ERP books no returns as lines"),
        between("total_product_cost", 0, 10_000_000, why="a cost"),
        between("sales_amount", 0, 10_000_000, why="no negative line in this ERP"),
        between("freight_amount", 0, 1_000_000, why="a cost"),
        no_rows(
            "amount_is_quantity_times_price",
            "select order_number, line_number, sales_amount from {batch} "
            "where abs(quantity * unit_price - discount_amount - sales_amount) > 0.01",
            why="378 of 121,253 lines are off by 0.0001, none by more; a halved amount "
            "or a swapped column shows here",
        ),
        *_not_empty(sample, "a table of order lines that is empty was not meant"),
    ]


def invoices(sample: bool) -> list[Any]:
    """What dealers were billed, and when they paid."""
    return [
        columns_present(
            ["invoice_number", "customer_number", "due_date", "paid_on", "amount"],
            why="staging reads these columns",
        ),
        without_nulls("due_date", why="late is after this day"),
        no_rows(
            "codes_are_currencies",
            "select invoice_number, currency_code from {batch} where currency_code is "
            "null or not regexp_full_match(currency_code, '[A-Z]{{3}}')",
            why="an amount of no currency is no amount",
        ),
        between("amount", 0, 10_000_000, why="USD; the ERP sends no credit notes"),
        no_rows(
            "an_invoice_is_due_after_it_was_sent",
            "select invoice_number, invoiced_on, due_date from {batch} "
            "where due_date < invoiced_on",
            why="due thirty days after; the other way round is two swapped columns",
        ),
        no_rows(
            "nobody_pays_before_the_invoice",
            "select invoice_number, invoiced_on, paid_on from {batch} "
            "where paid_on < invoiced_on",
            why="none of 3,796 was (2026-11-22); many would be a shifted column",
            severity="warning",
        ),
        *_not_empty(sample, "dealers are billed; no invoice is a lost table"),
    ]


def customer_origins(sample: bool) -> list[Any]:
    """What persons answered when they registered."""
    return [
        without_nulls("origin", why="who did not answer is not in the table"),
        *_not_empty(sample, "campaigns would have won nobody"),
    ]


def _not_empty(sample: bool, why: str) -> list[Any]:
    return [] if sample else [row_count(1, why=why)]


SUITES = {
    "customers": customers,
    "company_profiles": company_profiles,
    "person_profiles": person_profiles,
    "territories": territories,
    "products": products,
    "currency_rates": currency_rates,
    "orders": orders,
    "order_lines": order_lines,
    "invoices": invoices,
    "customer_origins": customer_origins,
}

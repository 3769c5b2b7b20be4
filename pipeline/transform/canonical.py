"""The canonical entities: what staging gives to the core, as the dbt project declares it.

Columns, types and times come out of the project's own macros, so that nothing is written
twice; what each entity is, and the columns without which it says nothing, stand here. Not
here: what a source of one's own makes of them (staging).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from pipeline.transform.package import PACKAGE

# What each canonical entity is, and the columns without which it says nothing.
ENTITIES: Mapping[str, tuple[str, Sequence[str]]] = {
    "customers": (
        "who buys, or might: companies and persons",
        ["source_customer_id", "customer_type", "customer_name"],
    ),
    "customer_references": (
        "what one system notes of another: its number of the same customer",
        ["source_customer_id", "other_source", "other_source_customer_id"],
    ),
    "contacts": (
        "people at customers: who they are, what they decide, who of us knows them",
        ["contact_id", "customer_source", "source_customer_id", "contact_name"],
    ),
    "known_identities": (
        "records of which the truth is known, to measure the matching by",
        ["customer_source", "source_customer_id", "identity"],
    ),
    "products": ("what is sold", ["source_product_id", "product_name"]),
    "order_lines": (
        "what was sold to whom, line by line; returns are negative",
        [
            "order_id",
            "line_number",
            "customer_source",
            "source_customer_id",
            "source_product_id",
            "ordered_at",
            "order_date",
            "quantity",
            "net_amount",
            "is_return",
            "currency",
        ],
    ),
    "service_tickets": (
        "what customers asked the help desk",
        ["ticket_id", "customer_source", "source_customer_id", "opened_at"],
    ),
    "interactions": (
        "visits, calls, e-mails and meetings with customers",
        [
            "interaction_id",
            "customer_source",
            "source_customer_id",
            "kind",
            "occurred_at",
        ],
    ),
    "payments": (
        "invoices: when they were due, and when they were paid",
        [
            "payment_id",
            "customer_source",
            "source_customer_id",
            "paid_at",
            "amount",
            "currency",
        ],
    ),
    "campaigns": (
        "what was spent to win customers, by their acquisition_source",
        [
            "campaign_id",
            "acquisition_source",
            "started_on",
            "ended_on",
            "cost_amount",
            "currency",
        ],
    ),
    "survey_responses": (
        "answers to surveys: nps from 0 to 10, csat from 1 to 5",
        [
            "response_id",
            "customer_source",
            "source_customer_id",
            "survey",
            "score",
            "responded_at",
        ],
    ),
    "leads": ("whom sales is talking to", ["lead_id", "lead_name", "stage"]),
    "assessments": (
        "what account managers think of their accounts",
        ["customer_source", "source_customer_id", "scored_on"],
    ),
    "factor_scores": (
        "marks of accounts, factor by factor, for the account matrix",
        [
            "customer_source",
            "source_customer_id",
            "dimension",
            "factor",
            "score",
            "competitor",
            "scored_on",
        ],
    ),
    "financial_statements": (
        "what accounts publish of a fiscal year",
        ["customer_source", "source_customer_id", "fiscal_year", "currency"],
    ),
    "fx_rates": (
        "what one unit of a currency is worth in another, by day",
        ["from_currency", "to_currency", "rate_date", "rate"],
    ),
}


def columns(entity: str) -> dict[str, str]:
    """Column → SQL type of a canonical entity, from the dbt project's own macro."""
    declared: dict[str, dict[str, str]] = _returned("canonical_columns()")
    return {name: kind.strip() for name, kind in declared[entity].items()}


def event_times(entity: str) -> dict[str, list[str]]:
    """What the times of an entity mean on the as-of day, from the project's own macro."""
    times: dict[str, list[str]] = _returned(f"event_times({entity!r})")
    return times


@functools.cache
def _returned(call: str) -> Any:
    """What a macro of the dbt project returns."""
    macros = PACKAGE / "macros"
    text = "".join(
        (macros / name).read_text(encoding="utf-8")
        for name in ("dialect.sql", "canonical.sql")
    )
    returned: list[Any] = []
    environment = jinja2.Environment(autoescape=False, extensions=["jinja2.ext.do"])
    environment.globals["return"] = returned.append
    environment.from_string(text + "{{ " + call + " }}").render()
    return returned[-1]

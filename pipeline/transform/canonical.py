"""The canonical entities: what staging gives to the core, as the dbt project declares it.

Columns, types, bounds and times come out of the project's own macros, so that nothing is
written twice; what each entity is, and the columns without which it says nothing, stand
here, and what each column means in `canonical.yml`. Not here: what a source of one's own
makes of them (staging).
"""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from pipeline.transform import package
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


# What a needed column may be made of where a source has not got it: any of these will do.
COMPOSED: Mapping[tuple[str, str], Sequence[str]] = {
    ("customers", "customer_name"): ("given_name", "family_name"),
}


def lacking(entity: str, given: Collection[str]) -> list[str]:
    """The columns that an entity needs and that are given neither whole nor in parts.

    Args:
        entity: A canonical entity.
        given: The columns that a staging model gives.
    """
    return [
        name
        for name in ENTITIES[entity][1]
        if name not in given
        and not any(part in given for part in COMPOSED.get((entity, name), ()))
    ]


@dataclass(frozen=True)
class Column:
    """A canonical column, for whoever writes a staging model.

    Attributes:
        kind: Its SQL type.
        is_needed: Whether the entity says nothing without it, or its parts.
        means: What it holds.
        unit: Of a number, where the type does not say it.
        values: The words that count; empty where any do.
        bounds: Between what it lies in any company; a release with more than a few
            values outside warns.
        missing: What is taken where nobody gives it.
    """

    name: str
    kind: str
    is_needed: bool
    means: str
    unit: str
    values: Sequence[str]
    bounds: str
    missing: str

    def comment(self, width: int) -> list[str]:
        """What it is in lines of a comment, without the marks of one."""
        said = self.means
        if self.unit:
            said += f" ({self.unit})"
        if self.values:
            said += f": {', '.join(self.values)}"
        if self.missing:
            said += f". Missing: {self.missing}"
        return textwrap.wrap(f"{said[:1].upper()}{said[1:]}.", width)


def described(entity: str) -> list[Column]:
    """The columns of a canonical entity with everything that is declared of them."""
    stated = _stated()
    own, shared = stated[entity], stated["shared"]
    domains = _returned("canonical_domains()").get(entity, {})
    found = []
    for name, kind in columns(entity).items():
        facts = own.get(name) or shared[name]
        found.append(
            Column(
                name,
                kind,
                name in ENTITIES[entity][1],
                facts["means"],
                facts.get("unit", ""),
                [str(value) for value in facts.get("values", [])],
                _bounds(domains.get(name, {})),
                facts.get("missing", ""),
            )
        )
    return found


def _bounds(domain: Mapping[str, Any]) -> str:
    """The bounds of a column in words."""
    least = domain.get("least", domain.get("least_date"))
    most = domain.get("most", domain.get("most_date"))
    said = []
    if least is not None and most is not None:
        said.append(f"{least} to {most}")
    elif least is not None:
        said.append(f"from {least}")
    if domain.get("nonzero"):
        said.append("not 0")
    return ", ".join(said)


@functools.cache
def _stated() -> dict[str, dict[str, Any]]:
    return package.read_yaml(Path(__file__).with_suffix(".yml"))


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
        for name in ("dialect.sql", "canonical.sql", "domains.sql")
    )
    returned: list[Any] = []
    environment = jinja2.Environment(autoescape=False, extensions=["jinja2.ext.do"])
    environment.globals["return"] = returned.append
    template = environment.from_string(text)
    # Of what engines say differently, what DuckDB does.
    environment.globals["adapter"] = {
        "dispatch": lambda name, _: getattr(template.module, f"default__{name}")
    }
    environment.from_string(text + "{{ " + call + " }}").render()
    return returned[-1]

"""What a release knows of its customers and what not, and what would make it know more.

Not here: how it is printed (`cli.rendering.releases`).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipeline.reports import queries
from pipeline.tiers.policy import NOT_GRADED

# What is measured, the column of customer_value that has it, whose customers are counted,
# and what to bring where it is missing.
_MEASURES = (
    (
        "margin",
        "margin_12m",
        "revenue_12m > 0",
        "what each line cost (order_lines.cost_amount)",
    ),
    (
        "cost to serve and profit",
        "profit_12m",
        "revenue_12m > 0",
        "margins, and rates in cost_rates.csv: what an order, a ticket, a visit costs you",
    ),
    (
        "growth against the year before",
        "growth_rate",
        "order_count > 0",
        "two years of sales",
    ),
    (
        "orders expected",
        "predicted_orders_12m",
        "order_count > 0",
        "a longer history of sales by day; meta.value_models says what was tried",
    ),
    (
        "service tickets",
        "ticket_count_12m",
        "true",
        "the tickets of a help desk (service_tickets)",
    ),
    (
        "open deals",
        "pipeline_amount",
        "true",
        "the deals of a CRM with their amounts (leads)",
    ),
    (
        "size or income",
        "coalesce(company_size, purchasing_power)",
        "true",
        "annual_revenue or employee_count of companies, yearly_income of persons",
    ),
    (
        "influence and strategic weight",
        "coalesce(market_influence, strategic_importance)",
        "true",
        "what account managers think of their customers (assessments)",
    ),
)


@dataclass(frozen=True)
class Known:
    """Of how many customers something is known.

    Attributes:
        measure: What it is.
        customers: Those of whom it is known.
        of: Those of whom it could be.
        to_bring: What would make it known of more.
    """

    measure: str
    customers: int
    of: int
    to_bring: str


@dataclass(frozen=True)
class EmptyTier:
    """A tier that nobody has, and what it asks for, in English and in Chinese."""

    name: str
    asks_for: tuple[str, ...]
    name_zh: str
    asks_for_zh: tuple[str, ...]


def known(connection: duckdb.DuckDBPyConnection) -> list[Known]:
    """What is known of the customers of a release, in the order of its weight.

    Args:
        connection: To the release's `warehouse.duckdb`.
    """
    counts = ", ".join(
        f"count(*) filter ({measured} is not null and ({universe})), "
        f"count(*) filter ({universe})"
        for _, measured, universe, _ in _MEASURES
    )
    row = connection.execute(
        f"select {counts} from marts.customer_value where customer_id in "
        "(select customer_id from marts.customers where customer_type <> 'unknown')"
    ).fetchone()
    assert row is not None
    return [
        Known(measure, row[2 * place], row[2 * place + 1], to_bring)
        for place, (measure, _, _, to_bring) in enumerate(_MEASURES)
    ]


def hardly_known(connection: duckdb.DuckDBPyConnection) -> list[Known]:
    """What is known of fewer than one in a hundred of whom it could be."""
    return [item for item in known(connection) if 100 * item.customers < item.of]


def is_anybody_graded(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether any customer has a tier; nobody has where no source records sales."""
    row = connection.execute(
        "select exists(from marts.customer_tiers where tier_code <> ?)",
        [NOT_GRADED[0]],
    ).fetchone()
    return bool(row and row[0])


def empty_tiers(connection: duckdb.DuckDBPyConnection) -> list[EmptyTier]:
    """The tiers of the policies in force that nobody has, with the words of their rules."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in queries.rows(
        connection,
        """
        select
            tier_summary.tier_name_en as name,
            tier_summary.tier_name_zh as name_zh,
            tier_rules.rule_en as rule,
            tier_rules.rule_zh
        from marts.tier_summary
        inner join meta.tier_rules
            on tier_summary.tier_code = tier_rules.tier_code
        where
            tier_summary.customers = 0
            and tier_rules.policy_id in (select policy_id from marts.customer_tiers)
        order by tier_summary.tier_rank, tier_rules.rule_order
        """,
    ):
        rules = (row["rule"], row["rule_zh"])
        found.setdefault((row["name"], row["name_zh"]), []).append(rules)
    return [
        EmptyTier(
            name,
            tuple(rule for rule, _ in rules),
            name_zh,
            tuple(rule for _, rule in rules),
        )
        for (name, name_zh), rules in found.items()
    ]

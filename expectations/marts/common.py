"""What the suites of the marts share, such as which drift stops a release.

Not here: what must hold for a table (the files beside this one).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from expectations.vocabulary import no_rows
from pipeline.gates.suite import Suite

# Mart → the metrics of its drift that stop a release, with what each would mean. The bounds
# and their reasons stand in the seed drift_bounds; the figures in meta.drift.
STOPPING_DRIFT = {
    "order_lines": {
        "silent_days": "the source has stopped",
        "price_level": "the amounts are in another unit, or two columns are swapped",
        "odd_price_share": "two columns are swapped, or products have other keys",
        "currency_share": "the currency is mislabelled",
        "twin_share": "days have come twice under other numbers",
        "order_hour": "the time zone is another one",
        "return_share": "returns and sales are told apart in another way",
        "null_share": "a column has become empty",
        "past_rows": "a part of the published past has gone or has doubled",
        "past_revenue": "a part of the published past has gone or has doubled",
    },
    "payments": {
        "past_rows": "a part of the published past has gone or has doubled",
        "past_revenue": "a part of the published past has gone or has doubled",
    },
    "service_tickets": {
        "silent_days": "the source has stopped",
        "past_rows": "a part of the published past has gone or has doubled",
    },
    "customers": {
        "customers": "customers have gone or have doubled",
    },
    "customer_source_keys": {
        "vanished_share": "a part of a source's customers has gone",
    },
    "customer_tiers": {
        "tier_share": "customers change their tiers in crowds",
        "score_mean": "scores have moved for everybody",
    },
}


def attributed(facts: str) -> list[Any]:
    """That facts of this name have customers, in two steps.

    How many facts may be nobody's differs: a help desk has callers who never bought,
    an address book has people of companies that are no customers. But where hardly one
    has a customer, their keys are those of another system.
    """

    def fewer_than(share: float) -> str:
        return (
            f"select count(*) as {facts}, count(customer_id) as attributed "
            f"from {{batch}} having count(customer_id) < {share} * count(*)"
        )

    return [
        no_rows(
            f"some_{facts}_have_a_customer",
            fewer_than(0.1),
            why="where fewer than one in ten has a customer, the keys are those of another "
            "system: a broken mapping",
        ),
        no_rows(
            f"most_{facts}_have_a_customer",
            fewer_than(0.95),
            why="what is nobody's counts for no customer: in no service, coverage or cost",
            severity="warning",
        ),
    ]


def setting(name: str, policy: str = "'*'") -> str:
    """The number that the seed `settings` gives, as SQL.

    Args:
        name: The setting.
        policy: SQL of the policy of the row, for a setting that may differ by it.
    """
    return (
        "(select cast(max_by(value, applies_to <> '*') as double) from meta.settings "
        f"where name = '{name}' and applies_to in ({policy}, '*'))"
    )


def mart(table: str, key: Sequence[str], expectations: Sequence[Any]) -> Suite:
    """The suite of a mart: what it is given, and the drift that is compared for it."""
    return Suite(
        subject=f"marts.{table}",
        schema="marts",
        table=table,
        key=key,
        expectations=[*expectations, *_drift(table)],
    )


def currencies(column: str, key: Sequence[str]) -> Any:
    """Every value is three capital letters, as ISO 4217 writes a currency."""
    return no_rows(
        f"{column}_is_a_currency",
        f"select {', '.join(key)}, {column} from {{batch}} "
        f"where not regexp_full_match({column}, '[A-Z]{{{{3}}}}')",
        why="a rate is looked for under this name; `usd` or `$` would have none",
    )


def _drift(mart: str) -> list[Any]:
    """What is outside its band in `meta.drift`: one check a metric that stops, and one.

    The rows of the mart stand beside it, because a query must ask its own table.
    """
    if mart not in STOPPING_DRIFT:
        return []
    outside = (
        "select metric, subject, reason, mart_rows from meta.drift "
        "cross join (select count(*) as mart_rows from {batch}) "
        f"where mart = '{mart}' and outcome = 'outside' and severity = "
    )
    return [
        *(
            no_rows(
                f"drift_{metric}",
                f"{outside}'critical' and metric = '{metric}'",
                why=f"this far from what is usual, {meaning}",
                acceptable=True,
            )
            for metric, meaning in STOPPING_DRIFT[mart].items()
        ),
        no_rows(
            "drift",
            f"{outside}'warning'",
            why="not as usual; somebody should know why. docs/gates.md says what each "
            "metric is",
            severity="warning",
        ),
    ]

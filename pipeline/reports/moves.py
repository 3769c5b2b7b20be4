"""Who moved between tiers since a day, and why; asked of the replayed history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from pipeline.common import calendar
from pipeline.reports import queries
from pipeline.reports.customers import CALLED
from pipeline.reports.periods import Seal
from pipeline.reports.queries import Row

MAX_CHANGES: Final = 12
UNKNOWN_THEN: Final = "none"  # of who was not known then


@dataclass(frozen=True)
class Moves:
    """Customers by their tier on a day before and by that of today.

    Attributes:
        since: The day whose tiers are compared with those of the as-of day.
        is_release: Whether `since` is the as-of day of the release before this one.
        flows: customer_type, from_tier, from_rank, to_tier, to_rank, customers, and
            revenue_12m. All customers of today are in one of them.
    """

    since: dt.date
    is_release: bool
    flows: Sequence[Row]

    @property
    def up(self) -> int:
        """How many are in a better tier than then."""
        return self._moved(lambda row: row["to_rank"] < row["from_rank"])

    @property
    def down(self) -> int:
        """How many are in a worse tier than then."""
        return self._moved(lambda row: row["to_rank"] > row["from_rank"])

    @property
    def new(self) -> int:
        """How many were not known then."""
        return sum(
            row["customers"] for row in self.flows if row["from_tier"] == UNKNOWN_THEN
        )

    def _moved(self, which: object) -> int:
        assert callable(which)
        return sum(
            row["customers"]
            for row in self.flows
            if row["from_tier"] != UNKNOWN_THEN and which(row)
        )


@dataclass(frozen=True)
class Changes:
    """The changes of tier since a day: how many of each kind, and the largest ones."""

    kinds: Sequence[Row]
    customers: Sequence[Row]


def before(connection: duckdb.DuckDBPyConnection, seal: Seal) -> tuple[dt.date, bool]:
    """The as-of day of the release before; without one, the day a month ago."""
    earlier = queries.one(
        connection,
        """
        select max(as_of_date) as day
        from meta.refreshes
        where state = 'published' and as_of_date < ?
        """,
        [seal.as_of_date],
    )["day"]
    if earlier is not None:
        return earlier, True
    return calendar.months_before(seal.as_of_date, 1), False


def since(
    connection: duckdb.DuckDBPyConnection, day: dt.date, *, is_release: bool
) -> Moves | None:
    """How customers moved since a day; None where nobody has a tier of then."""
    if not queries.has(connection, "marts", "customer_tier_history", "valid_to"):
        return None
    flows = queries.rows(
        connection,
        f"""
        with earlier as (
            select customer_id, tier_code, tier_rank
            from marts.customer_tier_history
            where valid_from <= $day and (valid_to is null or valid_to > $day)
        )

        select
            customers.customer_type,
            coalesce(earlier.tier_code, '{UNKNOWN_THEN}') as from_tier,
            coalesce(earlier.tier_rank, 99) as from_rank,
            customer_tiers.tier_code as to_tier,
            customer_tiers.tier_rank as to_rank,
            count(*) as customers,
            sum(customer_value.revenue_12m) as revenue_12m
        from marts.customer_tiers
        inner join marts.customers
            on customer_tiers.customer_id = customers.customer_id
        left join marts.customer_value
            on customer_tiers.customer_id = customer_value.customer_id
        left join earlier on customer_tiers.customer_id = earlier.customer_id
        where customers.customer_type <> 'unknown'
        group by all
        order by customers.customer_type, from_rank, from_tier, to_rank, to_tier
        """,
        {"day": day},
    )
    if all(row["from_tier"] == UNKNOWN_THEN for row in flows):
        return None
    return Moves(day, is_release, flows)


def changes(connection: duckdb.DuckDBPyConnection, day: dt.date) -> Changes | None:
    """What changed since a day, and why."""
    if not queries.has(
        connection, "marts", "customer_tier_history", "change_reason_zh", "valid_from"
    ):
        return None
    kinds = queries.rows(
        connection,
        """
        select change_kind, count(*) as customers
        from marts.customer_tier_history
        where valid_from > ?
        group by change_kind
        order by customers desc, change_kind
        """,
        [day],
    )
    rows = queries.rows(
        connection,
        f"""
        select
            history.customer_id,
            {CALLED} as customer_name,
            customers.customer_type,
            customers.country,
            history.valid_from,
            history.previous_tier_code,
            history.tier_code,
            history.tier_rank,
            history.change_kind,
            history.change_reason as change_reason_en,
            history.change_reason_zh,
            customer_value.revenue_12m
        from marts.customer_tier_history as history
        inner join marts.customers on history.customer_id = customers.customer_id
        inner join marts.customer_value
            on history.customer_id = customer_value.customer_id
        where
            history.valid_from > ?
            and history.change_kind <> 'new'
            and history.valid_to is null
        order by
            greatest(
                customer_value.revenue_12m, customer_value.revenue_previous_12m
            ) desc nulls last,
            history.customer_id
        limit ?
        """,
        [day, MAX_CHANGES],
    )
    return Changes(kinds, rows)

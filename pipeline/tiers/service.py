"""Hours of service under another policy: those planned by tier, and those recorded.

Reads a release that a what-if has graded anew. Not here: who moves (`what_if`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from pipeline.common import calendar
from pipeline.tiers import released
from pipeline.tiers.policy import Policy


@dataclass(frozen=True)
class Service:
    """Hours a year that serving the customers as planned takes, before and after.

    Attributes:
        hours_now: Null where the release plans no service, or not for each tier.
        hours_then: The same under the policy.
        recorded_hours_12m: What interactions took in the last 12 months; null where no
            source tells of them.
        capacity_hours: Hours a year that there are, if somebody said.
        planned_by: The policy whose service the tiers would get; null where the release
            has no service policies.
        not_planned: Tiers and types with customers for whom no hours are planned.
    """

    hours_now: Decimal | None
    hours_then: Decimal | None
    recorded_hours_12m: Decimal | None
    capacity_hours: float | None
    planned_by: str | None
    not_planned: list[str]


def recorded_hours(
    connection: duckdb.DuckDBPyConnection, day: dt.date | None, time_zone: str
) -> Decimal | None:
    """Hours of interactions in the 12 months that end on the as-of day.

    The moments are of UTC, and the days those of the business, as in
    `marts.resource_allocation`.
    """
    if day is None or not released.columns(connection, "marts", "interactions"):
        return None
    recorded: Decimal | None
    (recorded,) = connection.execute(
        """
        select cast(sum(minutes) / 60 as decimal(18, 2))
        from warehouse.marts.interactions
        where occurred_at >= ? and occurred_at < ?
        """,
        [
            calendar.known_until(calendar.months_before(day, 12), time_zone),
            calendar.known_until(day, time_zone),
        ],
    ).fetchone() or (None,)
    return recorded


def plan_service(
    connection: duckdb.DuckDBPyConnection,
    one: Policy,
    now: Sequence[str],
    tiers: Sequence[dict[str, Any]],
    capacity_hours: float | None,
    recorded: Decimal | None,
) -> Service:
    """Hours by the service policies of the release; adds them to the tiers.

    Args:
        connection: With the table `graded` of a what-if.
        one: The policy that it was graded by.
        now: The policies by which the release has graded.
        tiers: Gain `service_hours_now` and `service_hours_then`.
        capacity_hours: Hours a year that there are, if somebody said.
        recorded: From `recorded_hours`.
    """
    needed = {"policy_id", "tier_code", "customer_type", "hours_per_year"}
    hours: dict[tuple[str, str, str], Decimal] = {}
    if needed <= set(released.columns(connection, "meta", "service_policies")):
        hours = {
            (policy_id, code, customer_type): each
            for policy_id, code, customer_type, each in connection.execute(
                """
                select
                    policy_id, tier_code, customer_type,
                    cast(hours_per_year as decimal(18, 4))
                from warehouse.meta.service_policies
                where hours_per_year is not null
                """
            ).fetchall()
        }
    # A policy without service of its own would serve the tiers as they are served now.
    present = now[-1] if now else one.policy_id
    plan = one.policy_id if any(key[0] == one.policy_id for key in hours) else present
    sums = {"now": Decimal(0), "then": Decimal(0)}
    not_planned = []
    for when, policy_id in (("now", present), ("then", plan)):
        planned: dict[str, Decimal] = {}
        for code, customer_type, customers in connection.execute(
            f"select tier_{when}, customer_type, count(*) from graded "
            f"group by tier_{when}, customer_type order by all"
        ).fetchall():
            each = hours.get((policy_id, code, customer_type))
            if each is None:
                not_planned.append(f"{code} ({customer_type})")
            else:
                planned[code] = planned.get(code, Decimal(0)) + each * customers
        for tier in tiers:
            tier[f"service_hours_{when}"] = planned.get(tier["tier_code"])
        sums[when] = sum(planned.values(), Decimal(0))
    known = bool(hours) and not not_planned
    return Service(
        hours_now=sums["now"] if known else None,
        hours_then=sums["then"] if known else None,
        recorded_hours_12m=recorded,
        capacity_hours=capacity_hours,
        planned_by=plan if hours else None,
        not_planned=list(dict.fromkeys(not_planned)) if hours else [],
    )

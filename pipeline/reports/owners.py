"""Pages of owners: my customers and my week; and a page that leads to them.

Asked once for all owners, never for one by one. Not here: how much an owner can do in a
week (marts.owner_weeks) and what is due (marts.customer_actions).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import duckdb

from pipeline.reports import customers, queries
from pipeline.reports.customers import CUSTOMER, CUSTOMERS
from pipeline.reports.queries import Row

FOLDER: Final = "owners"
MOST_OWNERS: Final = 60
MAX_CUSTOMERS: Final = 100  # of an owner; likewise of actions
MAX_ACTIONS: Final = 40
_LONGEST_NAME: Final = 120


@dataclass(frozen=True)
class Owner:
    """An owner and what its page shows.

    Attributes:
        summary: owner, customers, revenue_12m, profit_12m, actions, overdue, and, where
            the release knows its week, capacity_minutes and what fits into it.
        file_name: Of its page in the folder `owners`.
        actions: The first of its actions; None where the release has none at all.
    """

    summary: Row
    file_name: str
    customers: Sequence[Row]
    actions: Sequence[Row] | None

    @property
    def address(self) -> str:
        """Of the page, from the folder of a language."""
        return f"{FOLDER}/{quote(self.file_name)}"


@dataclass(frozen=True)
class Owners:
    """All owners: those with a page, and how many there are.

    Attributes:
        unowned: customers and revenue_12m of whom nobody owns.
    """

    pages: Sequence[Owner]
    all: int
    unowned: Row
    has_weeks: bool
    has_stake: bool
    has_verdicts: bool


def file_name(owner: str) -> str:
    """The name of an owner's page: the owner's own, safe in every file system."""
    name = quote(owner, safe="")
    if len(name) > _LONGEST_NAME:
        name = hashlib.sha256(owner.encode()).hexdigest()[:24]
    return f"owner-{name}.html"


def collect(connection: duckdb.DuckDBPyConnection) -> Owners:
    """Asks the release for its owners, those with the most due and to lose first."""
    has_actions = queries.has(connection, "marts", "customer_actions", "owner", "place")
    has_weeks = has_actions and queries.has(
        connection, "marts", "owner_weeks", "capacity_minutes", "actions_fitting"
    )
    summaries = _summaries(connection, has_actions=has_actions, has_weeks=has_weeks)
    names = [row["owner"] for row in summaries]
    theirs = _by_owner(_customers(connection, names))
    due = _by_owner(_actions(connection, names)) if has_actions else None
    return Owners(
        pages=[
            Owner(
                summary=row,
                file_name=file_name(row["owner"]),
                customers=theirs.get(row["owner"], []),
                actions=None if due is None else due.get(row["owner"], []),
            )
            for row in summaries
        ],
        all=summaries[0]["owners"] if summaries else 0,
        unowned=queries.one(
            connection,
            """
            select
                count(*) as customers,
                sum(customer_value.revenue_12m) as revenue_12m
            from marts.customers
            inner join marts.customer_value
                on customers.customer_id = customer_value.customer_id
            where customers.owner is null
            """,
        ),
        has_weeks=has_weeks,
        has_stake=queries.has(connection, "marts", "customer_actions", "at_stake"),
        has_verdicts=_has_verdicts(connection),
    )


def _has_verdicts(connection: duckdb.DuckDBPyConnection) -> bool:
    return queries.has(
        connection, "marts", "customer_verdicts", "verdict_name_zh", "at_stake"
    )


def _summaries(
    connection: duckdb.DuckDBPyConnection, *, has_actions: bool, has_weeks: bool
) -> list[Row]:
    profit = (
        "sum(customer_value.profit_12m)"
        if queries.has(connection, "marts", "customer_value", "profit_12m")
        else "cast(null as double)"
    )
    due = (
        "select owner, count(*) as actions, count(*) filter (is_overdue) as overdue "
        "from marts.customer_actions where owner is not null group by owner"
        if has_actions
        else "select cast(null as varchar) as owner, cast(null as bigint) as actions, "
        "cast(null as bigint) as overdue where false"
    )
    weeks = (
        "select owner, capacity_minutes, actions_due, actions_fitting, minutes_due, "
        "minutes_fitting from marts.owner_weeks"
        if has_weeks
        else "select cast(null as varchar) as owner, null as capacity_minutes, "
        "null as actions_due, null as actions_fitting, null as minutes_due, "
        "null as minutes_fitting where false"
    )
    return queries.rows(
        connection,
        f"""
        with theirs as (
            select
                customers.owner,
                count(*) as customers,
                sum(customer_value.revenue_12m) as revenue_12m,
                {profit} as profit_12m
            from marts.customers
            inner join marts.customer_value
                on customers.customer_id = customer_value.customer_id
            where customers.owner is not null
            group by customers.owner
        ),

        due as ({due}),

        weeks as ({weeks})

        select
            coalesce(theirs.owner, due.owner) as owner,
            coalesce(theirs.customers, 0) as customers,
            theirs.revenue_12m,
            theirs.profit_12m,
            coalesce(due.actions, 0) as actions,
            coalesce(due.overdue, 0) as overdue,
            weeks.* exclude (owner),
            count(*) over () as owners
        from theirs
        full outer join due on theirs.owner = due.owner
        left join weeks on coalesce(theirs.owner, due.owner) = weeks.owner
        order by actions desc, revenue_12m desc nulls last, owner
        limit ?
        """,
        [MOST_OWNERS],
    )


def _customers(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str]
) -> list[Row]:
    extras = ", ".join(
        f"customer_value.{name}"
        if queries.has(connection, "marts", "customer_value", name)
        else f"null as {name}"
        for name in ("profit_12m", "lifecycle_stage")
    )
    verdict, join = "null", ""
    if _has_verdicts(connection):
        verdict = "verdicts.verdict_name"
        join = (
            "left join marts.customer_verdicts as verdicts "
            "on customers.customer_id = verdicts.customer_id"
        )
    names_of = ", ".join(
        f"{verdict}_{each} as verdict_name_{each}"
        if join
        else f"null as verdict_name_{each}"
        for each in ("en", "zh")
    )
    stake = "verdicts.at_stake" if join else "null as at_stake"
    rows = queries.rows(
        connection,
        f"""
        select {CUSTOMER}, customers.owner, {extras}, {names_of}, {stake}
        {CUSTOMERS}
        {join}
        where customers.owner in (select unnest(?::varchar[]))
        qualify
            row_number() over (
                partition by customers.owner
                order by customer_value.revenue_12m desc nulls last, customers.customer_id
            ) <= ?
        order by customer_value.revenue_12m desc nulls last, customers.customer_id
        """,
        [list(names), MAX_CUSTOMERS],
    )
    customers.with_keys(connection, rows)
    return rows


def _actions(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[Row]:
    rows = queries.rows(
        connection,
        f"""
        {customers.ACTIONS}
        where customer_actions.owner in (select unnest(?::varchar[]))
        qualify
            row_number() over (
                partition by customer_actions.owner order by customer_actions.place
            ) <= ?
        order by customer_actions.place
        """,
        [list(names), MAX_ACTIONS],
    )
    customers.with_keys(connection, rows)
    return rows


def _by_owner(rows: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["owner"]].append(row)
    return found

"""Account plans: one page for each key account, and a page that leads to them.

What is asked here is asked of the release once for all accounts, never for one by one;
`drawing` gives it coordinates and the templates place it. Tables and columns that an older
or a smaller release does not have are left out, and the page says so. Not here: who is a
key account and what becomes of it (marts.account_matrix, marts.account_outlook).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import duckdb

from pipeline.common import calendar
from pipeline.reports import diagrams, drawing
from pipeline.reports.customers import GROWTH
from pipeline.reports.periods import Seal
from pipeline.reports.queries import Row

FOLDER = "account-plans"
MOST_ACCOUNTS = 60
MAX_CONTACTS = 4
MAX_OFFERS = 3
MAX_ACTIONS = 4
MAX_STATEMENTS = 3
MAX_EVIDENCE = 5  # for a verdict, and as many against it

# Columns that come with other parts of the pipeline; without them their line is left out.
_VALUE_EXTRAS = ("cost_to_serve_12m", "profit_12m", "health_score")
_OFFERS = {
    "customer_id", "category", "lift", "confidence", "because_of", "expected_margin",
    "rank",
}  # fmt: skip
_ACTIONS = {"customer_id", "action_name_en", "reason_en", "due_on", "owner", "place"}


@dataclass(frozen=True)
class Factor:
    """A factor with the marks that stand beside each other."""

    name_en: str
    name_zh: str
    weight: Any
    score: Any
    competitor_score: Any


@dataclass(frozen=True)
class Plan:
    """What one page shows.

    Attributes:
        account: Customer, tier, value and its place in the matrix, in one row.
        offers: None where the release knows no offers at all; likewise `actions`.
        verdict: None where the release has none of it; `evidence` is what stands for it
            and against it.
    """

    account: Row
    file_name: str
    verdict: Row | None
    evidence: Sequence[Row]
    attractiveness: Sequence[Factor]
    strength: Sequence[Factor]
    service: Row | None
    offers: Sequence[Row] | None
    contacts: Sequence[Row]
    statements: Sequence[Row]
    years: Sequence[Row]
    outlook: Sequence[Row]
    actions: Sequence[Row] | None

    @property
    def address_here(self) -> str:
        """Of the page, from the folder of the plans."""
        return quote(self.file_name)

    @property
    def address(self) -> str:
        """The same from the folder of a language."""
        return f"{FOLDER}/{self.address_here}"

    @property
    def chart(self) -> drawing.Outlook | None:
        """Three years behind and three ahead."""
        return drawing.outlook(self.years, self.outlook)

    @property
    def place(self) -> drawing.Place | None:
        """Where the account stands today; None while it is not rated."""
        return _place(self.account, "")

    @property
    def course(self) -> Sequence[drawing.Place]:
        """The rated places of three, two and one years ago and of today."""
        places = [_place(self.account, end) for end in _EARLIER]
        return [place for place in places if place]


_EARLIER = ("_3y_ago", "_2y_ago", "_1y_ago", "")


def _place(account: Row, end: str, *, large: bool = False) -> drawing.Place | None:
    x, y = account["relative_strength" + end], account["attractiveness" + end]
    if x is None or y is None:
        return None
    return drawing.place(float(x), float(y), large=large)


def collect(connection: duckdb.DuckDBPyConnection, seal: Seal) -> list[Plan]:
    """Asks the release for the plans of its key accounts, the rated ones first.

    Returns:
        No plans where the release has no account matrix.
    """
    if not _columns(connection, "marts", "account_matrix"):
        return []
    accounts = _accounts(connection)
    if not accounts:
        return []
    connection.register("_plans", _ids(connection, accounts))
    factors = _by_customer(_factors(connection))
    service = _by_customer(_service(connection, seal))
    contacts = _by_customer(_contacts(connection))
    statements = _by_customer(_statements(connection))
    years = _by_customer(_years(connection, seal))
    outlook = _by_customer(_outlook(connection))
    offers = _optional(connection, "next_best_offers", _OFFERS, _OFFER_QUERY)
    actions = _optional(connection, "customer_actions", _ACTIONS, _ACTION_QUERY)
    verdicts = _optional(connection, "customer_verdicts", _VERDICTS, _VERDICT_QUERY)
    evidence = _optional(connection, "verdict_evidence", _EVIDENCE, _EVIDENCE_QUERY)
    connection.unregister("_plans")
    plans = []
    for account in accounts:
        key = account["customer_id"]
        marks = factors[key]
        plans.append(
            Plan(
                account=account,
                file_name=quote(key, safe="") + ".html",
                verdict=next(iter(verdicts[key]), None) if verdicts else None,
                evidence=evidence[key] if evidence else [],
                attractiveness=_side_by_side(marks, "attractiveness"),
                strength=_side_by_side(marks, "strength"),
                service=next(iter(service[key]), None),
                offers=None if offers is None else offers[key],
                contacts=contacts[key],
                statements=statements[key],
                years=years[key],
                outlook=outlook[key],
                actions=None if actions is None else actions[key],
            )
        )
    return plans


def labels(plans: Sequence[Plan], cells: drawing.Cells) -> list[diagrams.Label]:
    """The rated accounts in the matrix, with their names where there is room."""
    places = [
        (place, str(plan.account["customer_name"] or plan.account["customer_id"]))
        for plan in plans
        if (place := _place(plan.account, "", large=True))
    ]
    return diagrams.labels(places, cells.frame, diagrams.corners(cells), size=8.0)


def midpoint(connection: duckdb.DuckDBPyConnection) -> float:
    """From which score on a dimension is high, by the policy of the matrix."""
    # A release from before there was the seed `settings` has a table of its own for it.
    settings = (
        "select applies_to as policy_id, cast(value as double) as midpoint "
        "from meta.settings where name = 'matrix.midpoint'"
        if _columns(connection, "meta", "settings")
        else "select policy_id, midpoint from meta.matrix_settings"
    )
    row = connection.execute(
        f"select min(settings.midpoint) from ({settings}) as settings "
        "inner join marts.account_matrix as matrix "
        "on settings.policy_id in (matrix.policy_id, '*')"
    ).fetchone()
    return float(row[0]) if row and row[0] is not None else 5.0


def _accounts(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    there = _columns(connection, "marts", "customer_value")
    extras = ", ".join(
        f"customer_value.{name}" if name in there else f"null as {name}"
        for name in _VALUE_EXTRAS
    )
    return _rows(
        connection,
        f"""
        select
            matrix.*,
            customers.customer_name, customers.customer_type, customers.industry,
            customers.city, customers.country, customers.owner,
            customers.annual_revenue, customers.employee_count,
            tiers.tier_rank, tiers.tier_name_en, tiers.tier_name_zh, tiers.value_score,
            tiers.potential_score, tiers.score_coverage, tiers.reason_en,
            tiers.reason_zh,
            customer_value.revenue_12m, customer_value.margin_12m,
            customer_value.freight_12m, customer_value.order_count_12m,
            customer_value.last_order_date, customer_value.first_order_date,
            customer_value.days_since_last_order,
            customer_value.no_purchase_probability_12m, {extras},
            coverage.contacts, coverage.covered_contacts, coverage.decision_makers,
            coverage.covered_decision_makers, coverage.best_connected_owner,
            {GROWTH} as growth
        from marts.account_matrix as matrix
        join marts.customers as customers using (customer_id)
        join marts.customer_tiers as tiers using (customer_id)
        join marts.customer_value using (customer_id)
        left join marts.account_coverage as coverage using (customer_id)
        order by matrix.is_rated desc, customer_value.revenue_12m desc, matrix.customer_id
        limit {MOST_ACCOUNTS}
        """,
    )


def _ids(connection: duckdb.DuckDBPyConnection, accounts: Sequence[Row]) -> Any:
    """The accounts as a relation that the other questions join."""
    ids = [account["customer_id"] for account in accounts]
    return connection.execute(
        "select unnest(?::varchar[]) as customer_id", [ids]
    ).to_arrow_table()


def _factors(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    # Of the competitors only the one that we are measured against.
    return _rows(
        connection,
        """
        select marks.*, factors.name_en, factors.name_zh
        from marts.account_matrix_factors as marks
        join marts.account_matrix as matrix using (customer_id)
        join _plans using (customer_id)
        join meta.matrix_factors as factors
            on factors.policy_id = matrix.policy_id
            and factors.dimension = marks.dimension
            and factors.factor = marks.factor
        where marks.competitor is null or marks.competitor = matrix.best_competitor
        order by marks.declared_weight desc, marks.factor
        """,
    )


def _side_by_side(marks: Sequence[Row], dimension: str) -> list[Factor]:
    """Ours and the best competitor's mark of each factor, ours first."""
    found: dict[str, Factor] = {}
    chosen = [mark for mark in marks if mark["dimension"] == dimension]
    for mark in sorted(chosen, key=lambda mark: mark["competitor"] is not None):
        ours = mark["competitor"] is None
        earlier = found.get(mark["factor"])
        found[mark["factor"]] = Factor(
            name_en=mark["name_en"],
            name_zh=mark["name_zh"],
            weight=mark["declared_weight"],
            score=mark["score"] if ours else earlier.score if earlier else None,
            competitor_score=None if ours else mark["score"],
        )
    return list(found.values())


def _service(connection: duckdb.DuckDBPyConnection, seal: Seal) -> list[Row]:
    return _rows(
        connection,
        """
        select
            customer_id,
            count(*) filter (opened_at >= $since) as tickets,
            count(*) filter (opened_at >= $since and met_sla) as met,
            count(met_sla) filter (opened_at >= $since) as judged,
            count(*) filter (opened_at >= $since and is_complaint) as complaints,
            count(is_complaint) filter (opened_at >= $since) as sorted_out,
            median(epoch(resolved_at - opened_at) / 3600)
                filter (opened_at >= $since) as median_hours,
            count(*) filter (resolved_at is null) as still_open,
            min(opened_at) filter (resolved_at is null) as oldest_open
        from marts.service_tickets
        join _plans using (customer_id)
        group by customer_id
        """,
        {
            "since": calendar.known_until(
                calendar.months_before(seal.as_of_date, 12), seal.time_zone
            )
        },
    )


def _contacts(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return _rows(
        connection,
        """
        select contacts.*
        from marts.contacts as contacts
        join _plans using (customer_id)
        order by
            role = 'decision_maker' desc nulls last, influence desc nulls last,
            contact_id
        """,
    )


def _statements(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return _rows(
        connection,
        f"""
        select statements.*
        from marts.account_financials as statements
        join _plans using (customer_id)
        qualify row_number() over (partition by customer_id order by fiscal_year desc)
            <= {MAX_STATEMENTS}
        order by fiscal_year
        """,
    )


def _years(connection: duckdb.DuckDBPyConnection, seal: Seal) -> list[Row]:
    """What each account bought in the last three years, oldest first."""
    cuts = [calendar.months_before(seal.as_of_date, 12 * n) for n in (3, 2, 1, 0)]
    return _rows(
        connection,
        """
        with years as (
            select
                unnest($starts_after::date[]) as starts_after,
                unnest($last_days::date[]) as last_day
        )
        select
            customer_id,
            last_day,
            coalesce(sum(net_amount) filter (
                order_date > starts_after and order_date <= last_day
            ), 0) as revenue
        from _plans
        cross join years
        left join marts.order_lines using (customer_id)
        group by customer_id, last_day
        order by last_day
        """,
        {"starts_after": cuts[:-1], "last_days": cuts[1:]},
    )


def _outlook(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return _rows(
        connection,
        """
        select outlook.*
        from marts.account_outlook as outlook
        join _plans using (customer_id)
        order by year_ahead
        """,
    )


_OFFER_QUERY = f"""
    select offers.*
    from marts.next_best_offers as offers
    join _plans using (customer_id)
    where offers.rank <= {MAX_OFFERS}
    order by offers.rank, offers.category
"""
_ACTION_QUERY = f"""
    select actions.*
    from marts.customer_actions as actions
    join _plans using (customer_id)
    qualify row_number() over (partition by customer_id order by place)
        <= {MAX_ACTIONS}
    order by place
"""


_VERDICTS = {"customer_id", "verdict_name_zh", "at_stake", "at_stake_means_zh"}
_EVIDENCE = {"customer_id", "position", "speaks", "text_en", "text_zh"}
_VERDICT_QUERY = """
    select verdicts.*
    from marts.customer_verdicts as verdicts
    join _plans using (customer_id)
"""
_EVIDENCE_QUERY = f"""
    select evidence.*
    from marts.verdict_evidence as evidence
    join _plans using (customer_id)
    qualify
        row_number() over (partition by customer_id, speaks order by position)
        <= {MAX_EVIDENCE}
    order by position
"""


def _optional(
    connection: duckdb.DuckDBPyConnection, table: str, needed: set[str], query: str
) -> Mapping[str, Sequence[Row]] | None:
    """The rows of a table that a release may lack; None where it does."""
    if not needed <= _columns(connection, "marts", table):
        return None
    return _by_customer(_rows(connection, query))


def _columns(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str
) -> set[str]:
    return {
        name
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() "
            "where schema_name = ? and table_name = ?",
            [schema, table],
        ).fetchall()
    }


def _by_customer(rows: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["customer_id"]].append(row)
    return found


def _rows(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Mapping[str, Any] | None = None,
) -> list[Row]:
    result = connection.execute(query, parameters)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

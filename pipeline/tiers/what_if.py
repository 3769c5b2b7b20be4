"""Tiers under another policy against the present ones: who moves, and how much money.

Reads one release and changes nothing. Facts are those of the as-of day, and a policy that
begins grades everybody by what they earn there and then: band, confirmations and grace do
not count. An override holds under it as well, if the policy has its tier. Not here: which
policy is meant (candidate_policy), and how it is printed (cli.rendering.tiers).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.common import spreadsheets
from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json
from pipeline.common.sql import literal, quoted
from pipeline.release.catalogue import Release
from pipeline.tiers import released, scoring
from pipeline.tiers.candidate_policy import Chosen, Rows, choose
from pipeline.tiers.policy import NOT_GRADED, UNKNOWN_TYPE, Policy
from pipeline.tiers.service import Service, plan_service, recorded_hours

MOVES: Final = ("up", "down", "sideways", "same")
LARGEST: Final = 10


@dataclass(frozen=True)
class WhatIf:
    """What a policy would change.

    Attributes:
        policies_now: The policies by which the release has graded.
        moves: Customers, revenue_12m and profit_12m by `MOVES`.
        matrix: from_tier, to_tier, customers, revenue_12m, profit_12m; cells that hold
            nobody are left out, and all others sum to the customers and their money.
        tiers: A tier's customers, revenue_12m, profit_12m, service_hours now and then.
        largest: The movers with the most revenue.
        output: Where the moves of each customer were written.
    """

    release: str
    as_of_date: dt.date | None
    currency: str
    policy_id: str
    policy_name_en: str
    policy_name_zh: str
    origins: dict[str, str]
    policies_now: list[str]
    customers: int
    moves: Rows
    matrix: Rows
    tiers: Rows
    service: Service
    largest: Rows
    warnings: list[str]
    output: str | None = None


def run(
    release: Release,
    meant: str,
    *,
    policy_id: str | None = None,
    capacity_hours: float | None = None,
    output: Path | None = None,
) -> WhatIf:
    """Grades the customers of a release by another policy.

    Args:
        release: A kept release.
        meant: A policy_id of the release, or a folder or file of CSV.
        policy_id: Which policy of the files; needed where they hold several.
        capacity_hours: Hours a year that there are for customers.
        output: Where to write each customer's move, `.csv` or `.parquet`.

    Raises:
        ConfigurationError: There is no such policy, or it cannot stand; rows are named.
    """
    if output is not None and output.suffix not in (".csv", ".parquet"):
        raise ConfigurationError(
            f"{output}: give a name that ends in .csv or .parquet."
        )
    record = read_json(release.path / "release.json")
    time_zone = record.get("time_zone", "UTC")
    with released.reading(release) as connection:
        chosen = choose(connection, meant, policy_id)
        grade(connection, chosen.policy)
        found = summary(connection, chosen, capacity_hours, time_zone=time_zone)
        if output is not None:
            write(connection, output)
    return replace(
        found,
        release=release.refresh_id,
        currency=record["reporting_currency"],
        output=None if output is None else str(output),
    )


def grade(connection: duckdb.DuckDBPyConnection, chosen: Policy) -> None:
    """Makes `moves`: each customer of the release, its tier now and then.

    Columns: customer_id, customer_name, customer_type, tier_now, rank_now, tier_then,
    rank_then, move, is_override, revenue_12m, profit_12m, value_score_now,
    potential_score_now, value_score, potential_score, total_score, rule_order, reason_en,
    reason_zh.

    Raises:
        ConfigurationError: The release grades nobody, as no source records sales.
    """
    (is_nobody_graded,) = connection.execute(
        "select bool_and(tier_code = ?) from warehouse.marts.customer_tiers",
        [NOT_GRADED[0]],
    ).fetchone() or (None,)
    if is_nobody_graded:
        raise ConfigurationError(
            "This release grades nobody, because no source records sales; no policy "
            "would grade anybody either. Provide order_lines in sources.yaml."
        )
    known = released.columns(connection, "marts", "customer_value")
    facts = (
        f"(select * from ({released.present_facts(connection)}) "
        f"where customer_type <> {literal(UNKNOWN_TYPE)}) as facts"
    )
    # What a rule says stands once, and is joined where somebody reads it.
    connection.execute(
        "create table graded as "
        + scoring.TEMPLATES.render(
            "compared",
            **scoring.scoring_values(chosen, facts, scoring.facts_of_rules(chosen)),
            holds_profit="profit_12m" in known,
        )
    )
    connection.execute(
        "create table rules (rule_order integer, reason_en varchar, reason_zh varchar)"
    )
    connection.executemany(
        "insert into rules values (?, ?, ?)",
        [[rule.order, rule.rule_en, rule.rule_zh] for rule in chosen.rules],
    )
    connection.execute(
        """
        create view compared as
        select
            *,
            case
                when tier_now = tier_then then 'same'
                when rank_then < rank_now then 'up'
                when rank_then > rank_now then 'down'
                else 'sideways'
            end as move
        from graded;

        create view moves as
        select
            compared.customer_id, customers.customer_name, compared.customer_type,
            tier_now, rank_now, tier_then, rank_then, move, is_override, revenue_12m,
            profit_12m, value_score_now, potential_score_now, value_score,
            potential_score, total_score, rule_order,
            case when is_override then 'override' else rules.reason_en end as reason_en,
            case when is_override then '人工指定' else rules.reason_zh end as reason_zh
        from compared
        inner join warehouse.marts.customers as customers using (customer_id)
        inner join rules using (rule_order)
        """
    )


def summary(
    connection: duckdb.DuckDBPyConnection,
    chosen: Chosen,
    capacity_hours: float | None = None,
    *,
    time_zone: str = "UTC",
) -> WhatIf:
    """What the moves sum to; call `grade` first.

    Args:
        connection: From `released.reading`.
        chosen: The policy that was graded by.
        capacity_hours: Hours a year that there are for customers.
        time_zone: The business's own, by which the days of the release count.
    """
    one = chosen.policy
    day = released.as_of(connection)
    matrix = released.rows(
        connection,
        """
        select
            tier_now as from_tier, tier_then as to_tier, any_value(move) as move,
            count(*) as customers, sum(revenue_12m) as revenue_12m,
            sum(profit_12m) as profit_12m, min(rank_now) as from_rank,
            min(rank_then) as to_rank
        from compared
        group by tier_now, tier_then
        order by from_rank, to_rank
        """,
    )
    tiers = _tiers(one, matrix, _names_now(connection))
    now = [
        str(found)
        for (found,) in connection.execute(
            "select distinct policy_now from graded order by policy_now"
        ).fetchall()
    ]
    return WhatIf(
        release="",
        as_of_date=day,
        currency="",
        policy_id=one.policy_id,
        policy_name_en=one.name_en,
        policy_name_zh=one.name_zh,
        origins=chosen.origins,
        policies_now=now,
        customers=sum(cell["customers"] for cell in matrix),
        moves=[
            {
                "move": move,
                **_sums([cell for cell in matrix if cell["move"] == move]),
            }
            for move in MOVES
        ],
        matrix=[
            {key: cell[key] for key in ("from_tier", "to_tier", *_MEASURES)}
            for cell in matrix
        ],
        tiers=tiers,
        service=plan_service(
            connection,
            one,
            now,
            tiers,
            capacity_hours,
            recorded_hours(connection, day, time_zone),
        ),
        largest=_largest(connection),
        warnings=_warnings(connection, one),
    )


def _largest(connection: duckdb.DuckDBPyConnection) -> Rows:
    """The movers with the most revenue."""
    return released.rows(
        connection,
        """
        select
            customer_id, customer_name, tier_now, tier_then, move, revenue_12m,
            profit_12m, value_score, potential_score, reason_en, reason_zh
        from moves
        where customer_id in (
            select customer_id from compared
            where move <> 'same'
            order by revenue_12m desc nulls last, customer_id
            limit ?
        )
        order by revenue_12m desc nulls last, customer_id
        """,
        [LARGEST],
    )


def write(connection: duckdb.DuckDBPyConnection, output: Path) -> None:
    """Writes `moves`, the largest revenue first; the file is there whole or not at all.

    A CSV file is for people: no text in it is a formula (`spreadsheets`).
    """
    provisional = output.with_name(f".{output.name}.partial")
    ordered = "order by revenue_12m desc nulls last, customer_id"
    try:
        if output.suffix == ".csv":
            connection.execute(
                f"copy (select {_safe_columns(connection)} from moves {ordered}) to "
                f"{literal(provisional)} (format csv, header)"
            )
            spreadsheets.marked(provisional, output)
        else:
            connection.execute(
                f"copy (from moves {ordered}) to {literal(provisional)} "
                "(format parquet)"
            )
            provisional.replace(output)
    except (duckdb.IOException, OSError) as error:
        raise ConfigurationError(f"{output} cannot be written: {error}") from error
    finally:
        provisional.unlink(missing_ok=True)


def _safe_columns(connection: duckdb.DuckDBPyConnection) -> str:
    found = connection.execute("describe moves").fetchall()
    return ", ".join(
        f"{spreadsheets.safe_sql(quoted(name))} as {quoted(name)}"
        if kind == "VARCHAR"
        else quoted(name)
        for name, kind, *_ in found
    )


_MEASURES: Final = ("customers", "revenue_12m", "profit_12m")


def _sums(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Customers and money of some cells; profit is null where it is of nobody known."""
    sums: dict[str, Any] = {"customers": sum(cell["customers"] for cell in cells)}
    for measure in _MEASURES[1:]:
        known = [cell[measure] for cell in cells if cell[measure] is not None]
        sums[measure] = sum(known, Decimal(0)) if known or not cells else None
    return sums


def _names_now(
    connection: duckdb.DuckDBPyConnection,
) -> dict[str, tuple[int, str, str]]:
    """Rank and names of each tier that somebody has now."""
    names = {
        (tier["policy_id"], tier["tier_code"]): (
            tier["tier_rank"],
            tier["tier_name_en"],
            tier["tier_name_zh"],
        )
        for tier in released.policy_rows(connection, "tiers")
    }
    return {
        code: names[policy_id, code]
        for policy_id, code in connection.execute(
            "select distinct policy_now, tier_now from graded"
        ).fetchall()
    }


def _tiers(one: Policy, matrix: Rows, now: Mapping[str, tuple[int, str, str]]) -> Rows:
    """Each tier before and after; those that the policy does not have come last."""
    named = {tier.code: (tier.rank, tier.name_en, tier.name_zh) for tier in one.tiers}
    gone = sorted(set(now) - set(named), key=lambda code: now[code])
    found = []
    for code in [*named, *gone]:
        rank, name_en, name_zh = named.get(code) or now[code]
        before = _sums([cell for cell in matrix if cell["from_tier"] == code])
        after = _sums([cell for cell in matrix if cell["to_tier"] == code])
        found.append(
            {
                "tier_code": code,
                "tier_rank": rank,
                "tier_name_en": name_en,
                "tier_name_zh": name_zh,
                **{f"{measure}_now": before[measure] for measure in _MEASURES},
                **{f"{measure}_then": after[measure] for measure in _MEASURES},
            }
        )
    return found


def _warnings(connection: duckdb.DuckDBPyConnection, one: Policy) -> list[str]:
    asked = {factor.factor for factor in one.factors} | {*scoring.facts_of_rules(one)}
    known = released.columns(connection, "marts", "customer_value")
    found = [
        f"This release does not hold {fact}: nobody is rated by it."
        for fact in released.lacking(known)
        if fact in asked
    ]
    if "profit_12m" not in known:
        found.append("This release does not hold profit_12m; it is left out.")
    return found

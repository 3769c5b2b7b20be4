"""The value models on a company's own purchases: backtest, champion, forecast.

The engine reduces purchase days to one row a customer at each origin
(`pipeline.value.reduction`); the models see arrays of these. Two steps, as dbt's Python
models call them:

    tested      every forecaster at every origin of the past, and who is to be published
    forecasts   the next 12 months of each customer, by that champion

Not here: the models themselves (`pipeline.value`), and what a tier makes of a forecast.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
from collections.abc import Iterator
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.value import champion, gamma_gamma, reduction, scoring
from pipeline.value.backtest import Money, Window, backtest, plan_origins
from pipeline.value.baselines import NAIVE
from pipeline.value.priors import WEAK

log = logging.getLogger("customer_tiers.forecasts")

YEAR: Final = 365
MONTHS: Final = 12
EVERYBODY: Final = "all"

TESTED: Final = pa.schema(
    [
        ("customer_group", pa.string()),
        ("origin", pa.date32()),
        ("forecaster", pa.string()),
        ("target", pa.string()),
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("told", pa.string()),
    ]
)

Floats = npt.NDArray[np.float64]


def purchase_days(
    connection: duckdb.DuckDBPyConnection, days: str, customers: str
) -> None:
    """Makes `_purchase_days`: one row per customer and day on which it bought.

    Args:
        connection: dbt's session.
        days: Relation of customers' days (core_customer_days): customer_no, order_date,
            is_purchase_day, orders, spend.
        customers: Relation of customer_id, customer_no and customer_type.
    """
    connection.execute(
        f"""
        create or replace temp table _purchase_days as
        select
            customers.customer_id, customers.customer_type,
            days.order_date as purchase_date, days.spend, days.orders
        from {days} as days
        inner join {customers} as customers using (customer_no)
        where days.is_purchase_day = 1
        """
    )


def snapshot(
    connection: duckdb.DuckDBPyConnection,
    group: str,
    origin: dt.date,
    horizon_days: int,
    opportunity_days: int,
) -> tuple[list[str], reduction.Snapshot]:
    """The customers of a group as known at an origin, and what they are called."""
    some = "" if group == EVERYBODY else f"where customer_type = '{group}'"
    found = connection.execute(
        reduction.SNAPSHOT.format(purchase_days=f"(from _purchase_days {some})"),
        {
            "origin": origin,
            "horizon_days": horizon_days,
            "opportunity_days": opportunity_days,
        },
    ).to_arrow_table()

    def column(name: str) -> Floats:
        values = found.column(name).cast(pa.float64(), safe=False)
        return np.array(values.to_numpy(zero_copy_only=False), dtype=np.float64)

    return found.column("customer_id").to_pylist(), reduction.Snapshot(
        origin=origin,
        horizon_days=horizon_days,
        opportunity_days=opportunity_days,
        customer=np.arange(found.num_rows),
        x=column("x"),
        t_x_days=column("t_x_days"),
        age_days=column("age_days"),
        recent=column("recent"),
        holdout=column("holdout"),
        m=column("m"),
        recent_spend=column("recent_spend"),
        holdout_spend=column("holdout_spend"),
        opportunities=column("opportunities"),
        opportunities_used=column("opportunities_used"),
        last_opportunity=column("last_opportunity"),
        opportunity_purchases=column("opportunity_purchases"),
    )


def plan(
    connection: duckdb.DuckDBPyConnection, group: str, as_of: dt.date
) -> tuple[int, tuple[dt.date, ...], int]:
    """Horizon in days, origins, and the length of an opportunity, for a group."""
    some = "true" if group == EVERYBODY else f"customer_type = '{group}'"
    row = connection.execute(
        f"""
        with gaps as (
            select
                min(purchase_date) as first_date,
                (max(purchase_date) - min(purchase_date)) / nullif(count(*) - 1, 0)
                    as gap
            from _purchase_days where {some} group by customer_id
        )
        select min(first_date), median(gap) from gaps
        """
    ).fetchone()
    if row is None or row[0] is None:
        return YEAR, (), 28
    horizon, origins = plan_origins(row[0], as_of)
    return horizon, origins, reduction.opportunity_days(row[1] or math.nan)


def mean_of_days(
    connection: duckdb.DuckDBPyConnection, group: str, until: dt.date
) -> float:
    """The mean spend of the purchase days up to a day.

    All that there is to know of spend as long as nobody has bought twice.
    """
    some = "true" if group == EVERYBODY else f"customer_type = '{group}'"
    row = connection.execute(
        "select cast(avg(spend) as double) from _purchase_days "
        f"where purchase_date <= ? and {some}",
        [until],
    ).fetchone()
    return float(row[0]) if row and row[0] is not None else 0.0


def _grid(known: reduction.Snapshot) -> int:
    return reduction.grid_days(len(known.population().cells.triples))


def _windows(
    connection: duckdb.DuckDBPyConnection, group: str, as_of: dt.date
) -> Iterator[Window]:
    horizon, origins, opportunity = plan(connection, group, as_of)
    for origin in origins:
        _, now = snapshot(connection, group, origin, horizon, opportunity)
        _, before = snapshot(
            connection, group, origin - dt.timedelta(days=horizon), horizon, opportunity
        )
        grid = _grid(now)
        yield Window(
            origin=origin,
            weeks=horizon / 7,
            population=now.population(grid),
            before=before.population(grid).cells if len(before.x) else None,
            money=Money(
                now.population(grid, each=True),
                now.spend(),
                now.recent_spend,
                now.holdout_spend,
            ),
        )


def customer_types(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The types of customers that ever bought."""
    return [
        str(kind)
        for (kind,) in connection.execute(
            "select distinct customer_type from _purchase_days order by all"
        ).fetchall()
    ]


def tested(
    connection: duckdb.DuckDBPyConnection, days: str, customers: str, as_of: dt.date
) -> pa.Table:
    """Every forecaster at every origin, for each group of customers.

    For all customers together as well, where a group is too small for a champion of its
    own.

    Args:
        connection: dbt's session.
        days: Relation of customers' days (`purchase_days`).
        customers: Relation of customers.
        as_of: The last day that is known.

    Returns:
        One row per figure (`TESTED`). With target `choice`: measure `champion` and why in
        `told`; `order`, in which forecasters are to be tried; `error` of each and what
        speaks against it.
    """
    purchase_days(connection, days, customers)
    groups = customer_types(connection)
    found = {group: backtest(_windows(connection, group, as_of)) for group in groups}
    if all(champion.has_enough(result) for result in found.values()):
        choices = {group: champion.choose(result) for group, result in found.items()}
    else:
        # A group that is too small is forecast as all customers are.
        everybody = backtest(_windows(connection, EVERYBODY, as_of))
        choices = champion.choose_by_group(found, everybody)
        found[EVERYBODY], choices[EVERYBODY] = everybody, champion.choose(everybody)
    rows: list[tuple[Any, ...]] = [
        (group, *row, None) for group, result in found.items() for row in result.rows()
    ]
    for group, choice in choices.items():
        own = group == EVERYBODY or champion.has_enough(found[group])
        rows.append(
            (
                group,
                None,
                choice.champion,
                "choice",
                "champion",
                1.0 if own else 0.0,
                choice.reason,
            )
        )
        rows += [
            (group, None, name, "choice", "order", float(place), None)
            for place, name in enumerate(choice.order)
        ]
        rows += [
            (
                group,
                None,
                standing.forecaster,
                "choice",
                "error",
                standing.error,
                "; ".join(standing.problems) or None,
            )
            for standing in choice.standings
        ]
        log.info("forecasts of %s: %s", group, choice.reason)
    columns = list(zip(*rows, strict=True)) or [()] * len(TESTED)
    return pa.table(
        [
            pa.array(values, kind, from_pandas=True)
            for values, kind in zip(columns, TESTED.types, strict=True)
        ],
        schema=TESTED,
    )


FORECASTS: Final = pa.schema(
    [
        ("customer_id", pa.string()),
        ("value_model", pa.string()),
        ("predicted_orders_12m", pa.float64()),
        ("predicted_spend_12m", pa.float64()),
        ("discounted_spend_12m", pa.float64()),
        ("no_purchase_probability_12m", pa.float64()),
        ("no_purchase_model", pa.string()),
    ]
)


def forecasts(
    connection: duckdb.DuckDBPyConnection,
    days: str,
    customers: str,
    choices: str,
    as_of: dt.date,
    yearly_discount: float,
) -> pa.Table:
    """What each customer that ever bought will buy in the next 12 months.

    Args:
        connection: dbt's session.
        days: Relation of customers' days (`purchase_days`).
        customers: Relation of customers.
        choices: Relation that `tested` made.
        as_of: The last day that is known.
        yearly_discount: Discount rate of a year, 0.1 for ten per cent.

    Returns:
        One row per customer (`FORECASTS`): expected orders, spend at the prices of the
        customer's own purchases, the same discounted month by month, and the probability
        that it buys nothing. Returns are not taken off.
    """
    purchase_days(connection, days, customers)
    parts = [
        _forecast_group(connection, group, choices, as_of, yearly_discount)
        for group in customer_types(connection)
    ]
    return pa.concat_tables(parts) if parts else FORECASTS.empty_table()


def chosen(
    connection: duckdb.DuckDBPyConnection, group: str, choices: str
) -> tuple[list[str], str]:
    """Who is to forecast a group, best first, and the customers that they learn from."""
    order = [
        str(name)
        for (name,) in connection.execute(
            f"select forecaster from {choices} where customer_group = ? "
            "and target = 'choice' and measure = 'order' order by value",
            [group],
        ).fetchall()
    ]
    own = connection.execute(
        f"select max(value) from {choices} where customer_group = ? "
        "and target = 'choice' and measure = 'champion'",
        [group],
    ).fetchone()
    return order or [NAIVE], group if own and own[0] else EVERYBODY


def _forecast_group(
    connection: duckdb.DuckDBPyConnection,
    group: str,
    choices: str,
    as_of: dt.date,
    yearly_discount: float,
) -> pa.Table:
    order, learn_group = chosen(connection, group, choices)
    horizon, _, opportunity = plan(connection, learn_group, as_of)
    names, now = snapshot(connection, group, as_of, YEAR, opportunity)
    learnt = now
    if learn_group != group:
        _, learnt = snapshot(connection, learn_group, as_of, YEAR, opportunity)
    _, before = snapshot(
        connection,
        learn_group,
        as_of - dt.timedelta(days=horizon),
        horizon,
        opportunity,
    )
    grid = _grid(learnt)
    each = now.population(each=True)
    published = scoring.publish(
        order,
        each,
        before.population(grid).cells if len(before.x) else None,
        YEAR / 7,
        horizon / 7,
        learn_from=learnt.population(grid),
    )
    for name, problems in published.passed_over:
        log.warning("forecasts of %s: %s failed: %s", group, name, "; ".join(problems))
    # Spend is learnt from the same customers as purchases.
    known = learnt.spend().winsorised()
    fitted = gamma_gamma.fit(known, WEAK)
    low, high = (
        known.quantiles(0.0, 1.0) if known.valid.any() else (-math.inf, math.inf)
    )
    mine = now.spend()
    mean_spend = gamma_gamma.expected_spend(
        fitted,
        gamma_gamma.Spend(mine.x, np.clip(mine.m, low, high), mine.count),
        None if known.valid.any() else mean_of_days(connection, learn_group, as_of),
    )
    discounted = scoring.discounted_purchases(
        published.forecaster,
        each,
        weeks=YEAR / 7 / MONTHS,
        periods=MONTHS,
        rate=(1 + yearly_discount) ** (1 / MONTHS) - 1,
    )
    per_day = connection.execute(
        "select sum(orders) / count(*) from _purchase_days where customer_type = ?",
        [group],
    ).fetchone()
    days = published.forecast.purchases
    model = published.forecaster.name
    count = len(names)
    none = published.forecast.no_purchase
    return pa.table(
        [
            pa.array(names, pa.string()),
            pa.array([model] * count, pa.string()),
            pa.array(days * (per_day[0] if per_day else 1.0), from_pandas=True),
            pa.array(days * mean_spend, from_pandas=True),
            pa.array(
                scoring.discounted_value(discounted, mean_spend), from_pandas=True
            ),
            pa.array(
                np.full(count, np.nan) if none is None else none, from_pandas=True
            ),
            pa.array([published.no_purchase_by] * count, pa.string()),
        ],
        schema=FORECASTS,
    )

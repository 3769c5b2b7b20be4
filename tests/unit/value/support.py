"""Data sets and generated customers for the tests of the value models."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from pipeline.value.backtest import Money, Window, plan_origins
from pipeline.value.histories import Floats, Triples
from pipeline.value.reduction import Purchases

DATA = Path(__file__).parents[2] / "data"
CDNOW = DATA / "cdnow" / "cdnow.parquet"
# The calibration of the papers ends after 39 weeks, the data after 39 more.
CALIBRATED = dt.date(1997, 9, 30)
END = dt.date(1998, 6, 30)


def query(sql: str, **parameters: object) -> dict[str, npt.NDArray[np.generic]]:
    """The columns of a query, nulls as NaN."""
    with duckdb.connect() as connection:
        columns = connection.execute(sql, parameters).fetchnumpy()
    return {
        name: np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)
        if np.ma.isMaskedArray(column) and column.dtype.kind in "fiu"
        else np.asarray(column)
        for name, column in columns.items()
    }


@cache
def cdnow(*, sample: bool = True) -> Purchases:
    """The published sample, or all customers."""
    number = "sample_id" if sample else "customer_id"
    columns = query(
        f"""
        select {number}::integer as customer, purchase_date, dollars::double as dollars
        from read_parquet($path) where {number} is not null
        """,
        path=str(CDNOW),
    )
    return Purchases.of(
        columns["customer"], columns["purchase_date"], columns["dollars"]
    )


@cache
def online_retail() -> Purchases:
    """One year of Online Retail, sales to known customers only."""
    columns = query(
        """
        select
            CustomerID::double::integer as customer,
            InvoiceDate::date as purchase_date,
            (Quantity * UnitPrice)::double as spend
        from read_parquet($path)
        where CustomerID is not null and Quantity > 0 and UnitPrice > 0
        """,
        path=str(DATA / "online_retail" / "online_retail.parquet"),
    )
    return Purchases.of(columns["customer"], columns["purchase_date"], columns["spend"])


@cache
def summary() -> dict[str, Floats]:
    """The summary of the sample at 39 weeks that lifetimes ships."""
    table = np.genfromtxt(DATA / "cdnow" / "summary.csv", delimiter=",", names=True)
    return {name: table[name] for name in ("x", "t_x", "T", "zbar")}


@cache
def donations() -> Triples:
    """The donors of the BG/BB paper."""
    table = np.genfromtxt(DATA / "cdnow" / "donations.csv", delimiter=",", names=True)
    return Triples.of(
        table["frequency"], table["recency"], table["periods"], table["weights"]
    )


def triples_at(purchases: Purchases, day: dt.date) -> Triples:
    """The distinct triples at the end of a day, to the day."""
    return purchases.snapshot(day, 0).population().cells.triples


def day(number: float) -> dt.date:
    """The date of a day's number."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(number))


def windows(
    purchases: Purchases,
    horizon: int | None = None,
    origins: tuple[dt.date, ...] | None = None,
    opportunity: int = 91,
    grid: int = 1,
) -> list[Window]:
    """The windows of a backtest; planned, unless they are said."""
    planned = plan_origins(day(purchases.day.min()), day(purchases.day.max()))
    horizon = horizon or planned[0]
    result = []
    for origin in origins or planned[1]:
        snapshot = purchases.snapshot(origin, horizon, opportunity)
        before = purchases.snapshot(
            origin - dt.timedelta(days=horizon), horizon, opportunity
        )
        result.append(
            Window(
                origin=origin,
                weeks=horizon / 7,
                population=snapshot.population(grid),
                before=before.population(grid).cells,
                money=Money(
                    snapshot.population(grid, each=True),
                    snapshot.spend(),
                    snapshot.recent_spend,
                    snapshot.holdout_spend,
                ),
            )
        )
    return result


def generate_continuous(
    model: str,
    parameters: tuple[float, ...],
    customers: int,
    seed: int,
    ahead: float = 0,
) -> tuple[Triples, Floats]:
    """Customers of BG/NBD, MBG/NBD or Pareto/NBD, purchase after purchase.

    Args:
        model: The model's name.
        parameters: Its parameters.
        customers: How many.
        seed: Of the random numbers.
        ahead: How long to go on after T.

    Returns:
        The histories at T, which is between 20 and 80, and the purchases in (T, T + ahead].
    """
    draw = np.random.default_rng(seed)
    r, alpha, third, fourth = parameters
    rate = draw.gamma(r, 1 / alpha, customers)
    age = draw.uniform(20, 80, customers)
    if model == "pareto_nbd":
        end = draw.exponential(1 / draw.gamma(third, 1 / fourth, customers))
        stop = np.zeros(customers)
    else:
        end = np.full(customers, np.inf)
        stop = draw.beta(third, fourth, customers)
    clock = np.zeros(customers)
    x, t_x, later = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    alive = np.ones(customers, dtype=bool)
    if model == "mbg_nbd":
        alive = draw.random(customers) >= stop
    while alive.any():
        now = np.flatnonzero(alive)
        clock[now] += draw.exponential(1 / rate[now])
        buys = (clock[now] <= age[now] + ahead) & (clock[now] <= end[now])
        known = now[buys & (clock[now] <= age[now])]
        x[known] += 1
        t_x[known] = clock[known]
        later[now[buys & (clock[now] > age[now])]] += 1
        survives = draw.random(len(now)) >= stop[now]
        alive[now] = buys & survives
    return Triples.of(x, t_x, age), later


def generate_opportunities(
    parameters: tuple[float, ...], customers: int, opportunities: int, seed: int
) -> Triples:
    """Customers of BG/BB."""
    draw = np.random.default_rng(seed)
    alpha, beta, gamma, delta = parameters
    buys = draw.beta(alpha, beta, customers)
    stops = draw.beta(gamma, delta, customers)
    x, t_x = np.zeros(customers), np.zeros(customers)
    alive = np.ones(customers, dtype=bool)
    for opportunity in range(1, opportunities + 1):
        alive &= draw.random(customers) >= stops
        bought = alive & (draw.random(customers) < buys)
        x += bought
        t_x = np.where(bought, float(opportunity), t_x)
    return Triples.of(x, t_x, np.full(customers, float(opportunities)))


def generate_spend(
    parameters: tuple[float, ...], customers: int, seed: int
) -> tuple[Floats, Floats]:
    """x and m of Gamma-Gamma customers."""
    draw = np.random.default_rng(seed)
    p, q, gamma = parameters
    x = (1.0 + draw.poisson(3, customers)).astype(np.float64)
    nu = draw.gamma(q, 1 / gamma, customers)
    m: Floats = draw.gamma(p * x) / (nu * x)
    return x, m

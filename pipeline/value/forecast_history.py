"""What would have been forecast at each past month end, from what was known then.

The present champion of each type of customer speaks at every month end, with parameters
that it learnt no later than that: at the first month end of each calendar quarter (of each
year, where there are many customers), and wherever the purchase days have doubled since, so
that the first quarter is not judged by its first month. On the demonstration this is 3 %
away from what a refresh of each month end would have tables with the same champion (sum of
the differences to sum of the spend, 2026-11-22); it would be 13 % with the parameters of
each January, and nothing with those of each month end, for twice the time.

Where a refresh of that day could have tested nothing the naive baseline speaks, and where
too few had bought twice for a model, the better baseline. A fit that is not sound, or a
month end at which a forecast is not plausible, goes to the next in the order, as in
`scoring.publish`. The present is not replayed: its forecasts are there.

The work is on distinct histories. A customer at a month end is (x, t_x, T), which
core_customer_moments gives for all of them, and the month ends that share a fit share the
histories. The engine counts these, numpy forecasts each once (`learnt`), and the engine
joins them back, with the spend of a purchase day in closed form (`replayed`). Parameters and
forecasts are kept: what was learnt at a month end stands as long as the past before it.

Not here: the forecast of the present, and who is champion (`forecasts`); what can
be learnt at a month end (`replay`); the queries (`history_sql` beside it).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import duckdb
import numpy as np
import pyarrow as pa

from pipeline.value import forecasts
from pipeline.value import replay as replaying
from pipeline.value.agreement import poisson_limit
from pipeline.value.baselines import NAIVE, RECENCY, SILENT
from pipeline.value.bg_bb import BG_BB
from pipeline.value.forecasters import FittedModel, implausible_today, is_poisson
from pipeline.value.history_sql import (
    BANDS,
    BY_HISTORY,
    BY_LAST_YEAR,
    BY_OPPORTUNITY,
    KEPT,
    LEARNT,
    OPPORTUNITIES,
    PARAMETERS,
    PLACE,
    REPLAYED,
    SCORES,
    triple,
)
from pipeline.value.kept import keeping
from pipeline.value.population import DAYS_PER_WEEK, Forecast, Population
from pipeline.value.replay import Learner, Moment, Replay
from pipeline.value.session import YEAR

log = logging.getLogger("customer_tiers.forecasts")


def learnt(
    connection: duckdb.DuckDBPyConnection,
    days: str,
    customers: str,
    moments: str,
    known: str,
    choices: str,
    former: str | None = None,
) -> pa.Table:
    """What was known at each month end of what is to come, for all who had bought.

    Args:
        connection: dbt's session.
        days: Relation of customers' days (`purchase_days`).
        customers: Relation of customers.
        moments: Relation of the moments (core_moments).
        known: Relation of the customers at each moment (core_customer_moments).
        choices: Relation that `forecasts.tested` made.
        former: What was made here before, if it is there still: what would be the same
            is taken from it. What is returned is the same without it.

    Returns:
        By `kind` (`LEARNT`): the `parameters` of each type of customers and month end, the
        `scores` of distinct histories, the forecasts that BG/BB makes of each customer
        (`opportunities`), and what is `kept` so that it need not be made again. Nothing
        of it knows of anything after the month end, but for who is champion.
    """
    past = [
        Moment(*row)
        for row in connection.execute(
            f"select moment_no, as_of_date from {moments} "
            "where is_month_end and not is_present order by all"
        ).fetchall()
    ]
    replay = Replay(connection, days, customers, known)
    tables = _Tables()
    with keeping(_known(connection, former)) as kept:
        for group in replay.groups:
            order, learn_group, factor = forecasts.chosen(connection, group, choices)
            for learner, span in _spans(replay, learn_group, past):
                _forecast_span(replay, tables, learner, group, order, span, factor)
    log.info("history: %d of %d results were made anew", kept.made, len(kept.texts))
    return tables.table(kept.texts)


def _known(connection: duckdb.DuckDBPyConnection, former: str | None) -> dict[str, str]:
    """What a relation of `LEARNT` keeps; nothing where it is not there."""
    if former is not None:
        with suppress(duckdb.CatalogException, duckdb.BinderException):
            return dict(
                connection.execute(
                    f"select key, text from {former} where kind = 'kept'"
                ).fetchall()
            )
    return {}


def replayed(
    connection: duckdb.DuckDBPyConnection,
    days: str,
    customers: str,
    moments: str,
    known: str,
    scores: str,
    present: str,
) -> duckdb.DuckDBPyRelation:
    """The forecast of every customer that had ever bought, at every month end.

    Args:
        connection: dbt's session.
        days: Relation of customers' days (`purchase_days`).
        customers: Relation of customers.
        moments: Relation of the moments (core_moments).
        known: Relation of the customers at each moment (core_customer_moments).
        scores: Relation that `learnt` made.
        present: Relation that `forecasts.forecasts` made; what it says is tables of the
            as-of day, where that is a month end.

    Returns:
        One row per customer and month end: customer_id, moment_no, value_model,
        predicted_spend_12m, predicted_orders_12m. Nothing of it knows of anything after
        the month end, but for who is champion.
    """
    for kind, schema in (
        ("parameters", PARAMETERS),
        ("scores", SCORES),
        ("opportunities", OPPORTUNITIES),
    ):
        connection.execute(
            f"create or replace temp table _history_{kind} as "
            f"select {', '.join(schema.names)} from {scores} where kind = '{kind}'"
        )
    by_history, by_opportunity = connection.execute(
        "select count(score_no) > 0, count_if(value_model = ?) > 0 "
        "from _history_parameters",
        [BG_BB.name],
    ).fetchone() or (False, False)
    by_last_year = connection.execute(
        "select count_if(value_model = ?) > 0 from _history_parameters", [NAIVE]
    ).fetchone()
    parts = [
        part
        for is_asked_for, part in (
            (
                by_history,
                BY_HISTORY.format(
                    place=PLACE,
                    recency=RECENCY,
                    bands=BANDS,
                    triple=triple("grid_days"),
                ),
            ),
            (by_opportunity, BY_OPPORTUNITY.format(opportunities=BG_BB.name)),
            (
                by_last_year == (True,) or not (by_history or by_opportunity),
                BY_LAST_YEAR.format(
                    silent=SILENT,
                    days=days,
                    moments=moments,
                    customers=customers,
                    naive=NAIVE,
                ),
            ),
        )
        if is_asked_for
    ]
    return connection.sql(
        REPLAYED.format(
            known=known, forecasts=present, forecast="    union all".join(parts)
        )
    )


def _spans(
    replay: Replay, group: str, past: Sequence[Moment]
) -> Iterator[tuple[Learner, list[Moment]]]:
    """The month ends at which parameters are learnt, each with those that it speaks for."""
    tally = replay.tally(group)
    bought = {moment: tally.until(moment.day)[0] for moment in past}
    starts: dict[Moment, Moment] = {}
    latest: Moment | None = None
    for moment in past:
        if not bought[moment]:
            continue
        if (
            latest is None
            or moment.day.year > latest.day.year
            or (
                moment.quarter > latest.quarter
                and replay.buyers(group, moment)[0] <= replaying.MANY
            )
            or bought[moment] >= 2 * bought[latest]
        ):
            latest = moment
        starts[moment] = latest
    for start, span in itertools.groupby(starts, key=lambda moment: starts[moment]):
        yield replay.learner(group, start), list(span)


class _Tables:
    """The forecasts as the engine takes them, in three tables."""

    def __init__(self) -> None:
        self.parameters: list[dict[str, object]] = []
        self.scores: list[pa.Table] = []
        self.opportunities: list[pa.Table] = []

    def table(self, kept: Mapping[str, str]) -> pa.Table:
        """All of them as one, with what is kept."""
        texts = {"key": list(kept), "text": list(kept.values())}
        parts = [
            ("parameters", [pa.Table.from_pylist(self.parameters, PARAMETERS)]),
            ("scores", self.scores),
            ("opportunities", self.opportunities),
            ("kept", [pa.table(texts, schema=KEPT)]),
        ]
        return pa.concat_tables(
            [
                LEARNT.empty_table(),
                *(
                    found.append_column("kind", pa.array([kind] * len(found)))
                    for kind, tables in parts
                    for found in tables
                ),
            ],
            promote_options="default",
        )


def _forecast_span(
    replay: Replay,
    tables: _Tables,
    learner: Learner,
    group: str,
    order: Sequence[str],
    span: Sequence[Moment],
    factor: float,
) -> None:
    """Lets the first of the order that is sound speak for each month end of a span."""
    tally = replay.tally(group)
    left = [
        moment
        for moment in span
        if tally.until(moment.day)[0] and not replay.is_too_coarse(group, moment)
    ]
    for name in (*learner.able(order), NAIVE):
        if not left:
            break
        taken, kind = left, "naive"
        if name != NAIVE:
            forecaster = learner.forecaster(name)
            if forecaster.problems:
                log.info(
                    "history of %s, %s: %s failed: %s",
                    group,
                    left[0].day,
                    name,
                    "; ".join(forecaster.problems),
                )
                continue
            speak, kind = (
                (_by_opportunities, "opportunities")
                if name == BG_BB.name
                else (_by_histories, "scores")
            )
            taken = speak(replay, tables, learner, group, name, left, factor)
        for moment in taken:
            purchase_days, orders = tally.until(moment.day)
            tables.parameters.append(
                {
                    "customer_type": group,
                    "moment_no": moment.number,
                    "value_model": name,
                    "score_no": len(tables.scores) if kind == "scores" else None,
                    "grid_days": learner.grid_days,
                    "orders_a_day": orders / purchase_days,
                    **learner.spend,
                    **_limits(replay, group, name, moment),
                }
            )
        left = [moment for moment in left if moment not in taken]


def _limits(
    replay: Replay, group: str, name: str, moment: Moment
) -> dict[str, float | bool]:
    """What no forecast of a customer is above, as columns of `PARAMETERS`."""
    most_days, most_orders = replay.busiest(group, moment.day)
    poisson = is_poisson(name)
    return {
        "most_purchase_days": most_days,
        "most_orders": most_orders,
        "most_expected_orders": poisson_limit(most_orders) if poisson else most_orders,
        "is_poisson": poisson,
    }


def _is_plausible(
    replay: Replay, group: str, moment: Moment, forecast: Forecast, factor: float
) -> bool:
    return not implausible_today(
        forecast, float(replay.naive_total(group, moment)), YEAR, factor
    )


def _by_histories(
    replay: Replay,
    tables: _Tables,
    learner: Learner,
    group: str,
    name: str,
    span: Sequence[Moment],
    factor: float,
) -> list[Moment]:
    """Forecasts distinct histories, and returns the month ends where it is plausible."""
    rows = replay.histories(group, span, learner.grid_days, bands=name == RECENCY)
    most_days, _ = replay.busiest(group, learner.moment.day)
    population = Population(rows.cells(), busiest=most_days)
    forecaster = learner.forecaster(name)
    if isinstance(forecaster, FittedModel):
        forecaster.keep(population.cells.distinct[0], YEAR / DAYS_PER_WEEK)
    forecast = forecaster.forecast(population, YEAR / DAYS_PER_WEEK)
    taken = [
        moment
        for moment in span
        if _is_plausible(
            replay,
            group,
            moment,
            forecast.select(rows.moment_no == moment.number),
            factor,
        )
    ]
    histories, first = np.unique(rows.history, return_index=True)
    tables.scores.append(
        pa.table(
            [
                (len(tables.scores) + 1) * PLACE + histories,
                forecast.purchases[first],
                forecast.no_purchase[first],
            ],
            names=SCORES.names,
        ).cast(SCORES)
    )
    return taken


def _by_opportunities(
    replay: Replay,
    tables: _Tables,
    learner: Learner,
    group: str,
    name: str,
    span: Sequence[Moment],
    factor: float,
) -> list[Moment]:
    """The same for BG/BB, which counts windows back from each month end."""
    taken = []
    for moment in span:
        names, known = replay.snapshot(group, moment.day, 0, learner.opportunity_days)
        forecast = learner.forecaster(name).forecast(
            known.population(each=True), YEAR / DAYS_PER_WEEK
        )
        if not _is_plausible(replay, group, moment, forecast, factor):
            continue
        taken.append(moment)
        tables.opportunities.append(
            pa.table(
                [
                    names,
                    np.full(len(names), moment.number),
                    forecast.purchases,
                    forecast.no_purchase,
                ],
                names=OPPORTUNITIES.names,
            ).cast(OPPORTUNITIES)
        )
    return taken

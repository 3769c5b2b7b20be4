"""The queries and tables with which the past is forecast again.

Not here: who learns what (`replay`), and who speaks when (`forecast_history`).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

# x, t_x and T as one whole number, which the engine groups and joins by: 16 bits for each
# number of days, the rest for x and, above it, for who speaks.
DAY_BITS, X_BITS = 16, 20
PLACE: Final = 2 ** (X_BITS + 2 * DAY_BITS)

PARAMETERS: Final = pa.schema(
    [
        ("customer_type", pa.string()),
        ("moment_no", pa.int32()),
        ("value_model", pa.string()),
        ("score_no", pa.int32()),
        ("grid_days", pa.int32()),
        ("orders_a_day", pa.float64()),
        ("spend_is_fitted", pa.bool_()),
        ("p", pa.float64()),
        ("q", pa.float64()),
        ("gamma", pa.float64()),
        ("lowest", pa.float64()),
        ("highest", pa.float64()),
        ("unknown_spend", pa.float64()),
        ("most_purchase_days", pa.float64()),
        ("most_orders", pa.float64()),
        ("most_expected_orders", pa.float64()),
        ("is_poisson", pa.bool_()),
    ]
)
SCORES: Final = pa.schema(
    [
        ("history", pa.int64()),
        ("purchases", pa.float64()),
        ("no_purchase", pa.float64()),
    ]
)
OPPORTUNITIES: Final = pa.schema(
    [
        ("customer_id", pa.string()),
        ("moment_no", pa.int32()),
        ("purchases", pa.float64()),
        ("no_purchase", pa.float64()),
    ]
)

KEPT: Final = pa.schema([("key", pa.string()), ("text", pa.string())])

# All of them as one table, with what is kept for the next refresh.
LEARNT: Final = pa.schema(
    [
        ("kind", pa.string()),  # parameters, scores, opportunities or kept
        *PARAMETERS,
        *SCORES,
        ("customer_id", pa.string()),
        *KEPT,
    ]
)

# Days since the last purchase day: `days_since_last_order` of core_valued_moments, which is
# made of the forecasts and so comes after them.
DAYS_SINCE_LAST: Final = "as_of_date - last_order_date"
# The history of a customer with at least one purchase day at a moment.
_HISTORY: Final = """order_days - 1 as x,
        last_order_date - first_order_date as t_x_days,
        as_of_date - first_order_date as age_days"""

# The histories of the customers of {some} at month ends; {history} packs one of them.
HISTORIES: Final = f"""
with known as (
    select
        moment_no,
        {_HISTORY}
    from {{known}}
    where
        order_days > 0
        and moment_no between $first_no and $last_no
        and {{some}}
)

select
    moment_no,
    {{history}} as history,
    count(*) as customers
from known
group by all
order by all
"""

SPEND: Final = """
select
    order_days - 1 as x,
    cast(spend - first_day_spend as double) / (order_days - 1) as m,
    count(*) as customers
from {known}
where order_days > 1 and moment_no = $moment_no and {some}
group by all
order by all
"""

# Beyond these the recency table knows no difference. Its bands have no t_x: the silence is
# written as the age of somebody with t_x = 0.
_BAND_X, _BAND_SILENT = 5, 366


def packed(x: str, t_x_days: str, age_days: str) -> str:
    """The expression that makes one whole number of three."""
    return (
        f"((cast({x} as bigint) << {DAY_BITS}) + cast({t_x_days} as bigint) "
        f"<< {DAY_BITS}) + cast({age_days} as bigint)"
    )


BANDS: Final = packed(
    f"least(x, {_BAND_X})", "0", f"least(age_days - t_x_days, {_BAND_SILENT})"
)


def triple(grid_days: int | str) -> str:
    """The expression for x, t_x and T on a grid of days, packed."""
    return packed(
        "x",
        *(
            f"round({days} / {grid_days}) * {grid_days}"
            for days in ("t_x_days", "age_days")
        ),
    )


REPLAYED: Final = f"""
with known as (
    select
        customer_id,
        customer_type,
        moment_no,
        {_HISTORY},
        {DAYS_SINCE_LAST} as silent_days,
        order_days_12m,
        cast(spend - first_day_spend as double) / nullif(order_days - 1, 0) as m
    from {{known}}
    where is_month_end and not is_present and order_days > 0
),

believed as (
    select
        known.*,
        parameters.* exclude (customer_type, moment_no),
        least(greatest(known.m, parameters.lowest), parameters.highest)
            as believed_m
    from known
    inner join _history_parameters as parameters
        on
            known.customer_type = parameters.customer_type
            and known.moment_no = parameters.moment_no
),

forecast as (
{{forecast}}
),

limited as (
    select
        *,
        least(purchases * orders_a_day, most_expected_orders) as orders
    from forecast
)

select
    customer_id,
    moment_no,
    value_model,
    purchases * case
        when x = 0 or not coalesce(believed_m > 0, false) then unknown_spend
        when spend_is_fitted then p * (gamma + x * believed_m) / (p * x + q - 1)
        else believed_m
    end as predicted_spend_12m,
    -- Orders that agree with the probability of none: `agreement.agreeing`.
    least(
        orders,
        most_orders * (1 - greatest(
            no_purchase, case when is_poisson then exp(-orders) else 1 - orders end
        ))
    ) as predicted_orders_12m
from limited
union all
select
    known.customer_id,
    known.moment_no,
    forecasts.value_model,
    forecasts.predicted_spend_12m,
    forecasts.predicted_orders_12m
from {{known}} as known
inner join {{forecasts}} as forecasts on known.customer_id = forecasts.customer_id
where known.is_month_end and known.is_present
"""

# Each kind of forecaster has a part of its own: the large ones then join nothing that
# they have no use for.
BY_HISTORY: Final = """
    select
        believed.*,
        scores.purchases,
        scores.no_purchase
    from believed
    inner join _history_scores as scores
        on
            believed.score_no * {place}
            + case
                when believed.value_model = '{recency}' then {bands}
                else {triple}
            end = scores.history
    where believed.score_no is not null
"""

BY_OPPORTUNITY: Final = """
    select
        believed.*,
        scores.purchases,
        scores.no_purchase
    from believed
    inner join _history_opportunities as scores
        on
            believed.customer_id = scores.customer_id
            and believed.moment_no = scores.moment_no
    where believed.value_model = '{opportunities}'
"""

# The 12 months up to a month end begin on the same day of the month, the 365 days of the
# naive baseline a day later where there is a 29 February between.
BY_LAST_YEAR: Final = """
    select
        *,
        power(1 - purchases / most_purchase_days, most_purchase_days) as no_purchase
    from (
        select
            believed.*,
            case
                when believed.silent_days >= {silent} then 0.0
                else least(
                    believed.order_days_12m
                    - case when a_day_too_many.customer_id is null then 0.0 else 1.0 end,
                    believed.most_purchase_days
                )
            end as purchases
        from believed
        left join (
            select
                customers.customer_id,
                moments.moment_no
            from {days} as days
            inner join {moments} as moments
                on days.order_date = moments.as_of_date - 365
            inner join {customers} as customers using (customer_no)
            where
                days.is_purchase_day = 1
                and moments.as_of_date - 365 > moments.twelve_months_ago
        ) as a_day_too_many
            on
                believed.customer_id = a_day_too_many.customer_id
                and believed.moment_no = a_day_too_many.moment_no
        where believed.value_model = '{naive}'
    ) as same_as_last_year
"""

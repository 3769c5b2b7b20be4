{#-
What one unit of a currency is worth in the reporting currency on each day: facts find their
rate by its day. By spells of days each fact would be held against every spell of its
currency, which with daily rates of some years costs more than all else that is done with
it. No fact that counts is of a day after the as-of day, or a hundred years old.
-#}
with rates as (
    select
        fx_rates.currency,
        fx_rates.rate,
        greatest(
            fx_rates.valid_from, {{ plus_months("refresh.as_of_date", -1200) }}
        ) as first_day,
        coalesce(fx_rates.valid_to, {{ plus_days("refresh.as_of_date", 1) }})
            as end_day
    from {{ ref("core_fx_rates") }} as fx_rates
    cross join {{ ref("core_refresh") }} as refresh
),

days as (
    {{ numbers_below("rates", days_between("first_day", "end_day")) }}
),

final as (
    select
        currency,
        {{ plus_days("first_day", "number") }} as fx_day,
        rate
    from days
)

select * from final

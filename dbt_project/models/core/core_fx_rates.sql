{#- What one unit of a currency is worth in the reporting currency, by spells of days:
    a rate holds until the next one. -#}
with rates as (
    {{ known("fx_rates") }}
),

to_reporting_currency as (
    select
        from_currency as currency,
        rate_date as valid_from,
        rate,
        row_number() over (
            partition by from_currency, rate_date order by source
        ) as source_rank
    from rates
    where
        to_currency = '{{ var("reporting_currency") }}'
        and from_currency <> '{{ var("reporting_currency") }}'
),

final as (
    select
        currency,
        valid_from,
        lead(valid_from) over (
            partition by currency order by valid_from
        ) as valid_to,
        rate
    from to_reporting_currency
    where source_rank = 1
)

select * from final

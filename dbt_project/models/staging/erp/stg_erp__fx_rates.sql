with latest_rates as (
    {{ latest(source("erp", "currency_rates")) }}
),

renamed as (
    select
        currency_code as from_currency,
        'USD' as to_currency,
        rate_date,
        end_of_day_rate as rate
    from latest_rates
)

select * from renamed

{#- Whose forecasts are published for which customers, and why. -#}
with tested as (
    select * from {{ ref("core_value_backtest") }}
),

forecasts as (
    select
        customers.customer_type,
        min(forecasts.value_model) as value_model,
        min(forecasts.no_purchase_model) as no_purchase_model,
        count(*) as customers
    from {{ ref("core_customer_forecasts") }} as forecasts
    inner join {{ ref("core_customers") }} as customers
        on forecasts.customer_id = customers.customer_id
    group by customers.customer_type
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

champions as (
    select * from tested
    where target = 'choice' and measure = 'champion'
),

errors as (
    select * from tested
    where target = 'choice' and measure = 'error'
),

final as (
    select
        refresh.refresh_id,
        refresh.as_of_date,
        forecasts.customer_type,
        forecasts.value_model,
        champions.forecaster as champion,
        champions.told as reason,
        errors.value as relative_error,
        forecasts.no_purchase_model,
        forecasts.customers
    from forecasts
    cross join refresh
    inner join champions on forecasts.customer_type = champions.customer_group
    left join errors
        on
            champions.customer_group = errors.customer_group
            and champions.forecaster = errors.forecaster
)

select * from final

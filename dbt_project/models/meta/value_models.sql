{#- Whose forecasts are published for which customers, and why; or why none are. -#}
with tested as (
    select * from {{ ref("core_value_backtest") }}
),

customer_types as (
    select distinct customer_type
    from {{ ref("core_customers") }}
    where customer_type <> {{ unknown_type() }}
),

forecasts as (
    select
        customers.customer_type,
        min(forecasts.value_model) as value_model,
        min(forecasts.no_purchase_model) as no_purchase_model,
        min(forecasts.passed_over) as passed_over,
        count(*) as customers,
        count(forecasts.predicted_spend_12m) as customers_with_spend
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

ends as (
    select * from tested
    where target = 'choice' and measure = 'tested_until'
),

final as (
    select
        refresh.refresh_id,
        refresh.as_of_date,
        customer_types.customer_type,
        forecasts.value_model,
        champions.forecaster as champion,
        case
            when forecasts.value_model is null
                then
                    coalesce(
                        champions.reason,
                        'No customer of this type had bought anything by the as-of '
                        || 'day, so that there is nothing to forecast from.'
                    )
            else
                champions.reason
                || case
                    when forecasts.passed_over is not null
                        then
                            ' Today another one stands in: '
                            || forecasts.passed_over || '.'
                    else ''
                end
                || case
                    when forecasts.customers_with_spend < forecasts.customers
                        then
                            ' What customers spend is not known of all, and neither is '
                            || 'what they will.'
                    else ''
                end
        end as reason,
        ends.origin as tested_until,
        errors.value as relative_error,
        forecasts.no_purchase_model,
        coalesce(forecasts.customers, 0) as customers
    from customer_types
    cross join refresh
    left join forecasts on customer_types.customer_type = forecasts.customer_type
    left join champions on customer_types.customer_type = champions.customer_group
    left join ends on forecasts.customer_type = ends.customer_group
    left join errors
        on
            champions.customer_group = errors.customer_group
            and champions.forecaster = errors.forecaster
)

select * from final

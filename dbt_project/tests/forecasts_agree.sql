{#-
Orders, money and the chance of none of a customer are one forecast: the orders expected if
there are any are at least 1 and at most what the busiest of its type ever did within 365
days (as that of a year, where less has been seen). Under Pareto/NBD none is no likelier to
be missed than by a Poisson customer who is expected to order as much. Read from the
published rows and from the days, not from the limits that the forecasters work with.
-#}
with published as (
    select
        forecast.customer_id,
        customers.customer_type,
        forecast.value_model,
        forecast.predicted_orders_12m as orders,
        forecast.predicted_revenue_12m as revenue,
        forecast.no_purchase_probability_12m as none
    from {{ ref("customer_value") }} as forecast
    inner join {{ ref("core_customers") }} as customers
        on forecast.customer_id = customers.customer_id
    where forecast.value_model is not null
),

ordered as (
    select
        days.customer_no,
        customers.customer_type,
        days.orders,
        {{ days_between("date '1970-01-01'", "days.order_date") }} as day_number
    from {{ ref("core_customer_days") }} as days
    inner join {{ ref("core_customers") }} as customers
        on days.customer_no = customers.customer_no
    where days.is_purchase_day = 1
),

years as (
    select
        customer_type,
        day_number,
        sum(orders) over (
            partition by customer_no
            order by day_number
            range between 364 preceding and current row
        ) as orders
    from ordered
),

busiest as (
    select
        years.customer_type,
        max(years.orders) * greatest(
            1.0,
            365.0 / (
                {{ days_between("date '1970-01-01'", "min(refresh.as_of_date)") }}
                - min(years.day_number) + 1
            )
        ) as orders
    from years
    cross join {{ ref("core_refresh") }} as refresh
    group by years.customer_type
)

select
    published.*,
    busiest.orders as orders_of_the_busiest
from published
left join busiest on published.customer_type = busiest.customer_type
where
    published.none is null
    or published.orders is null
    or busiest.orders is null
    or published.none not between 0 and 1
    or published.orders < 1 - published.none - 1e-6
    or published.orders
    > busiest.orders * (1 - published.none) + 1e-6 * greatest(1, published.orders)
    or (
        published.value_model = 'pareto_nbd'
        and published.none < exp(-published.orders) - 1e-6
    )
    or (published.orders = 0 and published.revenue <> 0)

{#-
No type of customers is without any forecast, but where the days on which anybody of it
bought are at the mean more than half a year apart. Read from the days, not from what the
forecasters say of themselves; single customers are a matter of the gate before readers.
-#}
with sales_days as (
    select
        customers.customer_type,
        count(distinct days.order_date) as sales_days,
        {{ days_between("min(days.order_date)", "max(days.order_date)") }} as spanned
    from {{ ref("core_customer_days") }} as days
    inner join {{ ref("core_customers") }} as customers
        on days.customer_no = customers.customer_no
    where
        days.is_purchase_day = 1
        and customers.customer_type <> {{ unknown_type() }}
    group by customers.customer_type
),

forecasts as (
    select
        customers.customer_type,
        count(*) as forecasts
    from {{ ref("customer_value") }} as valued
    inner join {{ ref("core_customers") }} as customers
        on valued.customer_id = customers.customer_id
    where valued.value_model is not null
    group by customers.customer_type
)

select
    sales_days.customer_type,
    sales_days.sales_days,
    sales_days.spanned
from sales_days
left join forecasts on sales_days.customer_type = forecasts.customer_type
where
    forecasts.forecasts is null
    and 2 * sales_days.spanned <= 365 * (sales_days.sales_days - 1)

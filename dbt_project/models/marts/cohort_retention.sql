{#- Customers by the month of their first order, and how many of them order again in
    each month after it. -#}
with order_lines as (
    select * from {{ ref("core_order_lines") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

months as (
    select
        customer_id,
        cast(date_trunc('month', order_date) as date) as order_month,
        sum(net_amount) as revenue,
        max(case when is_return then 0 else 1 end) as has_order
    from order_lines
    group by customer_id, cast(date_trunc('month', order_date) as date)
),

cohorts as (
    select
        months.customer_id,
        min(months.order_month) as cohort_month
    from months
    inner join customers on months.customer_id = customers.customer_id
    where
        months.has_order = 1
        and customers.customer_type <> {{ unknown_type() }}
    group by months.customer_id
),

activity as (
    select
        cohorts.cohort_month,
        12 * (
            extract(year from months.order_month)
            - extract(year from cohorts.cohort_month)
        )
        + extract(month from months.order_month)
        - extract(month from cohorts.cohort_month) as month_number,
        months.customer_id,
        months.has_order,
        months.revenue
    from months
    inner join cohorts on months.customer_id = cohorts.customer_id
    where months.order_month >= cohorts.cohort_month
),

final as (
    select
        cohort_month,
        cast(month_number as integer) as month_number,
        cast(max(sum(case when month_number = 0 then 1 else 0 end)) over (
            partition by cohort_month
        ) as bigint) as customers,
        cast(sum(has_order) as bigint) as active,
        cast(sum(revenue) as {{ type_money_sum() }}) as revenue
    from activity
    group by cohort_month, month_number
)

select * from final

{#- From which value to which each RFM score goes, for each type of customer. -#}
with customer_value as (
    select * from {{ ref("customer_value") }}
),

customers as (
    select * from {{ ref("customers") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

measured as (
    select
        customers.customer_type,
        'recency' as measure,
        customer_value.r_score as score,
        cast(customer_value.days_since_last_order as double) as measured_value
    from customer_value
    inner join customers on customer_value.customer_id = customers.customer_id
    where customer_value.r_score is not null
    union all
    select
        customers.customer_type,
        'frequency' as measure,
        customer_value.f_score as score,
        cast(customer_value.order_count as double) as measured_value
    from customer_value
    inner join customers on customer_value.customer_id = customers.customer_id
    where customer_value.f_score is not null
    union all
    select
        customers.customer_type,
        'money' as measure,
        customer_value.m_score as score,
        cast(customer_value.revenue as double) as measured_value
    from customer_value
    inner join customers on customer_value.customer_id = customers.customer_id
    where customer_value.m_score is not null
),

final as (
    select
        refresh.refresh_id,
        refresh.as_of_date,
        measured.customer_type,
        measured.measure,
        measured.score,
        min(measured.measured_value) as from_value,
        max(measured.measured_value) as to_value,
        count(*) as customers
    from measured
    cross join refresh
    group by
        refresh.refresh_id, refresh.as_of_date, measured.customer_type,
        measured.measure, measured.score
)

select * from final

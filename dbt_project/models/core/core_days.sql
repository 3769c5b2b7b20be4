{#-
Each day on which anything happened, and the moments (core_moments) at which it comes to
count and at which it falls out of the last 12 and the last 24 months. Days that share all
three are one period, numbered in order: the figures of every window of every moment are
the difference of what a customer had by two periods.
-#}
with moments as (
    select * from {{ ref("core_moments") }}
),

order_days as (
    select distinct order_date as day_date from {{ ref("core_customer_days") }}
),

ticket_days as (
    select distinct {{ business_date("opened_at") }} as day_date
    from {{ ref("core_service_tickets") }}
),

cost_days as (
    select distinct cost_date as day_date from {{ ref("core_cost_entries") }}
),

days_of_winning as (
    select distinct acquired_on as day_date from {{ ref("core_customers") }}
),

days as (
    select day_date from order_days
    union
    select day_date from ticket_days
    union
    select day_date from cost_days
    union
    select day_date from days_of_winning
),

dated as (
    select
        days.day_date,
        min(case
            when moments.as_of_date >= days.day_date then moments.moment_no
        end) as enters,
        min(case
            when moments.twelve_months_ago >= days.day_date then moments.moment_no
        end) as leaves_12m,
        min(case
            when moments.twenty_four_months_ago >= days.day_date then moments.moment_no
        end) as leaves_24m
    from days
    cross join moments
    group by days.day_date
),

final as (
    select
        *,
        cast(dense_rank() over (
            order by enters, leaves_12m nulls last, leaves_24m nulls last
        ) as integer) as period_no
    from dated
    where enters is not null
)

select * from final

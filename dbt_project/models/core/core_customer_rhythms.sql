{#-
How a customer buys, as of its last purchase before each moment: the median of the gaps
between its purchase days so far, the spend of the first day, and the last day on which it
came back after a silence that counts as dormant (seed settings).
-#}
with customer_days as (
    select * from {{ ref("core_customer_days") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

days as (
    select * from {{ ref("core_days") }}
),

lifecycle_settings as (
    select * from {{ ref("core_lifecycle_settings") }}
),

purchases as (
    select
        customer_days.customer_no,
        customer_days.order_date,
        customer_days.spend,
        days.enters as moment_no,
        {{ days_between(
            "lag(customer_days.order_date) over purchases_so_far",
            "customer_days.order_date"
        ) }} as gap_days,
        lead(days.enters) over purchases_so_far as next_moment_no
    from customer_days
    inner join days on customer_days.order_date = days.day_date
    where customer_days.is_purchase_day = 1
    window purchases_so_far as (
        partition by customer_days.customer_no order by customer_days.order_date
    )
),

-- The last purchase before each moment; what it knows of the past is joined to it.
last_purchases as (
    select
        customer_no,
        order_date
    from purchases
    where next_moment_no is null or next_moment_no <> moment_no
),

final as (
    select
        last_purchases.customer_no,
        last_purchases.order_date as last_order_date,
        {{ median("past.gap_days") }} as median_gap_days,
        max(case
            when past.gap_days > lifecycle_settings.dormant_days then past.order_date
        end) as returned_on,
        max(case when past.gap_days is null then past.spend end) as first_day_spend
    from last_purchases
    inner join purchases as past
        on
            last_purchases.customer_no = past.customer_no
            and last_purchases.order_date >= past.order_date
    inner join customers on last_purchases.customer_no = customers.customer_no
    inner join lifecycle_settings
        on customers.customer_type = lifecycle_settings.customer_type
    group by last_purchases.customer_no, last_purchases.order_date
)

select * from final

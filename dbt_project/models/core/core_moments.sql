{#-
The days for which every customer is valued: each month end since the first order line,
and the as-of day. Numbered in order; the as-of day is the last, and may be a month end.
-#}
with refresh as (
    select * from {{ ref("core_refresh") }}
),

order_lines as (
    select * from {{ ref("core_order_lines") }}
),

bounds as (
    select
        refresh.as_of_date,
        coalesce(min(order_lines.order_date), refresh.as_of_date) as first_date
    from refresh
    left join order_lines on refresh.as_of_date >= order_lines.order_date
    group by refresh.as_of_date
),

spans as (
    select
        as_of_date,
        first_date,
        12 * (extract(year from as_of_date) - extract(year from first_date))
        + extract(month from as_of_date) - extract(month from first_date)
        + 1 as months
    from bounds
),

months as (
    {{ numbers_below("spans", "months") }}
),

month_ends as (
    select
        as_of_date,
        last_day({{ plus_months("first_date", "number") }}) as month_end
    from months
),

days as (
    select month_end as as_of_date
    from month_ends
    where month_end <= as_of_date
    union
    select as_of_date from refresh
),

final as (
    select
        cast(row_number() over (order by days.as_of_date) as integer) as moment_no,
        days.as_of_date,
        days.as_of_date = last_day(days.as_of_date) as is_month_end,
        days.as_of_date = refresh.as_of_date as is_present,
        {{ months_before("days.as_of_date", 12) }} as twelve_months_ago,
        {{ months_before("days.as_of_date", 24) }} as twenty_four_months_ago
    from days
    cross join refresh
)

select * from final

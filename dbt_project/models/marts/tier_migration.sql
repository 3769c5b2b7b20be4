{#-
Who went where from one month end to the next. Beside the tiers there are two states: `none`
for who was not known a month before, `lapsed` for a buyer whose silence counts as lost.
-#}
with month_ends as (
    select
        customer_id,
        as_of_date,
        moment_no,
        case when lifecycle_stage = 'lost' then 'lapsed' else tier_code end as tier
    from {{ ref("int_tiers") }}
    where is_month_end
),

moves as (
    select
        as_of_date,
        coalesce(
            lag(tier) over (partition by customer_id order by moment_no), 'none'
        ) as from_tier,
        tier as to_tier
    from month_ends
),

counted as (
    select
        as_of_date as month,
        from_tier,
        to_tier,
        count(*) as customers
    from moves
    group by as_of_date, from_tier, to_tier
),

final as (
    select
        month,
        from_tier,
        to_tier,
        customers,
        cast(customers as double)
        / sum(customers) over (partition by month, from_tier) as share
    from counted
)

select * from final

{#-
How often tiers change from one month end to the next, and how many of the changes are taken
back within three months: of the tiers as earned, and as held after band, confirmations and
grace. Months in which a customer was new, bought for the first time or came under another
policy are left out: no rule of stability applies to them.
-#}
with month_ends as (
    select
        customer_id,
        customer_type,
        moment_no,
        earned_rank,
        held_rank,
        policy_id,
        has_purchased
    from {{ ref("int_tiers") }}
    where is_month_end and has_purchased
),

neighbours as (
    select
        *,
        lag(earned_rank) over by_moment as earned_before,
        lag(held_rank) over by_moment as held_before,
        lead(earned_rank, 1) over by_moment as earned_after_1,
        lead(earned_rank, 2) over by_moment as earned_after_2,
        lead(earned_rank, 3) over by_moment as earned_after_3,
        lead(held_rank, 1) over by_moment as held_after_1,
        lead(held_rank, 2) over by_moment as held_after_2,
        lead(held_rank, 3) over by_moment as held_after_3
    from month_ends
    window by_moment as (
        partition by customer_id, policy_id order by moment_no
    )
),

counted as (
    {%- for kind in ["earned", "held"] %}
    select
        '{{ kind }}' as kind,
        customer_type,
        count(*) as customer_months,
        count(case when {{ kind }}_rank <> {{ kind }}_before then 1 end) as changes,
        count(case
            when
                {{ kind }}_rank <> {{ kind }}_before
                and (
                    {{ kind }}_after_1 = {{ kind }}_before
                    or {{ kind }}_after_2 = {{ kind }}_before
                    or {{ kind }}_after_3 = {{ kind }}_before
                )
                then 1
        end) as taken_back
    from neighbours
    where {{ kind }}_before is not null
    group by customer_type
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        kind,
        customer_type,
        customer_months,
        changes,
        taken_back,
        cast(changes as double) / customer_months as change_rate,
        cast(taken_back as double) / nullif(changes, 0) as taken_back_share
    from counted
)

select * from final

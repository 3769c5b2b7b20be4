{#-
What each policy that is not published would make of every customer today, beside the tier
that it has. A policy that comes into force grades everybody anew, so band and confirmations
do not count here.
-#}
with proposed as (
    select *
    from {{ ref("int_earned_tiers") }}
    where not is_published
),

present as (
    select *
    from {{ ref("int_tiers") }}
    where is_present
),

final as (
    select
        proposed.policy_id,
        proposed.customer_id,
        proposed.tier_code,
        cast(proposed.tier_rank as integer) as tier_rank,
        present.tier_code as current_tier_code,
        present.tier_rank as current_tier_rank,
        case
            when proposed.tier_code = present.tier_code then 'same'
            when proposed.tier_rank < present.tier_rank then 'up'
            when proposed.tier_rank > present.tier_rank then 'down'
            else 'sideways'
        end as move,
        proposed.value_score,
        proposed.potential_score
    from proposed
    inner join present on proposed.customer_id = present.customer_id
)

select * from final

with spells as (
    select * from {{ ref("int_tier_spells") }}
),

final as (
    select
        customer_id,
        valid_from,
        valid_to,
        tier_code,
        tier_rank,
        previous_tier_code,
        change_kind,
        change_reason,
        change_reason_zh,
        value_score,
        potential_score,
        policy_id,
        is_override
    from spells
)

select * from final

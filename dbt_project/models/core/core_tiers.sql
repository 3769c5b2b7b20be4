{#-
The tiers that a customer can have: those of each policy and `not_graded` under all of them,
which is everybody's where no source records sales, and theirs who are known as lines of
unknown customers alone. Who has not bought is a prospect only where a purchase would have
been seen; pipeline/tiers/policy.py knows the same tier as NOT_GRADED.
-#}
with tiers as (
    select * from {{ ref("tiers") }}
),

of_policies as (
    select
        policy_id,
        tier_code,
        tier_rank,
        tier_name_en,
        tier_name_zh,
        vip_class,
        true as is_graded
    from tiers
),

not_graded as (
    select
        policy_id,
        'not_graded' as tier_code,
        max(tier_rank) + 1 as tier_rank,
        'Not graded' as tier_name_en,
        '未分级' as tier_name_zh,
        '未分级' as vip_class,
        false as is_graded
    from tiers
    group by policy_id
),

final as (
    select * from of_policies
    union all
    select * from not_graded
    where
        not {{ some_source_gives("order_lines") | lower }}
        or {{ ("unknown_customer" in var("unknown_customers", {}).values()) | lower }}
)

select * from final

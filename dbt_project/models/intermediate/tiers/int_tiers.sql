{#-
The tier of each customer at each moment by the published policy, with overrides: a person's
decision counts from its first day until it expires, up and down, and then the rules count
again.
-#}
with earned_tiers as (
    select *
    from {{ ref("int_earned_tiers") }}
    where is_published
),

moments as (
    select * from {{ ref("core_moments") }}
),

facts as (
    select * from {{ ref("int_tier_facts") }}
),

tiers as (
    select * from {{ ref("tiers") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

overrides as (
    select
        source_keys.customer_id,
        moments.moment_no,
        tier_overrides.tier_code,
        tier_overrides.reason,
        tier_overrides.author,
        tier_overrides.valid_from,
        tier_overrides.expires_on,
        row_number() over (
            partition by source_keys.customer_id, moments.moment_no
            order by tier_overrides.valid_from desc, tier_overrides.tier_code
        ) as place
    from {{ ref("tier_overrides") }} as tier_overrides
    inner join source_keys
        on
            tier_overrides.source = source_keys.source
            and tier_overrides.source_customer_id = source_keys.source_customer_id
    inner join moments
        on
            tier_overrides.valid_from <= moments.as_of_date
            and tier_overrides.expires_on > moments.as_of_date
),

final as (
    select
        earned_tiers.customer_id,
        earned_tiers.customer_type,
        earned_tiers.moment_no,
        moments.as_of_date,
        moments.is_month_end,
        moments.is_present,
        facts.has_purchased,
        facts.lifecycle_stage,
        earned_tiers.policy_id,
        earned_tiers.value_score,
        earned_tiers.potential_score,
        earned_tiers.total_score,
        earned_tiers.value_coverage,
        earned_tiers.potential_coverage,
        earned_tiers.score_coverage,
        earned_tiers.rule_order,
        earned_tiers.earned_tier_code,
        earned_tiers.earned_rank,
        earned_tiers.tier_code as held_tier_code,
        earned_tiers.tier_rank as held_rank,
        coalesce(tiers.tier_code, earned_tiers.tier_code) as tier_code,
        cast(coalesce(tiers.tier_rank, earned_tiers.tier_rank) as integer)
            as tier_rank,
        tiers.tier_code is not null as is_override,
        overrides.reason as override_reason,
        overrides.author as override_author,
        overrides.valid_from as override_valid_from,
        overrides.expires_on as override_expires_on
    from earned_tiers
    inner join moments on earned_tiers.moment_no = moments.moment_no
    inner join facts
        on
            earned_tiers.customer_id = facts.customer_id
            and earned_tiers.moment_no = facts.moment_no
    left join overrides
        on
            earned_tiers.customer_id = overrides.customer_id
            and earned_tiers.moment_no = overrides.moment_no
            and overrides.place = 1
    left join tiers
        on
            earned_tiers.policy_id = tiers.policy_id
            and overrides.tier_code = tiers.tier_code
)

select * from final

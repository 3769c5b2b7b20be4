{#-
Every customer as it is on the as-of day, with its tier, what the tier promises and what
the actions ask of it. Who stands for unknown customers is nobody who could be served.
-#}
with refresh as (
    select * from {{ ref("core_refresh") }}
),

present_tiers as (
    select *
    from {{ ref("int_tiers") }}
    where is_present and customer_type <> {{ unknown_type() }}
),

spells as (
    select *
    from {{ ref("int_tier_spells") }}
    where valid_to is null
),

next_tiers as (
    select * from {{ ref("int_next_tiers") }}
),

customer_value as (
    select *
    from {{ ref("core_customer_value") }}
    where is_present
),

customers as (
    select * from {{ ref("core_customers") }}
),

tiers as (
    select * from {{ ref("core_tiers") }}
),

service_policies as (
    select * from {{ ref("service_policies") }}
),

final as (
    select
        refresh.as_of_date,
        present_tiers.customer_id,
        present_tiers.customer_type,
        customers.country,
        customers.owner,
        cast({{ kept("birth_date", "customers.birth_date") }} as date) as birth_date,
        present_tiers.policy_id,
        present_tiers.tier_code,
        present_tiers.tier_rank,
        tiers.tier_name_en,
        tiers.tier_name_zh,
        spells.valid_from as tier_since,
        present_tiers.earned_tier_code,
        present_tiers.override_expires_on,
        next_tiers.next_tier_code,
        next_tiers.next_tier_measure,
        next_tiers.next_tier_measure_en,
        next_tiers.next_tier_measure_zh,
        next_tiers.next_tier_gap,
        next_tiers.next_tier_factor,
        next_tiers.next_tier_factor_now,
        next_tiers.next_tier_factor_needed,
        customer_value.lifecycle_stage,
        customer_value.order_days,
        customer_value.last_order_date,
        customer_value.days_since_last_order,
        customer_value.usual_gap_days,
        customer_value.overdue_factor,
        customer_value.revenue,
        service_policies.owner_role_en,
        service_policies.owner_role_zh,
        service_policies.visit_every_days,
        service_policies.call_every_days,
        service_policies.first_response_hours,
        service_policies.resolution_hours,
        service_policies.discount_limit,
        service_policies.channel_en,
        service_policies.channel_zh,
        service_policies.birthday_care,
        service_policies.holiday_care,
        service_policies.hours_per_year
    from present_tiers
    cross join refresh
    inner join tiers
        on
            present_tiers.policy_id = tiers.policy_id
            and present_tiers.tier_code = tiers.tier_code
    inner join spells on present_tiers.customer_id = spells.customer_id
    inner join customers on present_tiers.customer_id = customers.customer_id
    inner join customer_value on present_tiers.customer_id = customer_value.customer_id
    left join next_tiers on present_tiers.customer_id = next_tiers.customer_id
    left join service_policies
        on
            present_tiers.policy_id = service_policies.policy_id
            and present_tiers.tier_code = service_policies.tier_code
            and present_tiers.customer_type = service_policies.customer_type
)

select * from final

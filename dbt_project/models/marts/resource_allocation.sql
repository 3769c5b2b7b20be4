{#-
What a year of service takes by the service policies, against what was done in the last 12
months, by the tier that customers have today. Hours that were done are the recorded
minutes of visits, meetings, calls and e-mails: how long a ticket was worked on no source
says, so tickets are counted and not turned into hours.
-#}
with tiers as (
    select tiers.*
    from {{ ref("core_tiers") }} as tiers
    inner join {{ ref("core_policy") }} as policy on tiers.policy_id = policy.policy_id
),

present as (
    select
        customer_id,
        customer_type,
        tier_code
    from {{ ref("int_tiers") }}
    where is_present
),

service_policies as (
    select * from {{ ref("service_policies") }}
),

interactions as (
    select * from {{ ref("core_interactions") }}
),

service_tickets as (
    select * from {{ ref("core_service_tickets") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

counted as (
    select
        tier_code,
        customer_type,
        count(*) as customers
    from present
    group by tier_code, customer_type
),

-- Of the days on which somebody speaks with a customer the visits are a part.
plans as (
    select
        tiers.tier_code,
        coalesce(sum(counted.customers), 0) as customers,
        sum(
            counted.customers
            * coalesce(365 / cast(service_policies.visit_every_days as double), 0)
        ) as visits,
        sum(counted.customers * greatest(
            coalesce(365 / cast(service_policies.call_every_days as double), 0)
            - coalesce(365 / cast(service_policies.visit_every_days as double), 0), 0
        )) as calls,
        sum(counted.customers * service_policies.hours_per_year) as hours
    from tiers
    left join counted on tiers.tier_code = counted.tier_code
    left join service_policies
        on
            tiers.policy_id = service_policies.policy_id
            and counted.tier_code = service_policies.tier_code
            and counted.customer_type = service_policies.customer_type
    group by tiers.tier_code
),

-- What no service policy of the policy in force plans is not planned, for anybody.
planned_kinds as (
    select
        count(service_policies.visit_every_days) > 0 as plans_visits,
        count(service_policies.call_every_days) > 0 as plans_calls,
        count(service_policies.hours_per_year) > 0 as plans_hours
    from {{ ref("core_policy") }} as policy
    left join service_policies on policy.policy_id = service_policies.policy_id
),

known as (
    select
        count(case when kind in {{ face_to_face() }} then 1 end) > 0 as has_visits,
        count(case when kind = 'call' then 1 end) > 0 as has_calls,
        count(minutes) > 0 as has_hours
    from interactions
),

tickets_known as (
    select count(*) > 0 as has_tickets
    from service_tickets
),

spent as (
    select
        present.tier_code,
        count(case when interactions.kind in {{ face_to_face() }} then 1 end)
            as visits,
        count(case when interactions.kind = 'call' then 1 end) as calls,
        sum(interactions.minutes) as minutes
    from interactions
    cross join refresh
    inner join present on interactions.customer_id = present.customer_id
    where interactions.occurred_on > refresh.twelve_months_ago
    group by present.tier_code
),

opened as (
    select
        present.tier_code,
        count(*) as tickets
    from service_tickets
    cross join refresh
    inner join present on service_tickets.customer_id = present.customer_id
    where
        {{ business_date("service_tickets.opened_at") }} > refresh.twelve_months_ago
    group by present.tier_code
),

done as (
    select
        plans.tier_code,
        plans.customers,
        {%- for kind in ["visits", "calls", "hours"] %}
        case
            when planned_kinds.plans_{{ kind }} then coalesce(plans.{{ kind }}, 0)
        end as planned_{{ kind }},
        {%- endfor %}
        coalesce(spent.visits, 0) as visits,
        coalesce(spent.calls, 0) as calls,
        cast(coalesce(spent.minutes, 0) as double) / 60 as hours,
        coalesce(opened.tickets, 0) as tickets,
        known.has_visits,
        known.has_calls,
        known.has_hours,
        tickets_known.has_tickets
    from plans
    cross join planned_kinds
    cross join known
    cross join tickets_known
    left join spent on plans.tier_code = spent.tier_code
    left join opened on plans.tier_code = opened.tier_code
),

-- Where nothing of the kind is recorded at all, what was done is unknown.
kinds as (
    {%- for kind in ["visits", "calls", "tickets", "hours"] %}
    select
        tier_code,
        customers,
        '{{ kind }}' as kind,
        {% if kind == "tickets" -%}
        cast(null as double)
        {%- else -%}
        cast(planned_{{ kind }} as double)
        {%- endif %} as planned,
        case when has_{{ kind }} then cast({{ kind }} as double) end as actual_12m
    from done
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        tiers.tier_code,
        cast(tiers.tier_rank as integer) as tier_rank,
        tiers.tier_name_en,
        tiers.tier_name_zh,
        kinds.kind,
        cast(kinds.customers as bigint) as customers,
        kinds.planned,
        kinds.actual_12m,
        kinds.actual_12m - kinds.planned as difference,
        case
            when sum(kinds.planned) over of_kind > 0
                then kinds.planned / sum(kinds.planned) over of_kind
        end as share_of_planned,
        case
            when sum(kinds.actual_12m) over of_kind > 0
                then kinds.actual_12m / sum(kinds.actual_12m) over of_kind
        end as share_of_actual
    from kinds
    inner join tiers on kinds.tier_code = tiers.tier_code
    window of_kind as (
        partition by kinds.kind order by tiers.tier_rank
        rows between unbounded preceding and unbounded following
    )
)

select * from final

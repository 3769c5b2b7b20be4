-- A tier without a service policy promises nothing; a rule of an unknown tier or
-- without its threshold would never list anybody, and nobody would notice.
with tiers as (
    select * from {{ ref("tiers") }}
),

service_policies as (
    select * from {{ ref("service_policies") }}
),

action_rules as (
    select * from {{ ref("action_rules") }}
),

customer_types as (
    select 'company' as customer_type
    union all
    select 'person' as customer_type
),

-- Hours are planned for all of a policy or for nobody.
planned as (
    select distinct policy_id
    from service_policies
    where hours_per_year is not null
),

words as (
    {{ by_word("action_rules", "tier_codes") }}
),

-- What each action cannot do without.
needs as (
    {%- for action, figures in {
        "visit_due": ["days"],
        "call_due": ["days"],
        "sla_broken": ["days", "occurrences"],
        "rhythm_missed": ["threshold", "occurrences"],
        "tier_falling": [],
        "tier_within_reach": ["threshold"],
        "birthday": ["days"],
        "holiday": ["days"],
        "lead_cold": ["days"],
        "invoice_overdue": ["days"],
        "complaint_open": ["days"],
        "dormant_customer": ["days"],
        "contact_missing": [],
        "price_review": ["threshold"],
        "terms_review": ["threshold"],
        "freight_review": ["threshold"],
        "cost_to_serve_review": ["threshold"],
        "alarm_unanswered": [],
    }.items() %}
    select
        '{{ action }}' as action_code,
        {{ "days" in figures }} as needs_days,
        {{ "threshold" in figures }} as needs_threshold,
        {{ "occurrences" in figures }} as needs_occurrences
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    tiers.policy_id || ', ' || tiers.tier_code || ', ' || customer_types.customer_type
        as found,
    'the tier has no service policy' as problem
from tiers
cross join customer_types
left join service_policies
    on
        tiers.policy_id = service_policies.policy_id
        and tiers.tier_code = service_policies.tier_code
        and customer_types.customer_type = service_policies.customer_type
where service_policies.policy_id is null
union all
select
    service_policies.policy_id || ', ' || service_policies.tier_code || ', '
    || service_policies.customer_type as found,
    'a service policy of no such tier or customer type' as problem
from service_policies
left join customer_types
    on service_policies.customer_type = customer_types.customer_type
left join tiers
    on
        service_policies.policy_id = tiers.policy_id
        and service_policies.tier_code = tiers.tier_code
where tiers.policy_id is null or customer_types.customer_type is null
union all
select
    policy_id || ', ' || tier_code || ', ' || customer_type as found,
    'a rhythm, a promise or a plan is not above zero, or the owner or care is missing'
        as problem
from service_policies
where
    visit_every_days <= 0
    or call_every_days <= 0
    or first_response_hours <= 0
    or resolution_hours <= 0
    or hours_per_year < 0
    or (
        hours_per_year is null
        and policy_id in (select planned.policy_id from planned)
    )
    or discount_limit not between 0 and 1
    or owner_role_en is null
    or owner_role_zh is null
    or birthday_care is null
    or holiday_care is null
union all
select
    coalesce(words.action_code, 'empty') as found,
    'a rule of no such tier: ' || coalesce(words.word, 'empty') as problem
from words
left join tiers on words.word = tiers.tier_code
where tiers.tier_code is null and coalesce(words.word, '') <> '*'
union all
select
    coalesce(action_rules.action_code, 'empty') as found,
    'no such action or customer type, or a figure or name that it needs is missing'
        as problem
from action_rules
left join needs on action_rules.action_code = needs.action_code
where
    needs.action_code is null
    or coalesce(action_rules.customer_type, '') not in ('company', 'person', '*')
    or (needs.needs_days and coalesce(action_rules.days, -1) < 0)
    or (needs.needs_threshold and action_rules.threshold is null)
    or (needs.needs_occurrences and action_rules.occurrences is null)
    or action_rules.tier_codes is null
    or action_rules.is_on is null
    or action_rules.priority is null
    or action_rules.priority not between 1 and 5
    or action_rules.due_in_days is null
    or action_rules.due_in_days < 0
    or action_rules.name_en is null
    or action_rules.name_zh is null
union all
select
    action_code || ', ' || tier_code || ', ' || customer_type as found,
    'two rules for the same customers' as problem
from {{ ref("int_action_rules") }}
group by action_code, tier_code, customer_type
having count(*) > 1

{#-
What is due: one row per customer or lead and action, with who does it, how urgent it is
and what the tier is promised. int_due_actions says from when on and why.
-#}
with present as (
    select * from {{ ref("int_served_customers") }}
),

rules as (
    select * from {{ ref("int_action_rules") }}
),

due_actions as (
    select * from {{ ref("int_due_actions") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

policy as (
    select * from {{ ref("core_policy") }}
),

interactions as (
    select * from {{ ref("core_interactions") }}
),

leads as (
    select * from {{ ref("core_leads") }}
),

account_coverage as (
    select * from {{ ref("account_coverage") }}
),

-- Where no source has contacts at all, none is missing; nor is a decision maker where
-- nobody is called one, nor a talk where no talk is recorded.
coverage_known as (
    select
        count(*) as accounts,
        sum(decision_makers) as decision_makers,
        count(last_contact_on) as talks
    from account_coverage
),

contacts_missing as (
    select
        present.customer_id,
        cast(null as varchar) as lead_id,
        'contact_missing' as action_code,
        present.as_of_date as due_from,
        case
            when account_coverage.customer_id is null then 'No contact is recorded.'
            when account_coverage.decision_makers = 0
                then
                    'Contacts known: ' || cast(account_coverage.contacts as varchar)
                    || ', none of them a decision maker.'
            else
                'Decision makers known: '
                || cast(account_coverage.decision_makers as varchar)
                || ', no talk with any of them recorded in the last 12 months.'
        end as reason_en,
        case
            when account_coverage.customer_id is null then '无联系人记录。'
            when account_coverage.decision_makers = 0
                then
                    cast(account_coverage.contacts as varchar)
                    || '位联系人中没有决策人。'
            else
                cast(account_coverage.decision_makers as varchar)
                || '位决策人近12个月均无联系记录。'
        end as reason_zh
    from present
    {{ join_action_rules("present", "contact_missing") }}
    cross join coverage_known
    left join account_coverage on present.customer_id = account_coverage.customer_id
    where
        coverage_known.accounts > 0
        and (
            account_coverage.customer_id is null
            or (
                account_coverage.decision_makers = 0
                and coverage_known.decision_makers > 0
            )
            or (
                account_coverage.decision_makers > 0
                and account_coverage.covered_decision_makers = 0
                and coverage_known.talks > 0
            )
        )
),

due as (
    select * from due_actions
    union all
    select * from contacts_missing
),

last_owners as (
    select
        customer_id,
        owner,
        row_number() over (
            partition by customer_id order by occurred_at desc, interaction_id desc
        ) as place
    from interactions
    where customer_id is not null and owner is not null
),

owned as (
    select
        due.*,
        refresh.as_of_date,
        {{ plus_days("due.due_from", "rules.due_in_days") }} as due_on,
        rules.name_en,
        rules.name_zh,
        rules.priority,
        coalesce(rules.owner_role_en, present.owner_role_en) as owner_role_en,
        coalesce(rules.owner_role_zh, present.owner_role_zh) as owner_role_zh,
        coalesce(
            leads.owner,
            rules.owner_role_en,
            present.owner,
            last_owners.owner,
            present.owner_role_en
        ) as owner,
        present.tier_code,
        present.tier_rank,
        present.visit_every_days,
        present.call_every_days,
        present.first_response_hours,
        present.resolution_hours,
        present.discount_limit,
        present.channel_en,
        present.channel_zh,
        coalesce(present.policy_id, policy.policy_id) as policy_id
    from due
    cross join refresh
    cross join policy
    left join present on due.customer_id = present.customer_id
    left join leads on due.lead_id = leads.lead_id
    inner join rules
        on
            due.action_code = rules.action_code
            and coalesce(present.tier_code, '*') = rules.tier_code
            and coalesce(present.customer_type, '*') = rules.customer_type
    left join last_owners
        on due.customer_id = last_owners.customer_id and last_owners.place = 1
),

final as (
    select
        cast(row_number() over (
            order by
                priority, due_on, coalesce(tier_rank, 99), action_code,
                customer_id nulls last, lead_id nulls first
        ) as integer) as place,
        action_code as action,
        name_en as action_name_en,
        name_zh as action_name_zh,
        customer_id,
        lead_id,
        reason_en,
        reason_zh,
        due_on,
        due_on < as_of_date as is_overdue,
        owner,
        owner_role_en,
        owner_role_zh,
        priority,
        tier_code,
        visit_every_days,
        call_every_days,
        first_response_hours,
        resolution_hours,
        discount_limit,
        channel_en,
        channel_zh,
        policy_id,
        as_of_date
    from owned
)

select * from final

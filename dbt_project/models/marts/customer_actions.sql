{#-
What is due: one row per customer or lead and action, with who does it, how urgent it is,
what is at stake and what the tier is promised. int_due_actions says from when on and why.
By urgency, then by the money at stake: how long something has waited makes it no more
important.
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

leads as (
    select * from {{ ref("core_leads") }}
),

owners as (
    select * from {{ ref("int_customer_owners") }}
),

verdicts as (
    select * from {{ ref("int_verdicts") }}
),

capacity as (
    select * from {{ ref("int_owner_capacity") }}
),

action_minutes as (
    select * from {{ ref("int_action_minutes") }}
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
        cast(null as {{ type_text() }}) as lead_id,
        'contact_missing' as action_code,
        present.as_of_date as due_from,
        case
            when account_coverage.customer_id is null then 'No contact is recorded.'
            when account_coverage.decision_makers = 0
                then
                    'Contacts known: '
                    || cast(account_coverage.contacts as {{ type_text() }})
                    || ', none of them a decision maker.'
            else
                'Decision makers known: '
                || cast(account_coverage.decision_makers as {{ type_text() }})
                || ', no talk with any of them recorded in the last 12 months.'
        end as reason_en,
        case
            when account_coverage.customer_id is null then '无联系人记录。'
            when account_coverage.decision_makers = 0
                then
                    cast(account_coverage.contacts as {{ type_text() }})
                    || '位联系人中没有决策人。'
            else
                cast(account_coverage.decision_makers as {{ type_text() }})
                || '位决策人近12个月均无联系记录。'
        end as reason_zh,
        1 as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
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

otherwise_due as (
    select * from due_actions
    union all
    select * from contacts_missing
),

-- An alarm of which no rule makes an action is answered all the same.
alarms_unanswered as (
    select
        present.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'alarm_unanswered' as action_code,
        present.as_of_date as due_from,
        customer_verdicts.reason_en,
        customer_verdicts.reason_zh,
        1 as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from present
    {{ join_action_rules("present", "alarm_unanswered") }}
    inner join {{ ref("customer_verdicts") }} as customer_verdicts
        on
            present.customer_id = customer_verdicts.customer_id
            and customer_verdicts.verdict in {{ alarming_verdicts() }}
    left join otherwise_due on present.customer_id = otherwise_due.customer_id
    where otherwise_due.customer_id is null
),

due as (
    select * from otherwise_due
    union all
    select * from alarms_unanswered
),

owned as (
    select
        due.customer_id,
        due.lead_id,
        due.action_code,
        due.due_from,
        due.reason_en,
        due.reason_zh,
        due.times_missed,
        coalesce(due.at_stake, verdicts.at_stake) as at_stake,
        {{ action_minutes("due.action_code", "action_minutes") }} as minutes,
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
            owners.owner
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
    cross join action_minutes
    left join present on due.customer_id = present.customer_id
    left join leads on due.lead_id = leads.lead_id
    inner join rules
        on
            due.action_code = rules.action_code
            and coalesce(present.tier_code, '*') = rules.tier_code
            and coalesce(present.customer_type, '*') = rules.customer_type
    left join owners on due.customer_id = owners.customer_id
    left join verdicts on due.customer_id = verdicts.customer_id
),

placed as (
    select
        *,
        cast(row_number() over (
            order by
                priority,
                at_stake desc nulls last,
                coalesce(tier_rank, 99),
                action_code,
                customer_id nulls last,
                lead_id nulls first
        ) as integer) as place
    from owned
),

-- What came before it on the same owner's list; the first fits any week.
loaded as (
    select
        *,
        coalesce(sum(minutes) over (
            partition by owner order by place
            rows between unbounded preceding and 1 preceding
        ), 0) as minutes_before
    from placed
),

final as (
    select
        loaded.place,
        loaded.action_code as action,
        loaded.name_en as action_name_en,
        loaded.name_zh as action_name_zh,
        loaded.customer_id,
        loaded.lead_id,
        loaded.reason_en,
        loaded.reason_zh,
        loaded.due_on,
        loaded.due_on < loaded.as_of_date as is_overdue,
        loaded.owner,
        loaded.owner_role_en,
        loaded.owner_role_zh,
        loaded.priority,
        loaded.tier_code,
        loaded.visit_every_days,
        loaded.call_every_days,
        loaded.first_response_hours,
        loaded.resolution_hours,
        loaded.discount_limit,
        loaded.channel_en,
        loaded.channel_zh,
        loaded.policy_id,
        loaded.as_of_date,
        cast(loaded.at_stake as {{ type_money_sum() }}) as at_stake,
        loaded.minutes,
        case
            when capacity.capacity_minutes > 0 and loaded.minutes is not null
                then
                    loaded.minutes_before = 0
                    or loaded.minutes_before + loaded.minutes
                    <= capacity.capacity_minutes
        end as fits_week,
        loaded.times_missed
    from loaded
    left join capacity on loaded.owner = capacity.owner
)

select * from final

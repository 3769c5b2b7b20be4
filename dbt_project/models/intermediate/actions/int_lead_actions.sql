{#-
What is due because an open lead has not been contacted for too long.
-#}
{{ config(materialized="view") }}

with present as (
    select * from {{ ref("int_served_customers") }}
),

rules as (
    select * from {{ ref("int_action_rules") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

leads as (
    select * from {{ ref("core_leads") }}
),

settings as (
    select * from {{ ref("core_potential_settings") }}
),

-- Where a source records no contact with any lead, that there was none with this one is
-- not known.
contacted_sources as (
    select distinct source from leads
    where last_contact_on is not null
),

open_leads as (
    select
        leads.lead_id,
        leads.customer_id,
        leads.owner,
        leads.stage,
        leads.probability,
        cast(leads.amount as {{ type_money_sum() }}) as amount,
        leads.created_on,
        leads.last_contact_on,
        refresh.as_of_date,
        coalesce(present.tier_code, '*') as tier_code,
        coalesce(present.customer_type, '*') as customer_type
    from leads
    cross join refresh
    left join present on leads.customer_id = present.customer_id
    inner join contacted_sources on leads.source = contacted_sources.source
    where coalesce(leads.is_open, {{ is_open_lead() }})
),

final as (
    select
        open_leads.customer_id,
        open_leads.lead_id,
        'lead_cold' as action_code,
        {{ plus_days(
            "coalesce(open_leads.last_contact_on, open_leads.created_on)", "rules.days"
        ) }} as due_from,
        'Stage ' || coalesce(open_leads.stage, 'not known')
        || coalesce(
            ', probability '
            || cast(
                cast(round(100 * open_leads.probability) as integer)
                as {{ type_text() }}
            ) || ' %', ''
        ) || '; ' || coalesce(
            'last contact on ' || cast(open_leads.last_contact_on as {{ type_text() }}),
            'no contact recorded, entered on '
            || cast(open_leads.created_on as {{ type_text() }})
        ) || '.' as reason_en,
        '阶段：' || coalesce(open_leads.stage, '未知')
        || coalesce(
            '，概率'
            || cast(
                cast(round(100 * open_leads.probability) as integer)
                as {{ type_text() }}
            ) || '%', ''
        ) || '；' || coalesce(
            '上次联系：' || cast(open_leads.last_contact_on as {{ type_text() }}),
            '无联系记录，录入于' || cast(open_leads.created_on as {{ type_text() }})
        ) || '。' as reason_zh,
        1 as times_missed,
        cast(
            open_leads.amount * coalesce(
                open_leads.probability, settings.unknown_probability
            ) as {{ type_money_sum() }}
        ) as at_stake
    from open_leads
    cross join settings
    {{ join_action_rules("open_leads", "lead_cold") }}
    where
        coalesce(open_leads.last_contact_on, open_leads.created_on)
        <= {{ plus_days("open_leads.as_of_date", "-rules.days") }}
        and coalesce(open_leads.probability, 1) >= coalesce(rules.threshold, 0)
)

select * from final

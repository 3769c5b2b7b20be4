{#-
What is due because of service: promised levels that were missed, and open complaints.
-#}
{{ config(materialized="view") }}

with present as (
    select * from {{ ref("int_served_customers") }}
),

rules as (
    select * from {{ ref("int_action_rules") }}
),

service_tickets as (
    select * from {{ ref("core_service_tickets") }}
),

tickets as (
    select
        customer_id,
        {{ business_date("opened_at") }} as opened_on,
        coalesce(met_sla = false, false) as missed,
        coalesce(is_complaint, false)
        and resolved_at is null
        and closed_at is null as is_open_complaint
    from service_tickets
    where customer_id is not null
),

missed_levels as (
    select
        present.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'sla_broken' as action_code,
        max(tickets.opened_on) as due_from,
        cast(count(*) as {{ type_text() }}) || ' tickets of the last '
        || cast(max(rules.days) as {{ type_text() }})
        || ' days missed their service level, the newest of '
        || cast(max(tickets.opened_on) as {{ type_text() }}) || '.' as reason_en,
        '近' || cast(max(rules.days) as {{ type_text() }}) || '天有'
        || cast(count(*) as {{ type_text() }})
        || '张工单未达到服务标准，最近一张提交于'
        || cast(max(tickets.opened_on) as {{ type_text() }}) || '。' as reason_zh,
        cast(count(*) as integer) as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from present
    {{ join_action_rules("present", "sla_broken") }}
    inner join tickets
        on
            present.customer_id = tickets.customer_id
            and tickets.missed
            and present.as_of_date >= tickets.opened_on
            and {{ plus_days("present.as_of_date", "-rules.days") }}
            < tickets.opened_on
    group by present.customer_id
    having count(*) >= max(rules.occurrences)
),

complaints_open as (
    select
        present.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'complaint_open' as action_code,
        min(tickets.opened_on) as due_from,
        'Open complaints: ' || cast(count(*) as {{ type_text() }}) || ', the oldest of '
        || cast(min(tickets.opened_on) as {{ type_text() }})
        || coalesce(
            '; a resolution is promised within '
            || cast(max(present.resolution_hours) as {{ type_text() }}) || ' hours', ''
        ) || '.' as reason_en,
        '未解决投诉' || cast(count(*) as {{ type_text() }}) || '件，最早提交于'
        || cast(min(tickets.opened_on) as {{ type_text() }})
        || coalesce(
            '；承诺' || cast(max(present.resolution_hours) as {{ type_text() }})
            || '小时内解决',
            ''
        ) || '。' as reason_zh,
        cast(count(*) as integer) as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from present
    {{ join_action_rules("present", "complaint_open") }}
    inner join tickets
        on
            present.customer_id = tickets.customer_id
            and tickets.is_open_complaint
            and {{ plus_days("present.as_of_date", "-rules.days") }}
            >= tickets.opened_on
    group by present.customer_id
),

final as (
    select * from missed_levels
    union all
    select * from complaints_open
)

select * from final

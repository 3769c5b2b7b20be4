{#-
What is due because a tier promises visits and calls: who has waited for longer than its
tier allows. A rhythm of visits is only held against customers where visits are recorded
at all.
-#}
{{ config(materialized="view") }}

with present as (
    select * from {{ ref("int_served_customers") }}
),

rules as (
    select * from {{ ref("int_action_rules") }}
),

interactions as (
    select * from {{ ref("core_interactions") }}
),

last_talks as (
    select
        customer_id,
        max(case when kind in {{ face_to_face() }} then occurred_on end)
            as last_visit_on,
        max(case when kind in {{ spoken() }} then occurred_on end) as last_talk_on
    from interactions
    where customer_id is not null
    group by customer_id
),

records_began as (
    select
        min(case when kind in {{ face_to_face() }} then occurred_on end)
            as first_visit_on,
        min(case when kind in {{ spoken() }} then occurred_on end) as first_talk_on
    from interactions
),

-- Who was never visited waits since it is in the tier, or since visits are recorded;
-- nobody is late before the day on which the tier promised a visit.
rhythms as (
    select
        present.*,
        last_talks.last_visit_on,
        last_talks.last_talk_on,
        case
            when records_began.first_visit_on is not null
                then
                    greatest(
                        {{ plus_days(
                            "coalesce(last_talks.last_visit_on, greatest("
                            ~ "present.tier_since, records_began.first_visit_on))",
                            "present.visit_every_days",
                        ) }},
                        present.tier_since
                    )
        end as visit_due_on,
        case
            when records_began.first_talk_on is not null
                then
                    greatest(
                        {{ plus_days(
                            "coalesce(last_talks.last_talk_on, greatest("
                            ~ "present.tier_since, records_began.first_talk_on))",
                            "present.call_every_days",
                        ) }},
                        present.tier_since
                    )
        end as call_due_on
    from present
    cross join records_began
    left join last_talks on present.customer_id = last_talks.customer_id
),

visits_due as (
    select
        rhythms.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'visit_due' as action_code,
        rhythms.visit_due_on as due_from,
        coalesce(
            'Last visit on ' || cast(rhythms.last_visit_on as {{ type_text() }})
            || '; ',
            'No visit recorded; '
        ) || rhythms.tier_name_en || ' is visited every '
        || cast(rhythms.visit_every_days as {{ type_text() }}) || ' days.' as reason_en,
        coalesce(
            '上次拜访：' || cast(rhythms.last_visit_on as {{ type_text() }}) || '；', '无拜访记录；'
        ) || rhythms.tier_name_zh || '每'
        || cast(rhythms.visit_every_days as {{ type_text() }})
        || '天拜访一次。' as reason_zh,
        {{ times_missed("rhythms", "visit") }} as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from rhythms
    {{ join_action_rules("rhythms", "visit_due") }}
    where
        rhythms.visit_every_days is not null
        and rhythms.visit_due_on <= {{ plus_days("rhythms.as_of_date", "rules.days") }}
),

-- A visit that is due spares the call.
calls_due as (
    select
        rhythms.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'call_due' as action_code,
        rhythms.call_due_on as due_from,
        coalesce(
            'Last spoken with on ' || cast(rhythms.last_talk_on as {{ type_text() }})
            || '; ',
            'No call or meeting recorded; '
        ) || rhythms.tier_name_en || ' is called every '
        || cast(rhythms.call_every_days as {{ type_text() }}) || ' days.' as reason_en,
        coalesce(
            '上次通话或会面：' || cast(rhythms.last_talk_on as {{ type_text() }}) || '；',
            '无通话或会面记录；'
        ) || rhythms.tier_name_zh || '每'
        || cast(rhythms.call_every_days as {{ type_text() }})
        || '天联系一次。' as reason_zh,
        {{ times_missed("rhythms", "call") }} as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from rhythms
    {{ join_action_rules("rhythms", "call_due") }}
    left join visits_due
        on
            rhythms.customer_id = visits_due.customer_id
            and rhythms.as_of_date >= visits_due.due_from
    where
        visits_due.customer_id is null
        and rhythms.call_every_days is not null
        and rhythms.call_due_on <= {{ plus_days("rhythms.as_of_date", "rules.days") }}
),

final as (
    select * from visits_due
    union all
    select * from calls_due
)

select * from final

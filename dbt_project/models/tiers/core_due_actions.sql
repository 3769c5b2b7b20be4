{#-
What is due for customers and leads by the rules of the seed action_rules and the rhythms of
service_policies: each action with the day from which it was due and why, in facts known on
the as-of day. A rhythm of visits is only held against customers where visits are recorded
at all.
-#}
{{ config(materialized="view") }}

with present as (
    select * from {{ ref("core_served_customers") }}
),

rules as (
    select * from {{ ref("core_action_rules") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

tiers as (
    select * from {{ ref("tiers") }}
),

score_factors as (
    select * from {{ ref("score_factors") }}
),

holidays as (
    select * from {{ ref("holidays") }}
),

interactions as (
    select * from {{ ref("core_interactions") }}
),

service_tickets as (
    select * from {{ ref("core_service_tickets") }}
),

payments as (
    select * from {{ ref("core_payments") }}
),

leads as (
    select * from {{ ref("core_leads") }}
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
        cast(null as varchar) as lead_id,
        'visit_due' as action_code,
        rhythms.visit_due_on as due_from,
        coalesce(
            'Last visit on ' || cast(rhythms.last_visit_on as varchar) || '; ',
            'No visit recorded; '
        ) || rhythms.tier_name_en || ' is visited every '
        || cast(rhythms.visit_every_days as varchar) || ' days.' as reason_en,
        coalesce(
            '上次拜访：' || cast(rhythms.last_visit_on as varchar) || '；', '无拜访记录；'
        ) || rhythms.tier_name_zh || '每' || cast(rhythms.visit_every_days as varchar)
        || '天拜访一次。' as reason_zh
    from rhythms
    {{ join_action_rules("rhythms", "visit_due") }}
    where
        rhythms.visit_every_days is not null
        and rhythms.visit_due_on <= {{ plus_days("rhythms.as_of_date", "rules.days") }}
),

calls_due as (
    select
        rhythms.customer_id,
        cast(null as varchar) as lead_id,
        'call_due' as action_code,
        rhythms.call_due_on as due_from,
        coalesce(
            'Last spoken with on ' || cast(rhythms.last_talk_on as varchar) || '; ',
            'No call or meeting recorded; '
        ) || rhythms.tier_name_en || ' is called every '
        || cast(rhythms.call_every_days as varchar) || ' days.' as reason_en,
        coalesce(
            '上次通话或会面：' || cast(rhythms.last_talk_on as varchar) || '；',
            '无通话或会面记录；'
        ) || rhythms.tier_name_zh || '每' || cast(rhythms.call_every_days as varchar)
        || '天联系一次。' as reason_zh
    from rhythms
    {{ join_action_rules("rhythms", "call_due") }}
    where
        rhythms.call_every_days is not null
        and rhythms.call_due_on <= {{ plus_days("rhythms.as_of_date", "rules.days") }}
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
        cast(null as varchar) as lead_id,
        'sla_broken' as action_code,
        max(tickets.opened_on) as due_from,
        cast(count(*) as varchar) || ' tickets of the last '
        || cast(max(rules.days) as varchar)
        || ' days missed their service level, the newest of '
        || cast(max(tickets.opened_on) as varchar) || '.' as reason_en,
        '近' || cast(max(rules.days) as varchar) || '天有' || cast(count(*) as varchar)
        || '张工单未达到服务标准，最近一张提交于'
        || cast(max(tickets.opened_on) as varchar) || '。' as reason_zh
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
        cast(null as varchar) as lead_id,
        'complaint_open' as action_code,
        min(tickets.opened_on) as due_from,
        'Open complaints: ' || cast(count(*) as varchar) || ', the oldest of '
        || cast(min(tickets.opened_on) as varchar)
        || coalesce(
            '; a resolution is promised within '
            || cast(max(present.resolution_hours) as varchar) || ' hours', ''
        ) || '.' as reason_en,
        '未解决投诉' || cast(count(*) as varchar) || '件，最早提交于'
        || cast(min(tickets.opened_on) as varchar)
        || coalesce(
            '；承诺' || cast(max(present.resolution_hours) as varchar) || '小时内解决',
            ''
        ) || '。' as reason_zh
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

-- Who has been silent for so long that it counts as dormant is no late buyer any more.
rhythms_missed as (
    select
        present.customer_id,
        cast(null as varchar) as lead_id,
        'rhythm_missed' as action_code,
        {{ plus_days(
            "present.last_order_date",
            "ceil(rules.threshold * greatest(present.usual_gap_days, 1.0))",
        ) }} as due_from,
        'No order for ' || cast(present.days_since_last_order as varchar) || ' days, '
        || {{ plain_number("present.overdue_factor", 1) }} || ' times the usual gap of '
        || {{ plain_number("present.usual_gap_days", 1) }} || ' days; bought on '
        || cast(present.order_days as varchar) || ' days so far.' as reason_en,
        '已' || cast(present.days_since_last_order as varchar) || '天未下单，为通常间隔'
        || {{ plain_number("present.usual_gap_days", 1) }} || '天的'
        || {{ plain_number("present.overdue_factor", 1) }} || '倍；至今在'
        || cast(present.order_days as varchar) || '个日期下过单。' as reason_zh
    from present
    {{ join_action_rules("present", "rhythm_missed") }}
    where
        present.overdue_factor >= rules.threshold
        and present.order_days >= rules.occurrences
        and present.lifecycle_stage not in ('dormant', 'lost')
),

dormant as (
    select
        present.customer_id,
        cast(null as varchar) as lead_id,
        'dormant_customer' as action_code,
        {{ plus_days("present.last_order_date", "rules.days") }} as due_from,
        'No order since ' || cast(present.last_order_date as varchar) || ', for '
        || cast(present.days_since_last_order as varchar) || ' days; '
        || {{ thousands("present.revenue") }}
        || ' {{ var("reporting_currency") }} over the whole past.' as reason_en,
        '自' || cast(present.last_order_date as varchar) || '起'
        || cast(present.days_since_last_order as varchar) || '天未下单；历史销售额'
        || {{ thousands("present.revenue") }}
        || ' {{ var("reporting_currency") }}。' as reason_zh
    from present
    {{ join_action_rules("present", "dormant_customer") }}
    where
        present.lifecycle_stage in ('dormant', 'lost')
        and present.days_since_last_order >= rules.days
),

-- An override holds a tier against the figures until it expires.
falling as (
    select
        present.customer_id,
        cast(null as varchar) as lead_id,
        'tier_falling' as action_code,
        last_day({{ plus_days("present.as_of_date", 1) }}) as due_from,
        'The figures of ' || cast(present.as_of_date as varchar) || ' earn '
        || earned_tiers.tier_name_en || ' only; from the month end '
        || cast(last_day({{ plus_days("present.as_of_date", 1) }}) as varchar) || ' on '
        || present.tier_name_en || ' may be lost.' as reason_en,
        cast(present.as_of_date as varchar) || '的数据仅达到'
        || earned_tiers.tier_name_zh || '；自月末'
        || cast(last_day({{ plus_days("present.as_of_date", 1) }}) as varchar)
        || '起可能失去' || present.tier_name_zh || '。' as reason_zh
    from present
    {{ join_action_rules("present", "tier_falling") }}
    inner join tiers as earned_tiers
        on
            present.policy_id = earned_tiers.policy_id
            and present.earned_tier_code = earned_tiers.tier_code
            and present.tier_rank < earned_tiers.tier_rank
    where
        present.override_expires_on is null
        or present.override_expires_on
        <= last_day({{ plus_days("present.as_of_date", 1) }})
),

-- Only where work with the customer can close the gap; who is merely waiting for a
-- confirmation needs nobody.
within_reach as (
    select
        present.customer_id,
        cast(null as varchar) as lead_id,
        'tier_within_reach' as action_code,
        present.as_of_date as due_from,
        next_tiers.tier_name_en || ' is within reach: '
        || case present.next_tier_measure
            when 'value_score' then 'value score'
            when 'potential_score' then 'potential score'
            else present.next_tier_measure
        end || ' is ' || {{ plain_number("present.next_tier_gap") }} || ' short'
        || coalesce(
            '; the nearest way is ' || score_factors.factor_name_en || ', from '
            || {{ plain_number("present.next_tier_factor_now") }} || ' to '
            || {{ plain_number("present.next_tier_factor_needed") }}, ''
        ) || '.' as reason_en,
        '接近' || next_tiers.tier_name_zh || '：'
        || case present.next_tier_measure
            when 'value_score' then '价值得分'
            when 'potential_score' then '潜力得分'
            else present.next_tier_measure
        end || '差' || {{ plain_number("present.next_tier_gap") }}
        || coalesce(
            '；最近的途径是' || score_factors.factor_name_zh || '由'
            || {{ plain_number("present.next_tier_factor_now") }} || '提高到'
            || {{ plain_number("present.next_tier_factor_needed") }}, ''
        ) || '。' as reason_zh
    from present
    {{ join_action_rules("present", "tier_within_reach") }}
    inner join tiers as next_tiers
        on
            present.policy_id = next_tiers.policy_id
            and present.next_tier_code = next_tiers.tier_code
    left join score_factors
        on
            present.policy_id = score_factors.policy_id
            and present.customer_type = score_factors.customer_type
            and present.next_tier_measure = score_factors.score || '_score'
            and present.next_tier_factor = score_factors.factor
    where
        present.next_tier_gap <= rules.threshold
        and present.next_tier_measure not in ('first order', 'confirmation')
        and (
            score_factors.factor is not null
            or present.next_tier_measure not in ('value_score', 'potential_score')
        )
),

-- The years are counted from the birth, so that who was born on a 29th of February
-- keeps that day in a leap year.
birthdays as (
    select
        customer_id,
        as_of_date,
        tier_code,
        customer_type,
        case
            when
                {{ plus_months(
                    "birth_date",
                    "12 * (extract(year from as_of_date)"
                    ~ " - extract(year from birth_date))",
                ) }} > as_of_date
                then
                    {{ plus_months(
                        "birth_date",
                        "12 * (extract(year from as_of_date)"
                        ~ " - extract(year from birth_date))",
                    ) }}
            else
                {{ plus_months(
                    "birth_date",
                    "12 * (extract(year from as_of_date)"
                    ~ " - extract(year from birth_date) + 1)",
                ) }}
        end as birthday
    from present
    where birthday_care and birth_date is not null
),

-- The year of birth is nobody's business here.
birthdays_due as (
    select
        birthdays.customer_id,
        cast(null as varchar) as lead_id,
        'birthday' as action_code,
        birthdays.birthday as due_from,
        'Birthday on ' || substring(cast(birthdays.birthday as varchar), 6, 5)
        || ' (month and day).' as reason_en,
        '生日：' || substring(cast(birthdays.birthday as varchar), 6, 5)
        || '（月-日）。' as reason_zh
    from birthdays
    {{ join_action_rules("birthdays", "birthday") }}
    where
        birthdays.birthday <= {{ plus_days("birthdays.as_of_date", "rules.days") }}
),

greeted as (
    select
        present.customer_id,
        holidays.holiday_date,
        holidays.name_en,
        holidays.name_zh,
        row_number() over (
            partition by present.customer_id
            order by holidays.holiday_date, holidays.country desc, holidays.name_en
        ) as place
    from present
    {{ join_action_rules("present", "holiday") }}
    inner join holidays
        on
            (holidays.country = '*' or present.country = holidays.country)
            and present.as_of_date < holidays.holiday_date
            and {{ plus_days("present.as_of_date", "rules.days") }}
            >= holidays.holiday_date
    where present.holiday_care
),

holidays_due as (
    select
        customer_id,
        cast(null as varchar) as lead_id,
        'holiday' as action_code,
        holiday_date as due_from,
        name_en || ' on ' || cast(holiday_date as varchar) || '.' as reason_en,
        cast(holiday_date as varchar) || '：' || name_zh || '。' as reason_zh
    from greeted
    where place = 1
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

cold_leads as (
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
                cast(round(100 * open_leads.probability) as integer) as varchar
            ) || ' %', ''
        ) || '; ' || coalesce(
            'last contact on ' || cast(open_leads.last_contact_on as varchar),
            'no contact recorded, entered on ' || cast(open_leads.created_on as varchar)
        ) || '.' as reason_en,
        '阶段：' || coalesce(open_leads.stage, '未知')
        || coalesce(
            '，概率'
            || cast(
                cast(round(100 * open_leads.probability) as integer) as varchar
            ) || '%', ''
        ) || '；' || coalesce(
            '上次联系：' || cast(open_leads.last_contact_on as varchar),
            '无联系记录，录入于' || cast(open_leads.created_on as varchar)
        ) || '。' as reason_zh
    from open_leads
    {{ join_action_rules("open_leads", "lead_cold") }}
    where
        coalesce(open_leads.last_contact_on, open_leads.created_on)
        <= {{ plus_days("open_leads.as_of_date", "-rules.days") }}
        and coalesce(open_leads.probability, 1) >= coalesce(rules.threshold, 0)
),

invoices_overdue as (
    select
        present.customer_id,
        cast(null as varchar) as lead_id,
        'invoice_overdue' as action_code,
        {{ plus_days("min(payments.due_date)", "max(rules.days)") }} as due_from,
        'Unpaid past the due day: ' || {{ thousands("sum(payments.amount)") }}
        || ' {{ var("reporting_currency") }} in ' || cast(count(*) as varchar)
        || case when count(*) = 1 then ' invoice' else ' invoices' end
        || ', the oldest due on '
        || cast(min(payments.due_date) as varchar) || '.' as reason_en,
        '逾期未付发票' || cast(count(*) as varchar) || '张，共'
        || {{ thousands("sum(payments.amount)") }}
        || ' {{ var("reporting_currency") }}，最早到期日'
        || cast(min(payments.due_date) as varchar) || '。' as reason_zh
    from present
    {{ join_action_rules("present", "invoice_overdue") }}
    inner join payments
        on
            present.customer_id = payments.customer_id
            and payments.paid_at is null
            and payments.amount > 0
            and present.as_of_date > payments.due_date
            and {{ plus_days("present.as_of_date", "-rules.days") }}
            >= payments.due_date
    group by present.customer_id
),

final as (
    {%- for action in [
        "visits_due", "calls_due", "missed_levels", "complaints_open", "rhythms_missed",
        "dormant", "falling", "within_reach", "birthdays_due", "holidays_due",
        "cold_leads", "invoices_overdue",
    ] %}
    select * from {{ action }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from final

{#-
Customers of high value that are served badly: class A of the last 12 months, and at least
one rule of seed service_alarms sounds. By what every source knows today, so that a
missed service level counts while its ticket is still open.
-#}
{%- set measures = {
    "sla_missed_90d": ("sla_missed_90d", "sla_missed_90d"),
    "reopened_90d": ("reopened_90d", "reopened_90d"),
    "complaint_open_days": ("complaint_open_days", "open_complaints"),
    "ticket_open_days": ("oldest_open_days", "open_tickets"),
    "csat_bad_percent_12m": ("100 * (1 - csat_12m)", "csat_answers_12m"),
    "unhappy_answers_12m": ("unhappy_answers_12m", "unhappy_answers_12m"),
    "days_without_contact": ("contact_gap_days", "1"),
} -%}

with customer_value as (
    select * from {{ ref("customer_value") }}
),

service as (
    select * from {{ ref("core_customer_service") }}
    where is_present
),

rules as (
    select * from {{ ref("service_alarms") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

valued as (
    select
        service.customer_id,
        service.customer_type,
        customer_value.revenue_12m,
        customer_value.abc_class_12m,
        row_number() over (
            partition by service.customer_type
            order by customer_value.revenue_12m desc, service.customer_id
        ) as revenue_rank_12m
    from service
    inner join customer_value on service.customer_id = customer_value.customer_id
),

tickets as (
    select
        service_tickets.customer_id,
        service_tickets.met_sla,
        service_tickets.reopen_count,
        {{ days_since(
            business_date("service_tickets.opened_at"), "refresh.as_of_date"
        ) }} as age_days,
        service_tickets.is_complaint
        and service_tickets.resolved_at is null
        and service_tickets.closed_at is null as is_open_complaint
    from {{ ref("core_service_tickets") }} as service_tickets
    cross join refresh
    where service_tickets.customer_id is not null
),

ticket_sums as (
    select
        customer_id,
        count(case when age_days < 90 and not met_sla then 1 end) as sla_missed_90d,
        sum(case when age_days < 90 then reopen_count end) as reopened_90d,
        count(case when is_open_complaint then 1 end) as open_complaints,
        max(case when is_open_complaint then age_days end) as complaint_open_days
    from tickets
    group by customer_id
),

answer_sums as (
    select
        survey_responses.customer_id,
        {{ answer_counts("survey_responses.survey", "survey_responses.score") }}
    from {{ ref("core_survey_responses") }} as survey_responses
    cross join refresh
    where survey_responses.responded_on > refresh.twelve_months_ago
    group by survey_responses.customer_id
),

facts as (
    select
        valued.customer_id,
        valued.customer_type,
        valued.revenue_12m,
        valued.abc_class_12m,
        valued.revenue_rank_12m,
        service.tickets_12m,
        service.sla_met_rate_12m,
        service.open_tickets,
        service.oldest_open_days,
        service.csat_12m,
        service.csat_answers_12m,
        service.contact_gap_days,
        ticket_sums.sla_missed_90d,
        ticket_sums.reopened_90d,
        ticket_sums.open_complaints,
        ticket_sums.complaint_open_days,
        answer_sums.csat_bad + answer_sums.nps_detractors as unhappy_answers_12m
    from valued
    inner join service on valued.customer_id = service.customer_id
    left join ticket_sums on valued.customer_id = ticket_sums.customer_id
    left join answer_sums on valued.customer_id = answer_sums.customer_id
    where valued.abc_class_12m = 'A' and valued.revenue_12m > 0
),

measured as (
    {%- for measure, (value, cases) in measures.items() %}
    select
        customer_id,
        '{{ measure }}' as measure,
        cast({{ value }} as double) as measured_value,
        {{ cases }} as cases
    from facts
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        facts.customer_id,
        rules.rule_code,
        facts.customer_type,
        cast(facts.revenue_12m as {{ type_money_sum() }}) as revenue_12m,
        facts.abc_class_12m,
        cast(facts.revenue_rank_12m as bigint) as revenue_rank_12m,
        rules.measure,
        measured.measured_value,
        cast(rules.at_least as double) as at_least,
        facts.tickets_12m,
        facts.sla_met_rate_12m,
        facts.open_tickets,
        facts.oldest_open_days,
        facts.csat_12m,
        facts.contact_gap_days,
        'Class ' || facts.abc_class_12m || ' with '
        || {{ thousands("facts.revenue_12m") }}
        || ' {{ var("reporting_currency") }} in the last 12 months: '
        || replace(rules.rule_en, '{value}', {{ thousands("measured.measured_value") }})
        || '.' as reason_en,
        facts.abc_class_12m || '类客户，近12个月销售额'
        || {{ thousands("facts.revenue_12m") }}
        || ' {{ var("reporting_currency") }}：'
        || replace(rules.rule_zh, '{value}', {{ thousands("measured.measured_value") }})
        || '。' as reason_zh
    from measured
    inner join rules
        on
            measured.measure = rules.measure
            and measured.measured_value >= cast(rules.at_least as double)
            and measured.cases >= rules.cases_needed
    inner join facts on measured.customer_id = facts.customer_id
)

select * from final

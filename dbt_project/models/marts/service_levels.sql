{#-
How well each tier is served, month by month. A ticket, a complaint and a ticket's own
score belong to the month of the opening, an answer to a survey to that of the answer.

A ticket that is not resolved is censored: it took at least until it was closed, or until
the end of the as-of day. Median and 90th percentile of the hours are those of Kaplan
and Meier's product-limit curve, the share of tickets not yet resolved after so many
hours, as a sum of logarithms over the times at which something was resolved.
-#}
{%- set shares = {"median_resolution_hours": 0.5, "p90_resolution_hours": 0.1} -%}

with service_tickets as (
    select * from {{ ref("core_service_tickets") }}
),

survey_responses as (
    select * from {{ ref("core_survey_responses") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

customer_days as (
    select * from {{ ref("core_customer_days") }}
),

spells as (
    select
        customer_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to,
        tier_code
    from {{ ref("int_tier_spells") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

tickets_of_tiers as (
    select
        {{ month_of(business_date("service_tickets.opened_at")) }} as month_start,
        {{ tier_then("service_tickets") }} as tier_code,
        service_tickets.resolved_at is not null as is_resolved,
        service_tickets.resolved_at is null
        and service_tickets.closed_at is null as is_open,
        {{ hours_between(
            "service_tickets.opened_at",
            "coalesce(service_tickets.resolved_at, service_tickets.closed_at, "
            ~ "refresh.known_until)"
        ) }} as hours,
        {{ hours_between(
            "service_tickets.opened_at", "service_tickets.first_response_at"
        ) }} as response_hours,
        service_tickets.is_complaint,
        service_tickets.reopen_count,
        service_tickets.met_sla,
        service_tickets.csat_score
    from service_tickets
    cross join refresh
    left join spells
        on
            service_tickets.customer_id = spells.customer_id
            and {{ business_date("service_tickets.opened_at") }} >= spells.valid_from
            and {{ business_date("service_tickets.opened_at") }} < spells.valid_to
),

-- Everything counts for its tier and for all.
tickets as (
    select * from tickets_of_tiers
    union all
    select
        month_start,
        'all' as tier_code,
        is_resolved,
        is_open,
        hours,
        response_hours,
        is_complaint,
        reopen_count,
        met_sla,
        csat_score
    from tickets_of_tiers
),

ticket_sums as (
    select
        month_start,
        tier_code,
        count(*) as tickets,
        count(met_sla) as sla_known,
        count(case when met_sla then 1 end) as sla_met,
        count(case when is_resolved then 1 end) as resolved,
        count(case when is_open then 1 end) as open_tickets,
        {{ median("case when is_resolved then hours end") }}
            as median_hours_of_resolved,
        {{ percentile("case when is_resolved then hours end", 0.9) }}
            as p90_hours_of_resolved,
        {{ median("response_hours") }} as median_first_response_hours,
        count(reopen_count) as reopen_known,
        count(case when reopen_count > 0 then 1 end) as reopened,
        case
            when count(is_complaint) > 0 then count(case when is_complaint then 1 end)
        end as complaints
    from tickets
    group by month_start, tier_code
),

times as (
    select
        month_start,
        tier_code,
        hours,
        count(*) as tickets,
        count(case when is_resolved then 1 end) as resolved
    from tickets
    group by month_start, tier_code, hours
),

at_risk as (
    select
        *,
        sum(tickets) over (
            partition by month_start, tier_code order by hours desc
        ) as waiting
    from times
),

-- Where all that wait are resolved the curve ends at 0, which has no logarithm.
curve as (
    select
        month_start,
        tier_code,
        hours,
        case
            when resolved = waiting then 0
            else
                exp(sum(case
                    when resolved < waiting
                        then ln(1 - resolved / cast(waiting as double))
                end) over (
                    partition by month_start, tier_code order by hours nulls last
                ))
        end as not_resolved_yet
    from at_risk
),

-- A share that is a product of fractions may miss its bound by a rounding.
curve_hours as (
    select
        {%- for name, share in shares.items() %}
        min(case when not_resolved_yet <= {{ share }} + 0.000000001 then hours end)
            as {{ name }},
        {%- endfor %}
        month_start,
        tier_code
    from curve
    group by month_start, tier_code
),

answers_of_tiers as (
    select
        {{ month_of("survey_responses.responded_on") }} as month_start,
        {{ tier_then("survey_responses") }} as tier_code,
        survey_responses.survey,
        survey_responses.score
    from survey_responses
    left join spells
        on
            survey_responses.customer_id = spells.customer_id
            and survey_responses.responded_on >= spells.valid_from
            and survey_responses.responded_on < spells.valid_to
    union all
    select
        month_start,
        tier_code,
        'csat' as survey,
        csat_score as score
    from tickets_of_tiers
    where csat_score is not null
),

answers as (
    select * from answers_of_tiers
    union all
    select
        month_start,
        'all' as tier_code,
        survey,
        score
    from answers_of_tiers
),

answer_sums as (
    select
        month_start,
        tier_code,
        {{ answer_counts("survey", "score") }}
    from answers
    group by month_start, tier_code
),

orders_of_tiers as (
    select
        {{ month_of("customer_days.order_date") }} as month_start,
        {{ tier_then("customers") }} as tier_code,
        sum(customer_days.orders) as orders
    from customer_days
    inner join customers on customer_days.customer_no = customers.customer_no
    left join spells
        on
            customers.customer_id = spells.customer_id
            and customer_days.order_date >= spells.valid_from
            and customer_days.order_date < spells.valid_to
    group by
        {{ month_of("customer_days.order_date") }}, {{ tier_then("customers") }}
),

orders as (
    select * from orders_of_tiers
    union all
    select
        month_start,
        'all' as tier_code,
        sum(orders) as orders
    from orders_of_tiers
    group by month_start
),

rows_there as (
    select
        month_start,
        tier_code
    from ticket_sums
    union
    select
        month_start,
        tier_code
    from answer_sums
),

final as (
    select
        rows_there.month_start,
        rows_there.tier_code,
        cast(coalesce(ticket_sums.tickets, 0) as bigint) as tickets,
        cast(coalesce(ticket_sums.sla_known, 0) as bigint) as sla_known,
        ticket_sums.sla_met / nullif(cast(ticket_sums.sla_known as double), 0)
            as met_sla_rate,
        cast(coalesce(ticket_sums.resolved, 0) as bigint) as resolved,
        cast(coalesce(ticket_sums.open_tickets, 0) as bigint) as open_tickets,
        ticket_sums.resolved / cast(ticket_sums.tickets as double) as resolved_share,
        cast(curve_hours.median_resolution_hours as double) as median_resolution_hours,
        cast(curve_hours.p90_resolution_hours as double) as p90_resolution_hours,
        cast(ticket_sums.median_hours_of_resolved as double)
            as median_hours_of_resolved,
        cast(ticket_sums.p90_hours_of_resolved as double) as p90_hours_of_resolved,
        cast(ticket_sums.median_first_response_hours as double)
            as median_first_response_hours,
        ticket_sums.reopened / nullif(cast(ticket_sums.reopen_known as double), 0)
            as reopened_rate,
        cast(coalesce(orders.orders, 0) as bigint) as orders,
        cast(ticket_sums.complaints as bigint) as complaints,
        100.0 * ticket_sums.complaints / nullif(cast(orders.orders as double), 0)
            as complaints_per_100_orders,
        cast(coalesce(answer_sums.csat_good + answer_sums.csat_bad, 0) as bigint)
            as csat_answers,
        answer_sums.csat_good
        / nullif(cast(answer_sums.csat_good + answer_sums.csat_bad as double), 0)
            as csat,
        cast(coalesce(answer_sums.nps_answers, 0) as bigint) as nps_answers,
        (answer_sums.nps_promoters - answer_sums.nps_detractors)
        / nullif(cast(answer_sums.nps_answers as double), 0) as nps
    from rows_there
    left join ticket_sums
        on
            rows_there.month_start = ticket_sums.month_start
            and rows_there.tier_code = ticket_sums.tier_code
    left join curve_hours
        on
            rows_there.month_start = curve_hours.month_start
            and rows_there.tier_code = curve_hours.tier_code
    left join answer_sums
        on
            rows_there.month_start = answer_sums.month_start
            and rows_there.tier_code = answer_sums.tier_code
    left join orders
        on
            rows_there.month_start = orders.month_start
            and rows_there.tier_code = orders.tier_code
)

select * from final

{#-
What was known at each origin of how a customer is served, pays and buys. The past and the
present go through this one query: a ticket is open until it is resolved or closed, and
only then is it known whether it met its service level and was opened again; an invoice
is open until it is paid. What nobody records is unknown, not zero.
-#}
with origins as (
    select * from {{ ref("core_health_origins") }}
),

customers as (
    select customer_value.*
    from {{ ref("core_customer_value") }} as customer_value
    inner join origins on customer_value.moment_no = origins.moment_no
),

tickets as (
    select
        customer_id,
        opened_at,
        {{ business_date("opened_at") }} as opened_on,
        {{ business_date("resolved_at") }} as resolved_on,
        -- Nulls do not count for the least.
        least(
            {{ business_date("resolved_at") }}, {{ business_date("closed_at") }}
        ) as done_on,
        {{ business_date("first_response_at") }} as responded_on,
        {{ hours_between("opened_at", "resolved_at") }} as resolution_hours,
        {{ hours_between("opened_at", "first_response_at") }} as response_hours,
        is_complaint,
        reopen_count,
        met_sla,
        csat_score
    from {{ ref("core_service_tickets") }}
    where customer_id is not null
),

interactions as (
    select
        interactions.customer_id,
        customers.customer_type,
        interactions.occurred_on
    from {{ ref("core_interactions") }} as interactions
    inner join {{ ref("core_customers") }} as customers
        on interactions.customer_id = customers.customer_id
),

-- Since when something is recorded at all: no ticket is news where tickets are kept.
recorded as (
    select
        min(opened_on) as tickets_since,
        min(case when is_complaint is not null then opened_on end) as complaints_since
    from tickets
),

answers_recorded as (
    select
        min(case when survey = 'csat' then answered_on end) as csat_since,
        min(case when survey = 'nps' then answered_on end) as nps_since
    from (
        select
            'csat' as survey,
            done_on as answered_on
        from tickets
        where csat_score is not null
        union all
        select
            survey,
            responded_on as answered_on
        from {{ ref("core_survey_responses") }}
        where customer_id is not null
    ) as answered
),

contacts_recorded as (
    select
        customer_type,
        min(occurred_on) as contacts_since
    from interactions
    group by customer_type
),

tickets_then as (
    select
        origins.moment_no,
        origins.as_of_date,
        tickets.*,
        tickets.opened_on > origins.twelve_months_ago as is_of_12m,
        coalesce(tickets.done_on <= origins.as_of_date, false) as is_done,
        coalesce(tickets.resolved_on <= origins.as_of_date, false) as is_resolved,
        coalesce(tickets.responded_on <= origins.as_of_date, false) as is_responded
    from tickets
    inner join origins
        on
            tickets.opened_on <= origins.as_of_date
            and (
                tickets.opened_on > origins.twelve_months_ago
                or tickets.done_on is null
                or tickets.done_on > origins.as_of_date
            )
),

ticket_sums as (
    select
        moment_no,
        customer_id,
        count(case when is_of_12m then 1 end) as tickets,
        count(case when is_of_12m and is_resolved then 1 end) as resolved,
        count(case when not is_done then 1 end) as open_tickets,
        max(case
            when not is_done then {{ days_since("opened_on", "as_of_date") }}
        end) as oldest_open_days,
        count(case when is_of_12m and is_done then met_sla end) as sla_known,
        count(case when is_of_12m and is_done and met_sla then 1 end) as sla_met,
        {{ median("case when is_of_12m and is_resolved then resolution_hours end") }}
            as resolution_hours,
        {{ median("case when is_of_12m and is_responded then response_hours end") }}
            as response_hours,
        count(case when is_of_12m and is_done then reopen_count end) as reopen_known,
        count(case when is_of_12m and is_done and reopen_count > 0 then 1 end)
            as reopened,
        count(case when is_of_12m and is_complaint then 1 end) as complaints
    from tickets_then
    group by moment_no, customer_id
),

answers as (
    select
        moment_no,
        customer_id,
        'csat' as survey,
        csat_score as score
    from tickets_then
    where is_of_12m and is_done and csat_score is not null
    union all
    select
        origins.moment_no,
        survey_responses.customer_id,
        survey_responses.survey,
        survey_responses.score
    from {{ ref("core_survey_responses") }} as survey_responses
    inner join origins
        on
            survey_responses.responded_on <= origins.as_of_date
            and survey_responses.responded_on > origins.twelve_months_ago
    where survey_responses.customer_id is not null
),

answer_sums as (
    select
        moment_no,
        customer_id,
        {{ answer_counts("survey", "score") }}
    from answers
    group by moment_no, customer_id
),

-- A credit note is nobody's debt, so it is neither late nor in time.
payments_then as (
    select
        origins.moment_no,
        payments.customer_id,
        payments.amount,
        payments.due_date > origins.twelve_months_ago
        and payments.due_date <= origins.as_of_date as is_of_12m,
        coalesce(payments.paid_on > origins.as_of_date, true) as is_open,
        {{ days_late("payments.due_date", "payments.paid_on", "origins.as_of_date") }}
            as days_late
    from {{ ref("core_payments") }} as payments
    inner join origins
        on
            payments.recorded_on <= origins.as_of_date
            and payments.due_date <= origins.as_of_date
            and (
                payments.due_date > origins.twelve_months_ago
                or payments.paid_on is null
                or payments.paid_on > origins.as_of_date
            )
    where payments.customer_id is not null and payments.amount > 0
),

payment_sums as (
    select
        moment_no,
        customer_id,
        sum(case when is_of_12m then amount end) as due_amount,
        sum(case when is_of_12m and days_late > 0 then amount else 0 end)
            as late_amount,
        sum(case when is_of_12m then amount * days_late end) as late_amount_days,
        sum(case when is_open and days_late > 0 then amount else 0 end)
            as overdue_amount
    from payments_then
    group by moment_no, customer_id
),

contacts as (
    select
        origins.moment_no,
        interactions.customer_id,
        max(interactions.occurred_on) as last_contact_on
    from interactions
    inner join origins on interactions.occurred_on <= origins.as_of_date
    group by origins.moment_no, interactions.customer_id
),

joined as (
    select
        customers.*,
        ticket_sums.resolved,
        ticket_sums.sla_known,
        ticket_sums.sla_met,
        ticket_sums.resolution_hours,
        ticket_sums.response_hours,
        ticket_sums.reopen_known,
        ticket_sums.reopened,
        case
            when recorded.tickets_since <= customers.as_of_date
                then coalesce(ticket_sums.tickets, 0)
        end as tickets_of_12m,
        case
            when recorded.tickets_since <= customers.as_of_date
                then coalesce(ticket_sums.open_tickets, 0)
        end as open_tickets,
        case
            when recorded.tickets_since <= customers.as_of_date
                then coalesce(ticket_sums.oldest_open_days, 0)
        end as oldest_open_days,
        case
            when recorded.complaints_since <= customers.as_of_date
                then coalesce(ticket_sums.complaints, 0)
        end as complaints,
        answer_sums.csat_good,
        answer_sums.csat_bad,
        case
            when answers_recorded.csat_since <= customers.as_of_date
                then coalesce(answer_sums.csat_good + answer_sums.csat_bad, 0)
        end as csat_answers,
        case
            when answers_recorded.nps_since <= customers.as_of_date
                then coalesce(answer_sums.nps_answers, 0)
        end as nps_answers,
        answer_sums.nps_promoters,
        answer_sums.nps_detractors,
        payment_sums.due_amount,
        payment_sums.late_amount,
        payment_sums.late_amount_days,
        payment_sums.overdue_amount,
        contacts.last_contact_on,
        -- Who was never contacted waits since its first order, or since contacts are
        -- recorded for customers of its type.
        case
            when contacts.last_contact_on is not null then contacts.last_contact_on
            when
                contacts_recorded.contacts_since <= customers.as_of_date
                and customers.first_order_date is not null
                then greatest(
                    customers.first_order_date, contacts_recorded.contacts_since
                )
        end as waits_since
    from customers
    cross join recorded
    cross join answers_recorded
    left join contacts_recorded
        on customers.customer_type = contacts_recorded.customer_type
    left join ticket_sums
        on
            customers.moment_no = ticket_sums.moment_no
            and customers.customer_id = ticket_sums.customer_id
    left join answer_sums
        on
            customers.moment_no = answer_sums.moment_no
            and customers.customer_id = answer_sums.customer_id
    left join payment_sums
        on
            customers.moment_no = payment_sums.moment_no
            and customers.customer_id = payment_sums.customer_id
    left join contacts
        on
            customers.moment_no = contacts.moment_no
            and customers.customer_id = contacts.customer_id
),

final as (
    select
        customer_id,
        customer_type,
        moment_no,
        as_of_date,
        is_present,
        coalesce(order_days > 0, false) as has_purchased,
        cast(days_since_last_order as integer) as days_since_last_order,
        cast(overdue_factor as double) as overdue_factor,
        growth_rate,
        cast(tickets_of_12m as bigint) as tickets_12m,
        cast(case
            when tickets_of_12m is not null then coalesce(resolved, 0)
        end as bigint) as resolved_12m,
        cast(open_tickets as bigint) as open_tickets,
        cast(oldest_open_days as integer) as oldest_open_days,
        cast(case
            when tickets_of_12m is not null then coalesce(sla_known, 0)
        end as bigint) as sla_known_12m,
        sla_met / nullif(cast(sla_known as double), 0) as sla_met_rate_12m,
        cast(resolution_hours as double) as median_resolution_hours_12m,
        cast(response_hours as double) as median_first_response_hours_12m,
        reopened / nullif(cast(reopen_known as double), 0) as reopened_share_12m,
        cast(complaints as bigint) as complaints_12m,
        100.0 * complaints / nullif(cast(orders_12m as double), 0)
            as complaints_per_100_orders_12m,
        cast(csat_answers as bigint) as csat_answers_12m,
        csat_good / nullif(cast(csat_good + csat_bad as double), 0) as csat_12m,
        cast(nps_answers as bigint) as nps_answers_12m,
        (nps_promoters - nps_detractors) / nullif(cast(nps_answers as double), 0)
            as nps_12m,
        cast(due_amount as {{ type_money_sum() }}) as due_amount_12m,
        cast(late_amount as double) / nullif(cast(due_amount as double), 0)
            as late_amount_share_12m,
        cast(late_amount_days as double) / nullif(cast(due_amount as double), 0)
            as mean_days_late_12m,
        cast(overdue_amount as {{ type_money_sum() }}) as overdue_amount,
        last_contact_on,
        cast({{ days_since("waits_since", "as_of_date") }} as integer)
            as contact_gap_days
    from joined
)

select * from final

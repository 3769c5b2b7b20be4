{#-
What serving and winning each customer cost, by the day on which it is booked: facts times
the rates of the seed cost_rates, freight as the order lines have it, campaigns as they were
paid. Without a customer the money was spent all the same, and stands under null.

The sum of all entries up to a month end is what a refresh as of that day would have
computed, so that the past can be replayed from one table: late payment is booked on the
last late day of each month, a campaign on its last day, when it is known whom it won. Two
things only today's sources know: what a campaign that still runs has cost so far, which is
booked on the as-of day; and the priority of a ticket, which counts as it was last.
-#}
with order_lines as (
    select * from {{ ref("core_order_lines") }}
),

service_tickets as (
    select * from {{ ref("core_service_tickets") }}
),

interactions as (
    select * from {{ ref("core_interactions") }}
),

payments as (
    select * from {{ ref("core_payments") }}
),

campaigns as (
    select * from {{ ref("core_campaigns") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

-- An order is handled once, whatever the days and channels of its lines.
orders as (
    select
        min(customer_id) as customer_id,
        min(order_date) as cost_date,
        min(channel) as channel
    from order_lines
    where not is_return
    group by order_id
),

tickets as (
    select
        customer_id,
        {{ business_date("opened_at") }} as cost_date,
        cast(priority as {{ type_text() }}) as priority,
        channel
    from service_tickets
),

-- `units` of one `size` each: minutes are priced one interaction at a time, so that
-- rounding is the same however they are added up.
counted as (
    select
        customer_id,
        cost_date,
        'order_handling' as cost_pool,
        'order' as driver,
        channel as cost_key,
        1 as size,
        count(*) as units
    from orders
    group by customer_id, cost_date, channel
    union all
    select
        customer_id,
        order_date as cost_date,
        case when is_return then 'returns_handling' else 'order_handling' end
            as cost_pool,
        case when is_return then 'returned_line' else 'line' end as driver,
        channel as cost_key,
        1 as size,
        count(*) as units
    from order_lines
    group by customer_id, order_date, is_return, channel
    union all
    select
        customer_id,
        cost_date,
        'service' as cost_pool,
        'ticket_priority' as driver,
        priority as cost_key,
        1 as size,
        count(*) as units
    from tickets
    group by customer_id, cost_date, priority
    union all
    select
        customer_id,
        cost_date,
        'service' as cost_pool,
        'ticket_channel' as driver,
        channel as cost_key,
        1 as size,
        count(*) as units
    from tickets
    group by customer_id, cost_date, channel
    union all
    select
        customer_id,
        occurred_on as cost_date,
        'account_management' as cost_pool,
        'interaction' as driver,
        kind as cost_key,
        1 as size,
        count(*) as units
    from interactions
    group by customer_id, occurred_on, kind
    union all
    select
        customer_id,
        occurred_on as cost_date,
        'account_management' as cost_pool,
        'interaction_minute' as driver,
        kind as cost_key,
        minutes as size,
        count(*) as units
    from interactions
    where minutes is not null
    group by customer_id, occurred_on, kind, minutes
),

priced as (
    select
        counted.customer_id,
        counted.cost_date,
        counted.cost_pool,
        counted.units
        * cast(counted.size * {{ cost_rate() }} as {{ type_money() }}) as amount
    from counted
    {{ join_cost_rates("counted", "counted.cost_date") }}
),

-- The rate of the due day holds until the invoice is paid.
late_invoices as (
    select
        payments.payment_id,
        payments.customer_id,
        payments.due_date,
        payments.amount,
        coalesce(payments.paid_on, refresh.as_of_date) as late_until,
        'late_payment' as cost_pool,
        'yearly_interest' as driver,
        '*' as cost_key
    from payments
    cross join refresh
    where payments.days_late > 0 and payments.amount > 0
),

late_months as (
    {{ by_month("late_invoices", "due_date", "late_until") }}
),

-- The difference of two totals, so that the months of an invoice sum to its interest.
late_totals as (
    select
        late_months.payment_id,
        late_months.customer_id,
        late_months.month_start,
        least(last_day(late_months.month_start), late_months.late_until) as cost_date,
        {{ interest(
            "late_months.amount",
            cost_rate(),
            days_between(
                "late_months.due_date",
                "least(last_day(late_months.month_start), late_months.late_until)",
            ),
        ) }} as amount_so_far
    from late_months
    {{ join_cost_rates("late_months", "late_months.due_date") }}
),

late_payment as (
    select
        customer_id,
        cost_date,
        'late_payment' as cost_pool,
        amount_so_far - lag(amount_so_far, 1, 0) over (
            partition by payment_id order by month_start
        ) as amount
    from late_totals
),

freight as (
    select
        customer_id,
        order_date as cost_date,
        'freight' as cost_pool,
        freight_amount as amount
    from order_lines
),

campaign_days as (
    select
        campaigns.campaign_id,
        campaigns.acquisition_source,
        campaigns.started_on,
        least(coalesce(campaigns.ended_on, refresh.as_of_date), refresh.as_of_date)
            as last_day,
        -- The smallest amount that there is, counted.
        cast(campaigns.cost_amount * 10000 as decimal(28, 0)) as cost_units
    from campaigns
    cross join refresh
),

won as (
    select
        campaign_days.campaign_id,
        campaign_days.last_day,
        campaign_days.cost_units,
        customers.customer_id,
        count(*) over (partition by campaign_days.campaign_id) as shares,
        row_number() over (
            partition by campaign_days.campaign_id order by customers.customer_id
        ) as place
    from campaign_days
    left join customers
        on
            campaign_days.acquisition_source = customers.acquisition_source
            and campaign_days.started_on <= customers.acquired_on
            and campaign_days.last_day >= customers.acquired_on
),

-- What does not divide goes to the first customers, one unit each.
acquisition as (
    select
        customer_id,
        last_day as cost_date,
        'acquisition' as cost_pool,
        cast(
            cast((cost_units - mod(cost_units, shares)) / shares as decimal(28, 0))
            + case when place <= mod(cost_units, shares) then 1 else 0 end
            as decimal(28, 0)
        ) * 0.0001 as amount
    from won
),

entries as (
    select * from priced
    union all
    select * from freight
    union all
    select * from late_payment
    union all
    select * from acquisition
),

final as (
    select
        customer_id,
        cost_date,
        cost_pool,
        cast(sum(amount) as {{ type_money() }}) as amount
    from entries
    where amount <> 0
    group by customer_id, cost_date, cost_pool
)

select * from final

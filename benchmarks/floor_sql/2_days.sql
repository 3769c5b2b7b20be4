-- What the facts add up to by days and months, and what serving each customer cost.

-- The one pass over the lines: what a customer bought on a day by one channel. The ERP
-- and the shop number the lines of an order from 1, and an order is of one day.
create temp table channel_days as
select
    customer_id,
    order_date,
    channel,
    count(*) filter (line_number = 1 and not is_return) as orders,
    count(*) as lines,
    count(*) filter (is_return) as returned_lines,
    sum(if(is_return, 0, net_amount)) as spend,
    sum(net_amount) as revenue,
    sum(abs(net_amount)) as gross_amount,
    count(margin_amount) as costed_lines,
    sum(if(margin_amount is null, 0, abs(net_amount))) as costed_amount,
    sum(coalesce(margin_amount, 0)) as costed_margin,
    count(freight_amount) as freighted_lines,
    sum(coalesce(freight_amount, 0)) as known_freight
from order_lines
group by customer_id, order_date, channel;

create table core_customer_days as
select
    customer_id,
    order_date,
    cast(sum(orders) as integer) as orders,
    cast(max(if(orders > 0, 1, 0)) as integer) as is_purchase_day,
    cast(sum(spend) as decimal(18, 4)) as spend,
    cast(sum(revenue) as decimal(18, 4)) as revenue,
    cast(sum(gross_amount) as decimal(18, 4)) as gross_amount,
    cast(sum(costed_amount) as decimal(18, 4)) as costed_amount,
    cast(sum(costed_margin) as decimal(18, 4)) as costed_margin,
    cast(sum(known_freight) as decimal(18, 4)) as known_freight,
    cast(sum(lines) as bigint) as lines,
    cast(sum(costed_lines) as bigint) as costed_lines,
    cast(sum(freighted_lines) as bigint) as freighted_lines
from channel_days
group by customer_id, order_date;

create table cohort_retention as
with months as (
    select
        customer_id,
        date_trunc('month', order_date) as order_month,
        sum(revenue) as revenue,
        max(is_purchase_day) as has_order
    from core_customer_days
    group by all
),

cohorts as (
    select
        *,
        min(order_month) filter (has_order = 1) over (partition by customer_id)
            as cohort_month
    from months
)

select
    cast(cohort_month as date) as cohort_month,
    cast(date_diff('month', cohort_month, order_month) as integer) as month_number,
    max(count(*) filter (order_month = cohort_month)) over (partition by cohort_month)
        as customers,
    cast(sum(has_order) as bigint) as active,
    cast(sum(revenue) as decimal(28, 4)) as revenue
from cohorts
where order_month >= cohort_month
group by cohort_month, month_number, order_month;

-- What a unit of something cost on a day.
create temp table unit_costs as
select
    driver,
    key,
    cast(rate as decimal(18, 4)) as rate,
    valid_from,
    coalesce(valid_to, date '9999-12-31') as valid_to
from cost_rates;

create table core_cost_entries as
with bought as (
    select
        customer_id,
        order_date as cost_date,
        unnest(['order', 'line', 'returned_line']) as driver,
        unnest([orders, lines - returned_lines, returned_lines]) as units,
        channel as key,
        1 as size
    from channel_days
),

asked as (
    select
        customer_id,
        berlin_day(opened_at) as cost_date,
        unnest(['ticket_priority', 'ticket_channel']) as driver,
        1 as units,
        unnest([cast(priority as varchar), channel]) as key,
        1 as size
    from service_tickets
),

met as (
    select
        customer_id,
        berlin_day(occurred_at) as cost_date,
        unnest(['interaction', 'interaction_minute']) as driver,
        1 as units,
        kind as key,
        unnest([1, minutes]) as size
    from interactions
),

counted as (
    select * from bought where units > 0
    union all
    select * from asked
    union all
    select * from met
),

priced as (
    select
        counted.customer_id,
        counted.cost_date,
        case counted.driver
            when 'order' then 'order_handling' when 'line' then 'order_handling'
            when 'returned_line' then 'returns_handling'
            when 'ticket_priority' then 'service' when 'ticket_channel' then 'service'
            else 'account_management'
        end as cost_pool,
        counted.units * cast(
            counted.size * coalesce(own.rate, common.rate) as decimal(18, 4)
        ) as amount
    from counted
    left join unit_costs as own
        on
            counted.driver = own.driver
            and counted.key = own.key
            and counted.cost_date >= own.valid_from
            and counted.cost_date < own.valid_to
    left join unit_costs as common
        on
            counted.driver = common.driver
            and common.key = '*'
            and counted.cost_date >= common.valid_from
            and counted.cost_date < common.valid_to
),

late as (
    select
        payment_id,
        customer_id,
        amount,
        due_date,
        coalesce(berlin_day(paid_at), as_of()) as late_until,
        unnest(generate_series(
            date_trunc('month', due_date),
            date_trunc('month', coalesce(berlin_day(paid_at), as_of())),
            interval 1 month
        )) as month_start
    from payments
    where days_late > 0 and amount > 0
),

late_months as (
    select
        late.payment_id,
        late.customer_id,
        late.month_start,
        least(last_day(late.month_start), late.late_until) as cost_date,
        cast(
            cast(late.amount as double) * cast(unit_costs.rate as double)
            * (least(last_day(late.month_start), late.late_until) - late.due_date) / 365
            as decimal(18, 4)
        ) as amount_so_far
    from late
    inner join unit_costs on unit_costs.driver = 'yearly_interest'
),

entries as (
    select * from priced
    union all
    select customer_id, order_date, 'freight', known_freight from core_customer_days
    union all
    select
        customer_id,
        cost_date,
        'late_payment',
        amount_so_far - lag(amount_so_far, 1, 0) over (
            partition by payment_id order by month_start
        )
    from late_months
)

select
    customer_id,
    cost_date,
    cost_pool,
    cast(sum(amount) as decimal(18, 4)) as amount
from entries
where amount <> 0
group by customer_id, cost_date, cost_pool;

create table customers as
with first_orders as (
    select customer_id, min(order_date) as first_order_date
    from core_customer_days
    where is_purchase_day = 1
    group by customer_id
),

named as (
    select
        *,
        if(customer_type = 'person', initials(customer_name), customer_name)
            as published_name
    from merged
)

select
    customer_id,
    if(
        customer_type = 'person',
        published_name || ' (' || customer_id || ')', published_name
    ) as customer_label,
    published_name as customer_name,
    customer_type,
    cast(null as varchar) as parent_customer_id,
    customer_id as ultimate_parent_customer_id,
    country,
    cast(null as varchar) as region,
    city,
    industry,
    owner,
    left(email, 1) || '***' || substr(email, position('@' in email)) as email_masked,
    '***' || right(phone, 3) as phone_masked,
    cast(null as varchar) as acquisition_source,
    coalesce(acquired_on, first_order_date) as acquired_on,
    cast(null as decimal(18, 4)) as annual_revenue,
    employee_count,
    customer_name_source,
    country_source,
    cast(null as varchar) as region_source,
    city_source,
    industry_source,
    owner_source,
    email_source,
    phone_source,
    cast(null as varchar) as acquisition_source_source,
    acquired_on_source,
    cast(null as varchar) as annual_revenue_source,
    employee_count_source,
    source_count
from named
left join first_orders using (customer_id);

create table service_categories as
with tickets as (
    select
        date_trunc('month', berlin_day(opened_at)) as month_start,
        *,
        case
            when resolved_at <= opened_at then 0
            else (cast(epoch(resolved_at) as bigint) - cast(epoch(opened_at) as bigint))
                / 3600.0
        end as hours
    from service_tickets
)

select
    cast(month_start as date) as month_start,
    category,
    count(*) as tickets,
    count(distinct customer_id) as customers,
    count(resolved_at) as resolved,
    count(*) filter (resolved_at is null and closed_at is null) as open_tickets,
    cast(median(hours) as double) as median_hours_of_resolved,
    count(met_sla) as sla_known,
    count(*) filter (met_sla) / nullif(cast(count(met_sla) as double), 0)
        as met_sla_rate,
    count(*) filter (is_complaint) as complaints,
    count(csat_score) as csat_scores,
    cast(avg(csat_score) as double) as mean_csat_score
from tickets
group by month_start, category;

create table event_days as
select
    'order_lines' as entity,
    source,
    source_currency as currency,
    order_date as event_day,
    count(*) as events,
    cast(sum(net_amount) as decimal(28, 4)) as amount,
    cast(sum(source_net_amount) as decimal(28, 4)) as source_amount
from order_lines
group by all
union all
select
    'payments', source, source_currency, invoiced_on, count(*),
    cast(sum(amount) as decimal(28, 4)), cast(sum(source_amount) as decimal(28, 4))
from payments
group by all
union all
select 'service_tickets', source, '-', berlin_day(opened_at), count(*), 0, 0
from service_tickets
group by all
union all
select 'interactions', source, '-', berlin_day(occurred_at), count(*), 0, 0
from interactions
group by all;

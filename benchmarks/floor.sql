-- The tables of a release that are nothing but SQL over the sources, as a practised hand
-- writes them for one company: what the engine alone needs. No layers, no options, no
-- checks, each large table read as seldom as possible. `floor.py` gives the sources as
-- views of the newest version of each row (`<source>_<entity>`), the variable `as_of`, and
-- the seeds `cost_rates` and `rfm_segments`; it names what is not made here.
--
-- Formulas are those of the models of the same names, whose results it is compared with.

create macro utc(local_time) as
    cast((local_time at time zone 'Europe/Berlin') at time zone 'UTC' as timestamp);
create macro berlin_day(utc_time) as
    cast((utc_time at time zone 'UTC') at time zone 'Europe/Berlin' as date);
create macro as_of() as getvariable('as_of');
create macro months_before(day, months) as case
    when day = last_day(day) then last_day(cast(day - to_months(months) as date))
    else cast(day - to_months(months) as date)
end;
create macro initials(name) as regexp_replace(name, '(\S)\S*', '\1.', 'g');

-- Who is whom: the CRM notes the ERP's number or the registration number, the web shop
-- knows the e-mail address.
create temp table links as
select
    'crm' as source,
    accounts.account_id as source_customer_id,
    customers.customer_no,
    'cross-reference' as match_rule,
    0.999 as match_confidence
from crm_accounts as accounts
inner join erp_customers as customers on accounts.erp_number = customers.customer_no
union all
select
    'crm' as source,
    accounts.account_id as source_customer_id,
    customers.customer_no,
    'registration number' as match_rule,
    1.0 as match_confidence
from crm_accounts as accounts
inner join erp_customers as customers
    on accounts.registration_no = customers.registration_no
union all
select
    'web' as source,
    users.user_id as source_customer_id,
    customers.customer_no,
    'e-mail and person' as match_rule,
    0.995 as match_confidence
from web_users as users
inner join erp_customers as customers
    on users.email = customers.email and not customers.is_company;

-- A customer is called after the first of its records; the CRM comes before the ERP.
create table customer_source_keys as
with records as (
    select
        'erp' as source,
        customers.customer_no as source_customer_id,
        if(links.source = 'crm', 'crm', 'erp') as first_source,
        if(links.source = 'crm', links.source_customer_id, customers.customer_no)
            as first_id,
        links.match_rule,
        links.match_confidence
    from erp_customers as customers
    left join links on customers.customer_no = links.customer_no
    union all
    select
        'crm' as source,
        accounts.account_id,
        'crm' as first_source,
        accounts.account_id as first_id,
        links.match_rule,
        links.match_confidence
    from crm_accounts as accounts
    left join links
        on links.source = 'crm' and accounts.account_id = links.source_customer_id
    union all
    select
        'web' as source,
        users.user_id,
        if(links.customer_no is null, 'web', 'erp') as first_source,
        coalesce(links.customer_no, users.user_id) as first_id,
        links.match_rule,
        links.match_confidence
    from web_users as users
    left join links on links.source = 'web' and users.user_id = links.source_customer_id
)

select
    source,
    source_customer_id,
    'C' || upper(left(
        sha256(first_source || chr(31) || first_id || chr(31) || '0'), 12
    )) as customer_id,
    coalesce(match_rule, 'own key') as match_rule,
    cast(coalesce(match_confidence, 1) as decimal(5, 4)) as match_confidence
from records;

create table products as
select
    source || ':' || product_no as product_id,
    product_name,
    category,
    subcategory,
    cast(list_price as decimal(18, 4)) as list_price,
    cast(unit_cost as decimal(18, 4)) as unit_cost,
    source
from (
    select 'erp' as source, * from erp_products
    union all
    select 'web' as source, * from web_products
);

create macro in_euros(amount, currency, rate) as case
    when currency = 'EUR' then cast(amount as decimal(18, 4))
    else cast(amount * rate as decimal(18, 4))
end;

-- A rate for each day.
create temp table rates as
select currency, rate_date, rate from erp_fx_rates;

create table order_lines as
with sold as (
    select
        'erp' as source,
        lines.*,
        orders.* exclude (order_number, customer_no),
        orders.customer_no as source_customer_id
    from erp_order_lines as lines
    inner join erp_orders as orders on lines.order_number = orders.order_number
    union all
    select
        'web' as source,
        lines.*,
        orders.* exclude (order_number, user_id),
        orders.user_id as source_customer_id
    from web_order_lines as lines
    inner join web_orders as orders on lines.order_number = orders.order_number
),

converted as (
    select
        sold.*,
        keys.customer_id,
        in_euros(sold.net_amount, sold.currency, rates.rate) as net,
        in_euros(sold.cost_amount, sold.currency, rates.rate) as cost,
        in_euros(sold.freight_amount, sold.currency, rates.rate) as freight
    from sold
    inner join customer_source_keys as keys
        on sold.source = keys.source and sold.source_customer_id = keys.source_customer_id
    left join rates
        on sold.currency = rates.currency and sold.order_date = rates.rate_date
)

select
    source || ':' || order_number as order_id,
    line_number,
    customer_id,
    source || ':' || product_no as product_id,
    utc(ordered_at) as ordered_at,
    order_date,
    channel,
    cast(quantity as decimal(18, 4)) as quantity,
    net as net_amount,
    cost as cost_amount,
    cast(net - cost as decimal(18, 4)) as margin_amount,
    freight as freight_amount,
    is_return,
    'EUR' as currency,
    currency as source_currency,
    cast(net_amount as decimal(18, 4)) as source_net_amount,
    source,
    source as customer_source,
    source_customer_id
from converted;

create table payments as
with invoices as (
    select
        invoices.*,
        keys.customer_id,
        in_euros(invoices.amount, invoices.currency, rates.rate) as amount_in_euros,
        utc(invoices.paid_at) as paid_at_utc
    from erp_invoices as invoices
    left join customer_source_keys as keys
        on keys.source = 'erp' and invoices.customer_no = keys.source_customer_id
    left join rates
        on invoices.currency = rates.currency and invoices.invoiced_on = rates.rate_date
)

select
    'erp:' || invoice_number as payment_id,
    customer_id,
    'erp:' || order_number as order_id,
    invoiced_on,
    due_date,
    paid_at_utc as paid_at,
    amount_in_euros as amount,
    'EUR' as currency,
    cast(greatest(least(cast(paid_at as date), as_of()) - due_date, 0) as integer)
        as days_late,
    currency as source_currency,
    cast(amount as decimal(18, 4)) as source_amount,
    'erp' as source,
    'erp' as customer_source,
    customer_no as source_customer_id
from invoices;

create table service_tickets as
select
    'crm:' || tickets.ticket_number as ticket_id,
    keys.customer_id,
    utc(tickets.opened_at) as opened_at,
    utc(tickets.first_response_at) as first_response_at,
    utc(tickets.resolved_at) as resolved_at,
    utc(tickets.closed_at) as closed_at,
    tickets.priority,
    tickets.category,
    tickets.channel,
    tickets.is_complaint,
    tickets.reopen_count,
    tickets.met_sla,
    tickets.csat_score,
    'crm' as source,
    tickets.customer_system as customer_source,
    tickets.customer_number as source_customer_id
from crm_tickets as tickets
left join customer_source_keys as keys
    on
        tickets.customer_system = keys.source
        and tickets.customer_number = keys.source_customer_id;

create table interactions as
select
    'crm:' || activities.interaction_number as interaction_id,
    keys.customer_id,
    activities.kind,
    utc(activities.occurred_at) as occurred_at,
    activities.minutes,
    activities.owner,
    cast(null as varchar) as subject,
    'crm' as source,
    'crm' as customer_source,
    activities.account_id as source_customer_id
from crm_activities as activities
left join customer_source_keys as keys
    on keys.source = 'crm' and activities.account_id = keys.source_customer_id;

create table leads as
select
    'crm:' || deals.lead_number as lead_id,
    keys.customer_id,
    deals.lead_name,
    'company' as customer_type,
    deals.stage,
    deals.is_open,
    in_euros(deals.amount, deals.currency, rates.rate) as amount,
    'EUR' as currency,
    cast(deals.amount as decimal(18, 4)) as source_amount,
    deals.currency as source_currency,
    deals.probability,
    deals.expected_close_date,
    deals.owner,
    deals.created_on,
    deals.closed_on,
    deals.last_contact_on,
    'crm' as source,
    'crm' as customer_source,
    deals.account_id as source_customer_id
from crm_deals as deals
left join customer_source_keys as keys
    on keys.source = 'crm' and deals.account_id = keys.source_customer_id
left join rates on deals.currency = rates.currency and deals.created_on = rates.rate_date;

-- Each attribute of the record that was changed last and has it; then the first source's.
create temp table merged as
with records as (
    select
        'crm' as source, account_id as id, 'company' as customer_type,
        account_name as customer_name, null as given_name, null as family_name,
        null as birth_date, registration_no as registration_number, country, city,
        postal_code, street, industry, owner, email, phone, null as acquired_on,
        employee_count, updated_at
    from crm_accounts
    union all
    select
        'erp', customer_no, if(is_company, 'company', 'person'), name, given_name,
        family_name, birth_date, registration_no, country, city, postal_code, street,
        null, null, email, phone, customer_since, null, updated_at
    from erp_customers
    union all
    select
        'web', user_id, 'person', given_name || ' ' || family_name, given_name,
        family_name, birth_date, null, country, city, postal_code, street, null, null,
        email, phone, signed_up_on, null, updated_at
    from web_users
),

owned as (
    select
        keys.customer_id,
        records.* exclude (id, updated_at),
        10 * -epoch(records.updated_at)
        + case records.source when 'crm' then 0 when 'erp' then 1 else 2 end as age
    from records
    inner join customer_source_keys as keys
        on records.source = keys.source and records.id = keys.source_customer_id
)

select
    customer_id,
    arg_min(columns(* exclude (customer_id, source, age)), age),
    arg_min(source, age) filter (customer_name is not null) as customer_name_source,
    arg_min(source, age) filter (country is not null) as country_source,
    arg_min(source, age) filter (city is not null) as city_source,
    arg_min(source, age) filter (industry is not null) as industry_source,
    arg_min(source, age) filter (owner is not null) as owner_source,
    arg_min(source, age) filter (email is not null) as email_source,
    arg_min(source, age) filter (phone is not null) as phone_source,
    arg_min(source, age) filter (acquired_on is not null) as acquired_on_source,
    arg_min(source, age) filter (employee_count is not null) as employee_count_source,
    cast(count(*) as integer) as source_count
from owned
group by customer_id;

create table customers_private as
select
    customer_id,
    customer_type,
    customer_name,
    given_name,
    family_name,
    email,
    phone,
    street,
    postal_code,
    cast(birth_date as date) as birth_date,
    cast(null as varchar) as registration_number
from merged;

-- The one pass over the lines: what a customer bought on a day by one channel. The ERP and
-- the shop number the lines of an order from 1, and an order is of one day.
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

-- What happened to each customer on a day, for what it is worth.
create temp table activity as
select
    customer_id,
    order_date as day,
    orders,
    is_purchase_day as order_days,
    if(is_purchase_day = 1, order_date, null) as purchased_on,
    revenue,
    gross_amount,
    costed_amount,
    costed_margin,
    known_freight,
    lines,
    costed_lines,
    freighted_lines
from core_customer_days
union all by name
select customer_id, cost_date as day, sum(amount) as cost_to_serve
from core_cost_entries
where customer_id is not null
group by all
union all by name
select customer_id, berlin_day(opened_at) as day, count(*) as tickets
from service_tickets
where customer_id is not null
group by all;

create temp table recorded as
select
    min(day) as first_day,
    min(day) filter (lines > 0) as sales_since,
    min(purchased_on) as purchases_since,
    min(day) filter (costed_lines > 0) as margin_since,
    min(day) filter (freighted_lines > 0) as freight_since,
    min(day) filter (cost_to_serve <> 0) as cost_since,
    min(day) filter (tickets > 0) as tickets_since
from activity;

-- From when on a customer is known; of whom no source says it, always.
create temp table known as
select
    merged.customer_id,
    merged.customer_type,
    case
        when merged.acquired_on is null and min(activity.purchased_on) is null
            then date '0001-01-01'
        else least(merged.acquired_on, min(activity.day))
    end as known_from
from merged
left join activity on merged.customer_id = activity.customer_id
group by merged.customer_id, merged.customer_type, merged.acquired_on;

-- How each customer buys, as of each purchase day.
create temp table rhythms as
with purchases as (
    select
        customer_id,
        order_date,
        order_date - lag(order_date) over (partition by customer_id order by order_date)
            as gap_days
    from core_customer_days
    where is_purchase_day = 1
)

select
    customer_id,
    order_date as last_order_date,
    median(gap_days) over so_far as median_gap_days,
    max(if(gap_days > 365, order_date, null)) over so_far as returned_on
from purchases
window so_far as (
    partition by customer_id order by order_date
    rows between unbounded preceding and current row
);

-- The running totals of each month end, and those of the as-of day by its own windows.
create temp table totals as
with month_ends as (
    select last_day(cast(unnest(generate_series(
        date_trunc('month', first_day), as_of(), interval 1 month
    )) as date)) as as_of_date
    from recorded
),

months as (
    select
        customer_id,
        last_day(day) as as_of_date,
        min(purchased_on) as first_order_date,
        max(purchased_on) as last_order_date,
        sum(columns(* exclude (customer_id, day, purchased_on)))
    from activity
    group by customer_id, last_day(day)
),

grid as (
    select
        known.customer_id,
        known.customer_type,
        month_ends.as_of_date,
        months.* exclude (customer_id, as_of_date)
    from known
    inner join month_ends
        on month_ends.as_of_date >= known.known_from and month_ends.as_of_date <= as_of()
    left join months
        on
            known.customer_id = months.customer_id
            and month_ends.as_of_date = months.as_of_date
),

so_far as (
    select
        customer_id,
        customer_type,
        as_of_date,
        min(first_order_date) over so_far as first_order_date,
        max(last_order_date) over so_far as last_order_date,
        coalesce(sum(columns(* exclude (
            customer_id, customer_type, as_of_date, first_order_date, last_order_date
        ))) over so_far, 0)
    from grid
    window so_far as (
        partition by customer_id order by as_of_date
        rows between unbounded preceding and current row
    )
),

history as (
    select
        *,
        coalesce(lag(columns(* exclude (
            customer_id, customer_type, as_of_date, first_order_date, last_order_date
        )), 12) over by_month, 0) as "\0_12m_ago",
        coalesce(lag(revenue, 24) over by_month, 0) as revenue_24m_ago
    from so_far
    window by_month as (partition by customer_id order by as_of_date)
),

of_12m as (
    select
        customer_id,
        sum(columns(* exclude (customer_id, day, purchased_on))) as "\0_12m_ago"
    from activity
    where day <= months_before(as_of(), 12)
    group by customer_id
),

of_24m as (
    select customer_id, sum(revenue) as revenue_24m_ago
    from activity
    where day <= months_before(as_of(), 24)
    group by customer_id
),

of_all as (
    select
        customer_id,
        min(purchased_on) as first_order_date,
        max(purchased_on) as last_order_date,
        sum(columns(* exclude (customer_id, day, purchased_on)))
    from activity
    group by customer_id
),

present as (
    select
        known.customer_id,
        known.customer_type,
        as_of() as as_of_date,
        of_all.first_order_date,
        of_all.last_order_date,
        coalesce(columns(of_all.* exclude (
            customer_id, first_order_date, last_order_date
        )), 0),
        coalesce(columns(of_12m.* exclude (customer_id)), 0),
        coalesce(of_24m.revenue_24m_ago, 0) as revenue_24m_ago
    from known
    left join of_all on known.customer_id = of_all.customer_id
    left join of_12m on known.customer_id = of_12m.customer_id
    left join of_24m on known.customer_id = of_24m.customer_id
)

select false as is_present, history.*
from history
inner join recorded on history.as_of_date >= last_day(recorded.sales_since)
union all by name
select true as is_present, * from present;

-- What every customer was worth at each of these days, measured by itself.
create temp table staged as
with spans as (
    select
        totals.is_present,
        totals.customer_id,
        totals.customer_type,
        totals.as_of_date,
        totals.first_order_date,
        totals.last_order_date,
        cast(orders as bigint) as order_count,
        cast(orders - orders_12m_ago as bigint) as order_count_12m,
        cast(order_days as bigint) as order_days,
        cast(lines as bigint) as lines,
        cast(lines - lines_12m_ago as bigint) as lines_12m,
        costed_lines,
        costed_lines - costed_lines_12m_ago as costed_lines_12m,
        freighted_lines,
        freighted_lines - freighted_lines_12m_ago as freighted_lines_12m,
        revenue,
        revenue - revenue_12m_ago as revenue_12m,
        revenue_12m_ago - revenue_24m_ago as revenue_previous_12m,
        gross_amount,
        gross_amount - gross_amount_12m_ago as gross_amount_12m,
        costed_amount,
        costed_amount - costed_amount_12m_ago as costed_amount_12m,
        costed_margin,
        costed_margin - costed_margin_12m_ago as costed_margin_12m,
        known_freight,
        known_freight - known_freight_12m_ago as known_freight_12m,
        if(as_of_date >= cost_since, cost_to_serve, null) as cost_to_serve,
        if(as_of_date >= cost_since, cost_to_serve - cost_to_serve_12m_ago, null)
            as cost_to_serve_12m,
        if(as_of_date >= tickets_since, cast(tickets as bigint), null) as ticket_count,
        if(as_of_date >= tickets_since, cast(tickets - tickets_12m_ago as bigint), null)
            as ticket_count_12m,
        coalesce(as_of_date >= margin_since, false) as has_margin,
        coalesce(as_of_date >= freight_since, false) as has_freight,
        recorded.purchases_since
    from totals
    cross join recorded
),

covered as (
    select
        *,
        case
            when gross_amount > 0
                then cast(costed_amount as double) / cast(gross_amount as double)
            when lines > 0 then cast(costed_lines as double) / lines
        end as margin_coverage,
        case
            when gross_amount_12m > 0
                then cast(costed_amount_12m as double) / cast(gross_amount_12m as double)
            when lines_12m > 0 then cast(costed_lines_12m as double) / lines_12m
        end as margin_coverage_12m,
        cast(costed_lines as double) / nullif(lines, 0) as margin_line_coverage,
        cast(costed_lines_12m as double) / nullif(lines_12m, 0)
            as margin_line_coverage_12m,
        cast(freighted_lines as double) / nullif(lines, 0) as freight_coverage,
        cast(freighted_lines_12m as double) / nullif(lines_12m, 0)
            as freight_coverage_12m
    from spans
),

summed as (
    select
        *,
        case
            when lines = 0 and has_margin then 0
            when margin_coverage >= 0.8 then costed_margin
        end as margin,
        case
            when lines_12m = 0 and has_margin then 0
            when margin_coverage_12m >= 0.8 then costed_margin_12m
        end as margin_12m,
        case
            when lines = 0 and has_freight then 0
            when freight_coverage >= 0.8 then known_freight
        end as freight,
        case
            when lines_12m = 0 and has_freight then 0
            when freight_coverage_12m >= 0.8 then known_freight_12m
        end as freight_12m
    from covered
),

rhythmic as (
    select
        summed.*,
        summed.margin - summed.cost_to_serve as profit,
        summed.margin_12m - summed.cost_to_serve_12m as profit_12m,
        rhythms.median_gap_days,
        rhythms.returned_on
    from summed
    left join rhythms
        on
            summed.customer_id = rhythms.customer_id
            and summed.last_order_date = rhythms.last_order_date
),

usual as (
    select
        is_present,
        as_of_date,
        customer_type,
        median(median_gap_days) filter (order_days >= 3) as usual_gap_days
    from rhythmic
    group by is_present, as_of_date, customer_type
),

revenues as (
    select
        is_present,
        as_of_date,
        customer_type,
        revenue_12m,
        sum(revenue_12m) as amount
    from rhythmic
    where revenue_12m > 0
    group by is_present, as_of_date, customer_type, revenue_12m
),

-- By distinct values, so that equal ones share the best class.
shares as (
    select
        *,
        cast(sum(amount) over largest_first - amount as double)
        / cast(sum(amount) over all_of_them as double) as share_above
    from revenues
    window
        largest_first as (
            partition by is_present, as_of_date, customer_type order by revenue_12m desc
            rows between unbounded preceding and current row
        ),
        all_of_them as (partition by is_present, as_of_date, customer_type)
),

class_bounds as (
    select
        is_present,
        as_of_date,
        customer_type,
        min(revenue_12m) filter (share_above < 0.80) as a_from,
        min(revenue_12m) filter (share_above < 0.95) as b_from
    from shares
    group by is_present, as_of_date, customer_type
),

compared as (
    select
        rhythmic.*,
        rhythmic.as_of_date - rhythmic.last_order_date as days_since_last_order,
        rhythmic.as_of_date - rhythmic.first_order_date as tenure_days,
        rhythmic.as_of_date - rhythmic.returned_on as days_since_return,
        months_before(rhythmic.as_of_date, 12) as twelve_months_ago,
        months_before(rhythmic.as_of_date, 24) as twenty_four_months_ago,
        shares.share_above as revenue_share_above_12m,
        case
            when shares.share_above < 0.80 then 'A'
            when shares.share_above < 0.95 then 'B'
            else 'C'
        end as abc_class_12m,
        cast(rhythmic.revenue_12m as double) / cast(class_bounds.a_from as double)
            as revenue_to_class_a,
        cast(rhythmic.revenue_12m as double) / cast(class_bounds.b_from as double)
            as revenue_to_class_b,
        if(rhythmic.order_days >= 3, rhythmic.median_gap_days, usual.usual_gap_days)
            as usual_gap_days
    from rhythmic
    left join shares using (is_present, as_of_date, customer_type, revenue_12m)
    left join class_bounds using (is_present, as_of_date, customer_type)
    left join usual using (is_present, as_of_date, customer_type)
),

grown as (
    select
        *,
        first_order_date <= twenty_four_months_ago as has_growth_history,
        days_since_last_order / greatest(usual_gap_days, 1.0) as overdue_factor,
        case
            when
                first_order_date <= twenty_four_months_ago
                and (revenue_12m > 0 or revenue_previous_12m > 0)
                then ln(
                    (greatest(cast(revenue_12m as double), 0) + 1)
                    / (greatest(cast(revenue_previous_12m as double), 0) + 1)
                )
        end as growth_rate
    from compared
)

select
    *,
    case
        when first_order_date is null then 'prospect'
        when days_since_last_order > 730 then 'lost'
        when days_since_last_order > 365 then 'dormant'
        when tenure_days < if(customer_type = 'company', 180, 90) then 'new'
        when days_since_return < if(customer_type = 'company', 180, 90)
            then 'reactivated'
        when overdue_factor >= 3 then 'at risk'
        when growth_rate >= 0.15 then 'growing'
        when growth_rate <= -0.15 then 'declining'
        else 'active'
    end as lifecycle_stage
from grown;

-- What the buyers of a type are compared with: the least of those who together bring half
-- of it all, and the growth of the best quarter. By margin, where that is known of enough.
create temp table type_bounds as
with bases as (
    select
        is_present,
        as_of_date,
        customer_type,
        coalesce(
            sum(greatest(revenue_12m, 0)) filter (margin_12m is not null)
            >= 0.8 * sum(greatest(revenue_12m, 0)),
            false
        ) as is_by_margin
    from staged
    where order_days > 0
    group by is_present, as_of_date, customer_type
),

amounts as (
    select
        staged.is_present,
        staged.as_of_date,
        staged.customer_type,
        if(bases.is_by_margin, staged.margin_12m, staged.revenue_12m) as value_12m,
        sum(if(bases.is_by_margin, staged.margin_12m, staged.revenue_12m)) as amount
    from staged
    inner join bases using (is_present, as_of_date, customer_type)
    where
        staged.order_days > 0
        and if(bases.is_by_margin, staged.margin_12m, staged.revenue_12m) > 0
    group by all
),

running as (
    select
        *,
        sum(amount) over (
            partition by is_present, as_of_date, customer_type order by value_12m desc
            rows between unbounded preceding and current row
        ) - amount as amount_above,
        sum(amount) over (partition by is_present, as_of_date, customer_type)
            as amount_of_all
    from amounts
),

halves as (
    select
        is_present,
        as_of_date,
        customer_type,
        min(value_12m) as first_half_from
    from running
    where 2 * amount_above < amount_of_all
    group by is_present, as_of_date, customer_type
),

growths as (
    select
        is_present,
        as_of_date,
        customer_type,
        growth_rate,
        rank() over (
            partition by is_present, as_of_date, customer_type order by growth_rate
        ) - 1 as growing_less,
        count(*) over (partition by is_present, as_of_date, customer_type) as compared
    from staged
    where order_days > 0 and lifecycle_stage <> 'lost' and growth_rate is not null
),

quarters as (
    select
        is_present,
        as_of_date,
        customer_type,
        min(growth_rate) as growth_from
    from growths
    where 4 * growing_less >= 3 * compared
    group by is_present, as_of_date, customer_type
)

select
    bases.*,
    halves.first_half_from,
    quarters.growth_from
from bases
left join halves using (is_present, as_of_date, customer_type)
left join quarters using (is_present, as_of_date, customer_type);

-- What open deals were worth at each of these days; of one that has ended since, the
-- chance that it then had is not recorded.
create temp table pipeline as
select
    leads.customer_id,
    days.is_present,
    days.as_of_date,
    count(*) as pipeline_deals,
    sum(cast(
        cast(leads.amount as decimal(28, 4))
        * if(leads.is_open and leads.closed_on is null, leads.probability, 0.30)
        as decimal(18, 4)
    )) as pipeline_amount
from leads
inner join (select distinct is_present, as_of_date from totals) as days
    on
        leads.created_on <= days.as_of_date
        and (leads.closed_on is null or leads.closed_on > days.as_of_date)
where leads.is_open or leads.closed_on is not null
group by leads.customer_id, days.is_present, days.as_of_date;

create temp table peers as
with segmented as (
    select
        merged.customer_id,
        merged.customer_type,
        merged.customer_type || ' / ' || coalesce(
            if(merged.customer_type = 'company', merged.industry, merged.country),
            'unknown'
        ) || ' / unknown' as segment,
        exists (
            from core_customer_days as days
            where days.customer_id = merged.customer_id and days.is_purchase_day = 1
        ) as is_buyer
    from merged
)

select
    customer_id,
    if(
        count(*) filter (is_buyer) over (partition by segment) >= 30,
        segment, customer_type
    ) as peer_group
from segmented;

-- How it stands among those of its type, and its deals.
create temp table measured as
select
    staged.*,
    case
        when type_bounds.is_by_margin and staged.lifecycle_stage <> 'lost'
            then cast(staged.margin_12m as double)
                / cast(type_bounds.first_half_from as double)
    end as margin_to_first_half,
    case
        when not type_bounds.is_by_margin and staged.lifecycle_stage <> 'lost'
            then cast(staged.revenue_12m as double)
                / cast(type_bounds.first_half_from as double)
    end as revenue_to_first_half,
    case
        when staged.lifecycle_stage <> 'lost'
            then exp(staged.growth_rate - type_bounds.growth_from)
    end as growth_to_best_quarter,
    case
        when
            staged.lifecycle_stage <> 'lost'
            and staged.first_order_date > staged.twelve_months_ago
            and staged.purchases_since <= staged.twenty_four_months_ago
            then cast(staged.order_count as double)
    end as orders_in_first_year,
    coalesce(
        pipeline.pipeline_amount, if(staged.as_of_date >= deals.since, 0, null)
    ) as pipeline_amount,
    coalesce(pipeline.pipeline_deals, if(staged.as_of_date >= deals.since, 0, null))
        as pipeline_deals
from staged
cross join (
    select min(created_on) as since from leads
    where amount is not null
) as deals
left join type_bounds using (is_present, as_of_date, customer_type)
left join pipeline
    on
        staged.customer_id = pipeline.customer_id
        and staged.is_present = pipeline.is_present
        and staged.as_of_date = pipeline.as_of_date;

create table customer_value_history as
select
    customer_id,
    as_of_date,
    customer_type,
    first_order_date,
    last_order_date,
    cast(days_since_last_order as integer) as days_since_last_order,
    cast(tenure_days as integer) as tenure_days,
    order_count,
    order_count_12m,
    order_days,
    cast(revenue as decimal(18, 4)) as revenue,
    cast(revenue_12m as decimal(18, 4)) as revenue_12m,
    cast(revenue_previous_12m as decimal(18, 4)) as revenue_previous_12m,
    cast(margin as decimal(18, 4)) as margin,
    cast(margin_12m as decimal(18, 4)) as margin_12m,
    cast(freight as decimal(18, 4)) as freight,
    cast(freight_12m as decimal(18, 4)) as freight_12m,
    cast(cost_to_serve as decimal(18, 4)) as cost_to_serve,
    cast(cost_to_serve_12m as decimal(18, 4)) as cost_to_serve_12m,
    cast(null as decimal(18, 4)) as acquisition_cost,
    cast(null as decimal(18, 4)) as acquisition_cost_12m,
    cast(profit as decimal(18, 4)) as profit,
    cast(profit_12m as decimal(18, 4)) as profit_12m,
    margin_coverage,
    margin_coverage_12m,
    margin_line_coverage,
    margin_line_coverage_12m,
    freight_coverage,
    freight_coverage_12m,
    ticket_count,
    ticket_count_12m,
    revenue_share_above_12m,
    abc_class_12m,
    revenue_to_class_a,
    revenue_to_class_b,
    margin_to_first_half,
    revenue_to_first_half,
    growth_to_best_quarter,
    orders_in_first_year,
    has_growth_history,
    growth_rate,
    usual_gap_days,
    overdue_factor,
    cast(pipeline_amount as decimal(18, 4)) as pipeline_amount,
    cast(null as decimal(18, 4)) as company_size,
    cast(null as decimal(18, 4)) as purchasing_power,
    cast(null as decimal(4, 2)) as market_influence,
    cast(null as decimal(4, 2)) as strategic_importance,
    lifecycle_stage
from measured
where not is_present;

create table customer_value as
with valued as (
    select * from measured
    where is_present
),

ranks as (
    select
        customer_id,
        rank() over (partition by customer_type order by last_order_date) as r_rank,
        rank() over (partition by customer_type order by order_count) as f_rank,
        rank() over (partition by customer_type order by revenue) as m_rank,
        cast(count(*) over (partition by customer_type) as double) as buyers
    from valued
    where order_count > 0
),

scores as (
    select
        customer_id,
        cast(1 + floor(5 * (r_rank - 1) / buyers) as integer) as r_score,
        cast(1 + floor(5 * (f_rank - 1) / buyers) as integer) as f_score,
        cast(1 + floor(5 * (m_rank - 1) / buyers) as integer) as m_score
    from ranks
),

rhythmic as (
    select
        valued.customer_id,
        valued.lifecycle_stage in ('new', 'active', 'growing', 'reactivated')
        or (
            valued.order_days >= 3
            and coalesce(valued.overdue_factor < 1.5, false)
            and coalesce(
                valued.days_since_last_order <= max(valued.usual_gap_days)
                    filter (order_count > 0) over (partition by customer_type),
                false
            )
        ) as is_in_rhythm,
        valued.lifecycle_stage <> 'new' and valued.order_days >= 3 as has_rhythm
    from valued
),

classes as (
    select
        customer_id,
        sum(revenue) over (partition by customer_type) as type_revenue,
        sum(revenue) over (
            partition by customer_type order by revenue desc
            range between unbounded preceding and current row
        ) - revenue * count(*) over (partition by customer_type, revenue)
            as revenue_above
    from valued
    where revenue > 0
)

select
    valued.customer_id,
    valued.as_of_date,
    valued.first_order_date,
    valued.last_order_date,
    cast(valued.days_since_last_order as integer) as days_since_last_order,
    cast(valued.tenure_days as integer) as tenure_days,
    valued.order_count,
    valued.order_count_12m,
    valued.order_days,
    cast(valued.revenue as decimal(28, 4)) as revenue,
    cast(valued.revenue_12m as decimal(28, 4)) as revenue_12m,
    cast(valued.revenue_previous_12m as decimal(28, 4)) as revenue_previous_12m,
    cast(valued.margin as decimal(28, 4)) as margin,
    cast(valued.margin_12m as decimal(28, 4)) as margin_12m,
    cast(valued.freight as decimal(28, 4)) as freight,
    cast(valued.freight_12m as decimal(28, 4)) as freight_12m,
    cast(valued.cost_to_serve as decimal(28, 4)) as cost_to_serve,
    cast(valued.cost_to_serve_12m as decimal(28, 4)) as cost_to_serve_12m,
    cast(null as decimal(28, 4)) as acquisition_cost,
    cast(null as decimal(28, 4)) as acquisition_cost_12m,
    cast(valued.profit as decimal(28, 4)) as profit,
    cast(valued.profit_12m as decimal(28, 4)) as profit_12m,
    valued.margin_coverage,
    valued.margin_coverage_12m,
    valued.margin_line_coverage,
    valued.margin_line_coverage_12m,
    valued.freight_coverage,
    valued.freight_coverage_12m,
    valued.ticket_count,
    valued.ticket_count_12m,
    scores.r_score,
    scores.f_score,
    scores.m_score,
    coalesce(rfm_segments.rfm_segment, 'never bought') as rfm_segment,
    case
        when classes.revenue_above < 0.80 * classes.type_revenue then 'A'
        when classes.revenue_above < 0.95 * classes.type_revenue then 'B'
        else 'C'
    end as abc_class,
    valued.revenue_share_above_12m,
    valued.abc_class_12m,
    valued.revenue_to_class_a,
    valued.revenue_to_class_b,
    valued.margin_to_first_half,
    valued.revenue_to_first_half,
    valued.growth_to_best_quarter,
    valued.orders_in_first_year,
    valued.has_growth_history,
    valued.growth_rate,
    valued.usual_gap_days,
    valued.overdue_factor,
    peers.peer_group,
    cast(null as decimal(28, 4)) as wallet_amount,
    cast(null as double) as wallet_share,
    cast(valued.pipeline_amount as decimal(28, 4)) as pipeline_amount,
    cast(valued.pipeline_deals as bigint) as pipeline_deals,
    cast(null as decimal(18, 4)) as company_size,
    cast(null as decimal(18, 4)) as purchasing_power,
    cast(null as decimal(4, 2)) as market_influence,
    cast(null as decimal(4, 2)) as strategic_importance,
    valued.lifecycle_stage
from valued
inner join peers on valued.customer_id = peers.customer_id
left join scores on valued.customer_id = scores.customer_id
left join rhythmic on valued.customer_id = rhythmic.customer_id
left join classes on valued.customer_id = classes.customer_id
left join rfm_segments
    on
        if(rhythmic.is_in_rhythm, greatest(scores.r_score, 3), scores.r_score)
        = rfm_segments.r_score
        and if(
            rhythmic.has_rhythm and scores.r_score = 5,
            greatest(scores.f_score, 4), scores.f_score
        ) = rfm_segments.f_score
        and scores.m_score = rfm_segments.m_score;

create table customer_concentration as
with members as (
    select
        customer_id,
        customer_type,
        cast(revenue as decimal(28, 4)) as revenue,
        cast(profit as decimal(28, 4)) as profit
    from measured
    where
        is_present
        and (
            revenue > 0
            or (
                profit is not null
                and (revenue <> 0 or margin <> 0 or cost_to_serve <> 0)
            )
        )
),

pareto as (
    select
        customer_id,
        row_number() over first_of_all as revenue_rank,
        cast(row_number() over first_of_all as double) / count(*) over ()
            as customer_share,
        cast(sum(revenue) over first_of_all as double)
        / cast(sum(revenue) over () as double) as cumulative_revenue_share,
        row_number() over first_of_type as type_revenue_rank,
        cast(row_number() over first_of_type as double)
        / count(*) over (partition by customer_type) as type_customer_share,
        cast(sum(revenue) over first_of_type as double)
        / cast(sum(revenue) over (partition by customer_type) as double)
            as type_cumulative_revenue_share
    from members
    where revenue > 0
    window
        first_of_all as (
            order by revenue desc, customer_id
            rows between unbounded preceding and current row
        ),
        first_of_type as (
            partition by customer_type order by revenue desc, customer_id
            rows between unbounded preceding and current row
        )
),

whale as (
    select
        customer_id,
        row_number() over first_of_all as profit_rank,
        sum(profit) over first_of_all as cumulative_profit,
        sum(profit) over () as total_profit,
        row_number() over first_of_type as type_profit_rank,
        sum(profit) over first_of_type as type_cumulative_profit,
        sum(profit) over (partition by customer_type) as type_total_profit
    from members
    where profit is not null
    window
        first_of_all as (
            order by profit desc, customer_id
            rows between unbounded preceding and current row
        ),
        first_of_type as (
            partition by customer_type order by profit desc, customer_id
            rows between unbounded preceding and current row
        )
)

select
    members.customer_id,
    members.customer_type,
    pareto.revenue_rank,
    members.revenue,
    pareto.customer_share,
    pareto.cumulative_revenue_share,
    pareto.type_revenue_rank,
    pareto.type_customer_share,
    pareto.type_cumulative_revenue_share,
    whale.profit_rank,
    members.profit,
    cast(whale.cumulative_profit as decimal(28, 4)) as cumulative_profit,
    if(
        whale.total_profit > 0,
        cast(whale.cumulative_profit as double) / cast(whale.total_profit as double), null
    ) as cumulative_profit_share,
    whale.type_profit_rank,
    cast(whale.type_cumulative_profit as decimal(28, 4)) as type_cumulative_profit,
    if(
        whale.type_total_profit > 0,
        cast(whale.type_cumulative_profit as double)
        / cast(whale.type_total_profit as double),
        null
    ) as type_cumulative_profit_share
from members
left join pareto on members.customer_id = pareto.customer_id
left join whale on members.customer_id = whale.customer_id;

-- The tables of a release that are nothing but SQL over the sources, as a practised
-- hand writes them for one company: what the engine alone needs. No layers, no options,
-- no checks, each large table read as seldom as possible. `floor.py` gives the sources
-- as views of the newest version of each row (`<source>_<entity>`), the variable
-- `as_of`, and the seeds `cost_rates` and `rfm_segments`; it names what is not made
-- here.
--
-- Formulas are those of the models of the same names, whose results it is compared
-- with.

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
        on
            sold.source = keys.source
            and sold.source_customer_id = keys.source_customer_id
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
left join rates
    on deals.currency = rates.currency and deals.created_on = rates.rate_date;

-- Each attribute of the record that was changed last and has it; then the first
-- source's.
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

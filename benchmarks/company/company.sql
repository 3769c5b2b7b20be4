-- The company of the benchmark: who it sells to, what, when, and what its three systems
-- know of it. Nothing is stored here: each row follows from its number and the seed by
-- a hash, so that any part of any size can be made alone, in parallel and in any order.
--
-- Variables: `seed`; `blocks`, the blocks of ten lines of the past; `day`, 0 for the
-- past and n for the nth day after it. Each relation has `part`: the file in which a
-- row is delivered, 0 and 1 in the past (1 is late and corrected rows) and 1000 + n on
-- day n.

create macro first_as_of() as date '2025-06-15';
create macro first_day() as date '2022-06-15';
create macro as_of() as first_as_of() + cast(getvariable('day') as integer);

-- A number in [0, 1).
create macro draw(key, purpose) as
    cast(hash(key, purpose, getvariable('seed')) >> 11 as double) / 9007199254740992;
create macro place(key, purpose, places) as
    cast(floor(draw(key, purpose) * places) as bigint);
create macro chosen(key, purpose, words) as
    words[1 + place(key, purpose, len(words))];

-- How many there are of something at the end of the past, and new ones each day.
create macro customer_count() as greatest(getvariable('blocks') // 5, 20);
create macro each_day(count) as greatest(count // 1000, 1);
create macro now_of(count) as count + getvariable('day') * each_day(count);
create macro day_of(number, count) as
    case when number < count then 0 else 1 + (number - count) // each_day(count) end;
create macro ticket_count() as greatest(getvariable('blocks') // 4, 20);
create macro interaction_count() as greatest(getvariable('blocks') // 4, 20);
create macro lead_count() as greatest(getvariable('blocks') // 50, 20);
create macro product_count() as 500;

create macro syllable(key, purpose) as chosen(key, purpose, [
    'ba', 'be', 'bi', 'bo', 'da', 'de', 'di', 'do', 'fa', 'fe', 'fi', 'fo', 'ga', 'ge',
    'gi', 'go', 'ka', 'ke', 'ki', 'ko', 'la', 'le', 'li', 'lo', 'ma', 'me', 'mi', 'mo',
    'na', 'ne', 'ni', 'no', 'pa', 'pe', 'pi', 'po', 'ra', 're', 'ri', 'ro', 'sa', 'se',
    'si', 'so', 'ta', 'te', 'ti', 'to', 'va', 've', 'vi', 'vo', 'wa', 'we', 'wi', 'wo',
    'za', 'ze', 'zi', 'zo', 'lan', 'ren', 'sol', 'tan', 'mar', 'bur', 'den', 'kol'
]);
create macro word(key, purpose) as
    upper(left(syllable(key, purpose || '1'), 1))
    || substr(syllable(key, purpose || '1'), 2)
    || syllable(key, purpose || '2') || syllable(key, purpose || '3')
    || syllable(key, purpose || '4');
-- Different for different numbers below a thousand million, and in no order.
create macro scrambled(number) as
    lpad(
        cast((cast(number as hugeint) * 736878743 + 1234567) % 1000000007 as varchar),
        10, '0'
    );

-- Whom the company sells to, and prospects, whom only the CRM knows; numbered from 0
-- and from 900 million on.
create table customers as
with numbers as (
    select
        range as n,
        false as is_prospect,
        day_of(range, customer_count()) as since
    from range(now_of(customer_count()))
    union all
    select
        900000000 + range as n,
        true as is_prospect,
        0 as since
    from range(customer_count() // 20)
),

typed as (
    select
        *,
        is_prospect or draw(n, 'company') < 0.4 as is_company,
        draw(n, 'systems') as systems,
        chosen(n, 'country', ['DE', 'DE', 'DE', 'FR', 'US', 'GB', 'CN']) as country,
        word(n, 'first') as first_word,
        word(n, 'second') as second_word,
        scrambled(n) as scrambled_number
    from numbers
),

placed as (
    select
        *,
        not is_prospect and (is_company or systems < 0.5) as in_erp,
        is_company and (is_prospect or systems < 0.5) as in_crm,
        not is_company and systems >= 0.3 as in_web,
        case when since = 0
            then first_day() + cast(
                1000 * pow(draw(n, 'started'), 2) as integer
            )
            else first_as_of() + cast(since as integer)
        end as started_on
    from typed
)

select
    n,
    is_prospect,
    since,
    is_company,
    in_erp,
    in_crm,
    in_web,
    'E' || n as erp_key,
    'A' || n as crm_key,
    'W' || n as web_key,
    country,
    case country
        when 'US' then 'USD' when 'GB' then 'GBP' when 'CN' then 'CNY' else 'EUR'
    end as currency,
    first_word,
    second_word,
    country || scrambled_number as registration_number,
    lower(first_word || '.' || second_word) || n || '@'
    || case when is_company then lower(second_word) || n else 'post' end || '.example'
        as email,
    '+49' || scrambled_number as phone,
    date '1950-01-01' + cast(place(n, 'birth', 20000) as integer) as birth_date,
    word(n, 'city')[1:4] || 'stadt' as city,
    lpad(cast(place(n, 'postal', 99999) as varchar), 5, '0') as postal_code,
    word(n, 'street') || ' street ' || (1 + place(n, 'house', 300)) as street,
    chosen(n, 'industry', [
        'machinery', 'retail', 'food', 'chemicals', 'transport', 'energy', 'health',
        'media'
    ]) as industry,
    'owner ' || place(n, 'owner', 40) as owner,
    case when is_company then 5 + cast(2000 * pow(draw(n, 'size'), 3) as bigint) end
        as employee_count,
    started_on,
    -- Some stop buying some day.
    least(
        started_on + cast(-800 * ln(1 - draw(n, 'life')) as integer) + 1, first_as_of()
    ) as bought_until
from placed;

create table accounts as
select
    *,
    row_number() over (order by n) - 1 as place,
    count(*) over () as places
from customers
where in_crm;

-- What a system knows of a customer: the record as it came, and as it came again.
-- `again` is a change of the telephone and of the city.
create view customer_records as
with versions as (
    select
        *,
        since as delivered,
        false as again
    from customers
    where since = getvariable('day')
    union all
    select
        *,
        getvariable('day') as delivered,
        true as again
    from customers
    where
        since = 0
        and draw(n, 'changed on ' || getvariable('day'))
        < case when getvariable('day') = 0 then 0.002 else 0.0001 end
)

select
    * replace (
        case when again then phone || getvariable('day') else phone end as phone,
        case when again then city || ' Neu' else city end as city
    ),
    if(delivered = 0, cast(again as integer), 1000 + delivered) as part,
    cast(
        case when again then as_of() else started_on end + interval 9 hours as timestamp
    ) as updated_at
from versions;

create view products as
select
    'P' || range as product_no,
    'Product ' || range || ' ' || word(range, 'product') as product_name,
    'Category ' || range % 12 as category,
    'Group ' || range % 40 as subcategory,
    cast(5 + 400 * pow(draw(range, 'price'), 3) as decimal(12, 2)) as list_price,
    cast((5 + 400 * pow(draw(range, 'price'), 3)) * (0.5 + 0.3 * draw(range, 'cost'))
        as decimal(12, 2)) as unit_cost
from range(product_count());

create macro near_rate(currency) as case currency
    when 'USD' then 0.92 when 'GBP' then 1.17 when 'CNY' then 0.128 else 1.0 end;

-- A rate a day, into the reporting currency.
create view fx_rates as
select
    currency,
    first_day() + cast(range as integer) as rate_date,
    cast(near_rate(currency) * (0.97 + 0.06 * draw(range, currency)) as decimal(18, 8))
        as rate,
    case
        when range <= first_as_of() - first_day() then 0
        else 1000 + range - (first_as_of() - first_day())
    end as part
from range(as_of() - first_day() + 1)
cross join (select unnest(['USD', 'GBP', 'CNY']) as currency);

create macro first_new_block() as
    case when getvariable('day') = 0 then 0
        else getvariable('blocks')
            + (getvariable('day') - 1) * each_day(getvariable('blocks')) end;
create macro block_count() as now_of(getvariable('blocks'));

-- Ten lines are a block, and make orders of one, two, three and four lines. One in
-- eight of the orders of one line takes something back.
create macro orders_of(from_block, to_block) as table
with numbers as (
    select
        range as order_no,
        range // 4 as block,
        day_of(range // 4, getvariable('blocks')) as delivered
    from range(4 * from_block, 4 * to_block)
),

owned as (
    select
        *,
        cast(floor(
            (customer_count() + delivered * each_day(customer_count()))
            * pow(draw(order_no, 'customer'), 1.7)
        ) as bigint) as n,
        order_no % 4 = 0 and draw(order_no, 'return') < 0.125 as is_return,
        draw(order_no, 'late') < if(delivered = 0, 0.002, 0.05) as is_late
    from numbers
),

dated as (
    select
        owned.*,
        customers.* exclude (n),
        case
            when owned.delivered = 0
                then customers.started_on + cast(place(
                    owned.order_no, 'day',
                    customers.bought_until - customers.started_on + 1
                ) as integer)
            when owned.is_late
                then first_as_of() + cast(owned.delivered as integer)
                    - 1 - cast(place(owned.order_no, 'delay', 30) as integer)
            else first_as_of() + cast(owned.delivered as integer)
        end as order_date,
        customers.in_web
        and (not customers.in_erp or draw(owned.order_no, 'shop') < 0.7) as is_web
    from owned
    inner join customers on owned.n = customers.n
)

select
    *,
    cast(order_date + interval 7 hours
        + to_minutes(place(order_no, 'minute', 720)) as timestamp) as ordered_at,
    if(is_web, 'web', if(is_company, 'sales', 'store')) as channel,
    case when is_web then 'N' else 'S' end || order_no as order_number,
    if(delivered = 0, cast(is_late as integer), 1000 + delivered) as part
from dated;

-- The numbers of lines to be delivered, and of the past's those that come again with
-- another amount (`version` 1 or later).
create view line_numbers as
select
    range as line_no,
    0 as version
from range(10 * first_new_block(), 10 * block_count())
union all
select
    range as line_no,
    1 as version
from range(case when getvariable('day') = 0 then 10 * getvariable('blocks') else 0 end)
where draw(range, 'corrected') < 0.002
union all
select distinct
    place(range, 'corrected on ' || getvariable('day'), 10 * getvariable('blocks'))
        as line_no,
    1 + getvariable('day') as version
from range(case
    when getvariable('day') = 0 then 0
    else greatest(each_day(getvariable('blocks')) // 2, 1)
end);

create macro order_of_line(line_no) as
    4 * (line_no // 10) + [0, 1, 1, 2, 2, 2, 3, 3, 3, 3][1 + line_no % 10];

create macro priced(source_lines) as table
with sold as (
    select
        lines.*,
        cast(
            floor(product_count() * pow(draw(lines.line_no, 'product'), 1.5)) as bigint
        ) as product,
        1 + place(lines.line_no, 'quantity', if(lines.is_company, 20, 3)) as units,
        case when lines.is_return then -1 else 1 end as sign
    from query_table(source_lines) as lines
),

money as (
    select
        sold.*,
        products.product_no,
        sold.units * (0.95 + 0.1 * draw(sold.line_no, 'price'))
        / near_rate(sold.currency) as factor,
        products.list_price,
        products.unit_cost
    from sold
    inner join products on products.product_no = 'P' || sold.product
)

select
    *,
    cast(sign * round(
        factor * list_price * (1 - 0.1 * cast(version > 0 as integer)), 2
    ) as decimal(14, 2)) as net_amount,
    -- Of the products of one supplier nobody knows what they cost.
    case when product % 50 <> 7
        then cast(sign * round(factor * unit_cost, 2) as decimal(14, 2))
    end as cost_amount,
    cast(round((1.5 + 0.4 * units) / near_rate(currency), 2) as decimal(14, 2))
        as freight_amount
from money;

create view bare_lines as
select
    orders.* exclude (part),
    line_numbers.line_no,
    line_numbers.version,
    1 + line_numbers.line_no % 10 - [0, 1, 3, 6][1 + orders.order_no % 4]
        as line_number,
    case when line_numbers.version = 0 then orders.part
        when line_numbers.version = 1 then 1
        else 999 + line_numbers.version
    end as part
from line_numbers
inner join orders_of(
    case when getvariable('day') = 0 then first_new_block() else 0 end, block_count()
) as orders on orders.order_no = order_of_line(line_numbers.line_no)
-- A late row comes once, as it is.
where line_numbers.version = 0 or orders.part = 0;

create view order_lines as select * from priced('bare_lines');

create view orders as
select * from orders_of(first_new_block(), block_count());

-- Companies are invoiced for what they order in the ERP, and pay when they like.
create view invoices_so_far as
select
    *,
    'I' || order_no as invoice_number,
    order_date + 30 as due_date,
    case when draw(order_no, 'unpaid') >= 0.03
        then order_date + 10 + cast(50 * pow(draw(order_no, 'paid'), 2) as integer)
    end as pays_on
from orders_of(0, block_count())
where not is_web and is_company and not is_return;

create view invoices_now as
select
    *,
    case when pays_on <= as_of() then cast(pays_on + interval 11 hours as timestamp) end
        as paid_at
from invoices_so_far
where delivered = getvariable('day') or (getvariable('day') > 0 and pays_on = as_of());

create view invoiced_lines as
select
    invoices.*,
    10 * invoices.block + [0, 1, 3, 6][1 + invoices.order_no % 4] + numbers.range
        as line_no,
    0 as version
from invoices_now as invoices
inner join range(4) as numbers on numbers.range <= invoices.order_no % 4;

create view invoices as
select
    invoice_number,
    order_number,
    erp_key,
    order_date,
    due_date,
    paid_at,
    currency,
    case when getvariable('day') = 0 then 0 else 1000 + getvariable('day') end as part,
    sum(net_amount) as amount
from priced('invoiced_lines')
group by all;

-- Tickets as they stand at the end of the day; of the past's, those in which something
-- happened on it.
create view tickets as
with numbers as (
    select
        range as ticket_no,
        day_of(range, ticket_count()) as delivered
    from range(now_of(ticket_count()))
),

opened as (
    select
        numbers.*,
        customers.* exclude (n),
        case when numbers.delivered = 0
            then customers.started_on + cast(place(
                numbers.ticket_no, 'opened', first_as_of() - customers.started_on + 1
            ) as integer)
            else first_as_of() + cast(numbers.delivered as integer)
        end + interval 8 hours + to_minutes(place(numbers.ticket_no, 'minute', 600))
            as opened_at
    from numbers
    inner join customers
        on customers.n = cast(floor(
            customer_count() * pow(draw(numbers.ticket_no, 'customer'), 1.5)
        ) as bigint)
),

ended as (
    select
        *,
        opened_at + to_minutes(cast(-240 * ln(1 - draw(ticket_no, 'answer')) as bigint))
            as answers_at,
        opened_at + to_minutes(
            10 + cast(-240 * ln(1 - draw(ticket_no, 'answer')) as bigint)
            + cast(-2400 * ln(1 - draw(ticket_no, 'solution')) as bigint)
        ) as solves_at
    from opened
),

now as (
    select
        *,
        cast(as_of() + 1 as timestamp) as until,
        solves_at + interval 2 days as closes_at
    from ended
    where
        delivered = getvariable('day')
        or (
            getvariable('day') > 0
            and as_of() in (
                cast(answers_at as date), cast(solves_at as date),
                cast(solves_at + interval 2 days as date)
            )
        )
)

select
    'T' || ticket_no as ticket_number,
    -- One in a hundred writes without a number of a customer.
    case
        when draw(ticket_no, 'nobody') < 0.01 then null
        when in_erp then 'erp' else 'web'
    end as customer_system,
    case
        when draw(ticket_no, 'nobody') < 0.01 then null
        when in_erp then erp_key else web_key
    end as customer_number,
    cast(opened_at as timestamp) as opened_at,
    case when answers_at < until then cast(answers_at as timestamp) end
        as first_response_at,
    case when solves_at < until then cast(solves_at as timestamp) end as resolved_at,
    case when closes_at < until then cast(closes_at as timestamp) end as closed_at,
    cast(1 + place(ticket_no, 'priority', 4) as integer) as priority,
    chosen(ticket_no, 'category', [
        'delivery', 'invoice', 'quality', 'question', 'return', 'technical'
    ]) as category,
    chosen(ticket_no, 'channel', ['Phone', 'E-mail', 'Self service']) as channel,
    draw(ticket_no, 'complaint') < 0.1 as is_complaint,
    case when solves_at < until
        then cast(draw(ticket_no, 'reopened') < 0.06 as integer)
    end as reopen_count,
    case when solves_at < until then solves_at - opened_at < interval 72 hours end
        as met_sla,
    case when closes_at < until and draw(ticket_no, 'answers') < 0.3
        then cast(1 + place(ticket_no, 'csat', 5) as decimal(4, 2))
    end as csat_score,
    case when getvariable('day') = 0 then 0 else 1000 + getvariable('day') end as part
from now;

create view interactions as
with numbers as (
    select
        range as interaction_no,
        day_of(range, interaction_count()) as delivered
    from range(now_of(interaction_count()))
)

select
    'I' || numbers.interaction_no as interaction_number,
    accounts.crm_key,
    chosen(numbers.interaction_no, 'kind', [
        'visit', 'call', 'call', 'email', 'email', 'meeting'
    ]) as kind,
    cast(
        case when numbers.delivered = 0
            then accounts.started_on + cast(place(
                numbers.interaction_no, 'day', first_as_of() - accounts.started_on + 1
            ) as integer)
            else first_as_of() + cast(numbers.delivered as integer)
        end + interval 9 hours
        + to_minutes(place(numbers.interaction_no, 'minute', 480)) as timestamp
    ) as occurred_at,
    cast(5 * (1 + place(numbers.interaction_no, 'minutes', 24)) as decimal(10, 2))
        as minutes,
    accounts.owner,
    case when numbers.delivered = 0 then 0 else 1000 + numbers.delivered end as part
from numbers
inner join accounts
    on accounts.place = cast(floor(
        accounts.places * pow(draw(numbers.interaction_no, 'account'), 1.3)
    ) as bigint)
where numbers.delivered = getvariable('day');

-- Deals as they stand at the end of the day; of the past's, those that ended on it.
create view leads as
with numbers as (
    select
        range as lead_no,
        day_of(range, lead_count()) as delivered
    from range(now_of(lead_count()))
),

owned as (
    select
        numbers.*,
        accounts.crm_key,
        accounts.owner,
        accounts.currency,
        accounts.industry,
        first_as_of() + cast(numbers.delivered as integer) - case
            when numbers.delivered = 0
                then cast(place(numbers.lead_no, 'created', 700) as integer)
            else 0
        end as created_on
    from numbers
    inner join accounts
        on accounts.place = place(numbers.lead_no, 'account', accounts.places)
),

ended as (
    select
        *,
        created_on + 20 + cast(place(lead_no, 'closes', 180) as integer) as closes_on,
        draw(lead_no, 'won') < 0.35 as is_won
    from owned
)

select
    'L' || lead_no as lead_number,
    crm_key,
    'Deal ' || word(lead_no, 'deal') as lead_name,
    case
        when closes_on <= as_of() then if(is_won, 'won', 'lost')
        else chosen(lead_no, 'stage', ['qualified', 'proposal', 'negotiation'])
    end as stage,
    closes_on > as_of() as is_open,
    cast(1000 + 90000 * pow(draw(lead_no, 'amount'), 2) as decimal(14, 2)) as amount,
    currency,
    case
        when closes_on <= as_of() then cast(is_won as integer)
        else cast(0.2 + 0.6 * draw(lead_no, 'probability') as decimal(5, 2))
    end as probability,
    closes_on as expected_close_date,
    owner,
    created_on,
    case when closes_on <= as_of() then closes_on end as closed_on,
    least(created_on + cast(place(lead_no, 'contact', 20) as integer), as_of())
        as last_contact_on,
    industry,
    case when getvariable('day') = 0 then 0 else 1000 + getvariable('day') end as part
from ended
where
    delivered = getvariable('day')
    or (getvariable('day') > 0 and closes_on = as_of());

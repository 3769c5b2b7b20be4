"""The CRM's deals with its accounts, for build.py: made up around the ERP's sales.

What lives here: 160 deals of the ERP's companies that have an account in the CRM, open,
won and lost, in the currencies of their countries. An amount is half to twice what an
order of the company is worth on average. None of them leads to an order: the sales of
the sample stay as they are.

What does not live here: the accounts (crm_accounts.py), and the leads of people who are
no customers yet (build.py).
"""

from typing import Final

COUNT: Final = 160

# A third of the draws are open, recorded since September 2013; the others were recorded
# until July 2013 and took two weeks to six months.
DEALS: Final = f"""
with worth as (
    select
        customer_number as key,
        sum(SalesAmount) / count(distinct SalesOrderNumber) as order_worth,
    from sales
    where channel = 'reseller'
    group by customer_number
),

buyers as (
    select
        accounts.key,
        accounts.account_id,
        accounts.owner,
        worth.order_worth,
        case chosen.country_code
            when 'CA' then 'CAD' when 'GB' then 'GBP' when 'AU' then 'AUD'
            when 'DE' then 'EUR' when 'FR' then 'EUR' else 'USD'
        end as currency,
    from accounts
    join chosen using (key)
    join worth using (key)
    where accounts.kind <> 'duplicate'
),

numbered as (
    select buyers.*, format('{{}}-{{}}', key, number) as deal_key,
    from buyers
    cross join unnest([1, 2]) as numbers (number)
    order by md5('deal-' || key || '-' || number)
    limit {COUNT}
),

dated as (
    select
        *,
        draw('open deal', deal_key, 3) = 0 as is_open,
        working_day(case
            when is_open
                then date '2013-09-02' + draw('deal created', deal_key, 145)::integer
            else date '2012-03-01' + draw('deal created', deal_key, 500)::integer
        end) as created_on,
        14 + draw('deal length', deal_key, 170)::integer as days,
    from numbered
),

staged as (
    select
        *,
        case
            when is_open then ['Qualified', 'Proposal', 'Negotiation'][
                1 + draw('deal stage', deal_key, 3)
            ]
            when draw('deal end', deal_key, 100) < 42 then 'Won'
            else 'Lost'
        end as stage,
        case when not is_open then working_day(created_on + days) end as closed_on,
    from dated
)

select
    'D' || upper(substr(md5('crm deal-' || deal_key), 1, 8)) as deal_id,
    account_id,
    pick('deal name', deal_key, [
        'Season order', 'Spring range', 'Clothing line', 'Components contract',
        'Workshop supplies', 'Touring models', 'Year-end stock'
    ]) as deal_name,
    stage,
    (100 * ceil(order_worth * (50 + draw('deal amount', deal_key, 151)) / 10000.0))
        ::bigint as amount,
    currency,
    case stage
        when 'Qualified' then 20 + 5 * draw('deal chance', deal_key, 3)
        when 'Proposal' then 40 + 5 * draw('deal chance', deal_key, 3)
        when 'Negotiation' then 60 + 5 * draw('deal chance', deal_key, 5)
        when 'Won' then 100
        else 0
    end / 100 as probability,
    case
        when is_open
            then working_day(
                date '2014-02-03' + draw('deal close', deal_key, 150)::integer
            )
        else closed_on
    end as expected_close_date,
    owner,
    created_on,
    closed_on,
    coalesce(
        closed_on,
        working_day(
            created_on
            + draw('deal contact', deal_key, date '2014-01-28' - created_on + 1)
                ::integer
        )
    ) as last_contact_on,
from staged
order by deal_id
"""

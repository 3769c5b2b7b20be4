"""What was dealt with customers beside sales, for build.py: all of it made up.

What lives here: the ERP's invoices of dealers and where its persons say they heard of
the company; the CRM's activities, campaigns and survey answers. Who is behind a row is
real (an order, a person, a company of the ERP, an account of crm_accounts.py); that
anything was said, paid late, spent or answered is drawn from md5 hashes of keys.

What does not live here: what any of it costs. The rates are a seed of the dbt project.
"""

from typing import Final

# One invoice for each order of a dealer: goods, tax and freight, due thirty days after
# shipping. One dealer in eight is a slow payer. What was not paid on 2014-01-28, the
# last day of the sample, is open; so is one in six of those due in the last 45 days.
INVOICES: Final = """
    with billed as (
        select
            SalesOrderNumber as order_number,
            any_value(customer_number) as customer_number,
            any_value(ShipDate)::date as invoiced_on,
            round(sum(SalesAmount + TaxAmt + Freight), 2)::decimal(19, 4) as amount,
        from sales
        where channel = 'reseller'
        group by order_number
    ),

    drawn as (
        select
            *,
            invoiced_on + 30 as due_date,
            draw('slow payer', customer_number, 8) = 0 as is_slow,
            draw('pays', order_number, 100) as habit,
            case
                when is_slow and habit < 70
                    then 6 + draw('days late', order_number, 55)
                when habit < 82 then -draw('days early', order_number, 21)
                else 1 + draw('days late', order_number, 30)
            end::integer as days_late,
            working_day(due_date + days_late) as intended_on,
        from billed
    )

    select
        'SI' || order_number[3:] as invoice_number,
        order_number,
        customer_number,
        invoiced_on,
        due_date,
        case
            when intended_on > date '2014-01-28' then null
            when due_date > date '2013-12-14' and draw('open', order_number, 6) = 0
                then null
            else intended_on
        end as paid_on,
        amount,
        'USD' as currency_code,
    from drawn
    order by invoice_number
"""

# What persons answered when they registered; one in ten did not.
CUSTOMER_ORIGINS: Final = """
    with asked as (
        select
            CustomerAlternateKey as customer_number,
            draw('origin', CustomerAlternateKey, 100) as answer,
        from DimCustomer
    )

    select
        customer_number,
        case
            when answer < 34 then 'word of mouth'
            when answer < 58 then 'web search'
            when answer < 72 then 'search ads'
            when answer < 80 then 'cycling club'
            when answer < 86 then 'bike fair'
            else 'magazine'
        end as origin,
    from asked
    where answer < 90
    order by customer_number
"""

# Number, name, source as persons call it, channel, first and last day, cost in USD.
# Nobody names the radio; the last campaign still runs.
CAMPAIGN_ROWS: Final = (
    ("CP-1201", "Spring fairs 2012", "bike fair", "event",
     "2012-03-05", "2012-05-31", "6400.00"),
    ("CP-1202", "Club sponsoring 2012", "cycling club", "partnership",
     "2012-04-01", "2012-12-31", "5250.00"),
    ("CP-1203", "Search ads 2012", "search ads", "online",
     "2012-06-01", "2013-05-31", "21800.50"),
    ("CP-1301", "Spring fairs 2013", "bike fair", "event",
     "2013-03-04", "2013-05-31", "8150.00"),
    ("CP-1302", "Cycling magazines", "magazine", "print",
     "2013-02-01", "2013-04-30", "7777.77"),
    ("CP-1303", "Club sponsoring 2013", "cycling club", "partnership",
     "2013-01-01", "2013-12-31", "6900.00"),
    ("CP-1304", "Radio in Oregon", "radio", "broadcast",
     "2013-05-06", "2013-05-19", "3200.00"),
    ("CP-1305", "Search ads since June 2013", "search ads", "online",
     "2013-06-01", None, "39415.25"),
)  # fmt: skip

CAMPAIGNS: Final = f"""
select
    campaign_number,
    name,
    acquisition_source,
    channel,
    started_on::date as started_on,
    ended_on::date as ended_on,
    cost::decimal(12, 2) as cost,
from (values {
    ", ".join(
        "("
        + ", ".join("null" if value is None else f"'{value}'" for value in row)
        + ")"
        for row in CAMPAIGN_ROWS
    )
}) as campaigns (campaign_number, name, acquisition_source, channel, started_on,
    ended_on, cost)
order by campaign_number
"""

# The bigger the company, the more often it is spoken with, from 2012 on; one in seven
# is neglected, whatever its size. Second accounts were used now and then.
ACTIVITIES: Final = """
with planned as (
    select
        account_id,
        owner,
        case
            when kind = 'duplicate' then draw('often', account_id, 3)
            when kind in ('prospect', 'look-alike') then 2 + draw('often', account_id, 5)
            when draw('neglected', account_id, 7) = 0
                then draw('often', account_id, 2)
            when revenue_rank <= 30 then 18 + draw('often', account_id, 19)
            when revenue_rank <= 120 then 7 + draw('often', account_id, 14)
            else 1 + draw('often', account_id, 8)
        end as dealings,
    from accounts
    left join (select key, revenue_rank from chosen) using (key)
),

dealt as (
    select
        account_id || '-' || number as key,
        account_id,
        owner as account_owner,
        draw('kind', key, 100) as kind_draw,
        case
            when kind_draw < 42 then 'call'
            when kind_draw < 74 then 'email'
            when kind_draw < 90 then 'visit'
            else 'meeting'
        end as kind,
        working_day(date '2012-01-09' + draw('day', key, 750)::integer) as day,
    from planned
    cross join range(1, 40) as numbers (number)
    where number <= dealings
)

select
    crm_id('activity', key) as activity_id,
    account_id,
    kind,
    day + to_minutes((480 + 5 * draw('hour', key, 109))::integer) as occurred_at,
    case kind
        when 'call' then 5 + draw('minutes', key, 26)
        when 'email' then 5 + 5 * draw('minutes', key, 4)
        when 'visit' then 45 + 15 * draw('minutes', key, 12)
        else 30 + 15 * draw('minutes', key, 5)
    end::integer as minutes,
    case when draw('who', key, 100) < 82
        then account_owner else pick('who', key, owner_names()) end as owner,
    case kind
        when 'call' then pick('subject', key, ['Stock for the season',
            'Date of delivery', 'Question about an invoice', 'Prices of accessories'])
        when 'email' then pick('subject', key, ['Price list', 'Offer sent',
            'Answer to a question', 'Dates of the next visit'])
        when 'visit' then pick('subject', key, ['Display in the shop',
            'New models shown', 'Order for the season', 'Talk about the year'])
        else pick('subject', key, ['Terms for the year', 'Promotion planned',
            'Review of the year'])
    end as subject,
from dealt
order by occurred_at, activity_id
"""

# Whoever called the help desk was asked one to four days after the last ticket: how it
# was (csat) and whether they would recommend the company (nps). Companies answer more
# often than persons.
SURVEYS: Final = """
with callers as (
    select
        account_number,
        max(moment(opened_at)) - interval {shift_days} day as last_ticket_at,
        any_value(kind) = 'company' as is_company,
    from events
    join caller_accounts using (caller_id)
    join (
        select ResellerAlternateKey as account_number, 'company' as kind from DimReseller
        union all
        select CustomerAlternateKey, 'person' from DimCustomer
    ) using (account_number)
    group by account_number
),

answers as (
    select
        account_number,
        survey,
        survey || '-' || account_number as key,
        last_ticket_at::date + 1 + draw('answered', account_number, 4)::integer as day,
        draw('mood', account_number, 100) + draw('answer', key, 41) - 20 as mood,
    from callers
    cross join (values ('csat'), ('nps')) as surveys (survey)
    where draw('answers', key, 100) < case when is_company then 42 else 16 end
)

select
    crm_id('survey', key) as response_id,
    account_number,
    survey,
    case survey
        when 'csat' then case
            when mood < 10 then 1 when mood < 22 then 2 when mood < 40 then 3
            when mood < 75 then 4 else 5 end
        else case
            when mood < 18 then greatest(0, (mood + 20) // 6)
            when mood < 48 then 7 + draw('passive', key, 2)
            else 9 + draw('promoter', key, 2) end
    end::integer as score,
    day + to_minutes((420 + draw('time', key, 720))::integer) as responded_at,
from answers
where day <= date '2014-01-28'
order by responded_at, response_id
"""

ERP_TABLES: Final = {"invoices": INVOICES, "customer_origins": CUSTOMER_ORIGINS}

"""Builds the committed demonstration data from the raw public data sets.

What lives here: how every data file in this folder comes about, as DuckDB set
operations, and the control totals that the written files are read back against. It
is a script for maintainers:

    python sample_data/build.py RAW_DIR [--output DIR]

`RAW_DIR` holds `adventureworks/<Table>.parquet`, the tables of AdventureWorksDW under
their own names, and `servicenow/incident_event_log_full.parquet`, the UCI event log
with every column as text. The same raw files and library versions give the same
bytes: rows are sorted, compressed files carry no time, and whatever is made up is
drawn from md5 hashes of keys.

What does not live here: anything that the program runs. The program reads the
committed files only; `pipeline/scaffold/demonstration.py` lays the ERP tables out as a
database. The CRM's accounts and contacts come from crm_accounts.py, its deals from
crm_deals.py, what was dealt with customers beside sales from dealings.py, the workbook of
account plans from account_plans.py. README.md beside this file says what is real, changed
and made up.
"""

import argparse
import csv
import datetime as dt
import gzip
import io
import itertools
import re
import sys
import zipfile
from pathlib import Path
from typing import Any, Final

import account_plans
import crm_accounts
import crm_deals
import dealings
import duckdb
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

HERE: Final = Path(__file__).resolve().parent

ADVENTUREWORKS_TABLES: Final = (
    "DimCurrency",
    "DimCustomer",
    "DimGeography",
    "DimProduct",
    "DimProductCategory",
    "DimProductSubcategory",
    "DimReseller",
    "DimSalesTerritory",
    "FactCurrencyRate",
    "FactInternetSales",
    "FactResellerSales",
    "ProspectiveBuyer",
)

# 160 whole weeks, so that every event keeps its day of the week. The last event of
# the log, 2017-02-18, lands on 2014-01-25, three days before the last sale.
SHIFT_DAYS: Final = 1120
LAST_SALE: Final = dt.date(2014, 1, 28)
SOURCE_FORMAT: Final = "%-d/%-m/%Y %H:%M"
BUYING_COMPANIES: Final = 635
PERSONS: Final = 18_484

SHIFTED_COLUMNS: Final = (
    "opened_at",
    "sys_created_at",
    "sys_updated_at",
    "resolved_at",
    "closed_at",
)

# `hash32` is the only source of chance: the first eight hex digits of an md5.
# `working_day` moves a Saturday or Sunday to the Friday before it. The names are
# nobody's: six sales people and four who score key accounts.
MACROS: Final = """
create macro hash32(text) as ('0x' || substr(md5(text), 1, 8))::bigint;
create macro draw(salt, key, sides) as hash32(salt || '-' || key) % sides;
create macro working_day(day) as day - greatest(isodow(day) - 5, 0)::integer;
create macro owner_names() as ['Claire Dubois', 'Daniel Ortega', 'Grace Liu',
    'Hannah Berg', 'Marcus Webb', 'Priya Nair'];
create macro scorer_names() as ['Ingrid Sand', 'Omar Haddad', 'Tom Fraser', 'Wei Zhang'];
create macro moment(text) as strptime(nullif(text, '?'), '%d/%m/%Y %H:%M');
"""

SALES: Final = """
create view sales as
select
    'reseller' as channel,
    ResellerAlternateKey as customer_number,
    lines.* exclude (ResellerKey),
from FactResellerSales as lines
join DimReseller using (ResellerKey)
union all by name
select
    'internet' as channel,
    CustomerAlternateKey as customer_number,
    lines.* exclude (CustomerKey),
from FactInternetSales as lines
join DimCustomer using (CustomerKey)
"""

ERP_TABLES: Final[dict[str, str]] = {
    "territories": """
        select
            SalesTerritoryKey as territory_id,
            SalesTerritoryRegion as region,
            SalesTerritoryCountry as country,
            SalesTerritoryGroup as territory_group,
        from DimSalesTerritory
        order by territory_id
    """,
    "currencies": """
        select
            CurrencyAlternateKey as currency_code,
            CurrencyName as currency_name,
        from DimCurrency
        order by currency_code
    """,
    "currency_rates": """
        select
            CurrencyAlternateKey as currency_code,
            "Date"::date as rate_date,
            AverageRate as average_rate,
            EndOfDayRate as end_of_day_rate,
        from FactCurrencyRate
        join DimCurrency using (CurrencyKey)
        order by currency_code, rate_date
    """,
    "customers": """
        with companies as (
            select
                ResellerAlternateKey as customer_number,
                'company' as kind,
                ResellerName as name,
                null::varchar as first_name,
                null::varchar as last_name,
                null::varchar as email,
                Phone as phone,
                concat_ws(', ', AddressLine1, AddressLine2) as address_line,
                GeographyKey,
                null::date as created_on,
            from DimReseller
        ),

        persons as (
            select
                CustomerAlternateKey as customer_number,
                'person' as kind,
                concat_ws(
                    ' ',
                    FirstName,
                    case length(MiddleName)
                        when 1 then MiddleName || '.' else MiddleName
                    end,
                    LastName,
                    Suffix
                ) as name,
                FirstName as first_name,
                LastName as last_name,
                EmailAddress as email,
                Phone as phone,
                concat_ws(', ', AddressLine1, AddressLine2) as address_line,
                GeographyKey,
                DateFirstPurchase as created_on,
            from DimCustomer
        ),

        everyone as (
            from companies
            union all
            from persons
        )

        select
            customer_number,
            kind,
            name,
            first_name,
            last_name,
            email,
            phone,
            address_line,
            City as city,
            StateProvinceName as state,
            PostalCode as postal_code,
            CountryRegionCode as country_code,
            EnglishCountryRegionName as country,
            SalesTerritoryKey as territory_id,
            created_on,
        from everyone
        join DimGeography using (GeographyKey)
        order by customer_number
    """,
    "company_profiles": """
        select
            ResellerAlternateKey as customer_number,
            BusinessType as business_type,
            ProductLine as product_line,
            NumberEmployees as number_employees,
            AnnualSales as annual_sales,
            AnnualRevenue as annual_revenue,
            YearOpened as year_opened,
            BankName as bank_name,
        from DimReseller
        order by customer_number
    """,
    "person_profiles": """
        select
            CustomerAlternateKey as customer_number,
            BirthDate as birth_date,
            Gender as gender,
            MaritalStatus as marital_status,
            YearlyIncome as yearly_income,
            EnglishEducation as education,
            EnglishOccupation as occupation,
            TotalChildren::integer as total_children,
            NumberCarsOwned::integer as number_cars_owned,
            HouseOwnerFlag::integer as house_owner,
            CommuteDistance as commute_distance,
        from DimCustomer
        order by customer_number
    """,
    "products": """
        select
            ProductKey as product_id,
            ProductAlternateKey as product_number,
            EnglishProductName as product_name,
            EnglishProductSubcategoryName as subcategory,
            EnglishProductCategoryName as category,
            ListPrice as list_price,
            StandardCost as standard_cost,
            Color as color,
            Size as size,
            ModelName as model_name,
            StartDate::date as valid_from,
            EndDate::date as valid_to,
            Status as status,
        from DimProduct
        left join DimProductSubcategory using (ProductSubcategoryKey)
        left join DimProductCategory using (ProductCategoryKey)
        order by product_id
    """,
    "orders": """
        select distinct
            SalesOrderNumber as order_number,
            channel,
            customer_number,
            OrderDate::date as order_date,
            DueDate::date as due_date,
            ShipDate::date as ship_date,
            CurrencyAlternateKey as currency_code,
            'USD' as booked_currency,
            SalesTerritoryKey as territory_id,
            EmployeeKey as salesperson_id,
            CustomerPONumber as purchase_order_number,
            'shipped' as status,
        from sales
        join DimCurrency using (CurrencyKey)
        order by order_number
    """,
    "order_lines": """
        select
            SalesOrderNumber as order_number,
            SalesOrderLineNumber::integer as line_number,
            ProductKey as product_id,
            OrderQuantity::integer as quantity,
            UnitPrice as unit_price,
            UnitPriceDiscountPct::decimal(19, 4) as unit_price_discount,
            DiscountAmount::decimal(19, 4) as discount_amount,
            SalesAmount as sales_amount,
            ProductStandardCost as standard_cost,
            TotalProductCost as total_product_cost,
            TaxAmt as tax_amount,
            Freight as freight_amount,
        from sales
        order by order_number, line_number
    """,
    **dealings.ERP_TABLES,
}

# Positions count from 0 in order of customer_number; README.md documents the rule.
CALLER_ACCOUNTS: Final = f"""
create table caller_accounts as
with companies as (
    select customer_number, row_number() over (order by customer_number) - 1 as position
    from (select distinct customer_number from sales where channel = 'reseller')
),

persons as (
    select
        CustomerAlternateKey as customer_number,
        row_number() over (order by CustomerAlternateKey) - 1 as position,
    from DimCustomer
),

callers as (
    select distinct caller_id, hash32('caller-' || caller_id) as h
    from events
)

select
    callers.caller_id,
    case
        when callers.caller_id = '?' then '?'
        when h % 10 < 6 then companies.customer_number
        else persons.customer_number
    end as account_number,
from callers
join companies on companies.position = (h // 10) % {BUYING_COMPANIES}
join persons on persons.position = (h // 10) % {PERSONS}
"""

LEADS: Final = f"""
with staged as (
    select
        *,
        ProspectAlternateKey as key,
        YearlyIncome::integer as income,
        draw('stage', key, 100) as stage_draw,
        case
            when stage_draw < 30 then 'New'
            when stage_draw < 58 then 'Contacted'
            when stage_draw < 78 then 'Qualified'
            when stage_draw < 90 then 'Proposal'
            else 'Lost'
        end as stage,
        working_day(
            date '2013-08-01' + draw('created', key, 178)::integer
        ) as created_on,
    from ProspectiveBuyer
)

select
    key as lead_number,
    FirstName as first_name,
    LastName as last_name,
    EmailAddress as email,
    Phone as phone,
    City as city,
    StateProvinceCode as state,
    PostalCode as postal_code,
    Occupation as occupation,
    Education as education,
    income as yearly_income,
    TotalChildren::integer as total_children,
    HouseOwnerFlag::integer as house_owner,
    NumberCarsOwned::integer as number_cars_owned,
    BirthDate::date as birth_date,
    stage,
    (10 * round(income * (20 + draw('amount', key, 31)) / 10000.0))::integer as amount,
    case stage
        when 'New' then 5 + 5 * draw('probability', key, 2)
        when 'Contacted' then 15 + 5 * draw('probability', key, 3)
        when 'Qualified' then 35 + 5 * draw('probability', key, 4)
        when 'Proposal' then 60 + 5 * draw('probability', key, 5)
        else 0
    end / 100 as probability,
    working_day(case stage
        when 'New' then date '2014-05-01' + draw('close', key, 92)::integer
        when 'Contacted' then date '2014-04-01' + draw('close', key, 101)::integer
        when 'Qualified' then date '2014-03-03' + draw('close', key, 91)::integer
        when 'Proposal' then date '2014-02-03' + draw('close', key, 76)::integer
    end) as expected_close_date,
    owner_names()[1 + draw('owner', City, len(owner_names()))] as owner,
    created_on,
    case when stage <> 'New' then working_day(
        created_on
        + draw('contact', key, date '{LAST_SALE}' - created_on + 1)::integer
    ) end as last_contact_on,
from staged
order by ProspectiveBuyerKey
"""

# Both scores start at 9.2 for the first by revenue and fall to 3.7 for the last of
# the forty, plus or minus up to 1.5 drawn for each score and account.
ASSESSMENTS: Final = """
with revenue as (
    select customer_number, sum(SalesAmount) as revenue
    from sales
    where channel = 'reseller'
    group by customer_number
),

ranked as (
    select
        ResellerAlternateKey as key,
        ResellerName,
        BusinessType,
        ProductLine,
        City,
        StateProvinceName,
        SalesTerritoryKey,
        row_number() over (order by coalesce(revenue, 0) desc, key) as revenue_rank,
    from DimReseller
    join DimGeography using (GeographyKey)
    left join revenue on revenue.customer_number = ResellerAlternateKey
),

others as (
    select key
    from ranked
    where revenue_rank > 24
    order by md5(key)
    limit 16
),

chosen as (
    select *, row_number() over (order by revenue_rank) as position
    from ranked
    where revenue_rank <= 24 or key in (from others)
),

scored as (
    select
        *,
        9.2 - 5.5 * (position - 1) / 39 as base,
        round(base + (draw('influence', key, 31) - 15) / 10, 1) as influence,
        round(base + (draw('importance', key, 31) - 15) / 10, 1) as importance,
        least(10, greatest(0, influence)) as market_influence,
        least(10, greatest(0, importance)) as strategic_importance,
        (market_influence + strategic_importance) / 2 as standing,
        lower(BusinessType) as business,
        lower(ProductLine) as line,
    from chosen
)

select
    key as account_number,
    ResellerName as account_name,
    market_influence,
    strategic_importance,
    case
        when standing >= 8 then 'strategic'
        when standing >= 6.5 then 'partner'
        when standing >= 5 then 'preferred'
        else 'ordinary'
    end as relationship_level,
    scorer_names()[1 + SalesTerritoryKey % 4] as scorer,
    working_day(date '2013-11-04' + draw('scored', key, 82)::integer) as scored_on,
    case
        when market_influence >= 7 then [
            format('Smaller shops around {} stock what it stocks.', City),
            format('Speaks for the {} segment in {} at every dealer meeting.',
                line, StateProvinceName),
            format('Sets the price that others in {} follow.', City),
        ]
        when market_influence >= 5 then [
            format('Well known in {}, with little pull beyond the city.', City),
            format('Joins our {} promotions and asks for terms of its own.', line),
            format('A steady {} whose buyer other dealers call for advice.', business),
        ]
        else [
            format('One {} of many in {}; nobody follows its choices yet.',
                business, City),
            format('Buys {} models when customers ask, without a plan.', line),
            format('Visits in {} go well, but no commitment follows.', City),
        ]
    end[1 + draw('evidence', key, 3)] as evidence,
from scored
order by position
"""

SHEETS: Final = {
    "Leads": LEADS,
    "Assessments": ASSESSMENTS,
    "Accounts": crm_accounts.ACCOUNTS_SHEET,
    "Contacts": crm_accounts.CONTACTS_SHEET,
    "Activities": dealings.ACTIVITIES,
    "Campaigns": dealings.CAMPAIGNS,
    "Surveys": dealings.SURVEYS.format(shift_days=SHIFT_DAYS),
}

REAL: Final = "real"
VARIED: Final = "real, varied"
MADE_UP: Final = "made up"
READ_ME: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("Leads", "lead_number", REAL, "ProspectAlternateKey; six rows repeat a number"),
    (
        "Leads",
        "first_name ... number_cars_owned",
        REAL,
        "ProspectiveBuyer, which cuts education at ten characters",
    ),
    ("Leads", "birth_date", REAL, "ProspectiveBuyer, as an Excel date"),
    ("Leads", "stage", MADE_UP, "New, Contacted, Qualified, Proposal or Lost"),
    ("Leads", "amount", MADE_UP, "2 to 5 % of yearly_income, in tens of USD"),
    ("Leads", "probability", MADE_UP, "by stage; Lost is 0 %"),
    ("Leads", "expected_close_date", MADE_UP, "the later the stage, the sooner"),
    ("Leads", "owner", MADE_UP, "one owner for each city; invented names"),
    ("Leads", "created_on", MADE_UP, "a working day from August 2013 to January 2014"),
    ("Leads", "last_contact_on", MADE_UP, "after created_on; blank while New"),
    ("Assessments", "account_number, account_name", REAL, "DimReseller"),
    ("Assessments", "market_influence", MADE_UP, "0 to 10, rising with revenue"),
    ("Assessments", "strategic_importance", MADE_UP, "0 to 10, rising with revenue"),
    ("Assessments", "relationship_level", MADE_UP, "by the mean of both scores"),
    ("Assessments", "scorer", MADE_UP, "one for each sales territory; invented names"),
    (
        "Assessments",
        "scored_on",
        MADE_UP,
        "a working day, November 2013 to January 2014",
    ),
    (
        "Assessments",
        "evidence",
        MADE_UP,
        "a sentence around the real city, type and line",
    ),
    ("Accounts", "account_id", MADE_UP, "24 hex digits; parent_account refers to it"),
    (
        "Accounts",
        "name, phone, street ... country",
        VARIED,
        "a dealer's, written in another way; made up for six prospects",
    ),
    ("Accounts", "erp_number", REAL, "ResellerAlternateKey, where somebody noted it"),
    (
        "Accounts",
        "website",
        MADE_UP,
        "every domain ends in .example, which nobody owns",
    ),
    ("Accounts", "industry", VARIED, "the dealer's business type in the CRM's words"),
    ("Accounts", "owner", MADE_UP, "one owner for each city, as of the leads"),
    ("Accounts", "parent_account", MADE_UP, "eight groups; no dealer owns another"),
    ("Accounts", "updated_at", MADE_UP, "February 2012 to January 2014"),
    (
        "Contacts",
        "contact_id, account_id",
        MADE_UP,
        "an account has one to three people",
    ),
    ("Contacts", "name, job_title, email", MADE_UP, "invented people; nobody is meant"),
    ("Contacts", "role, influence", MADE_UP, "influence from 0 to 10, by role"),
    ("Contacts", "phone", VARIED, "the account's with an invented extension"),
    ("Contacts", "owner", MADE_UP, "mostly the account's; some belong to nobody"),
    ("Contacts", "last_contact_on", MADE_UP, "June 2012 to January 2014; blank: never"),
    ("Activities", "account_id", MADE_UP, "the account of the sheet Accounts"),
    ("Activities", "all others", MADE_UP, "calls, e-mails, visits and meetings"),
    ("Campaigns", "all", MADE_UP, "cost in USD; blank ended_on: it still runs"),
    (
        "Surveys",
        "account_number",
        REAL,
        "a customer of the ERP who called the help desk",
    ),
    ("Surveys", "all others", MADE_UP, "nps from 0 to 10, csat from 1 to 5"),
)

NUMBER_FORMATS: Final = {
    "yearly_income": "#,##0",
    "amount": "#,##0",
    "probability": "0%",
    "market_influence": "0.0",
    "strategic_importance": "0.0",
    "cost": "#,##0.00",
}

ERP_ROWS: Final = {
    "territories": 11,
    "currencies": 105,
    "currency_rates": 14_264,
    "customers": 19_185,
    "company_profiles": 701,
    "person_profiles": 18_484,
    "products": 606,
    "orders": 31_455,
    "order_lines": 121_253,
    "invoices": 3_796,
    "customer_origins": 16_613,
}

# Each is asked of the written files and must give true.
CONTROLS: Final[dict[str, str]] = {
    "the sales amount is exact": """
        select sum(sales_amount) = 80450596.9823 + 29358677.2207 from order_lines
    """,
    "the sales amount of each channel is exact": """
        select bool_and(amount = case channel
            when 'reseller' then 80450596.9823 else 29358677.2207 end)
        from (
            select channel, sum(sales_amount) as amount
            from order_lines join orders using (order_number)
            group by channel
        )
    """,
    "one header per order": """
        select count(*) = count(distinct order_number) from orders
    """,
    "one line per order and line number": """
        select count(*) = count(distinct (order_number, line_number)) from order_lines
    """,
    "every line has an order and a product": """
        select count(*) = 121253
        from order_lines
        join orders using (order_number)
        join products using (product_id)
    """,
    "every order has a line, a customer of its channel and a rate of its day": """
        select count(*) = 31455
        from orders
        join customers using (customer_number)
        join currency_rates
            on currency_rates.currency_code = orders.currency_code
            and currency_rates.rate_date = orders.order_date
        where (channel = 'reseller') = (kind = 'company')
            and order_number in (select order_number from order_lines)
    """,
    "one customer per number, 701 companies": """
        select count(distinct customer_number) = 19185
            and count(*) filter (kind = 'company') = 701
        from customers
    """,
    "one rate per currency and day": """
        select count(*) = count(distinct (currency_code, rate_date))
        from currency_rates
    """,
    "a rate is USD per one unit: pound above, yen far below, dollar at one": """
        select min(average_rate) filter (currency_code = 'GBP') > 1.3
            and max(average_rate) filter (currency_code = 'JPY') < 0.01
            and bool_and(average_rate = 1) filter (currency_code = 'USD')
        from currency_rates
    """,
    "amounts are booked in USD: one price for a product in every currency": """
        select bool_and(prices = 1) and max(currencies) = 6
        from (
            select
                count(distinct unit_price) as prices,
                count(distinct currency_code) as currencies,
            from order_lines join orders using (order_number)
            where channel = 'internet'
            group by product_id
        )
    """,
    "all events and tickets": """
        select count(*) = 141712
            and count(distinct number) = 24918
            and count(distinct (number, sys_mod_count)) = 141707
        from incidents
    """,
    "the service level of the last event of each ticket is 63.42 %": """
        select round(100 * avg(met), 2) = 63.42
        from (
            select (made_sla = 'true')::integer as met
            from incidents
            qualify row_number() over (
                partition by number
                order by moment(sys_updated_at) desc, sys_mod_count::integer desc
            ) = 1
        )
    """,
    "the last event is on 2014-01-25": """
        select max(moment(sys_updated_at))::date = date '2014-01-25' from incidents
    """,
    "shifted back, the events are those of the source": f"""
        select count(*) = 0 from (
            select * exclude (account_number) replace ({
        ", ".join(
            f"moment({name}) + interval {SHIFT_DAYS} day as {name}"
            for name in SHIFTED_COLUMNS
        )
    }) from incidents
            except all
            select * exclude (file_row_number) replace ({
        ", ".join(f"moment({name}) as {name}" for name in SHIFTED_COLUMNS)
    }) from events
        )
    """,
    "the dates are written as in the source": f"""
        select bool_and({
        " and ".join(
            f"({name} = '?' or strftime(moment({name}), '{SOURCE_FORMAT}') = {name})"
            for name in SHIFTED_COLUMNS
        )
    })
        from incidents
    """,
    "accounts and contacts have one id each, of 24 hex digits": """
        select count(*) = count(distinct id)
            and bool_and(regexp_full_match(id, '[0-9a-f]{24}'))
        from (
            select account_id as id from crm_accounts
            union all
            select contact_id from crm_contacts
        )
    """,
    "260 accounts: 246 companies, 8 of them twice, 6 that the ERP does not know": """
        select count(*) = 260
            and count(answer_key.account_number) = 254
            and count(distinct customers.customer_number) = 246
            and count(*) filter (answer_key.kind = 'duplicate') = 8
            and count(*) filter (answer_key.kind in ('prospect', 'look-alike')) = 6
        from crm_accounts
        join answer_key using (account_id)
        left join customers on answer_key.account_number = customer_number
            and customers.kind = 'company'
    """,
    "an ERP number in the CRM is that of the company": """
        select count(erp_number) between 130 and 150
            and bool_and(upper(erp_number) = account_number)
        from crm_accounts
        join answer_key using (account_id)
        where erp_number is not null
    """,
    "a slip of the pen or a shorter name is never the name itself": """
        select bool_and(lower(crm_accounts.name) <> lower(customers.name))
        from crm_accounts
        join answer_key using (account_id)
        join customers on account_number = customer_number
        where spelling in ('slip', 'short')
    """,
    "thirty accounts have a parent, which has an account": """
        select count(parent_account) = 30
            and bool_and(parent_account <> account_id)
            and count(*) filter (parent_account not in (
                select account_id from crm_accounts)) = 0
        from crm_accounts
    """,
    "domains are those that nobody can own": """
        select bool_and(regexp_full_match(website, '(https://)?(www[.])?[a-z0-9-]+[.]example/?'))
        from crm_accounts
    """,
    "every contact is at an account, with an address of nobody": """
        select count(*) between 490 and 530
            and bool_and(crm_accounts.account_id is not null)
            and bool_and(coalesce(email, 'a@b.example') like '%_@_%.example')
        from crm_contacts
        left join crm_accounts using (account_id)
    """,
    "every order of a dealer has one invoice over its whole amount": """
        select count(*) = 3796
            and count(distinct order_number) = 3796
            and bool_and(invoices.customer_number = orders.customer_number)
            and bool_and(invoices.amount = round(lines.amount, 2))
        from invoices
        join orders using (order_number)
        join (
            select
                order_number,
                sum(sales_amount + tax_amount + freight_amount) as amount,
            from order_lines
            group by order_number
        ) as lines using (order_number)
        where channel = 'reseller'
    """,
    "most invoices are paid in time, some late, a few of the last are open": """
        select count(*) filter (paid_on <= due_date) between 2700 and 3100
            and count(*) filter (paid_on > due_date) between 900 and 1100
            and count(*) filter (paid_on is null) between 20 and 150
            and min(due_date) filter (paid_on is null) > date '2013-11-15'
            and max(paid_on) <= date '2014-01-28'
            and bool_and(due_date = invoiced_on + 30)
        from invoices
    """,
    "origins are those of persons": """
        select count(*) = count(distinct customer_number)
            and bool_and(customers.kind = 'person')
        from customer_origins
        join customers using (customer_number)
    """,
    "one campaign won nobody, every other one somebody": """
        select count(*) = 8
            and count(*) filter (won = 0) = 1
            and bool_and(won > 0 or acquisition_source = 'radio')
        from (
            select
                campaign_number,
                any_value(crm_campaigns.acquisition_source) as acquisition_source,
                count(customers.customer_number) as won,
            from crm_campaigns
            left join customer_origins on origin = acquisition_source
            left join customers
                on customers.customer_number = customer_origins.customer_number
                and created_on >= left(started_on, 10)::date
                and created_on <= coalesce(left(ended_on, 10)::date, date '2014-01-31')
            group by campaign_number
        )
    """,
    "activities are with accounts, more with the big ones, few with the neglected": """
        select count(*) between 2000 and 3500
            and count(distinct activity_id) = count(*)
            and count(distinct crm_accounts.account_id) between 230 and 255
            and bool_and(crm_accounts.account_id is not null)
            and bool_and(left(occurred_at, 10)::date between '2012-01-06' and '2014-01-28')
        from crm_activities
        left join crm_accounts using (account_id)
    """,
    "answers are on their scales, of customers who called": """
        select count(*) between 800 and 1500
            and count(distinct response_id) = count(*)
            and bool_and(score::integer between
                if(survey = 'csat', 1, 0) and if(survey = 'csat', 5, 10))
            and bool_and(account_number in (select account_number from incidents))
        from crm_surveys
    """,
    "160 deals of accounts that the CRM has; those that are closed have a day": """
        select count(*) = 160
            and count(distinct deal_id) = 160
            and count(crm_accounts.account_id) = 160
            and bool_and((closed_on is null) = (stage not in ('Won', 'Lost')))
            and bool_and(closed_on >= created_on or closed_on is null)
        from crm_deals
        left join crm_accounts using (account_id)
    """,
    "every caller has an account of the ERP, the unknown one has none": """
        select bool_and((caller_id = '?') = (account_number = '?'))
            and bool_and(account_number = '?' or customers.kind is not null)
        from incidents
        left join customers on customer_number = account_number
    """,
}


def quoted(path: Path) -> str:
    """Returns a path as an SQL string literal."""
    return "'" + str(path).replace("'", "''") + "'"


def open_raw(raw_dir: Path) -> duckdb.DuckDBPyConnection:
    """Opens an in-memory database with a view for each raw table.

    One thread keeps the written Parquet files the same from run to run.
    """
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(MACROS)
    for table in ADVENTUREWORKS_TABLES:
        path = raw_dir / "adventureworks" / f"{table}.parquet"
        connection.execute(f"create view {table} as from read_parquet({quoted(path)})")
    log = raw_dir / "servicenow" / "incident_event_log_full.parquet"
    connection.execute(
        "create view events as from "
        f"read_parquet({quoted(log)}, file_row_number = true)"
    )
    connection.execute(SALES)
    connection.execute(CALLER_ACCOUNTS)
    connection.execute(crm_accounts.MACROS)
    for step in crm_accounts.STEPS:
        connection.execute(step)
    return connection


def write_erp(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Writes one Parquet file per ERP table."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, query in ERP_TABLES.items():
        connection.execute(
            f"copy ({query}) to {quoted(folder / f'{table}.parquet')} "
            "(format parquet, compression zstd, compression_level 19)"
        )


def write_helpdesk(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Writes the event log as one CSV export per month of the shifted update."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("incidents_*.csv.gz"):
        old.unlink()
    names = [
        name
        for name, *_ in connection.execute("describe events").fetchall()
        if name != "file_row_number"
    ]
    columns = ",\n".join(
        f"coalesce(strftime(moment({name}) - interval {SHIFT_DAYS} day, "
        f"'{SOURCE_FORMAT}'), '?') as {name}"
        if name in SHIFTED_COLUMNS
        else name
        for name in names
    )
    rows = connection.execute(
        f"""
        with shifted as (
            select
                moment(events.sys_updated_at) - interval {SHIFT_DAYS} day as updated_at,
                *
            from events
            join caller_accounts using (caller_id)
        )

        select strftime(updated_at, '%Y_%m'), {columns}, account_number
        from shifted
        order by updated_at, number, sys_mod_count::integer, file_row_number
        """
    ).fetchall()
    for month, group in itertools.groupby(rows, key=lambda row: row[0]):
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*names, "account_number"))
        writer.writerows(row[1:] for row in group)
        with (
            (folder / f"incidents_{month}.csv.gz").open("wb") as file,
            gzip.GzipFile("", "wb", 9, file, mtime=0) as compressed,
        ):
            compressed.write(text.getvalue().encode())


def fill(sheet: Worksheet, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    """Fills a sheet with a bold, frozen header row and widths that fit."""
    sheet.append(columns)
    for row in rows:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    for number, name in enumerate(columns, start=1):
        longest = max(len(str(row[number - 1])) for row in rows)
        width = min(max(longest, len(name)) + 2, 80)
        sheet.column_dimensions[get_column_letter(number)].width = width
        for (cell,) in sheet.iter_rows(2, min_col=number, max_col=number):
            if isinstance(cell.value, dt.datetime):
                cell.number_format = "yyyy-mm-dd hh:mm"
            elif isinstance(cell.value, dt.date):
                cell.number_format = "yyyy-mm-dd"
            elif name in NUMBER_FORMATS:
                cell.number_format = NUMBER_FORMATS[name]


def fill_read_me(sheet: Worksheet) -> None:
    """Fills the first sheet: what this workbook is and what in it is made up."""
    sheet.append(["A CRM workbook for the demonstration"])
    sheet.append(
        [
            "Leads are the prospective buyers of AdventureWorksDW (Microsoft, MIT"
            " licence), the data of a fictitious company. Assessments are invented"
            " key-account scores of resellers of the same data set. Accounts are such"
            " resellers as a sales person would note them; Contacts are invented people."
        ]
    )
    sheet.append(
        [
            "Real means as that data set records it. What is made up is drawn from"
            " md5 hashes of the keys by sample_data/build.py, so that it never changes."
            " The names of owners, scorers and contacts belong to nobody."
        ]
    )
    sheet.append([])
    sheet.append(["sheet", "column", "real or made up", "what it is"])
    for line in READ_ME:
        sheet.append(line)
    for row in (1, 5):
        for cell in sheet[row]:
            cell.font = Font(bold=True)
    for row in (2, 3):
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=4)
        sheet.cell(row, 1).alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = 46
    for letter, width in zip("ABCD", (16, 34, 18, 58), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A6"


def write_crm(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Writes the CRM workbook."""
    book = Workbook()
    assert book.active is not None
    book.active.title = "Read me"
    fill_read_me(book.active)
    for title, query in SHEETS.items():
        result = connection.execute(query)
        columns = [column[0] for column in result.description or ()]
        rows = [
            tuple(
                float(v) if columns[i] in NUMBER_FORMATS else v for i, v in enumerate(r)
            )
            for r in result.fetchall()
        ]
        fill(book.create_sheet(title), columns, rows)
    save(book, path)


def save(book: Workbook, path: Path) -> None:
    """Saves a workbook, with the time of the last sale in place of the clock.

    openpyxl stamps the moment of saving into the archive and into its properties,
    so the archive is written again without it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    book.properties.creator = "sample_data/build.py"
    stamp = dt.datetime.combine(LAST_SALE, dt.time())
    book.properties.created = stamp
    saved = io.BytesIO()
    book.save(saved)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(
                    rb"(<dcterms:modified[^>]*>)[^<]*",
                    rb"\g<1>" + f"{stamp:%Y-%m-%dT%H:%M:%SZ}".encode(),
                    content,
                )
            entry = zipfile.ZipInfo(name, stamp.timetuple()[:6])
            entry.external_attr = 0o644 << 16
            new.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)


def write_csv(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Writes the result of a query as CSV."""
    result = connection.execute(query)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column[0] for column in result.description or ())
        writer.writerows(result.fetchall())


def read_back(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Reads the workbook's companies and dealings into tables named after the sheets."""
    book = load_workbook(path, read_only=True)
    for title in ("Accounts", "Contacts", "Activities", "Campaigns", "Surveys"):
        columns, *rows = book[title].iter_rows(values_only=True)
        connection.execute(
            f"create table crm_{title} ({', '.join(f'{name} varchar' for name in columns)})"
        )
        connection.executemany(
            f"insert into crm_{title} values ({', '.join('?' * len(columns))})",
            [[None if value is None else str(value) for value in row] for row in rows],
        )


def failed_controls(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[str]:
    """Reads the written files back and returns the controls that do not hold."""
    failed = []
    for table, expected in ERP_ROWS.items():
        path = folder / "erp" / f"{table}.parquet"
        connection.execute(f"create view {table} as from read_parquet({quoted(path)})")
        counted = connection.execute(f"select count(*) from {table}").fetchone()
        if counted != (expected,):
            failed.append(f"{table} has {expected} rows: {counted}")
    exports = quoted(folder / "helpdesk" / "incidents_*.csv.gz")
    connection.execute(
        f"create table incidents as from read_csv({exports}, all_varchar = true)"
    )
    read_back(connection, folder / "crm" / "crm_workbook.xlsx")
    key = quoted(folder / "crm" / "answer_key.csv")
    connection.execute(f"create table answer_key as from read_csv({key})")
    deals = quoted(folder / "crm" / "deals.csv")
    connection.execute(f"create table crm_deals as from read_csv({deals})")
    failed += [
        name
        for name, query in CONTROLS.items()
        if connection.execute(query).fetchone() != (True,)
    ]
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Builds every data file and returns 0 when all control totals hold, else 1."""
    parser = argparse.ArgumentParser(description="Builds sample_data/.")
    parser.add_argument("raw_dir", type=Path)
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args(arguments)
    connection = open_raw(options.raw_dir)
    write_erp(connection, options.output / "erp")
    write_helpdesk(connection, options.output / "helpdesk")
    write_crm(connection, options.output / "crm" / "crm_workbook.xlsx")
    # Which ERP company each account of the CRM stands for, for tests.
    answer_key = options.output / "crm" / "answer_key.csv"
    write_csv(connection, crm_accounts.ANSWER_KEY, answer_key)
    write_csv(connection, crm_deals.DEALS, options.output / "crm" / "deals.csv")
    failed = account_plans.write(
        connection, options.output / "crm" / "account_plans.xlsx", fill, save
    )
    failed += failed_controls(connection, options.output)
    for name in failed:
        print(f"does not hold: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

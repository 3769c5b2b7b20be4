{#- Leads, who are no customers yet or have become one, and deals with accounts. The words of
    stages and states are your own; those that end one stand in two lists. -#}
{%- set ended_leads = "('lost lead', 'junk lead', 'not qualified', '无效线索', '已流失')" -%}
{%- set ended_deals -%}
('closed won', 'closed lost', 'closed-lost to competition', 'closed lost to competition',
'赢单', '输单', '已成交', '已关闭')
{%- endset -%}
with latest_leads as (
    {{ latest(source("zoho", "leads")) }}
),

latest_deals as (
    {{ latest(source("zoho", "deals")) }}
),

users as (
    select * from {{ ref("base_zoho__users") }}
),

options as (
    select * from {{ ref("base_zoho__options") }}
),

labelled_leads as (
    select
        latest_leads.*,
        {{ option_label("latest_leads", "Lead_Status") }} as status_label,
        coalesce(latest_leads.Converted__s, false)
        or latest_leads.Converted_Account is not null as is_converted
    from latest_leads
    {{ join_options("latest_leads", "Leads", "Lead_Status") }}
),

labelled_deals as (
    select
        latest_deals.*,
        {{ option_label("latest_deals", "Stage") }} as stage_label,
        lower({{ option_label("latest_deals", "Stage") }}) in {{ ended_deals }}
        or lower(latest_deals.Stage) in {{ ended_deals }} as has_ended
    from latest_deals
    {{ join_options("latest_deals", "Deals", "Stage") }}
),

united as (
    select
        id as lead_id,
        case when Converted_Account is not null then 'zoho' end as customer_source,
        Converted_Account as source_customer_id,
        coalesce(Company, Full_Name) as lead_name,
        case when Company is null then 'person' else 'company' end as customer_type,
        Email as email,
        coalesce(Mobile, Phone) as phone,
        case when is_converted then 'Converted' else coalesce(status_label, '-') end
            as stage,
        not is_converted
        and coalesce(lower(status_label) not in {{ ended_leads }}, true) as is_open,
        cast(null as decimal(38, 10)) as amount,
        cast(null as varchar) as currency,
        cast(null as decimal(38, 10)) as probability,
        cast(null as date) as expected_close_date,
        Owner as owner_id,
        {{ business_date(utc_time("Created_Time")) }} as created_on,
        {{ business_date(utc_time("Converted_Date_Time")) }} as closed_on,
        {{ business_date(utc_time("Last_Activity_Time")) }} as last_contact_on,
        case
            when
                coalesce(Currency, '{{ var("reporting_currency") }}')
                = '{{ var("reporting_currency") }}'
                then Annual_Revenue
        end as annual_revenue,
        Industry as industry
    from labelled_leads
    union all
    select
        id as lead_id,
        case when Account_Name is not null then 'zoho' end as customer_source,
        Account_Name as source_customer_id,
        Deal_Name as lead_name,
        'company' as customer_type,
        cast(null as varchar) as email,
        cast(null as varchar) as phone,
        coalesce(stage_label, '-') as stage,
        not coalesce(has_ended, false) as is_open,
        Amount as amount,
        coalesce(Currency, '{{ var("reporting_currency") }}') as currency,
        -- A percentage there, a share here.
        Probability / 100 as probability,
        Closing_Date as expected_close_date,
        Owner as owner_id,
        {{ business_date(utc_time("Created_Time")) }} as created_on,
        -- The day that was planned, unless somebody closed it before: a change later than
        -- that may be any.
        case
            when has_ended
                then greatest(
                    least(
                        coalesce(
                            Closing_Date, {{ business_date(utc_time("Modified_Time")) }}
                        ),
                        {{ business_date(utc_time("Modified_Time")) }}
                    ),
                    {{ business_date(utc_time("Created_Time")) }}
                )
        end as closed_on,
        {{ business_date(utc_time("Last_Activity_Time")) }} as last_contact_on,
        cast(null as decimal(38, 10)) as annual_revenue,
        cast(null as varchar) as industry
    from labelled_deals
),

renamed as (
    select
        united.lead_id,
        united.customer_source,
        united.source_customer_id,
        united.lead_name,
        united.customer_type,
        united.email,
        united.phone,
        united.stage,
        united.is_open,
        united.amount,
        united.currency,
        united.probability,
        united.expected_close_date,
        coalesce(users.user_name, united.owner_id) as owner,
        united.created_on,
        united.closed_on,
        united.last_contact_on,
        united.annual_revenue,
        united.industry
    from united
    left join users on united.owner_id = users.user_id
)

select * from renamed

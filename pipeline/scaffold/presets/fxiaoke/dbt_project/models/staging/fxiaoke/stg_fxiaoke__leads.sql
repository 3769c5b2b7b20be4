{#- 线索, who are no customers yet or have become one, and 商机 with customers. The words of
    stages and states are the tenant's own; those that end a deal stand in two lists. -#}
{%- set ended_leads = "('已转换', '已转化', '无效', '已关闭', 'converted', 'invalid')" -%}
{%- set ended_deals = "('赢单', '输单', '无效', 'won', 'lost', 'invalid')" -%}
with latest_leads as (
    {{ latest(source("fxiaoke", "leads")) }}
),

latest_opportunities as (
    {{ latest(source("fxiaoke", "opportunities")) }}
),

options as (
    select * from {{ ref("base_fxiaoke__options") }}
),

labelled_leads as (
    select
        latest_leads.*,
        {{ option_label("latest_leads", "leads_status") }} as status_label
    from latest_leads
    {{ join_options("latest_leads", "LeadsObj", "leads_status") }}
),

labelled_deals as (
    select
        latest_opportunities.*,
        {{ option_label("latest_opportunities", "sales_stage") }} as stage_label,
        lower({{ option_label("latest_opportunities", "sales_status") }})
        in {{ ended_deals }} as has_ended
    from latest_opportunities
    {{ join_options("latest_opportunities", "NewOpportunityObj", "sales_stage") }}
    {{ join_options("latest_opportunities", "NewOpportunityObj", "sales_status") }}
),

renamed as (
    select
        _id as lead_id,
        case when account_id is not null then 'fxiaoke' end as customer_source,
        account_id as source_customer_id,
        coalesce(company, name) as lead_name,
        case when company is null then 'person' else 'company' end as customer_type,
        email,
        coalesce(mobile, tel) as phone,
        coalesce(status_label, '未知') as stage,
        lower(status_label) not in {{ ended_leads }} as is_open,
        cast(null as decimal(38, 10)) as amount,
        cast(null as varchar) as currency,
        cast(null as decimal(38, 10)) as probability,
        cast(null as date) as expected_close_date,
        owner,
        {{ business_date(utc_time("create_time")) }} as created_on,
        cast(null as date) as closed_on
    from labelled_leads
    union all
    select
        _id as lead_id,
        'fxiaoke' as customer_source,
        account_id as source_customer_id,
        name as lead_name,
        'company' as customer_type,
        cast(null as varchar) as email,
        cast(null as varchar) as phone,
        coalesce(stage_label, '未知') as stage,
        not coalesce(has_ended, false) as is_open,
        amount,
        coalesce(mc_currency, 'CNY') as currency,
        -- A percentage there, a share here.
        probability / 100 as probability,
        close_date as expected_close_date,
        owner,
        {{ business_date(utc_time("create_time")) }} as created_on,
        -- The day that was planned, or that of the last change if it was earlier; what
        -- changed after that day may be anything.
        case
            when has_ended
                then least(
                    close_date,
                    {{ business_date(utc_time("last_modified_time")) }}
                )
        end as closed_on
    from labelled_deals
)

select * from renamed

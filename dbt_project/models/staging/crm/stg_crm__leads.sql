{#- The workbook's prospects, who are no customers yet, and deals with accounts. -#}
with latest_leads as (
    {{ latest(source("crm", "leads")) }}
),

latest_deals as (
    {{ latest(source("crm", "deals")) }}
),

renamed as (
    select
        cast(lead_number as {{ type_text() }}) as lead_id,
        cast(null as {{ type_text() }}) as customer_source,
        cast(null as {{ type_text() }}) as source_customer_id,
        first_name || ' ' || last_name as lead_name,
        'person' as customer_type,
        stage,
        stage <> 'Lost' as is_open,
        amount,
        'USD' as currency,
        probability,
        cast(expected_close_date as date) as expected_close_date,
        owner,
        cast(created_on as date) as created_on,
        cast(null as date) as closed_on,
        cast(last_contact_on as date) as last_contact_on,
        yearly_income
    from latest_leads
    union all
    select
        deal_id as lead_id,
        'crm' as customer_source,
        account_id as source_customer_id,
        deal_name as lead_name,
        'company' as customer_type,
        stage,
        stage not in ('Won', 'Lost') as is_open,
        amount,
        currency,
        probability,
        expected_close_date,
        owner,
        created_on,
        closed_on,
        last_contact_on,
        null as yearly_income
    from latest_deals
)

select * from renamed

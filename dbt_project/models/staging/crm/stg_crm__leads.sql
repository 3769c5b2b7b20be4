with latest_leads as (
    {{ latest(source("crm", "leads"), ["lead_number"]) }}
),

renamed as (
    select
        cast(lead_number as varchar) as lead_id,
        cast(null as varchar) as customer_source,
        cast(null as varchar) as source_customer_id,
        first_name || ' ' || last_name as lead_name,
        stage,
        amount,
        'USD' as currency,
        probability,
        cast(expected_close_date as date) as expected_close_date,
        owner,
        cast(created_on as date) as created_on,
        cast(last_contact_on as date) as last_contact_on
    from latest_leads
)

select * from renamed

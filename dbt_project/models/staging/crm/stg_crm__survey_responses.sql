with latest_surveys as (
    {{ latest(source("crm", "surveys")) }}
),

renamed as (
    select
        response_id,
        'erp' as customer_source,
        account_number as source_customer_id,
        survey,
        score,
        {{ local_to_utc("cast(responded_at as timestamp)") }} as responded_at
    from latest_surveys
)

select * from renamed

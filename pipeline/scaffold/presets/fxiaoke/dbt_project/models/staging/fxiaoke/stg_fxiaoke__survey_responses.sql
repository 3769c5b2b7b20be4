{#- The mark stands in a field of the tenant's own; without it there is no answer. -#}
with latest_appraisals as (
    {{ latest(source("fxiaoke", "appraisals")) }}
),

renamed as (
    select
        _id as response_id,
        'fxiaoke' as customer_source,
        account_id as source_customer_id,
        'csat' as survey,
        score,
        create_time as responded_at
    from latest_appraisals
    where score between 1 and 5
)

select * from renamed

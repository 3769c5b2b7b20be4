with latest_activities as (
    {{ latest(source("crm", "activities")) }}
),

renamed as (
    select
        activity_id as interaction_id,
        'crm' as customer_source,
        account_id as source_customer_id,
        kind,
        {{ local_to_utc("cast(occurred_at as timestamp)") }} as occurred_at,
        minutes,
        owner,
        subject
    from latest_activities
)

select * from renamed

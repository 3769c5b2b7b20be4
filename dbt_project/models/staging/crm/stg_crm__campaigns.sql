with latest_campaigns as (
    {{ latest(source("crm", "campaigns")) }}
),

renamed as (
    select
        campaign_number as campaign_id,
        name as campaign_name,
        acquisition_source,
        channel,
        cast(started_on as date) as started_on,
        cast(ended_on as date) as ended_on,
        cost as cost_amount,
        'USD' as currency
    from latest_campaigns
)

select * from renamed

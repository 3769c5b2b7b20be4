{#- What campaigns have in common with customers is the word of their type: a lead's source
    has to be the same word for a cost to be charged. -#}
with latest_campaigns as (
    {{ latest(source("zoho", "campaigns")) }}
),

options as (
    select * from {{ ref("base_zoho__options") }}
),

renamed as (
    select
        latest_campaigns.id as campaign_id,
        latest_campaigns.Campaign_Name as campaign_name,
        coalesce(
            {{ option_label("latest_campaigns", "Type") }}, latest_campaigns.Campaign_Name
        ) as acquisition_source,
        latest_campaigns.Start_Date as started_on,
        latest_campaigns.End_Date as ended_on,
        latest_campaigns.Actual_Cost as cost_amount,
        coalesce(latest_campaigns.Currency, '{{ var("reporting_currency") }}') as currency
    from latest_campaigns
    {{ join_options("latest_campaigns", "Campaigns", "Type") }}
    where
        latest_campaigns.Start_Date is not null
        and latest_campaigns.End_Date >= latest_campaigns.Start_Date
        and latest_campaigns.Actual_Cost >= 0
)

select * from renamed

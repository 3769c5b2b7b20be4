{#- What was spent to win customers by campaigns that had begun on the as-of day, in the
    reporting currency. -#}
with campaigns as (
    {{ known("campaigns") }}
),

final as (
    select
        campaigns.source || ':' || campaigns.campaign_id as campaign_id,
        campaigns.campaign_name,
        campaigns.acquisition_source,
        campaigns.channel,
        campaigns.started_on,
        campaigns.ended_on,
        {{ in_reporting_currency("campaigns.cost_amount", "campaigns") }}
            as cost_amount,
        '{{ var("reporting_currency") }}' as currency,
        campaigns.source
    from campaigns
    {{ join_fx_rates("campaigns", "campaigns.started_on") }}
)

select * from final

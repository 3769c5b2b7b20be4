{#- What was spent to win customers by campaigns that had begun on the as-of day, in the
    reporting currency. -#}
with campaigns as (
    {{ provided("campaigns") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

known as (
    select campaigns.*
    from campaigns
    cross join refresh
    where campaigns.started_on <= refresh.as_of_date
),

final as (
    select
        known.source || ':' || known.campaign_id as campaign_id,
        known.campaign_name,
        known.acquisition_source,
        known.channel,
        known.started_on,
        known.ended_on,
        cast(
            known.cost_amount * {{ fx_rate("known") }} as {{ type_money() }}
        ) as cost_amount,
        '{{ var("reporting_currency") }}' as currency,
        known.source
    from known
    {{ join_fx_rates("known", "known.started_on") }}
)

select * from final

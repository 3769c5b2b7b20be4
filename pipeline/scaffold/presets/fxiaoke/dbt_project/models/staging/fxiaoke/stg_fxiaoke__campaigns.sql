with latest_events as (
    {{ latest(source("fxiaoke", "marketing_events")) }}
),

options as (
    select * from {{ ref("base_fxiaoke__options") }}
),

renamed as (
    select
        latest_events._id as campaign_id,
        latest_events.name as campaign_name,
        -- What accounts carry as their 来源; the kind of event is the nearest to it.
        coalesce(
            {{ option_label("latest_events", "event_type") }}, latest_events.name
        ) as acquisition_source,
        latest_events.begin_time as started_on,
        latest_events.end_time as ended_on,
        latest_events.actual_cost as cost_amount,
        coalesce(latest_events.mc_currency, 'CNY') as currency
    from latest_events
    {{ join_options("latest_events", "MarketingEventObj", "event_type") }}
    where
        latest_events.begin_time is not null
        and latest_events.end_time >= latest_events.begin_time
        and latest_events.actual_cost >= 0
)

select * from renamed

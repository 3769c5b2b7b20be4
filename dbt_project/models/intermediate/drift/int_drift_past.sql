{#-
What this refresh says of the days that the last release knew, and of its customers, beside
what that release said.
-#}
{#- A median or share of fewer lines than this is chance; so is a share of fewer
    customers. -#}
{%- set least_lines = 20 -%}
{#- So is a share of a past with fewer rows. -#}
{%- set least_past = 100 -%}
with spans as (
    select * from {{ ref("int_drift_spans") }}
),

-- The days that this refresh adds.
news as (
    select
        as_of_date,
        days
    from spans
    where span = 'release'
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

published_days as (
    select * from {{ source("refresh", "published_days") }}
),

event_days as (
    select
        days.*,
        {{ days_since("days.event_day", "news.as_of_date") }} as age
    from {{ ref("event_days") }} as days
    cross join news
    where days.event_day <= news.as_of_date
),

closed as (
    select least(max(published_days.as_of_date), max(refresh.as_of_date)) as closed_day
    from refresh
    cross join published_days
),

past_days as (
    select
        now_days.entity,
        now_days.source,
        now_days.currency,
        now_days.event_day,
        now_days.events,
        0 as published_events,
        now_days.source_amount,
        0 as published_amount
    from event_days as now_days
    inner join closed on now_days.event_day <= closed.closed_day
    union all
    select
        published_days.entity,
        published_days.source,
        published_days.currency,
        published_days.event_day,
        0 as events,
        published_days.events as published_events,
        0 as source_amount,
        published_days.source_amount as published_amount
    from published_days
    inner join closed on published_days.event_day <= closed.closed_day
),

past as (
    select
        entity,
        source,
        currency,
        sum(events) as events,
        sum(published_events) as published_events,
        sum(source_amount) as source_amount,
        sum(published_amount) as published_amount
    from past_days
    group by entity, source, currency
    having greatest(sum(events), sum(published_events)) >= {{ least_past }}
),

-- Small days double by a single row. Rows do not come and go in a past day; its money
-- may change with the price of one large order.
changed_days as (
    select
        entity,
        source,
        case
            when
                greatest(sum(events), sum(published_events)) >= {{ least_lines }}
                and (
                    4 * sum(events) >= 5 * sum(published_events)
                    or 5 * sum(events) <= 4 * sum(published_events)
                    or sum(published_amount) > 0
                    and sum(source_amount) >= 2 * sum(published_amount)
                    or sum(published_amount) > 0
                    and 2 * sum(source_amount) <= sum(published_amount)
                )
                then 1
            else 0
        end as is_changed
    from past_days
    group by entity, source, event_day
),

registered as (
    select
        *,
        max(last_seen_in) over () as last_refresh
    from {{ source("refresh", "customer_registry") }}
),

vanished as (
    select
        registered.source as subject,
        1 - cast(count(keys.source) as double) / count(*) as value
    from registered
    left join {{ ref("customer_source_keys") }} as keys
        on
            registered.source = keys.source
            and registered.source_customer_id = keys.source_customer_id
    where registered.last_seen_in = registered.last_refresh
    group by registered.source
    having count(*) >= {{ least_lines }}
),

final as (
    select
        entity as mart,
        'past_rows' as metric,
        source || ' ' || currency as subject,
        cast(events as double) as value,
        cast(published_events as double) as reference
    from past
    union all
    select
        entity as mart,
        'past_revenue' as metric,
        source || ' ' || currency as subject,
        cast(source_amount as double) as value,
        cast(published_amount as double) as reference
    from past
    where entity in ('order_lines', 'payments')
    union all
    select
        entity as mart,
        'changed_past_days' as metric,
        source as subject,
        cast(sum(is_changed) as double) as value,
        0 as reference
    from changed_days
    group by entity, source
    union all
    select
        'customer_source_keys' as mart,
        'vanished_share' as metric,
        subject,
        value,
        0 as reference
    from vanished
)

select * from final

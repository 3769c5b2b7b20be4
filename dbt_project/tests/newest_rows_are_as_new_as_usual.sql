{{ config(severity="warn") }}
{#- Drift asks about the days since the last release and the four weeks before: rows
    that have stayed away for longer are usual there. Here a source is compared with all
    that it ever gave; twice its longest pause, and no less than two weeks, is much. -#}
with refresh as (
    select * from {{ ref("core_refresh") }}
),

days as (
    select distinct
        event_days.entity,
        event_days.source,
        event_days.event_day
    from {{ ref("event_days") }} as event_days
    cross join refresh
    where event_days.event_day <= refresh.as_of_date
),

gaps as (
    select
        *,
        lag(event_day) over (
            partition by entity, source order by event_day
        ) as day_before
    from days
),

usual as (
    select
        entity,
        source,
        count(*) as days_with_rows,
        max(event_day) as newest_day,
        max({{ days_between("day_before", "event_day") }}) as longest_pause_days
    from gaps
    group by entity, source
)

select
    usual.entity,
    usual.source,
    usual.newest_day,
    refresh.as_of_date,
    {{ days_since("usual.newest_day", "refresh.as_of_date") }} as days_since,
    usual.longest_pause_days,
    usual.days_with_rows
from usual
cross join refresh
where
    usual.days_with_rows >= 10
    and {{ days_since("usual.newest_day", "refresh.as_of_date") }}
    > greatest(14, 2 * usual.longest_pause_days)

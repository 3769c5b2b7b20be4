{#-
The windows that are compared: the days of one, and the days from one release to the next.
Before each of them lie as many like it as a bound reaches back.
-#}
{{ config(materialized="view") }}

with refresh as (
    select * from {{ ref("core_refresh") }}
),

history as (
    select earlier.*
    from {{ source("refresh", "drift_history") }} as earlier
    cross join refresh
    where earlier.as_of_date < refresh.as_of_date
),

weeks as (
    select max(most_references) + 1 as upper
    from {{ ref("int_drift_reach") }}
    where compared_with = 'like weekdays'
),

-- The days that this refresh adds: one after a daily one; at most four weeks.
news as (
    select
        refresh.as_of_date,
        least(coalesce(min({{ days_since(
            "history.as_of_date", "refresh.as_of_date"
        ) }}), 1), 28) as days
    from refresh
    left join history on refresh.as_of_date > history.as_of_date
    group by refresh.as_of_date
),

final as (
    select
        'the_day' as span,
        news.as_of_date,
        1 as days,
        7 as step,
        weeks.upper as windows
    from news
    cross join weeks
    union all
    select
        'release' as span,
        news.as_of_date,
        news.days,
        7 * cast(ceil(news.days / 7.0) as integer) as step,
        weeks.upper as windows
    from news
    cross join weeks
)

select * from final

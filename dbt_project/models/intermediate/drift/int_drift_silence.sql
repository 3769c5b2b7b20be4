{#-
Days without rows where there nearly always are some.
-#}
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

weeks as (
    select max(windows) as upper from spans
),

numbered as (
    {{ numbers_below("weeks", "upper") }}
),

event_days as (
    select
        days.*,
        {{ days_since("days.event_day", "news.as_of_date") }} as age
    from {{ ref("event_days") }} as days
    cross join news
    where days.event_day <= news.as_of_date
),

present_days as (
    select distinct
        entity,
        source,
        age
    from event_days
),

last_days as (
    select
        entity,
        source,
        min(age) as last_age,
        max(age) as oldest
    from present_days
    group by entity, source
),

-- Of each of the last four weeks' days without rows, the like weekdays before it. Those
-- of a silence that lasts say nothing of what is usual.
four_weeks as (
    select 28 as upper
),

ages as (
    {{ numbers_below("four_weeks", "upper") }}
),

like_days as (
    select
        last_days.entity,
        last_days.source,
        last_days.last_age,
        ages.number as age,
        count(present_days.age) as with_rows,
        count(*) as like_days
    from last_days
    cross join ages
    inner join numbered
        on
            numbered.number > 0
            and ages.number + 7 * numbered.number <= last_days.oldest
            and ages.number + 7 * numbered.number >= last_days.last_age
    left join present_days
        on
            last_days.entity = present_days.entity
            and last_days.source = present_days.source
            and ages.number + 7 * numbered.number = present_days.age
    group by last_days.entity, last_days.source, last_days.last_age, ages.number
),

-- Nearly always is four times in five, so that a week of holidays is not forgotten for
-- three months.
missing as (
    select
        like_days.entity,
        like_days.source,
        like_days.age,
        like_days.last_age
    from like_days
    left join present_days
        on
            like_days.entity = present_days.entity
            and like_days.source = present_days.source
            and like_days.age = present_days.age
    where
        present_days.age is null
        and like_days.like_days >= 4
        and like_days.with_rows >= 0.8 * like_days.like_days
),

silence as (
    select
        last_days.entity,
        last_days.source,
        last_days.last_age,
        count(case when missing.age < news.days then 1 end) as missing_days,
        count(case when missing.age < missing.last_age then 1 end) as silent_days
    from last_days
    cross join news
    left join missing
        on last_days.entity = missing.entity and last_days.source = missing.source
    group by last_days.entity, last_days.source, last_days.last_age
),

final as (
    {%- for metric in ["missing_days", "silent_days"] %}
    select
        entity as mart,
        '{{ metric }}' as metric,
        source as subject,
        cast({{ metric }} as double) as value
    from silence
    union all
    {%- endfor %}
    select
        entity as mart,
        'days_since_last' as metric,
        source as subject,
        cast(last_age as double) as value
    from silence
)

select * from final

{#-
Rows and money by day: those of this refresh and, from the facts of this very refresh, those
of like weekdays before, so that the first refresh has references too.
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

windows as (
    select
        spans.*,
        cast(numbered.number as integer) as window_no
    from spans
    cross join numbered
),

event_days as (
    select
        days.*,
        {{ days_since("days.event_day", "news.as_of_date") }} as age
    from {{ ref("event_days") }} as days
    cross join news
    where days.event_day <= news.as_of_date
),

counted as (
    select
        entity as mart,
        'rows' as base,
        source as subject,
        age,
        cast(events as double) as value
    from event_days
    union all
    select
        entity as mart,
        'revenue' as base,
        source as subject,
        age,
        cast(amount as double) as value
    from event_days
    where entity = 'order_lines'
    union all
    select
        'customer_value' as mart,
        'new_customers' as base,
        customers.customer_type as subject,
        {{ days_since("valued.first_order_date", "news.as_of_date") }} as age,
        1 as value
    from {{ ref("customer_value") }} as valued
    inner join {{ ref("customers") }} as customers
        on valued.customer_id = customers.customer_id
    cross join news
    where valued.first_order_date <= news.as_of_date
),

-- By age first: a sum over the windows of a month would read each day many times.
by_age as (
    select
        mart,
        base,
        subject,
        age,
        sum(value) as value
    from counted
    group by mart, base, subject, age
),

subjects as (
    select
        mart,
        base,
        subject,
        max(age) as oldest
    from by_age
    group by mart, base, subject
),

in_windows as (
    select
        by_age.mart,
        by_age.base,
        by_age.subject,
        spans.span,
        cast(floor(by_age.age / spans.step) as integer) as window_no,
        sum(by_age.value) as value
    from by_age
    inner join spans on mod(by_age.age, spans.step) < spans.days
    group by
        by_age.mart,
        by_age.base,
        by_age.subject,
        spans.span,
        cast(floor(by_age.age / spans.step) as integer)
),

-- What a mart counts cannot be judged where there is nothing to count; missing_days
-- tells.
counted_days as (
    select
        mart,
        subject,
        span
    from in_windows
    where base = 'rows' and window_no = 0
    union all
    select distinct
        'customer_value' as mart,
        customer_types.subject,
        in_windows.span
    from in_windows
    cross join (
        select distinct subject
        from subjects
        where mart = 'customer_value'
    ) as customer_types
    where
        in_windows.mart = 'order_lines'
        and in_windows.base = 'rows'
        and in_windows.window_no = 0
),

-- A window without a row is a zero, as far as the history goes back.
final as (
    select
        subjects.mart,
        subjects.base || case windows.span
            when 'the_day' then '_of_the_day'
            else '_since_release'
        end as metric,
        subjects.subject,
        windows.window_no as sample_no,
        coalesce(in_windows.value, 0) as value
    from subjects
    inner join windows
        on
            windows.window_no = 0
            or subjects.oldest >= windows.window_no * windows.step + windows.days - 1
    left join in_windows
        on
            subjects.mart = in_windows.mart
            and subjects.base = in_windows.base
            and subjects.subject = in_windows.subject
            and windows.span = in_windows.span
            and windows.window_no = in_windows.window_no
    inner join counted_days
        on
            subjects.mart = counted_days.mart
            and subjects.subject = counted_days.subject
            and windows.span = counted_days.span
    where windows.span = 'the_day' or windows.days > 1
)

select * from final

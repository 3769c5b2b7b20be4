{#-
Every figure of this refresh (sample 0) and its references (from 1 on, the newest first),
as far as a bound of drift_bounds reaches back. The references are

- like weekdays: the same figure so many weeks earlier, from the facts of this very refresh,
  so that the first one has them too. The days are those since the last release;
- releases: what earlier releases said, from drift_history;
- the previous release: what it said of the same days;
- zero: what should not be there at all.

What is measured stands in the models int_drift_*, by subject.
-#}
with reach as (
    select * from {{ ref("int_drift_reach") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

history as (
    select earlier.*
    from {{ source("refresh", "drift_history") }} as earlier
    cross join refresh
    where earlier.as_of_date < refresh.as_of_date
),

remembered as (
    select
        history.mart,
        history.metric,
        history.subject,
        cast(row_number() over (
            partition by history.mart, history.metric, history.subject
            order by history.as_of_date desc
        ) as integer) as sample_no,
        history.value
    from history
    inner join reach
        on
            history.mart = reach.mart
            and history.metric = reach.metric
            and reach.compared_with = 'releases'
),

past as (
    select * from {{ ref("int_drift_past") }}
),

silence as (
    select * from {{ ref("int_drift_silence") }}
),

samples as (
    {%- for part in ["int_drift_days", "int_drift_lines"] %}
    select
        mart,
        metric,
        subject,
        sample_no,
        value
    from {{ ref(part) }}
    union all
    {%- endfor %}
    select
        mart,
        metric,
        subject,
        0 as sample_no,
        value
    from {{ ref("int_drift_levels") }}
    union all
    select * from remembered
    union all
    select
        mart,
        metric,
        subject,
        0 as sample_no,
        value
    from past
    union all
    select
        mart,
        metric,
        subject,
        1 as sample_no,
        reference as value
    from past
    union all
    select
        mart,
        metric,
        subject,
        0 as sample_no,
        value
    from silence
    -- There should be none of these at all.
    union all
    select
        mart,
        metric,
        subject,
        1 as sample_no,
        0 as value
    from silence
),

final as (
    select
        samples.mart,
        samples.metric,
        samples.subject,
        samples.sample_no,
        samples.value
    from samples
    inner join reach
        on
            samples.mart = reach.mart
            and samples.metric = reach.metric
            and samples.sample_no <= reach.most_references
    where samples.value is not null
)

select * from final

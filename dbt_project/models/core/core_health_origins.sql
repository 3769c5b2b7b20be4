{#-
The days for which service and health of the customers are measured: the as-of day, and the
last month ends that are six and twelve months and more ago. What happened in the six
months after those says what a health score of that day was worth.
-#}
with moments as (
    select
        *,
        {{ months_before("as_of_date", -6) }} as horizon_end,
        {{ months_before("as_of_date", -12) }} as a_year_later
    from {{ ref("core_moments") }}
),

present as (
    select as_of_date from moments
    where is_present
),

picked as (
    select
        0 as months_back,
        max(moment_no) as moment_no
    from moments
    where is_present
    union all
    select
        6 as months_back,
        max(moments.moment_no) as moment_no
    from moments
    cross join present
    where moments.is_month_end and moments.horizon_end <= present.as_of_date
    union all
    select
        12 as months_back,
        max(moments.moment_no) as moment_no
    from moments
    cross join present
    where moments.is_month_end and moments.a_year_later <= present.as_of_date
),

final as (
    select
        moments.moment_no,
        moments.as_of_date,
        moments.is_present,
        picked.months_back,
        moments.twelve_months_ago,
        moments.horizon_end
    from picked
    inner join moments on picked.moment_no = moments.moment_no
)

select * from final

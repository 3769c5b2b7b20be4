{#-
What each owner can do this week, beside what is due: the list is cut where the minutes
end, and the rest is counted.
-#}
with capacity as (
    select * from {{ ref("int_owner_capacity") }}
),

-- As decimals: a sum of doubles depends on the order of the rows.
measured as (
    select
        owner,
        fits_week,
        cast(minutes as {{ type_score() }}) as minutes
    from {{ ref("customer_actions") }}
),

due as (
    select
        owner,
        count(*) as actions_due,
        count(case when fits_week then 1 end) as actions_fitting,
        count(fits_week) as actions_measured,
        cast(sum(minutes) as double) as minutes_due,
        cast(sum(case when fits_week then minutes end) as double) as minutes_fitting
    from measured
    where owner is not null
    group by owner
),

final as (
    select
        due.owner,
        capacity.capacity_minutes,
        due.actions_due,
        case when due.actions_measured > 0 then due.actions_fitting end
            as actions_fitting,
        due.minutes_due,
        due.minutes_fitting
    from due
    left join capacity on due.owner = capacity.owner
)

select * from final

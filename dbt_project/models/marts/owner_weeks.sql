{#-
What each owner can do this week, beside what is due: the list is cut where the minutes
end, and the rest is counted.
-#}
with capacity as (
    select * from {{ ref("int_owner_capacity") }}
),

due as (
    select
        owner,
        count(*) as actions_due,
        count(case when fits_week then 1 end) as actions_fitting,
        count(fits_week) as actions_measured,
        sum(minutes) as minutes_due,
        sum(case when fits_week then minutes end) as minutes_fitting
    from {{ ref("customer_actions") }}
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

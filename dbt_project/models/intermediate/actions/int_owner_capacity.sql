{#-
Minutes a week that each owner has for customers: those that were recorded, a week on
average over the last 52 or since the first record; where none are, those that the service
policies plan for the owner's customers. Where neither is known, nobody knows.
-#}
{{ config(materialized="view") }}

with refresh as (
    select * from {{ ref("core_refresh") }}
),

recorded as (
    select
        interactions.owner,
        sum(interactions.minutes) as minutes,
        min(interactions.occurred_on) as first_day
    from {{ ref("core_interactions") }} as interactions
    cross join refresh
    where
        interactions.owner is not null
        and interactions.minutes > 0
        and interactions.occurred_on > {{ plus_days("refresh.as_of_date", "-364") }}
    group by interactions.owner
),

planned as (
    select
        owners.owner,
        sum(present.hours_per_year) as hours
    from {{ ref("int_customer_owners") }} as owners
    inner join {{ ref("int_served_customers") }} as present
        on owners.customer_id = present.customer_id
    where owners.owner is not null
    group by owners.owner
),

final as (
    select
        coalesce(recorded.owner, planned.owner) as owner,
        case
            when recorded.owner is not null
                then
                    cast(recorded.minutes as double) / ceil((1 + {{ days_since(
                        "recorded.first_day", "refresh.as_of_date"
                    ) }}) / 7.0)
            when planned.hours > 0 then cast(planned.hours as double) * 60 / 52
        end as capacity_minutes
    from recorded
    full outer join planned on recorded.owner = planned.owner
    cross join refresh
)

select * from final

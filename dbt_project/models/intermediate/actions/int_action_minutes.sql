{#-
What a visit, a call and an e-mail take: the median of the minutes that were recorded in
the last 12 months. Where nobody records minutes of the kind, nobody knows.
-#}
{{ config(materialized="view") }}

with interactions as (
    select interactions.*
    from {{ ref("core_interactions") }} as interactions
    cross join {{ ref("core_refresh") }} as refresh
    where
        interactions.occurred_on > refresh.twelve_months_ago
        and interactions.minutes > 0
),

final as (
    select
        {{ median(
            "case when kind in " ~ face_to_face() ~ " then cast(minutes as double) end"
        ) }} as visit_minutes,
        {{ median("case when kind = 'call' then cast(minutes as double) end") }}
            as call_minutes,
        {{ median("case when kind = 'email' then cast(minutes as double) end") }}
            as email_minutes
    from interactions
)

select * from final

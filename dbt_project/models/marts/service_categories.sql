{#-
What tickets are about, month by month: each belongs to the month of its opening. What is
without a category stands under one of its own, because it is part of the work all the same.
-#}
with service_tickets as (
    select * from {{ ref("core_service_tickets") }}
),

tickets as (
    select
        {{ month_of(business_date("opened_at")) }} as month_start,
        coalesce(category, 'no category') as category,
        resolved_at is not null as is_resolved,
        resolved_at is null and closed_at is null as is_open,
        {{ hours_between("opened_at", "resolved_at") }} as hours,
        customer_id,
        is_complaint,
        met_sla,
        csat_score
    from service_tickets
),

final as (
    select
        month_start,
        category,
        cast(count(*) as bigint) as tickets,
        cast(count(distinct customer_id) as bigint) as customers,
        cast(count(case when is_resolved then 1 end) as bigint) as resolved,
        cast(count(case when is_open then 1 end) as bigint) as open_tickets,
        cast({{ median("case when is_resolved then hours end") }} as double)
            as median_hours_of_resolved,
        cast(count(met_sla) as bigint) as sla_known,
        count(case when met_sla then 1 end) / nullif(cast(count(met_sla) as double), 0)
            as met_sla_rate,
        cast(
            case
                when count(is_complaint) > 0
                    then count(case when is_complaint then 1 end)
            end as bigint
        ) as complaints,
        cast(count(csat_score) as bigint) as csat_scores,
        cast({{ mean("csat_score") }} as double) as mean_csat_score
    from tickets
    group by month_start, category
)

select * from final

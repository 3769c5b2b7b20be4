{#- Beyond its customer and its day a ticket stands in fields of the tenant's own, which
    sources.yaml names under `aliases`; what it does not name is null here. -#}
with latest_cases as (
    {{ latest(source("fxiaoke", "cases")) }}
),

options as (
    select * from {{ ref("base_fxiaoke__options") }}
),

labelled as (
    select
        latest_cases.*,
        {{ option_label("latest_cases", "ticket_priority") }} as priority_label,
        {{ option_label("latest_cases", "ticket_category") }} as category_label,
        {{ option_label("latest_cases", "ticket_channel") }} as channel_label,
        {{ option_label("latest_cases", "ticket_is_complaint") }} as complaint_label
    from latest_cases
    {{ join_options("latest_cases", "CasesObj", "ticket_priority") }}
    {{ join_options("latest_cases", "CasesObj", "ticket_category") }}
    {{ join_options("latest_cases", "CasesObj", "ticket_channel") }}
    {{ join_options("latest_cases", "CasesObj", "ticket_is_complaint") }}
),

renamed as (
    select
        _id as ticket_id,
        'fxiaoke' as customer_source,
        account_id as source_customer_id,
        create_time as opened_at,
        first_response_time as first_response_at,
        coalesce(resolved_time, closed_time) as resolved_at,
        closed_time as closed_at,
        -- Put your own words in.
        case
            when lower(priority_label) in ('非常紧急', '特急', 'p1', 'critical') then 1
            when lower(priority_label) in ('紧急', '高', 'p2', 'high', 'urgent') then 2
            when lower(priority_label) in ('一般', '普通', '中', 'p3', 'medium') then 3
            when lower(priority_label) in ('低', '不紧急', 'p4', 'low') then 4
        end as priority,
        category_label as category,
        channel_label as channel,
        lower(complaint_label) in ('是', '投诉', 'true', 'yes', '1') as is_complaint,
        coalesce(resolved_time, closed_time) <= due_time as met_sla
    from labelled
)

select * from renamed

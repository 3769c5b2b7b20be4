{#- Zoho CRM does not say when a case was closed. It is taken to be closed when it was first
    seen closed, since when it stayed so: every version that landed is looked through. Of one
    that was closed before the first load it is the last change, which may be later. -#}
{%- set closed = "('closed', 'resolved', '已关闭', '已解决')" -%}
with versions as (
    select
        id,
        Created_Time,
        Modified_Time,
        coalesce(lower(Status) in {{ closed }}, false) as is_closed
    from {{ source("zoho", "cases") }}
    where not _deleted
),

latest_cases as (
    {{ latest(source("zoho", "cases")) }}
),

options as (
    select * from {{ ref("base_zoho__options") }}
),

last_open as (
    select
        id,
        max(Modified_Time) as last_open_at
    from versions
    where not is_closed
    group by id
),

closings as (
    select
        versions.id,
        greatest(min(versions.Modified_Time), min(versions.Created_Time)) as closed_at
    from versions
    left join last_open on versions.id = last_open.id
    where
        versions.is_closed
        and (
            last_open.last_open_at is null
            or versions.Modified_Time > last_open.last_open_at
        )
    group by versions.id
),

labelled as (
    select
        latest_cases.*,
        lower({{ option_label("latest_cases", "Priority") }}) as priority_label,
        {{ option_label("latest_cases", "Type") }} as type_label,
        {{ option_label("latest_cases", "Case_Origin") }} as origin_label
    from latest_cases
    {{ join_options("latest_cases", "Cases", "Priority") }}
    {{ join_options("latest_cases", "Cases", "Type") }}
    {{ join_options("latest_cases", "Cases", "Case_Origin") }}
),

renamed as (
    select
        labelled.id as ticket_id,
        'zoho' as customer_source,
        labelled.Account_Name as source_customer_id,
        labelled.Created_Time as opened_at,
        closings.closed_at as resolved_at,
        closings.closed_at,
        -- Put your own words in.
        case
            when labelled.priority_label in ('critical', 'urgent', '紧急') then 1
            when labelled.priority_label in ('high', '高') then 2
            when labelled.priority_label in ('medium', 'normal', '中') then 3
            when labelled.priority_label in ('low', '低') then 4
        end as priority,
        labelled.type_label as category,
        labelled.origin_label as channel,
        lower(labelled.type_label) in ('complaint', '投诉') as is_complaint
    from labelled
    left join closings on labelled.id = closings.id
)

select * from renamed

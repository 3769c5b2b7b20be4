{#- `?` is how the help desk writes that it does not know. -#}
with latest_events as (
    {{ latest(source("helpdesk", "incidents")) }}
),

typed as (
    select
        number as ticket_id,
        cast(sys_mod_count as integer) as event_number,
        nullif(incident_state, '?') as state,
        cast(nullif(reopen_count, '?') as integer) as reopen_count,
        cast(nullif(made_sla, '?') as boolean) as met_sla,
        {{ local_to_utc(parse_day_first_time("opened_at")) }} as opened_at,
        {{ local_to_utc(parse_day_first_time("sys_updated_at")) }} as updated_at,
        {{ local_to_utc(parse_day_first_time("resolved_at")) }} as resolved_at,
        {{ local_to_utc(parse_day_first_time("closed_at")) }} as closed_at,
        nullif(contact_type, '?') as contact_type,
        nullif(category, '?') as category,
        cast(nullif(priority, '?') as integer) as priority,
        nullif(account_number, '?') as account_number
    from latest_events
)

select * from typed

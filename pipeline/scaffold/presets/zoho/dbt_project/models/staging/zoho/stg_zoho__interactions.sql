{#- Calls, and meetings; a meeting at which somebody checked in was a visit. -#}
with latest_calls as (
    {{ latest(source("zoho", "calls")) }}
),

latest_events as (
    {{ latest(source("zoho", "events")) }}
),

related as (
    select * from {{ ref("base_zoho__related_accounts") }}
),

users as (
    select * from {{ ref("base_zoho__users") }}
),

united as (
    select
        id as interaction_id,
        What_Id as about_id,
        Who_Id as with_id,
        'call' as kind,
        Call_Start_Time as occurred_at,
        Call_Duration_in_seconds / 60.0 as minutes,
        Owner as owner_id,
        Subject as subject
    from latest_calls
    where Call_Start_Time is not null
    union all
    select
        id as interaction_id,
        What_Id as about_id,
        Who_Id as with_id,
        case when Check_In_Time is null then 'meeting' else 'visit' end as kind,
        Start_DateTime as occurred_at,
        case
            when End_DateTime >= Start_DateTime
                then
                    (
                        {{ epoch_seconds("End_DateTime") }}
                        - {{ epoch_seconds("Start_DateTime") }}
                    ) / 60.0
        end as minutes,
        Owner as owner_id,
        Event_Title as subject
    from latest_events
    where Start_DateTime is not null
),

renamed as (
    select
        united.interaction_id,
        'zoho' as customer_source,
        coalesce(about.account_id, met.account_id) as source_customer_id,
        united.kind,
        united.occurred_at,
        -- A whole day in the calendar is no conversation of a whole day.
        case when united.minutes <= 720 then united.minutes end as minutes,
        coalesce(users.user_name, united.owner_id) as owner,
        united.subject
    from united
    left join related as about on united.about_id = about.record_id
    left join related as met on united.with_id = met.record_id
    left join users on united.owner_id = users.user_id
)

select * from renamed

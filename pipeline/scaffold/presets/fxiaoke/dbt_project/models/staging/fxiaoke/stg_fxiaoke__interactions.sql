{#- How long it took nobody notes there: only costs of each interaction count. -#}
with latest_activities as (
    {{ latest(source("fxiaoke", "activities")) }}
),

options as (
    select * from {{ ref("base_fxiaoke__options") }}
),

labelled as (
    select
        latest_activities.*,
        coalesce(
            {{ option_label("latest_activities", "interactive_types") }}, '其他'
        ) as type_label
    from latest_activities
    {{ join_options("latest_activities", "ActiveRecordObj", "interactive_types") }}
),

renamed as (
    select
        _id as interaction_id,
        'fxiaoke' as customer_source,
        account_id as source_customer_id,
        -- A kind that is none of these four keeps its word, and costs nothing until
        -- cost_rates has a rate for it.
        case
            when type_label like '%拜访%' or type_label like '%外勤%' then 'visit'
            when type_label like '%电话%' then 'call'
            when type_label like '%会议%' then 'meeting'
            when
                type_label like '%邮件%'
                or type_label like '%微信%'
                or type_label like '%短信%'
                then 'email'
            else type_label
        end as kind,
        create_time as occurred_at,
        owner
    from labelled
)

select * from renamed

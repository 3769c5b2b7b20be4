{#- What the values of picklists mean, field by field of the organisation's own. -#}
with latest_metadata as (
    {{ latest(source("zoho", "metadata")) }}
),

renamed as (
    select
        object,
        field,
        option_value,
        option_label
    from latest_metadata
    where option_value <> ''
)

select * from renamed

{#- What the values of selections mean, field by field of the tenant's own. -#}
with latest_metadata as (
    {{ latest(source("fxiaoke", "metadata")) }}
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

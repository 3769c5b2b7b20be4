{#- The health score of today in its parts. -#}
with parts as (
    select * from {{ ref("core_customer_health_factors") }}
    where is_present
),

final as (
    select
        customer_id,
        factor,
        raw_value,
        score,
        declared_weight,
        weight,
        contribution
    from parts
)

select * from final

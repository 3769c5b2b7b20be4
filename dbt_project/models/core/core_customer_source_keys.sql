with customers as (
    select * from {{ ref("core_customers") }}
),

final as (
    select
        source,
        source_customer_id,
        customer_id,
        'own key' as match_rule,
        cast(1 as decimal(5, 4)) as match_confidence
    from customers
)

select * from final

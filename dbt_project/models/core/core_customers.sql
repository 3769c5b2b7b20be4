{#- One customer over all sources. Until sources are matched with each other, a
    customer is a record of one source, and its id says which. -#}
with customers as (
    {{ provided("customers") }}
),

final as (
    select
        source || ':' || source_customer_id as customer_id,
        customers.*
    from customers
)

select * from final

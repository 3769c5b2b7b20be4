{#- Every record of a customer in every source, numbered. The number holds within this
    candidate only. -#}
with customers as (
    {{ provided("customers") }}
),

final as (
    select
        row_number() over (order by source, source_customer_id) as record_no,
        customers.*
    from customers
)

select * from final

{#- Every record of a customer in every source, numbered. The number holds within this
    candidate only. Of a customer who was forgotten nothing but the key in place of his is
    known, whatever staging gives; what he bought still belongs to somebody. -#}
with customers as (
    {{ provided("customers") }}
),

forgotten as (
    {{ forgotten_customers() }}
),

known as (
    select
        customers.*,
        false as is_forgotten
    from customers
    left join forgotten
        on
            customers.source = forgotten.source
            and customers.source_customer_id = forgotten.source_customer_id
    where forgotten.source is null
    union all
    select
        source,
        {{ columns_of_forgotten() }},
        true as is_forgotten
    from forgotten
),

final as (
    select
        row_number() over (order by source, source_customer_id) as record_no,
        known.*
    from known
)

select * from final

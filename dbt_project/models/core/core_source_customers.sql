{#- Every record of a customer that a source gives, as it was known on the as-of day.
    Of a customer who was forgotten nothing but the key in place of his is known, whatever
    staging gives; what he bought still belongs to somebody. -#}
with customers as (
    {{ known("customers") }}
),

won_later as (
    select * from {{ ref("core_customers_won_later") }}
),

forgotten as (
    {{ forgotten_customers() }}
),

final as (
    select
        customers.*,
        false as is_forgotten
    from customers
    left join forgotten
        on
            customers.source = forgotten.source
            and customers.source_customer_id = forgotten.source_customer_id
    left join won_later
        on
            customers.source = won_later.source
            and customers.source_customer_id = won_later.source_customer_id
    where forgotten.source is null and won_later.source is null
    union all
    select
        source,
        {{ columns_of_forgotten() }},
        true as is_forgotten
    from forgotten
)

select * from final

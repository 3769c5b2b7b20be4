{#- What systems hold of each other: a number of one in a field of another. The records
    of a forgotten customer stay one customer, though nothing else links them now. -#}
with customer_references as (
    {{ provided("customer_references") }}
),

forgotten as (
    {{ forgotten_customers() }}
),

founders as (
    select
        forgotten.*,
        row_number() over (
            partition by receipt order by source, source_customer_id
        ) as place
    from forgotten
),

final as (
    select
        source,
        source_customer_id,
        other_source,
        other_source_customer_id
    from customer_references
    union all
    select
        founders.source,
        founders.source_customer_id,
        forgotten.source as other_source,
        forgotten.source_customer_id as other_source_customer_id
    from founders
    inner join forgotten on founders.receipt = forgotten.receipt
    where founders.place = 1
)

select * from final

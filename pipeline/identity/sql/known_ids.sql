{#- The id that a group of records has already: an id goes where most of its records
    went, a group to which several come keeps the oldest. -#}
with claims as (
    select
        registered.customer_id,
        grouped.label,
        count(*) as records,
        min(grouped.record_no) as first_record
    from {{ groups | sql }} as grouped
    inner join {{ registered | sql }} as registered
        on
            grouped.source = registered.source
            and grouped.source_customer_id = registered.source_customer_id
    group by registered.customer_id, grouped.label
),

larger_part as (
    select * from claims
    qualify
        row_number() over (
            partition by customer_id
            order by records desc, first_record
        ) = 1
),

oldest as (
    select
        larger_part.label,
        larger_part.customer_id
    from larger_part
    inner join {{ minted | sql }} as minted
        on larger_part.customer_id = minted.customer_id
    qualify
        row_number() over (
            partition by larger_part.label
            order by minted.minted_no, larger_part.customer_id
        ) = 1
)

select
    label,
    customer_id,
    false as is_new
from oldest

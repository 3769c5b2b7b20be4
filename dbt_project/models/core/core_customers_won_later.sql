{#- The records of customers that are won after the as-of day: nobody knows them yet, except
    where they have bought before all the same. -#}
with customers as (
    {{ provided("customers") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

order_lines as (
    {{ known("order_lines") }}
),

later as (
    select
        customers.source,
        customers.source_customer_id
    from customers
    cross join refresh
    where {{ is_later("customers", "customers", "acquired_on") }}
),

bought as (
    select distinct
        later.source,
        later.source_customer_id
    from later
    inner join order_lines
        on
            later.source = order_lines.customer_source
            and later.source_customer_id = order_lines.source_customer_id
),

final as (
    select later.*
    from later
    left join bought
        on
            later.source = bought.source
            and later.source_customer_id = bought.source_customer_id
    where bought.source_customer_id is null
)

select * from final

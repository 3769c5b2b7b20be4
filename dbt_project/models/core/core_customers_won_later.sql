{#- The records of customers that are won after the as-of day and with whom no source
    has anything on record, not even later: nobody knows them yet. Who has bought or
    called, be it later, is kept: what is known of it on the as-of day is its record alone,
    and facts of others would else lose the customer that they are attached to. -#}
with customers as (
    {{ provided("customers") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

order_lines as (
    {{ provided("order_lines") }}
),

service_tickets as (
    {{ provided("service_tickets") }}
),

later as (
    select
        customers.source,
        customers.source_customer_id
    from customers
    cross join refresh
    where {{ is_later("customers", "customers", "acquired_on") }}
),

recorded as (
    select
        customer_source,
        source_customer_id
    from order_lines
    union
    select
        customer_source,
        source_customer_id
    from service_tickets
),

final as (
    select later.*
    from later
    left join recorded
        on
            later.source = recorded.customer_source
            and later.source_customer_id = recorded.source_customer_id
    where recorded.source_customer_id is null
)

select * from final

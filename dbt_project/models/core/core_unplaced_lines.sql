{#-
The order lines that no customer can be found for, because their key is empty or no source
gives a customer of that key, and what sources.yaml says is to be done with them. Counted
before anything is made of lines, so that they are named and not found missing.
-#}
with order_lines as (
    {{ known("order_lines") }}
),

source_customers as (
    select
        source,
        source_customer_id
    from {{ ref("core_source_customers") }}
),

final as (
    select
        order_lines.source,
        order_lines.order_id,
        order_lines.line_number,
        order_lines.customer_source,
        order_lines.source_customer_id,
        order_lines.order_date,
        order_lines.currency,
        order_lines.net_amount,
        case
            when {{ unknown_customers_are("leave_out", "order_lines.source") }}
                then 'leave_out'
            when {{ unknown_customers_are("unknown_customer", "order_lines.source") }}
                then 'unknown_customer'
            else 'refuse'
        end as treatment
    from order_lines
    left join source_customers
        on
            order_lines.customer_source = source_customers.source
            and order_lines.source_customer_id = source_customers.source_customer_id
    where source_customers.source_customer_id is null
)

select * from final

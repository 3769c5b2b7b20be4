with customers as (
    select * from {{ ref("core_customers") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

order_lines as (
    select * from {{ ref("core_order_lines") }}
),

source_counts as (
    select
        customer_id,
        count(*) as source_count
    from source_keys
    group by customer_id
),

first_orders as (
    select
        customer_id,
        min(order_date) as first_order_date
    from order_lines
    where not is_return
    group by customer_id
),

final as (
    select
        customers.customer_id,
        customers.customer_name,
        customers.customer_type,
        cast(null as varchar) as parent_customer_id,
        customers.country,
        customers.region,
        customers.city,
        customers.industry,
        customers.owner,
        customers.acquisition_source,
        coalesce(customers.acquired_on, first_orders.first_order_date) as acquired_on,
        customers.annual_revenue,
        customers.employee_count,
        cast(source_counts.source_count as integer) as source_count
    from customers
    inner join source_counts on customers.customer_id = source_counts.customer_id
    left join first_orders on customers.customer_id = first_orders.customer_id
)

select * from final

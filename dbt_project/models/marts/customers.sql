with customers as (
    select * from {{ ref("core_customers") }}
),

parents as (
    select * from {{ ref("core_customer_parents") }}
),

order_lines as (
    select * from {{ ref("core_order_lines") }}
),

first_orders as (
    select
        customer_id,
        min(order_date) as first_order_date
    from order_lines
    where not is_return
    group by customer_id
),

named as (
    select
        *,
        case
            when customer_type = 'person' then {{ masked_name("customer_name") }}
            else customer_name
        end as published_name
    from customers
),

final as (
    select
        customers.customer_id,
        case
            when customers.customer_type = 'person'
                then customers.published_name || ' (' || customers.customer_id || ')'
            else customers.published_name
        end as customer_label,
        customers.published_name as customer_name,
        customers.customer_type,
        parents.parent_customer_id,
        coalesce(parents.ultimate_parent_customer_id, customers.customer_id)
            as ultimate_parent_customer_id,
        customers.country,
        customers.region,
        customers.city,
        customers.industry,
        customers.owner,
        {{ masked_email("customers.email") }} as email_masked,
        {{ masked_phone("customers.phone") }} as phone_masked,
        customers.acquisition_source,
        coalesce(customers.acquired_on, first_orders.first_order_date) as acquired_on,
        customers.annual_revenue,
        customers.employee_count,
        customers.customer_name_source,
        customers.country_source,
        customers.region_source,
        customers.city_source,
        customers.industry_source,
        customers.owner_source,
        customers.email_source,
        customers.phone_source,
        customers.acquisition_source_source,
        customers.acquired_on_source,
        customers.annual_revenue_source,
        customers.employee_count_source,
        cast(customers.source_count as integer) as source_count
    from named as customers
    left join parents on customers.customer_id = parents.customer_id
    left join first_orders on customers.customer_id = first_orders.customer_id
)

select * from final

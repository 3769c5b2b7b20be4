with customers as (
    select * from {{ ref("base_erp__customers") }}
),

company_profiles as (
    select * from {{ ref("base_erp__company_profiles") }}
),

person_profiles as (
    select * from {{ ref("base_erp__person_profiles") }}
),

territories as (
    select * from {{ ref("base_erp__territories") }}
),

customer_origins as (
    {{ latest(source("erp", "customer_origins")) }}
),

-- The ERP has no owner of an account; the salesperson of its last order is nearest.
salespersons as (
    select
        customer_number,
        salesperson_id,
        row_number() over (
            partition by customer_number order by order_date desc, order_number desc
        ) as newness
    from {{ ref("base_erp__orders") }}
    where salesperson_id is not null
),

renamed as (
    select
        customers.customer_number as source_customer_id,
        customers.kind as customer_type,
        customers.name as customer_name,
        customers.first_name as given_name,
        customers.last_name as family_name,
        cast(person_profiles.birth_date as date) as birth_date,
        customers.country,
        territories.region,
        customers.city,
        customers.postal_code,
        customers.address_line as street,
        company_profiles.business_type as industry,
        'salesperson '
        || cast(salespersons.salesperson_id as {{ type_text() }}) as owner,
        customers.email,
        customers.phone,
        customer_origins.origin as acquisition_source,
        customers.created_on as acquired_on,
        company_profiles.annual_sales as annual_revenue,
        company_profiles.number_employees as employee_count,
        person_profiles.yearly_income
    from customers
    left join company_profiles
        on customers.customer_number = company_profiles.customer_number
    left join person_profiles
        on customers.customer_number = person_profiles.customer_number
    left join customer_origins
        on customers.customer_number = customer_origins.customer_number
    left join territories on customers.territory_id = territories.territory_id
    left join salespersons
        on
            customers.customer_number = salespersons.customer_number
            and salespersons.newness = 1
)

select * from renamed

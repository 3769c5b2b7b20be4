{#- What sources.yaml allows to be kept of each customer's own data. -#}
with customers as (
    select * from {{ ref("core_customers") }}
),

final as (
    select
        customer_id,
        customer_type,
        cast({{ kept("name", "customer_name") }} as varchar) as customer_name,
        cast({{ kept("name", "given_name") }} as varchar) as given_name,
        cast({{ kept("name", "family_name") }} as varchar) as family_name,
        cast({{ kept("email", "email") }} as varchar) as email,
        cast({{ kept("phone", "phone") }} as varchar) as phone,
        cast({{ kept("address", "street") }} as varchar) as street,
        cast({{ kept("address", "postal_code") }} as varchar) as postal_code,
        cast({{ kept("birth_date", "birth_date") }} as date) as birth_date,
        cast({{ kept("registration_number", "registration_number") }} as varchar)
            as registration_number
    from customers
)

select * from final

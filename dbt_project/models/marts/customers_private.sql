{#- What sources.yaml allows to be kept of each customer's own data. -#}
with customers as (
    select * from {{ ref("core_customers") }}
),

final as (
    select
        customer_id,
        customer_type,
        cast({{ kept("name", "customer_name") }} as {{ type_text() }}) as customer_name,
        cast({{ kept("name", "given_name") }} as {{ type_text() }}) as given_name,
        cast({{ kept("name", "family_name") }} as {{ type_text() }}) as family_name,
        cast({{ kept("email", "email") }} as {{ type_text() }}) as email,
        cast({{ kept("phone", "phone") }} as {{ type_text() }}) as phone,
        cast({{ kept("address", "street") }} as {{ type_text() }}) as street,
        cast({{ kept("address", "postal_code") }} as {{ type_text() }}) as postal_code,
        cast({{ kept("birth_date", "birth_date") }} as date) as birth_date,
        cast(
            {{ kept("registration_number", "registration_number") }}
            as {{ type_text() }}
        ) as registration_number
    from customers
)

select * from final

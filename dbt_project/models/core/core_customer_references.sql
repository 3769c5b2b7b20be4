{#- What systems hold of each other: a number of one in a field of another. -#}
with customer_references as (
    {{ provided("customer_references") }}
)

select * from customer_references

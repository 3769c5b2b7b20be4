{#- Every record of a customer in every source, numbered. The number holds within this
    candidate only. Where sources.yaml says so, the lines of a source that name no known
    customer have one record of their own. A name that is empty is composed of its parts. -#}
with source_customers as (
    select * from {{ ref("core_source_customers") }}
),

unplaced_lines as (
    select * from {{ ref("core_unplaced_lines") }}
),

unknown_customers as (
    select distinct
        source,
        {{ unknown_customer_key() }} as source_customer_id,
        {{ unknown_type() }} as customer_type,
        'unknown customer of ' || source as customer_name
    from unplaced_lines
    where treatment = 'unknown_customer'
),

known as (
    select * from source_customers
    union all
    select
        source,
        {%- for name, type in canonical_columns("customers").items() %}
        cast({{
            name if name in ["source_customer_id", "customer_type", "customer_name"]
            else "null"
        }} as {{ type }}) as {{ name }},
        {%- endfor %}
        false as is_forgotten
    from unknown_customers
),

final as (
    select
        row_number() over (order by source, source_customer_id) as record_no,
        source,
        {%- for name in canonical_columns("customers") %}
        {%- if name == "customer_name" %}
        coalesce(
            nullif(trim(customer_name), ''),
            {{ composed_name("given_name", "family_name") }}
        ) as customer_name,
        {%- else %}
        {{ name }},
        {%- endif %}
        {%- endfor %}
        is_forgotten
    from known
)

select * from final

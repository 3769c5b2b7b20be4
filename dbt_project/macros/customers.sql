{#-
What a customer is made of: the attributes that survive from its records, and how personal
data is shown.
-#}

{#- The canonical attributes that one record of a customer wins, each by itself. -#}
{% macro survivors() %}
    {{ return(canonical_columns("customers").keys() | reject("in", [
        "source_customer_id", "parent_source_customer_id",
    ]) | list) }}
{% endmacro %}

{#- One rank of trust outweighs every age and record number. -#}
{% macro rank_step() -%} cast(1000000000000000000000000 as decimal(38, 0)) {%- endmacro %}

{#- What sources.yaml says of a kind of personal data: is it kept at all? -#}
{% macro kept(kind, column) -%}
    {% if kind in var("privacy")["keep"] -%} {{ column }} {%- else -%} null {%- endif %}
{%- endmacro %}

{#- A person's name as those see it who need not know it: the first letter of each word.
    Whole where sources.yaml says so. -#}
{% macro masked_name(column) -%}
    {% if var("privacy")["person_names"] == "full" and "name" in var("privacy")["keep"] -%}
    {{ column }}
    {%- else -%}
    case
        when {{ column }} = 'forgotten' then {{ column }}
        else {{ adapter.dispatch("initials", "customer_tiers")(column) }}
    end
    {%- endif %}
{%- endmacro %}

{% macro default__initials(column) -%}
    regexp_replace({{ column }}, '(\S)\S*', '\1.', 'g')
{%- endmacro %}

{% macro spark__initials(column) -%}
    regexp_replace({{ column }}, '(\\S)\\S*', '$1.')
{%- endmacro %}

{#- j***@example.com: enough to tell two apart, too little to write to. -#}
{% macro masked_email(column) -%}
    case
        when {{ column }} like '_%@_%'
            then
                substr({{ column }}, 1, 1) || '***'
                || substr({{ column }}, position('@' in {{ column }}))
    end
{%- endmacro %}

{#- The last three characters of a telephone number. -#}
{% macro masked_phone(column) -%}
    case
        when length({{ column }}) > 5
            then '***' || substr({{ column }}, length({{ column }}) - 2)
    end
{%- endmacro %}

{#- The records of forgotten customers, of sources that still provide customers. -#}
{% macro forgotten_customers() %}
    select
        source,
        source_customer_id,
        customer_type,
        receipt,
        reason
    from {{ source("refresh", "forgotten") }}
    where source in (
        {%- for name in var("provides").get("customers", []) %}
        '{{ name }}'
        {%- if not loop.last %},{% endif %}
        {%- else %}
        null
        {%- endfor %}
    )
{% endmacro %}

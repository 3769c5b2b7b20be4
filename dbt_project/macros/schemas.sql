{#- Schemas are called as they are configured, without the target's name before them. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ adapter.dispatch("schema_name", "customer_tiers")(
        custom_schema_name or target.schema, node
    ) }}
{%- endmacro %}

{% macro default__schema_name(schema, node) -%}
    {{ schema }}
{%- endmacro %}

{#- Spark has no databases: what few may read lies in a schema of its own. -#}
{% macro spark__schema_name(schema, node) -%}
    {{ "private_" if node.config.database == "private" }}{{ schema }}
{%- endmacro %}

{#- Schemas are called as they are configured, without the target's name before them. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ adapter.dispatch("schema_name", "customer_tiers")(
        custom_schema_name or target.schema, node
    ) }}
{%- endmacro %}

{% macro default__schema_name(schema, node) -%}
    {{ schema }}
{%- endmacro %}

{#- Spark has no databases: what few may read lies in a schema of its own. What becomes a
    release has schemas of this refresh, where the build names it. -#}
{% macro spark__schema_name(schema, node) -%}
    {%- set is_private = node.config.database == "private" -%}
    {{ var("spark_release", "") if is_private or schema in ["marts", "meta"] }}
    {{- "private_" if is_private }}{{ schema }}
{%- endmacro %}

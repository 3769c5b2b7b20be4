{#-
What dbt asks of its own macros on Spark, where tables of Parquet cannot hold what DuckDB's
do. Words of SQL that differ stand in dialect.sql.
-#}

{#- A type of a contract as Spark calls it; contracts are written in DuckDB's words. -#}
{% macro spark_type(data_type) -%}
    {{ type_text() if data_type | lower == "varchar" else data_type }}
{%- endmacro %}

{#- That a model gives the columns of its contract. Types are not compared: sums and
    products are of other widths here, so `get_select_subquery` casts every column. -#}
{% macro spark__get_assert_columns_equivalent(sql) -%}
    {%- set given = get_columns_in_query(sql) | map("lower") | sort -%}
    {%- set agreed = model["columns"].keys() | map("lower") | sort -%}
    {%- if given != agreed -%}
        {{ exceptions.raise_compiler_error(
            model["name"] ~ " breaks its contract: it gives " ~ given | join(", ")
            ~ ", and the contract says " ~ agreed | join(", ") ~ "."
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- The columns of a contract, in its order and of its types. -#}
{% macro spark__get_select_subquery(sql) %}
    select
        {%- for column in model["columns"].values() %}
        cast({{ column["name"] }} as {{ spark_type(column["data_type"]) }})
            as {{ column["name"] }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from (
        {{ sql }}
    ) as model_subq
{% endmacro %}

{#- Parquet tables have no constraints: dbt's tests and the suites hold what they say. -#}
{% macro spark__persist_constraints(relation, model) %}{% endmacro %}

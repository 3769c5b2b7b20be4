{#-
Values of canonical columns that hardly mean what they say: amounts below zero or the same
in every row, chances that are none, dates of another century, quantities of zero. Made from
one list over all entities and sources (macros/domains.sql); a value that is wrong on
purpose, such as -1 for unknown, shows here with how often it stands.
-#}
{%- set domains = canonical_domains() -%}
{%- set provided_domains = {} -%}
{%- for entity in domains if var("provides").get(entity) %}
{%- do provided_domains.update({entity: domains[entity]}) %}
{%- endfor %}
{#- Of the lines there are many, and the core has read them already. -#}
{%- set core_of = {"order_lines": "core_order_lines"} -%}
with
{%- for entity in provided_domains %}
staged_{{ entity }} as (
    {%- if entity in core_of %}
    select * from {{ ref(core_of[entity]) }}
    {%- else %}
    {{ known(entity) }}
    {%- endif %}
),
{% endfor %}

found as (
    {%- for entity, columns in provided_domains.items() %}
    {%- for column, domain in columns.items() %}
    {%- if domain.keys() | reject("eq", "varied") | list %}
    select
        source,
        '{{ entity }}' as entity,
        '{{ column }}' as column_name,
        {{ domain_problem(column, domain) }} as problem,
        cast({{ column }} as {{ type_text() }}) as column_value,
        count(*) as value_rows
    from staged_{{ entity }}
    where {{ domain_problem(column, domain) }} is not null
    group by source, {{ column }}
    union all
    {%- endif %}
    {%- if domain.get("varied") %}
    select
        source,
        '{{ entity }}' as entity,
        '{{ column }}' as column_name,
        'the same in every row' as problem,
        cast(min({{ column }}) as {{ type_text() }}) as column_value,
        count({{ column }}) as value_rows
    from staged_{{ entity }}
    group by source
    having
        count({{ column }}) >= {{ rows_that_vary() }}
        and min({{ column }}) = max({{ column }})
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
    select
        cast(null as {{ type_text() }}) as source,
        cast(null as {{ type_text() }}) as entity,
        cast(null as {{ type_text() }}) as column_name,
        cast(null as {{ type_text() }}) as problem,
        cast(null as {{ type_text() }}) as column_value,
        cast(null as bigint) as value_rows
    where 1 = 0
),

counted as (
    select
        *,
        row_number() over (
            partition by source, entity, column_name, problem
            order by value_rows desc, column_value
        ) as place,
        sum(value_rows) over (
            partition by source, entity, column_name, problem
        ) as problem_rows,
        count(*) over (
            partition by source, entity, column_name, problem
        ) as different_values
    from found
),

-- The ten most frequent values say what is meant; the rest is counted.
final as (
    select
        source,
        entity,
        column_name,
        problem,
        column_value,
        cast(value_rows as bigint) as value_rows,
        cast(problem_rows as bigint) as problem_rows,
        cast(different_values as bigint) as different_values
    from counted
    where place <= 10
)

select * from final

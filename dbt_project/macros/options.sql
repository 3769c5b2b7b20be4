{#-
Labels of a web service's selections: records hold values, and the landed metadata says what
each means. A model that uses these has the metadata's options as `options`.
-#}

{#- The join that gives a relation the options of one of its columns. -#}
{% macro join_options(relation, object, field) %}
    left join options as {{ field }}_options
        on
            {{ field }}_options.object = '{{ object }}'
            and {{ field }}_options.field = '{{ field }}'
            and {{ field }}_options.option_value = {{ relation }}.{{ field }}
{% endmacro %}

{#- The label of a joined column's value; the value itself where nothing labels it. -#}
{% macro option_label(relation, field) -%}
    coalesce(
        {{ field }}_options.option_label,
        cast({{ relation }}.{{ field }} as {{ type_text() }})
    )
{%- endmacro %}

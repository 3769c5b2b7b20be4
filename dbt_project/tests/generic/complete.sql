{#- No row lacks one of the columns: one test a table, where a test a column would take as
    long each. -#}
{% test complete(model, columns) %}
    select {{ columns | join(", ") }}
    from {{ model }}
    where {% for column in columns %}{{ column }} is null{% if not loop.last %} or {% endif %}{% endfor %}
{% endtest %}

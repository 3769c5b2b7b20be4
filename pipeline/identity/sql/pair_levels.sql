{#- The level of each comparison of each pair; null where the pair says nothing about
    it. -#}
with
{% for kind, several in comparisons.items() %}

{{ (kind ~ "_sides") | identifier }} as (
    select
        asked.left_no,
        asked.right_no,
        {% for column in several | map(attribute="columns") | sum(start=()) | unique %}
        l.{{ column | identifier }} as {{ (column ~ "_l") | identifier }},
        r.{{ column | identifier }} as {{ (column ~ "_r") | identifier }},
        {% endfor %}
        l.customer_type
    from {{ pairs | sql }} as asked
    inner join {{ forms | sql }} as l on asked.left_no = l.record_no
    inner join {{ forms | sql }} as r on asked.right_no = r.record_no
    where l.customer_type = {{ kind | literal }}
){% if not loop.last %},{% endif %}

{% endfor %}

{% for kind, several in comparisons.items() %}
{% set of_kind = loop %}
{% for comparison in several %}
select
    left_no,
    right_no,
    case
        when {{ comparison.missing | sql }} then null
        {% for level, condition in comparison.levels.items() %}
        when {{ condition | sql }} then {{ level | literal }}
        {% endfor %}
        else 'else'
    end as level,
    {{ kind | literal }} as kind,
    {{ comparison.name | literal }} as comparison
from {{ (kind ~ "_sides") | identifier }}
{% if not (loop.last and of_kind.last) %}
union all
{% endif %}
{% endfor %}
{% endfor %}

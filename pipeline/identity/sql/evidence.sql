{#- What speaks most for, and most against, the pairs that a person is asked about: the
    levels of the model with the largest and the smallest weight. -#}
with asked as (
    select
        left_no,
        right_no
    from _identity_found
    where verdict = 'review'
    union
    select
        left_no,
        right_no
    from _identity_guards
    where guard is not null
),
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
    from asked
    inner join {{ forms | sql }} as l on asked.left_no = l.record_no
    inner join {{ forms | sql }} as r on asked.right_no = r.record_no
    where l.customer_type = {{ kind | literal }}
),
{% endfor %}

levels as (
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
),

weights (kind, comparison, level, weight) as (
    values
    {% for (kind, comparison, level), (m, u) in weights.items() %}
    (
        {{ kind | literal }}, {{ comparison | literal }}, {{ level | literal }},
        ln({{ m | number }} / {{ u | number }})
    ){% if not loop.last %},{% endif %}

    {% endfor %}
),

said as (
    select
        levels.left_no,
        levels.right_no,
        levels.comparison || case
            when levels.level = 'else' then ' differs'
            else ': ' || levels.level
        end as words,
        weights.weight
    from levels
    inner join weights
        on
            levels.kind = weights.kind
            and levels.comparison = weights.comparison
            and levels.level = weights.level
)

select
    left_no,
    right_no,
    max_by(words, weight) filter (where weight > 0.1) as evidence_for,
    min_by(words, weight) filter (where weight < -0.1) as evidence_against
from said
group by left_no, right_no

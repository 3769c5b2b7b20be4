{#- What speaks most for, and most against, the pairs that a person is asked about: the
    levels of the model with the largest and the smallest weight. -#}
with weights (kind, comparison, level, weight) as (
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
    from _identity_levels as levels
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

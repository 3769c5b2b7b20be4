{#- Pairs of records that no group may hold both of, and why; null where a person has
    said so. What contradicts by a value is a trait of the groups, and not listed. -#}
select
    left_no,
    right_no,
    case when verdict = 'review' then reason end as reason
from _identity_found
where
    verdict = 'different'
    or (
        guard is not null
        {% if traits %}
        and guard not in ({{ traits | literals }})
        {% endif %}
    )

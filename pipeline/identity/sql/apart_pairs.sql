{#- Pairs of records that no group may hold both of, and why; null where a person has
    said so. -#}
select
    left_no,
    right_no,
    case when verdict = 'review' then reason end as reason
from _identity_found
where verdict = 'different' or guard is not null

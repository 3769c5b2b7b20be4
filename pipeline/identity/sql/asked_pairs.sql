{#- The pairs that a person is asked about, or told of. -#}
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

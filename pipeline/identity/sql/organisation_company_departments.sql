{#- What stands in front of several companies is a department, whatever it is called.
    -#}
select words
from _identity_beside
where is_in_front
group by words
having count(distinct source_key) >= 2

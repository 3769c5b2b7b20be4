{#- What stands behind companies and is no department: towns. -#}
select
    beside.name,
    beside.source_key,
    beside.words as town,
    beside.place
from _identity_beside as beside
left join _identity_company_departments as departments
    on beside.words = departments.words
where
    not beside.is_in_front
    and beside.words is not null
    and departments.words is null

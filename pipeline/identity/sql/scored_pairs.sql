{#- What splink found, of all types of customers. -#}
{% for table in tables %}
select
    least(record_no_l, record_no_r) as left_no,
    greatest(record_no_l, record_no_r) as right_no,
    match_probability as probability
from {{ table | identifier }}
union all
{% endfor %}
select
    cast(0 as bigint) as left_no,
    cast(0 as bigint) as right_no,
    cast(0 as double) as probability
where false

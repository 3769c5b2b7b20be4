{#- The pairs that share a block, each once; where `changed` is given, only those with
    a record of it. -#}
{%- from "conditions.sql" import not_within_a_source -%}
{% if changed is none %}
select distinct
    l.record_no as left_no,
    r.record_no as right_no
from {{ blocks | sql }} as l
inner join {{ blocks | sql }} as r on l.block = r.block
where
    l.record_no < r.record_no
    and {{ not_within_a_source(rules) }}
{% else %}
select distinct
    least(l.record_no, r.record_no) as left_no,
    greatest(l.record_no, r.record_no) as right_no
from {{ blocks | sql }} as l
inner join {{ blocks | sql }} as r on l.block = r.block
where
    l.record_no in (select changed.record_no from {{ changed | sql }} as changed)
    and l.record_no <> r.record_no
    and {{ not_within_a_source(rules) }}
{% endif %}

{#- The scores of now and those that are kept from the last published refresh. -#}
select
    left_no,
    right_no,
    probability
from _identity_scored
{% if not compares_all %}
union all
select
    least(l.record_no, r.record_no) as left_no,
    greatest(l.record_no, r.record_no) as right_no,
    old.probability
from {{ kept_scores | sql }} as old
inner join {{ prints | sql }} as l
    on
        old.left_print = l.print
        and old.left_source = l.source
        and old.left_customer_id = l.source_customer_id
inner join {{ prints | sql }} as r
    on
        old.right_print = r.print
        and old.right_source = r.source
        and old.right_customer_id = r.source_customer_id
{% endif %}

{#- The pairs that people have decided, and which of them are held back to judge by:
    three in ten, by a hash of their keys. -#}
with sided as (
    select
        l.record_no as one,
        r.record_no as other,
        l.customer_type,
        decisions.decision = 'same' as is_same,
        hash(
            decisions.left_source, decisions.left_customer_id,
            decisions.right_source, decisions.right_customer_id
        ) % 10 < 3 as is_held_back
    from {{ decisions | sql }} as decisions
    inner join {{ forms | sql }} as l
        on
            decisions.left_source = l.source
            and decisions.left_customer_id = l.source_customer_id
    inner join {{ forms | sql }} as r
        on
            decisions.right_source = r.source
            and decisions.right_customer_id = r.source_customer_id
            and l.customer_type = r.customer_type
    where l.record_no <> r.record_no
)

select
    least(one, other) as left_no,
    greatest(one, other) as right_no,
    min(customer_type) as customer_type,
    bool_or(is_same) as is_same,
    bool_or(is_held_back) as is_held_back
from sided
group by least(one, other), greatest(one, other)

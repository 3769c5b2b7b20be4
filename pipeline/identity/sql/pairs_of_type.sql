{#- Candidates of one type of customer, as splink takes pairs that are blocked
    already. -#}
select
    pairs.left_no as join_key_l,
    pairs.right_no as join_key_r,
    '0' as match_key
from {{ pairs | sql }} as pairs
inner join {{ forms | sql }} as l
    on
        pairs.left_no = l.record_no
        and l.customer_type = {{ kind | literal }}

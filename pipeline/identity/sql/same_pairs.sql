{#- The links, the strongest first. -#}
select
    left_no,
    right_no,
    rule_order,
    confidence
from {{ links | sql }}
where verdict = 'same'
order by rule_order, confidence desc, left_no, right_no

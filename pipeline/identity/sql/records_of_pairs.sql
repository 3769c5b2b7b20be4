{#- The records of some pairs with what is compared of them. -#}
select
    record_no,
    {{ compared | columns }}
from {{ forms | sql }}
where
    record_no in (select pairs.join_key_l from {{ pairs | sql }} as pairs)
    or record_no in (select pairs.join_key_r from {{ pairs | sql }} as pairs)

{#- The first record of each group that has no id. -#}
select
    grouped.label,
    grouped.source,
    grouped.source_customer_id
from {{ groups | sql }} as grouped
anti join {{ ids | sql }} as ids on grouped.label = ids.label
qualify row_number() over (partition by grouped.label order by grouped.record_no) = 1

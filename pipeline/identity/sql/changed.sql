{#- The records that no score of the last published refresh holds for. -#}
select prints.record_no
from {{ prints | sql }} as prints
anti join {{ kept_prints | sql }} as old
    on
        prints.source = old.source
        and prints.source_customer_id = old.source_customer_id
        and prints.print = old.print

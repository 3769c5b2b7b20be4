{#- The next records to be normalised. -#}
select
    source,
    source_customer_id,
    input_print,
    {{ input_columns | columns }}
from _identity_todo
where todo_no > {{ after }} and todo_no <= {{ up_to }}

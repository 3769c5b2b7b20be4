{#- Records whose normal forms are not kept, counted through. -#}
select
    inputs.*,
    row_number() over (order by inputs.record_no) as todo_no
from _identity_inputs as inputs
anti join _identity_kept as kept
    on
        inputs.source = kept.source
        and inputs.source_customer_id = kept.source_customer_id
        and inputs.input_print = kept.input_print

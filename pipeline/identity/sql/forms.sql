{#- Each record with its normal forms, kept or made now. -#}
with known as (
    select * from _identity_kept
    union all
    select * from _identity_made
)

select
    inputs.record_no,
    inputs.source,
    inputs.source_customer_id,
    inputs.customer_type,
    inputs.birth_date,
    inputs.input_print,
    {{ made_by | literal }} as made_by,
    {% for name in form_columns %}
    known.{{ name | identifier }}{% if not loop.last %},{% endif %}

    {% endfor %}
from _identity_inputs as inputs
inner join known
    on
        inputs.source = known.source
        and inputs.source_customer_id = known.source_customer_id
        and inputs.input_print = known.input_print

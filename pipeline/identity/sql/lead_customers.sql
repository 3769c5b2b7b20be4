{#- What the records of each customer are called and reached by; a value that many
    share says nothing. -#}
select distinct
    keys.customer_id,
    forms.customer_type,
    {{ form_columns | columns }},
    forms.word_key,
    forms.birth_date,
    forms.name_is_common
from ({{ forms | sql }}) as forms
inner join {{ keys | sql }} as keys
    on
        forms.source = keys.source
        and forms.source_customer_id = keys.source_customer_id

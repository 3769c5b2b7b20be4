{#- The normal forms of the last published refresh that were made as they are made
    now. -#}
select
    source,
    source_customer_id,
    input_print,
    {{ form_columns | columns }}
from {{ kept_forms | sql }}
where made_by = {{ made_by | literal }}

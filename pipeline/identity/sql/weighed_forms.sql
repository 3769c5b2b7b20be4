{#- The forms in which a value that is shared by many says nothing. -#}
select
    * replace (
        {% for carrier in carriers %}
        case when {{ carrier.flag | identifier }} then null
            else {{ carrier.masked | identifier }} end
            as {{ carrier.masked | identifier }}{% if not loop.last %},{% endif %}

        {% endfor %}
    )
from {{ forms | sql }}

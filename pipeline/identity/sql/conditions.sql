{#- Conditions on a pair of records. `rules` is a `policy.Policy`. -#}

{#- A source whose keys are unique has no two records of one customer. -#}
{% macro not_within_a_source(rules) -%}
{% if rules.unique_sources -%}
not (l.source = r.source and l.source in ({{ rules.unique_sources | sort | literals }}))
{%- else -%}
true
{%- endif %}
{%- endmacro %}

{#- A limit of `match_thresholds`, by the customer's type. -#}
{% macro by_type(customer_type, rules, limit) -%}
case
{%- for kind, limits in rules.thresholds.items() %}
 when {{ customer_type }} = {{ kind | literal }} then {% if limits[limit] is integer %}{{ limits[limit] }}{% else %}{{ limits[limit] | number }}{% endif %}
{%- endfor %} end
{%- endmacro %}

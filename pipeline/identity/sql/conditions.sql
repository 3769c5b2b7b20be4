{#- Conditions on a pair of records. `rules` is a `policy.Policy`. -#}

{#- Two registration numbers that cannot belong to one customer: both prove themselves
    by their check character and differ, or they differ in more characters than a slip
    of the pen. -#}
{% macro contradicts(rules) -%}
case
    when l.registration_key <> r.registration_key
        then
            (l.registration_checked and r.registration_checked)
            or damerau_levenshtein(l.registration_key, r.registration_key)
            > {{ by_type("l.customer_type" | sql, rules, "registration_distance") }}
    else false
end
{%- endmacro %}

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

{#-
Recency: how long ago something was, as of a day. Declared here alone; `days_between` is the
dialect's word for it, and for the length of what has two ends of its own.
-#}

{#- Whole days from an event to the day that it is asked of: 0 on the day itself, null of
    what never was. Days since the last order are made of it in core_valued_moments, and
    every other model reads them there. -#}
{% macro days_since(event_day, as_of) -%}
    {{ days_between(event_day, as_of) }}
{%- endmacro %}

{#- How long after its due date a debt was paid; of what is not paid by the day that is
    asked of, so far. 0 where it was in time. -#}
{% macro days_late(due_date, paid_on, as_of) -%}
    greatest({{ days_between(due_date, "least(" ~ paid_on ~ ", " ~ as_of ~ ")") }}, 0)
{%- endmacro %}

{#- Whether so many purchase days make a rhythm, beside which a silence is long or short:
    three days make the two gaps of which there can be a usual one. -#}
{% macro has_rhythm(order_days) -%}
    {{ order_days }} >= 3
{%- endmacro %}

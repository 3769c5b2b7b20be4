{#-
What is due for whom: the words that the queries of actions share. The thresholds stand in
the seed action_rules, the rhythms in service_policies.
-#}

{#- The joins that give a relation of present customers the rule of one action. -#}
{% macro join_action_rules(relation, action) %}
    inner join rules
        on
            rules.action_code = '{{ action }}'
            and {{ relation }}.tier_code = rules.tier_code
            and {{ relation }}.customer_type = rules.customer_type
{% endmacro %}

{#- What somebody speaks with a customer on; a visit is one face to face. -#}
{% macro face_to_face() -%} ('visit', 'meeting') {%- endmacro %}
{% macro spoken() -%} ('visit', 'meeting', 'call') {%- endmacro %}

{#- A lead that may still become an order. A source that says it with the stage alone is
    understood in these words. -#}
{% macro is_open_lead() -%}
    coalesce(probability, 0.5) > 0
    and coalesce(probability, 0.5) < 1
    and lower(coalesce(stage, '')) not in (
        'won', 'lost', 'closed', 'converted', 'disqualified'
    )
{%- endmacro %}

{#- A number in a sentence: whole from a hundred on, with so many decimals below. -#}
{% macro plain_number(expression, decimals=2) -%}
    case
        when abs({{ expression }}) >= 100 then {{ thousands(expression) }}
        else
            cast(
                {{ rounded(expression, "decimal(9, " ~ decimals ~ ")") }}
                as {{ type_text() }}
            )
    end
{%- endmacro %}

{#- How often a rhythm was missed since its first day that was: one line stands for all of
    them. Before that day it is the one to come. -#}
{% macro times_missed(relation, kind) -%}
    cast(case
        when {{ relation }}.{{ kind }}_due_on < {{ relation }}.as_of_date
            then 1 + floor(
                {{ days_since(
                    relation ~ "." ~ kind ~ "_due_on", relation ~ ".as_of_date"
                ) }} * 1.0 / {{ relation }}.{{ kind }}_every_days
            )
        else 1
    end as integer)
{%- endmacro %}

{#- What an action takes, of the usual minutes of a visit, a call and an e-mail. -#}
{% macro action_minutes(action, minutes) -%}
    case
        when {{ action }} in ('birthday', 'holiday') then {{ minutes }}.email_minutes
        when
            {{ action }} in (
                'visit_due', 'contact_missing', 'dormant_customer', 'price_review',
                'terms_review', 'freight_review', 'cost_to_serve_review'
            )
            then {{ minutes }}.visit_minutes
        else {{ minutes }}.call_minutes
    end
{%- endmacro %}

{#- What the queries of a policy are put together from; each macro is one expression.

    A rule is a `policy.Rule`, a tier a `policy.Tier`, a term a `scoring.Term`. -#}

{#- How much of a score's weight is known of a customer. -#}
{% macro coverage(score) -%}
{{ (score ~ "_coverage") | identifier }}
{%- endmacro %}

{#- The score of a factor from 0 to 10, null where its value is; a double. -#}
{% macro factor_score(term) -%}
{%- set value -%}cast({{ term.factor | identifier }} as double){%- endset -%}
case when {{ value }} is not null then {{ term.lowest_score | number }}
{%- for piece in term.pieces if piece.height > 0 %}
 + least(
    greatest({{ value }} - {{ piece.value | number }}, 0), {{ piece.width | number }}
) * {{ (piece.height / piece.width) | number }}
{%- endfor %} end
{%- endmacro %}

{#- The smallest value of a factor that has a score; null beyond the last anchor. A flat
    piece is passed as soon as more than its score is asked for. -#}
{% macro value_for(term, score) -%}
case when {{ score }} <= {{ term.highest_score | number }} then {{ term.lowest_value | number }}
{%- for piece in term.pieces %}
{%- if piece.height > 0 %}
 + least(
    greatest({{ score }} - {{ piece.score | number }}, 0), {{ piece.height | number }}
) * {{ (piece.width / piece.height) | number }}
{%- else %}
 + case when {{ score }} > {{ piece.score | number }} then {{ piece.width | number }} else 0 end
{%- endif %}
{%- endfor %} end
{%- endmacro %}

{#- Whether a measure reaches a threshold; null is not enough. -#}
{% macro reaches(measure, least) -%}
coalesce({{ measure | identifier }} >= {{ least | number }}, false)
{%- endmacro %}

{% macro misses(measure, least) -%}
coalesce({{ measure | identifier }} < {{ least | number }}, true)
{%- endmacro %}

{#- Whether a rule holds; with a band, by that share more or (negative) less. -#}
{% macro holds(rule, band) -%}
{%- set thresholds = rule.thresholds() -%}
{%- if rule.has_purchased is true -%} has_purchased
{%- elif rule.has_purchased is false -%} not has_purchased
{%- elif not thresholds -%} true
{%- endif -%}
{%- for measure, least in thresholds.items() -%}
{%- if rule.has_purchased is not none or not loop.first %} and {% endif -%}
{{ reaches(measure, least | raised_by(measure, band)) }}
{%- endfor -%}
{%- endmacro %}

{#- The order of the first rule that holds. -#}
{% macro first_rule(policy, band) -%}
case
{%- for rule in policy.rules %} when {{ holds(rule, band) }} then {{ rule.order }}
{%- endfor %} end
{%- endmacro %}

{#- Whether the first rule that holds leads to this tier or a better one. -#}
{% macro earns(policy, tier, band) -%}
case
{%- for rule in policy.rules %} when {{ holds(rule, band) }} then
{%- if policy.tier(rule.tier_code).rank <= tier.rank %} true{% else %} false{% endif %}
{%- endfor %} else false end
{%- endmacro %}

{#- The rank, and the code, of the tier that a rule leads to. -#}
{% macro rank_of(policy, rule_order) -%}
case {{ rule_order }}
{%- for rule in policy.rules %} when {{ rule.order }} then {{ policy.tier(rule.tier_code).rank }}
{%- endfor %} end
{%- endmacro %}

{% macro code_of_rank(policy, tier_rank) -%}
case {{ tier_rank }}
{%- for tier in policy.tiers %} when {{ tier.rank }} then {{ tier.code | literal }}
{%- endfor %} end
{%- endmacro %}

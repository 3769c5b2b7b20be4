{#- Scores of each row of the facts; what comes of it stands at `scoring.scored`.

    Contributions are rounded to six decimals, and the first known factor of a score takes
    what rounding leaves, so that they sum to the score exactly. A score that is made of no
    factor is null, and nothing of it is known. -#}
{%- from "expressions.sql" import coverage, factor_score -%}
{%- macro sum_of(score) -%}
{{ (score ~ "_sum") | identifier }}
{%- endmacro -%}
{%- macro weights_known(terms, score) -%}
{% for term in terms if term.score == score -%}
{% if not loop.first %} + {% endif -%}
case when score_{{ term.place }} is not null then {{ term.weight | number }} else 0 end
{%- else -%}
0
{%- endfor %}
{%- endmacro -%}
{%- macro weighted_scores(terms, score) -%}
({% for term in terms if term.score == score -%}
{% if not loop.first %} + {% endif -%}
coalesce(score_{{ term.place }}, 0) * {{ term.weight | number }}
{%- else -%}
0
{%- endfor %})
{%- endmacro -%}
{%- macro weighted(term) -%}
score_{{ term.place }} * {{ term.weight | number }}
{%- endmacro -%}
{#- What a part is of the weight that is known. -#}
{%- macro share(part, score) -%}
cast(round({{ part }} / nullif({{ coverage(score) }}, 0), 6) as decimal(12, 6))
{%- endmacro -%}
{%- macro rounded_scores(terms, score) -%}
({% for term in terms if term.score == score -%}
{% if not loop.first %} + {% endif -%}
coalesce(rounded_{{ term.place }}, 0)
{%- else -%}
0
{%- endfor %})
{%- endmacro -%}
{%- macro is_first_known(terms, term) -%}
score_{{ term.place }} is not null
{%- for other in terms if other.score == term.score and other.place < term.place %}
 and score_{{ other.place }} is null
{%- endfor %}
{%- endmacro -%}
with by_factor as (
    select
        {% for name in keep %}
        {{ name | identifier }},
        {% endfor %}
        {% for term in terms %}
        case
            when customer_type = {{ term.customer_type | literal }}
                then {{ factor_score(term) }}
        end as score_{{ term.place }},
        {% endfor %}
        customer_id,
        customer_type,
        moment_no,
        is_month_end,
        has_purchased
    from {{ facts | sql }}
),

covered as (
    select
        {% for score in scores %}
        -- Sums of declared decimals: 0.35 + 0.25 is 0.6 and passes a limit of 0.6.
        round({{ weights_known(terms, score) }}, 9) as {{ coverage(score) }},
        {% endfor %}
        *
    from by_factor
),

summed as (
    select
        {% for score in scores %}
        {{ share(weighted_scores(terms, score), score) }} as {{ sum_of(score) }},
        {% endfor %}
        *
    from covered
),

rounded as (
    select
        {% for term in terms %}
        {{ share(weighted(term), term.score) }} as rounded_{{ term.place }},
        {% endfor %}
        *
    from summed
),

contributed as (
    select
        {% for score in scores %}
        case
            when {{ coverage(score) }} >= {{ policy.min_coverage | number }}
                then {{ sum_of(score) }}
        end as {{ (score ~ "_score") | identifier }},
        {% endfor %}
        {% for term in terms %}
        case
            when {{ is_first_known(terms, term) }}
                then
                    rounded_{{ term.place }} + {{ sum_of(term.score) }}
                    - {{ rounded_scores(terms, term.score) }}
            else rounded_{{ term.place }}
        end as contribution_{{ term.place }},
        {% endfor %}
        (value_coverage + potential_coverage) / 2 as score_coverage,
        *
    from rounded
)

select
    customer_id,
    customer_type,
    moment_no,
    is_month_end,
    has_purchased,
    {% for name in keep %}
    {{ name | identifier }},
    {% endfor %}
    {% for term in terms %}
    score_{{ term.place }},
    cast(contribution_{{ term.place }} as decimal(12, 6))
        as contribution_{{ term.place }},
    {% endfor %}
    value_coverage,
    potential_coverage,
    score_coverage,
    value_score,
    potential_score,
    cast(
        case
            when potential_score is null then value_score
            when value_score is null then potential_score
            else
                {{ policy.value_weight | number }} * value_score
                + {{ policy.potential_weight | number }} * potential_score
        end as decimal(12, 6)
    ) as total_score
from contributed

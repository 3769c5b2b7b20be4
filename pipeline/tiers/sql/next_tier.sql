{#- The smallest single change that would move each customer into a better tier; its
    columns stand at `scoring.next_tier`.

    An option is a rule of a better tier, with what a customer would have to reach
    (`scoring.Option`); where rules are open to nobody who has bought, there is none.

    A lever is a factor that work with the customer can change: the score that it would
    have to have for the gap to close, then the value that has this score. -#}
{%- from "expressions.sql" import coverage, misses, reaches, value_for -%}
{%- macro missing(needs) -%}
{% for need in needs -%}
{% if not loop.first %} + {% endif -%}
case when {{ reaches(need.measure, need.least) }} then 0 else 1 end
{%- endfor %}
{%- endmacro -%}
{%- macro gap(need) -%}
({{ need.least | number }} - cast({{ need.measure | identifier }} as double))
{%- endmacro -%}
{%- macro in_words(language) -%}
{%- if measures -%}
case next_tier_measure
{%- for measure in measures %}
 when {{ measure | literal }} then {{ names[measure][language] | literal }}
{%- endfor %} end
{%- else -%}
cast(null as varchar)
{%- endif -%}
{%- endmacro -%}
with scored as (
    {% include "scored.sql" %}

),

present as (
    select
        scored.*,
        graded.tier_rank
    from scored
    inner join {{ graded | sql }} as graded on scored.customer_id = graded.customer_id
),

options as (
    {% for option in options %}
    select
        customer_id,
        {{ option.tier_code | literal }} as next_tier_code,
        {{ option.tier_rank }} as next_rank,
        {{ option.rule_order }} as rule_order,
        {% if option.needs %}
        {{ missing(option.needs) }} as missing,
        case
            {% for need in option.needs %}
            when {{ misses(need.measure, need.least) }}
                then {{ need.measure | literal }}
            {% endfor %}
            else 'confirmation'
        end as next_tier_measure,
        case
            {% for need in option.needs %}
            when {{ misses(need.measure, need.least) }} then {{ gap(need) }}
            {% endfor %}
            else 0
        end as next_tier_gap,
        case
            {% for need in option.needs %}
            when {{ misses(need.measure, need.least) }}
                then {{ gap(need) }} / {{ need.scale | number }}
            {% endfor %}
            else 0
        end as gap_share
        {% else %}
        0 as missing,
        'confirmation' as next_tier_measure,
        0 as next_tier_gap,
        0 as gap_share
        {% endif %}
    from present
    where has_purchased and {{ option.tier_rank }} < tier_rank
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id
            -- One change before several; the smallest; of equals the better tier.
            order by missing, gap_share, next_rank, rule_order
        ) as place
    from options
    -- A fact that is not known says of nothing how much is missing.
    where
        next_tier_gap is not null
        or next_tier_measure in ('value_score', 'potential_score')
),

nearest as (
    select * from ranked
    where place = 1 and missing <= 1
),

asked as (
    {% for term in levers %}
    select
        nearest.customer_id,
        {{ term.place }} as lever,
        cast(present.{{ term.factor | identifier }} as double) as next_tier_factor_now,
        present.score_{{ term.place }}
        + nearest.next_tier_gap
        * present.{{ coverage(term.score) }}
        / {{ term.weight | number }} as needed
    from nearest
    inner join present on nearest.customer_id = present.customer_id
    where
        present.customer_type = {{ term.customer_type | literal }}
        and present.score_{{ term.place }} is not null
        and nearest.next_tier_measure = {{ (term.score ~ "_score") | literal }}
    union all
    {% endfor %}
    select
        customer_id,
        -1 as lever,
        cast(null as double) as next_tier_factor_now,
        cast(null as double) as needed
    from nearest
    where false
),

ways as (
    select
        customer_id,
        next_tier_factor_now,
        case lever
            when -1 then cast(null as varchar)
            {% for term in levers %}
            when {{ term.place }} then {{ term.factor | literal }}
            {% endfor %}
        end as next_tier_factor,
        case lever
            when -1 then cast(null as double)
            {% for term in levers %}
            when {{ term.place }} then {{ value_for(term, "needed" | sql) }}
            {% endfor %}
        end as next_tier_factor_needed,
        case lever
            when -1 then cast(null as double)
            {% for term in levers %}
            when {{ term.place }} then {{ term.span | number }}
            {% endfor %}
        end as span
    from asked
),

ranked_ways as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by
                (next_tier_factor_needed - next_tier_factor_now) / span,
                next_tier_factor
        ) as way
    from ways
    where next_tier_factor_needed is not null
),

levers as (
    select * from ranked_ways
    where way = 1
)

select
    nearest.customer_id,
    nearest.next_tier_code,
    nearest.next_tier_measure,
    nearest.next_tier_gap,
    levers.next_tier_factor,
    levers.next_tier_factor_now,
    levers.next_tier_factor_needed,
    {{ in_words(0) }} as next_tier_measure_en,
    {{ in_words(1) }} as next_tier_measure_zh
from nearest
left join levers on nearest.customer_id = levers.customer_id
union all
select
    customer_id,
    {{ after_first_order.code | literal }} as next_tier_code,
    'first order' as next_tier_measure,
    1 as next_tier_gap,
    null as next_tier_factor,
    null as next_tier_factor_now,
    null as next_tier_factor_needed,
    null as next_tier_measure_en,
    null as next_tier_measure_zh
from present
where not has_purchased and tier_rank > {{ after_first_order.rank }}

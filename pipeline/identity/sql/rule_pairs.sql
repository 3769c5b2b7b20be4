{#- All pairs that a deterministic rule joins, the first rule named. -#}
{%- from "conditions.sql" import not_within_a_source -%}
{%- macro applies_to(asked) -%}
{% if asked.rule.customer_type != "any" -%}
customer_type = {{ asked.rule.customer_type | literal }} and {% endif -%}
{% for key in asked.rule.keys -%}
{% if not loop.first %} and {% endif -%}
{{ key | identifier }} is not null
{%- endfor %}
{%- endmacro -%}
with found as (
    {% for asked in asked_rules %}
    select
        left_no,
        right_no,
        {{ asked.rule.match_rule | literal }} as match_rule,
        {{ asked.rule.rule_order }} as rule_order,
        {{ asked.rule.confidence | number }} as confidence
    from (
        select
            {% for column in asked.columns %}
            l.{{ column | identifier }} as {{ (column ~ "_l") | identifier }},
            r.{{ column | identifier }} as {{ (column ~ "_r") | identifier }},
            {% endfor %}
            l.record_no as left_no,
            r.record_no as right_no
        from (
            select
                *,
                count(*) over (
                    partition by customer_type, {{ asked.rule.keys | columns }}
                ) as sharing
            from {{ forms | sql }}
            where {{ applies_to(asked) }}
            qualify sharing between 2 and {{ asked.rule.max_records }}
        ) as l
        inner join (
            select * from {{ forms | sql }}
            where {{ applies_to(asked) }}
        ) as r
            on
                l.customer_type = r.customer_type
                {% for key in asked.rule.keys %}
                and l.{{ key | identifier }} = r.{{ key | identifier }}
                {% endfor %}
        where l.record_no < r.record_no and {{ not_within_a_source(rules) }}
    ) as sided
    where {{ asked.agreement | sql }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
)

select
    left_no,
    right_no,
    min_by(match_rule, rule_order) as match_rule,
    min(rule_order) as rule_order,
    min_by(confidence, rule_order) as confidence
from found
group by left_no, right_no

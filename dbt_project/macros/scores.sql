{#-
Scores of what was measured, by declared anchors.
-#}

{#- Every row of `measured` (customer_type, factor, raw_value, ...) with its `score`:
    between two anchors (customer_type, factor, raw_value, score) on the straight line,
    beyond the first and the last as there. Anchors may rise or fall. Null where nothing
    was measured. Segments without an end have an infinite one: `or ... is null` in an outer
    join would have the engine compare every row with every segment. -#}
{% macro scored_by_anchors(measured, anchors) -%}
select
    measured.*,
    case
        when measured.raw_value is null then null
        when measured.raw_value < segments.from_value then segments.from_score
        when segments.to_value is null then segments.from_score
        else
            segments.from_score
            + (segments.to_score - segments.from_score)
            * (measured.raw_value - segments.from_value)
            / (segments.to_value - segments.from_value)
    end as score
from {{ measured }} as measured
left join (
    select
        customer_type,
        factor,
        cast(raw_value as double) as from_value,
        cast(score as double) as from_score,
        lead(cast(raw_value as double)) over factor_anchors as to_value,
        lead(cast(score as double)) over factor_anchors as to_score,
        case
            when row_number() over factor_anchors = 1 then cast('-infinity' as double)
            else cast(raw_value as double)
        end as begins_at,
        coalesce(
            lead(cast(raw_value as double)) over factor_anchors,
            cast('infinity' as double)
        ) as ends_before
    from {{ anchors }}
    window factor_anchors as (partition by customer_type, factor order by raw_value)
) as segments
    on
        measured.customer_type = segments.customer_type
        and measured.factor = segments.factor
        and measured.raw_value >= segments.begins_at
        and measured.raw_value < segments.ends_before
{%- endmacro %}

{#- Why somebody is not graded. -#}
{% macro no_rule_en(customer_type) -%}
    case
        when {{ customer_type }} = {{ unknown_type() }}
            then 'orders of customers whom no source knows'
        else 'no sales are recorded'
    end
{%- endmacro %}
{% macro no_rule_zh(customer_type) -%}
    case
        when {{ customer_type }} = {{ unknown_type() }} then '数据源中查无此客户的订单'
        else '没有销售记录'
    end
{%- endmacro %}

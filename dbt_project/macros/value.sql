{#- What several models of value share. -#}

{#- Since which moment deals with amounts are recorded; null where nobody records them. -#}
{% macro deals_recorded() %}
    select min(moments.moment_no) as deals_moment_no
    from {{ ref("core_leads") }} as leads
    inner join {{ ref("core_moments") }} as moments
        on
            leads.created_on <= moments.as_of_date
            or (leads.created_on is null and moments.is_present)
    where leads.customer_id is not null and leads.amount is not null
{% endmacro %}

{#- What open deals are worth where they are recorded: nothing without a deal, not known
    where too few of them have an amount. Needs `recorded` and `pipeline`. -#}
{% macro pipeline_amount(moment_no) -%}
    case
        when pipeline.customer_id is not null then pipeline.pipeline_amount
        when {{ moment_no }} >= recorded.deals_moment_no then 0
    end
{%- endmacro %}

{#- Silence in usual gaps below which a customer buys in its own rhythm. -#}
{% macro in_rhythm_below() -%} 1.5 {%- endmacro %}

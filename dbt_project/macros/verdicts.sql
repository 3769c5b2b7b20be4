{#-
The verdict of an account: which flag of int_verdict_facts asks for which verdict. The seed
`verdicts` says which of those that hold comes first, and what it is called.
-#}

{#- Verdict → the condition under which it holds. A condition that is not known does not
    hold; the last one always does, so that everybody has a verdict. -#}
{% macro verdict_conditions() %}
    {{ return({
        "blocked_by_service": "facts.is_blocked",
        "loses_money": "facts.loses_money",
        "slips": "facts.slips",
        "grow": "facts.can_grow",
        "keep": "facts.is_key",
        "win": "facts.is_scored_prospect",
        "serve": "true",
    }) }}
{% endmacro %}

{#- The verdicts that somebody has to answer. -#}
{% macro alarming_verdicts() -%} ('blocked_by_service', 'loses_money', 'slips') {%- endmacro %}

{#- Verdict → the money at stake, and the figure where that one is not known. What a
    customer brings if it orders at all is E / (1 - P), of which E is expected: the
    difference is what the chance of silence takes away. -#}
{% macro verdict_stakes() %}
    {{ return({
        "blocked_by_service": ("facts.predicted_revenue_12m", "facts.revenue_12m"),
        "loses_money": ("-facts.profit_12m", "null"),
        "slips": (
            "case when facts.no_purchase_probability_12m < 1 then"
            ~ " cast(facts.predicted_revenue_12m as double)"
            ~ " * facts.no_purchase_probability_12m"
            ~ " / (1 - facts.no_purchase_probability_12m) end",
            "facts.better_revenue",
        ),
        "grow": (
            "case when facts.potential_revenue = facts.whitespace_revenue"
            ~ " then facts.whitespace_revenue end",
            "facts.pipeline_amount",
        ),
        "keep": ("facts.predicted_revenue_12m", "facts.revenue_12m"),
        "win": (
            "case when facts.pipeline_amount > 0 then facts.pipeline_amount end",
            "null",
        ),
    }) }}
{% endmacro %}

{#- Fact → the condition under which it is told, its figure, how the figure is written
    (money, count, percent, times) and, where a name is told, the name in both languages.
    The seed verdict_facts has the words, verdict_speaks says for or against what. Growth is
    a share of the year before: of a year without revenue there is none. -#}
{% macro verdict_facts() %}
    {{ return({
        "sla_missed": ("facts.sla_missed > 0", "facts.sla_missed", "count"),
        "complaint_open": (
            "facts.open_complaints > 0", "facts.open_complaints", "count"
        ),
        "loss": ("facts.profit_12m < 0", "-facts.profit_12m", "money"),
        "cost_excess": ("facts.loss_excess > 0", "facts.loss_excess", "element"),
        "profit": ("facts.profit_12m > 0", "facts.profit_12m", "money"),
        "share_of_revenue": (
            "facts.revenue_share >= 0.001", "100 * facts.revenue_share", "percent"
        ),
        "best_tier": ("facts.is_key", none, "tier"),
        "revenue": ("facts.revenue_12m > 0", "facts.revenue_12m", "money"),
        "overdue": (
            "facts.has_rhythm and facts.overdue_factor >= facts.overdue_from",
            "facts.overdue_factor", "times",
        ),
        "in_rhythm": (
            "facts.has_rhythm and facts.overdue_factor < facts.overdue_from",
            "facts.overdue_factor", "times",
        ),
        "likely_silent": (
            "facts.no_purchase_probability_12m > facts.usual_chance",
            "100 * facts.no_purchase_probability_12m", "chance",
        ),
        "expected": (
            "facts.predicted_revenue_12m is not null", "facts.predicted_revenue_12m",
            "money",
        ),
        "whitespace": (
            "facts.whitespace_revenue > 0", "facts.whitespace_revenue", "money"
        ),
        "pipeline": ("facts.pipeline_amount > 0", "facts.pipeline_amount", "money"),
        "health_low": ("facts.health_score < 5", "facts.health_score", "times"),
        "health_good": ("facts.health_score >= 5", "facts.health_score", "times"),
        "growing": (
            "facts.growth_rate >= lifecycle.growing_from"
            ~ " and facts.revenue_previous_12m > 0",
            "100 * (cast(facts.revenue_12m as double)"
            ~ " / cast(facts.revenue_previous_12m as double) - 1)", "percent",
        ),
        "declining": (
            "facts.growth_rate <= lifecycle.declining_to"
            ~ " and facts.revenue_previous_12m > 0",
            "100 * (1 - cast(greatest(facts.revenue_12m, 0) as double)"
            ~ " / cast(facts.revenue_previous_12m as double))", "percent",
        ),
        "invest": ("facts.strategy_en is not null", none, "strategy"),
        "scored": (
            "facts.is_scored_prospect",
            "coalesce(facts.lead_score, facts.total_score)", "times",
        ),
        "nothing_else": ("true", none, "none"),
    }) }}
{% endmacro %}

{#- A figure as it stands in a sentence. -#}
{% macro verdict_figure(value, unit) -%}
    {%- if unit in ("money", "count", "element") -%} {{ thousands(value) }}
    {%- elif unit in ("percent", "times") -%} {{ plain_number(value, 1) }}
    {%- elif unit == "chance" -%}
        {#- What a model forecasts is never told as certain, however it is rounded. -#}
        case when {{ value }} > 99.9 then '>99.9' else {{ plain_number(value, 1) }} end
    {%- else -%} cast(null as {{ type_text() }})
    {%- endif -%}
{%- endmacro %}

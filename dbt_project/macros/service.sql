{#-
How customers are served, counted.
-#}

{#- What they answered, counted. Of `csat` 4 and 5 are good and 1 and 2 bad, 3 is
neither; of `nps` 9 and 10 are promoters and 0 to 6 detractors. Who did not answer does
not count. -#}
{% macro answer_counts(survey, score) -%}
    count(case when {{ survey }} = 'csat' and {{ score }} >= 4 then 1 end) as csat_good,
    count(case when {{ survey }} = 'csat' and {{ score }} <= 2 then 1 end) as csat_bad,
    count(case when {{ survey }} = 'nps' then {{ score }} end) as nps_answers,
    count(case when {{ survey }} = 'nps' and {{ score }} >= 9 then 1 end)
        as nps_promoters,
    count(case when {{ survey }} = 'nps' and {{ score }} <= 6 then 1 end)
        as nps_detractors
{%- endmacro %}

{#- The first day of a date's month. -#}
{% macro month_of(date) -%}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}

{#- The hours from one moment to another, null where one is not known. A later moment
    before the earlier is a shifted clock and counts as none. -#}
{% macro hours_between(earlier, later) -%}
    case
        when {{ later }} <= {{ earlier }} then 0
        else
            cast({{ epoch_seconds(later) }} - {{ epoch_seconds(earlier) }} as double) / 3600
    end
{%- endmacro %}

{#- The tier that the customer had on the day to which `spells` was joined. Where no source
    records sales, nobody will be graded later either. -#}
{% macro tier_then(relation) -%}
    case
        when {{ relation }}.customer_id is null then 'unknown customer'
        else coalesce(
            spells.tier_code,
            {% if some_source_gives("order_lines") -%} 'not graded yet'
            {%- else -%} 'not_graded' {%- endif %}
        )
    end
{%- endmacro %}

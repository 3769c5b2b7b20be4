{#-
Money of any currency in the reporting currency.
-#}

{#- The joins that give a relation its rate: none for the reporting currency, else the one
    of the day, which holds until the next. -#}
{% macro join_fx_rates(relation, day) %}
    left join {{ ref("core_fx_rates") }} as fx_rates
        on
            {{ relation }}.currency = fx_rates.currency
            and {{ day }} >= fx_rates.valid_from
            and {{ day }} < {{ end_of("fx_rates") }}
{% endmacro %}

{#- The rate that `join_fx_rates` found; null where there is none, so that the amount is
    null and a test finds it. It is wider than a rate needs: DuckDB multiplies two
    decimals of up to 18 digits in 18 digits, and a million with twelve decimals has more. -#}
{% macro fx_rate(relation) -%}
    cast(case
        when {{ relation }}.currency = '{{ var("reporting_currency") }}' then 1
        else fx_rates.rate
    end as decimal(20, 8))
{%- endmacro %}

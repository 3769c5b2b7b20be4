{#-
What a unit of service costs: the seed cost_rates.
-#}

{#- The pools, in the order of the formula of profit. -#}
{% macro cost_pools() -%}
    {{ return([
        "order_handling", "freight", "service", "account_management", "late_payment",
        "returns_handling", "acquisition",
    ]) }}
{%- endmacro %}

{#- The joins that give a relation its rate: cost_pool, driver, cost_key and the day on
    which the rate must be in force. -#}
{% macro join_cost_rates(relation, day) %}
    {%- for alias, key in [("own_rates", relation ~ ".cost_key"), ("any_rates", "'*'")] %}
    left join {{ ref("cost_rates") }} as {{ alias }}
        on
            {{ relation }}.cost_pool = {{ alias }}.cost_pool
            and {{ relation }}.driver = {{ alias }}.driver
            and {{ alias }}.key = {{ key }}
            and {{ day }} >= {{ alias }}.valid_from
            and {{ day }} < {{ end_of(alias) }}
    {%- endfor %}
{% endmacro %}

{#- The rate that `join_cost_rates` found; null where none holds. -#}
{% macro cost_rate() -%}
    coalesce(own_rates.rate, any_rates.rate)
{%- endmacro %}

{#- Interest on an amount for some days, to four decimals. One row's arithmetic, so that
    floating point gives the same in each refresh. -#}
{% macro interest(amount, rate, days) -%}
    {{ rounded(
        "cast(" ~ amount ~ " as double) * cast(" ~ rate ~ " as double) * " ~ days ~ " / 365",
        type_money()
    ) }}
{%- endmacro %}

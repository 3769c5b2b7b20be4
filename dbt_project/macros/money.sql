{#-
Money of any currency in the reporting currency.
-#}

{#- The joins that give a relation its rate: none for the reporting currency, else the one
    of the day, which holds until the next. -#}
{% macro join_fx_rates(relation, day) %}
    left join {{ ref("core_fx_days") }} as fx_rates
        on
            {{ relation }}.currency = fx_rates.currency
            and {{ day }} = fx_rates.fx_day
{% endmacro %}

{#- An amount of a relation in the reporting currency, at the rate that `join_fx_rates` found;
    null where there is none, so that a test finds it. One in the reporting currency is that
    amount, and not multiplied by one: a product of decimals and its rounding are most of what
    such a query costs. Rounded before it is cast, which is the same to the last digit and a
    third of the time. The rate is wide, because DuckDB keeps the product of two decimals of 18
    digits at 18: with twelve decimals a million would not fit. -#}
{% macro in_reporting_currency(amount, relation, rate="fx_rates.rate") -%}
    case
        when {{ relation }}.currency = '{{ var("reporting_currency") }}'
            then cast({{ amount }} as {{ type_money() }})
        else
            cast(
                round({{ amount }} * cast({{ rate }} as decimal(28, 8)), 4)
                as {{ type_money() }}
            )
    end
{%- endmacro %}

{#- The rows of a relation with `spread_amount`: what an amount of a whole order comes to in
    each of its lines, in proportion to what the line is sold for, so that the parts sum to it
    exactly. Whole cents by the largest remainder (of equal ones the line that comes first),
    and what is less than a cent to the next. Returned lines get nothing of it, unless an
    order has no other; lines that come to nothing share alike.

    `amount` is the order's in each of its lines, `line_amount` the line's; `order_id` and
    `line` name the columns of the order and of the line in it. -#}
{% macro spread_over_lines(relation, amount, line_amount, order_id, line) %}
    select
        shared.*,
        cast(
            whole_cents
            + least(0.01, greatest(0, left_over - 0.01 * (turn - 1)))
            as decimal(18, 4)
        ) as spread_amount
    from (
        select
            floored.*,
            {{ amount }} - sum(whole_cents) over (partition by {{ order_id }})
                as left_over,
            row_number() over (
                partition by {{ order_id }} order by remainder desc, {{ line }}
            ) as turn
        from (
            select
                weighed.*,
                cast(
                    floor(100 * cast({{ amount }} as double) * weight / all_weights) / 100
                    as decimal(18, 4)
                ) as whole_cents,
                100 * cast({{ amount }} as double) * weight / all_weights
                - floor(100 * cast({{ amount }} as double) * weight / all_weights)
                    as remainder
            from (
                select
                    alike.*,
                    sum(weight) over (partition by {{ order_id }}) as all_weights
                from (
                    select
                        {{ relation }}.*,
                        cast(case
                            when
                                sum(greatest({{ line_amount }}, 0))
                                    over (partition by {{ order_id }}) > 0
                                then greatest({{ line_amount }}, 0)
                            when
                                sum(abs({{ line_amount }}))
                                    over (partition by {{ order_id }}) > 0
                                then abs({{ line_amount }})
                            else 1
                        end as double) as weight
                    from {{ relation }}
                ) as alike
            ) as weighed
        ) as floored
    ) as shared
{% endmacro %}

{#- What an amount of a whole order comes to in a line, in proportion to the lines, as an
    expression beside others: rounded along the order, so that the parts sum to it to the
    cent. `spread_over_lines` does it by the largest remainder, as a query of its own.

    `amount` is the order's, in any of its rows; `line_amount` the line's; `order_id` and
    `place` say which order, and in which order its lines come. -#}
{% macro part_of_order(amount, line_amount, order_id, place) -%}
    {%- set whole = "coalesce(max(" ~ amount ~ ") over (partition by " ~ order_id ~ "), 0)"
    -%}
    {%- set lines = "nullif(sum(" ~ line_amount ~ ") over (partition by " ~ order_id
        ~ "), 0)" -%}
    {%- set so_far = "sum(" ~ line_amount ~ ") over (partition by " ~ order_id
        ~ " order by " ~ place ~ " rows between unbounded preceding and current row)" -%}
    coalesce(
        round(cast({{ whole }} * {{ so_far }} as double) / {{ lines }}, 2)
        - round(
            cast({{ whole }} * ({{ so_far }} - {{ line_amount }}) as double) / {{ lines }}, 2
        ),
        0
    )
{%- endmacro %}

{#-
The arithmetic of account plans: ratios that say why they are missing, and a trend that one
odd year does not turn.
-#}

{#- A ratio; null where a part is not known or the denominator is zero. -#}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}

{#- Why `ratio` is null, as a part of a sentence that ends in '; '; empty where it is not. -#}
{% macro ratio_note(name, numerator, denominator, called) -%}
    case
        when {{ denominator }} is null then '{{ name }}: {{ called }} not known; '
        when {{ numerator }} is null then '{{ name }}: a part of it is not known; '
        when {{ denominator }} = 0 then '{{ name }}: {{ called }} zero; '
        else ''
    end
{%- endmacro %}

{#- The median of three values. -#}
{% macro middle_of_three(a, b, c) -%}
    greatest(least({{ a }}, {{ b }}), least(greatest({{ a }}, {{ b }}), {{ c }}))
{%- endmacro %}

{#- How much a year adds: of three years the median of the slopes (Theil and Sen), of two
    their difference; null of one. -#}
{% macro trend_slope(new, middle, old) -%}
    case
        when {{ old }} is null then {{ new }} - {{ middle }}
        else
            {{ middle_of_three(
                new ~ " - " ~ middle, middle ~ " - " ~ old,
                "(" ~ new ~ " - " ~ old ~ ") / 2"
            ) }}
    end
{%- endmacro %}

{#- Where the line of that slope stands in the newest year. -#}
{% macro trend_level(new, middle, old, slope) -%}
    case
        when {{ old }} is null then {{ new }}
        else
            {{ middle_of_three(
                new, middle ~ " + " ~ slope, old ~ " + 2 * " ~ slope
            ) }}
    end
{%- endmacro %}

{#- Why a dimension has no score, as a part of a sentence that ends in '; '; empty where it
    has one. -#}
{% macro coverage_note(name, score, coverage, needed) -%}
    case
        when {{ score }} is not null then ''
        when {{ coverage }} is null then '{{ name }} is not scored; '
        else
            '{{ name }} is scored on '
            || cast(cast(round(100 * {{ coverage }}) as integer) as {{ type_text() }})
            || ' % of the weights, '
            || cast(cast(round(100 * {{ needed }}) as integer) as {{ type_text() }})
            || ' % are needed; '
    end
{%- endmacro %}

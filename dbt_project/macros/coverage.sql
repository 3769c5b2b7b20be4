{#-
What a sum says of which some values are not known. Unknown is not zero: such a sum is
known where enough of it is, and says how much that is; where nobody records the thing at
all, not even "none" is known.
-#}

{#- The share of the money from which on a sum counts as known. -#}
{% macro least_coverage() -%} 0.8 {%- endmacro %}

{#- The known share of a sum over lines, as a double: of their money, returns counted like
    sales, and where no money moved, of the lines. Null without a line. -#}
{% macro money_coverage(known_money, money, known_lines, lines) -%}
    case
        when {{ money }} > 0
            then cast({{ known_money }} as double) / cast({{ money }} as double)
        when {{ lines }} > 0
            then cast({{ known_lines }} as double) / cast({{ lines }} as double)
    end
{%- endmacro %}

{#- A sum over lines of which a share is known: null below the least coverage. Without a
    line it is zero, where such values are recorded at all. -#}
{% macro known_sum(amount, coverage, lines, is_recorded) -%}
    case
        when {{ lines }} = 0 and {{ is_recorded }} then 0
        when {{ coverage }} >= {{ least_coverage() }} then {{ amount }}
    end
{%- endmacro %}

{#-
The few words in which engines differ. A model says what it means with these; another
engine needs this file only. Everything else is standard SQL.
-#}

{#- Money of one line, exact to four decimals. -#}
{% macro type_money() -%} decimal(18, 4) {%- endmacro %}

{#- A sum of money: wide enough for every line of a large company, as exact. -#}
{% macro type_money_sum() -%} decimal(28, 4) {%- endmacro %}

{#- A score between 0 and 10, or a part of one. -#}
{% macro type_score() -%} decimal(12, 6) {%- endmacro %}

{#- A local wall-clock time as the UTC moment, without a zone in the type. -#}
{% macro local_to_utc(column, zone=none) -%}
    {{ return(adapter.dispatch("local_to_utc", "customer_tiers")(
        column, zone or var("time_zone"))) }}
{%- endmacro %}

{% macro default__local_to_utc(column, zone) -%}
    ({{ column }} at time zone '{{ zone }}') at time zone 'UTC'
{%- endmacro %}

{% macro spark__local_to_utc(column, zone) -%}
    to_utc_timestamp({{ column }}, '{{ zone }}')
{%- endmacro %}

{#- A UTC moment as the day of the business. -#}
{% macro business_date(column) -%}
    {{ return(adapter.dispatch("business_date", "customer_tiers")(
        column, var("time_zone"))) }}
{%- endmacro %}

{% macro default__business_date(column, zone) -%}
    cast(({{ column }} at time zone 'UTC') at time zone '{{ zone }}' as date)
{%- endmacro %}

{% macro spark__business_date(column, zone) -%}
    cast(from_utc_timestamp({{ column }}, '{{ zone }}') as date)
{%- endmacro %}

{#- Text such as 29/2/2016 01:16 as a wall-clock time; null where it is none. -#}
{% macro parse_day_first_time(column) -%}
    {{ return(adapter.dispatch("parse_day_first_time", "customer_tiers")(column)) }}
{%- endmacro %}

{% macro default__parse_day_first_time(column) -%}
    try_strptime({{ column }}, '%d/%m/%Y %H:%M')
{%- endmacro %}

{% macro spark__parse_day_first_time(column) -%}
    try_to_timestamp({{ column }}, 'd/M/yyyy HH:mm')
{%- endmacro %}

{#- Whole days between two dates. -#}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch("days_between", "customer_tiers")(earlier, later)) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    ({{ later }} - {{ earlier }})
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}

{#- The day a number of months before a day; the number may be a column. -#}
{% macro months_before(day, months) -%}
    {{ return(adapter.dispatch("months_before", "customer_tiers")(day, months)) }}
{%- endmacro %}

{% macro default__months_before(day, months) -%}
    cast({{ day }} - to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}

{% macro spark__months_before(day, months) -%}
    add_months({{ day }}, -({{ months }}))
{%- endmacro %}

{#- A whole number with thousands separators, for sentences. -#}
{% macro thousands(expression) -%}
    {{ return(adapter.dispatch("thousands", "customer_tiers")(expression)) }}
{%- endmacro %}

{% macro default__thousands(expression) -%}
    format('{:,}', cast(round({{ expression }}) as bigint))
{%- endmacro %}

{% macro spark__thousands(expression) -%}
    format_number({{ expression }}, 0)
{%- endmacro %}

{#- A row's share of the total of all rows; a share of a total that is not positive says
    nothing, so it is null. -#}
{% macro share_of_total(column) -%}
    case
        when sum({{ column }}) over () > 0
            then
                cast({{ column }} as double)
                / cast(sum({{ column }}) over () as double)
    end
{%- endmacro %}

{#- A score as it stands in a sentence. -#}
{% macro one_decimal(expression) -%}
    cast(cast({{ expression }} as decimal(4, 1)) as varchar)
{%- endmacro %}

{#- A 64-bit hash of several values; nulls count as values. -#}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch("row_hash", "customer_tiers")(columns)) }}
{%- endmacro %}

{% macro default__row_hash(columns) -%}
    hash({{ columns | join(", ") }})
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    xxhash64({{ columns | join(", ") }})
{%- endmacro %}

{#- Whole seconds since 1970 of a UTC moment. -#}
{% macro epoch_seconds(column) -%}
    {{ return(adapter.dispatch("epoch_seconds", "customer_tiers")(column)) }}
{%- endmacro %}

{% macro default__epoch_seconds(column) -%}
    cast(epoch({{ column }}) as bigint)
{%- endmacro %}

{% macro spark__epoch_seconds(column) -%}
    unix_timestamp({{ column }})
{%- endmacro %}

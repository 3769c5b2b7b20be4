{#-
The few words in which engines differ. A model says what it means with these; another
engine needs this file only. Everything else is standard SQL.
-#}

{#- Text of any length. -#}
{% macro type_text() -%}
    {{ adapter.dispatch("type_text", "customer_tiers")() }}
{%- endmacro %}

{% macro default__type_text() -%} varchar {%- endmacro %}

{% macro spark__type_text() -%} string {%- endmacro %}

{#- Money of one line, exact to four decimals. -#}
{% macro type_money() -%} decimal(18, 4) {%- endmacro %}

{#- A sum of money: wide enough for every line of a large company, as exact. -#}
{% macro type_money_sum() -%} decimal(28, 4) {%- endmacro %}

{#- A score between 0 and 10, or a part of one. -#}
{% macro type_score() -%} decimal(12, 6) {%- endmacro %}

{#- A double as a decimal of this type, half away from zero. Where it lies all but halfway
    between two decimals, engines round it by what they see of it; this is how DuckDB does,
    so that money is the same to the last digit. -#}
{% macro rounded(expression, type) -%}
    {{ return(adapter.dispatch("rounded", "customer_tiers")(expression, type)) }}
{%- endmacro %}

{% macro default__rounded(expression, type) -%}
    cast({{ expression }} as {{ type }})
{%- endmacro %}

{% macro spark__rounded(expression, type) -%}
    {%- set scale = type.split(",")[1].strip(" )") | int -%}
    cast(
        cast(round(cast({{ expression }} as double) * 1e{{ scale }}) as decimal(33, 0))
        * cast(1e-{{ scale }} as decimal({{ scale + 1 }}, {{ scale }}))
        as {{ type }}
    )
{%- endmacro %}

{#- A wall-clock time of a place, the business's if none is named, as the moment that it
    was: a time with a zone. -#}
{% macro local_to_utc(column, zone=none) -%}
    {{ return(adapter.dispatch("local_to_utc", "customer_tiers")(
        column, zone or var("time_zone"))) }}
{%- endmacro %}

{% macro default__local_to_utc(column, zone) -%}
    ({{ column }} at time zone '{{ zone }}')
{%- endmacro %}

{#- Of an hour that the clock shows twice the later one, as DuckDB has it. -#}
{% macro spark__local_to_utc(column, zone) -%}
    {%- set earlier = "to_utc_timestamp(" ~ column ~ ", '" ~ zone ~ "')" -%}
    {%- set later = earlier ~ " + interval '1' hour" -%}
    (
        case
            when from_utc_timestamp({{ later }}, '{{ zone }}') = {{ column }}
                then {{ later }}
            else {{ earlier }}
        end
    )
{%- endmacro %}

{#- A moment as a time in UTC, without a zone in the type. What has no zone is taken to be
    in UTC already. -#}
{% macro utc_time(column) -%}
    {{ return(adapter.dispatch("utc_time", "customer_tiers")(column)) }}
{%- endmacro %}

{% macro default__utc_time(column) -%}
    cast(cast({{ column }} as timestamp with time zone) at time zone 'UTC' as timestamp)
{%- endmacro %}

{% macro spark__utc_time(column) -%}
    cast({{ column }} as timestamp)
{%- endmacro %}

{#- Whether a type of a column holds times without their zone. -#}
{% macro has_no_zone(data_type) -%}
    {{ return(adapter.dispatch("has_no_zone", "customer_tiers")(data_type or "")) }}
{%- endmacro %}

{% macro default__has_no_zone(data_type) -%}
    {%- set name = data_type | lower -%}
    {{ return(name != "" and "zone" not in name and "tz" not in name) }}
{%- endmacro %}

{% macro spark__has_no_zone(data_type) -%}
    {{ return((data_type | lower) not in ["", "timestamp"]) }}
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

{#- The time of day of a UTC moment on the business's clock, in hours. -#}
{% macro hour_of_day(column) -%}
    {{ return(adapter.dispatch("hour_of_day", "customer_tiers")(
        column, var("time_zone"))) }}
{%- endmacro %}

{% macro default__hour_of_day(column, zone) -%}
    extract(hour from ({{ column }} at time zone 'UTC') at time zone '{{ zone }}')
    + extract(minute from ({{ column }} at time zone 'UTC') at time zone '{{ zone }}')
    / 60.0
{%- endmacro %}

{% macro spark__hour_of_day(column, zone) -%}
    hour(from_utc_timestamp({{ column }}, '{{ zone }}'))
    + minute(from_utc_timestamp({{ column }}, '{{ zone }}')) / 60
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

{#- The day so many days later; the number may be a column. -#}
{% macro plus_days(date, days) -%}
    {{ return(adapter.dispatch("plus_days", "customer_tiers")(date, days)) }}
{%- endmacro %}

{% macro default__plus_days(date, days) -%}
    ({{ date }} + cast({{ days }} as integer))
{%- endmacro %}

{% macro spark__plus_days(date, days) -%}
    date_add({{ date }}, cast({{ days }} as int))
{%- endmacro %}

{#- Each row of a relation once for every word of one of its columns, with `word`. -#}
{% macro by_word(relation, column) -%}
    {{ return(adapter.dispatch("by_word", "customer_tiers")(relation, column)) }}
{%- endmacro %}

{% macro default__by_word(relation, column) -%}
    select
        {{ relation }}.*,
        unnest(string_split(trim({{ relation }}.{{ column }}), ' ')) as word
    from {{ relation }}
{%- endmacro %}

{% macro spark__by_word(relation, column) -%}
    select
        {{ relation }}.*,
        explode(split(trim({{ relation }}.{{ column }}), ' ')) as word
    from {{ relation }}
{%- endmacro %}

{#- A whole number with thousands separators, for sentences. -#}
{% macro thousands(expression) -%}
    {{ return(adapter.dispatch("thousands", "customer_tiers")(expression)) }}
{%- endmacro %}

{% macro default__thousands(expression) -%}
    {#- As a double: a bound that was reckoned may be larger than any integer. -#}
    format('{:,.0f}', round(cast({{ expression }} as double)))
{%- endmacro %}

{% macro spark__thousands(expression) -%}
    {#- Rounded before: `format_number` rounds half to even. -#}
    format_number(round(cast({{ expression }} as double)), 0)
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
    cast(cast({{ expression }} as decimal(4, 1)) as {{ type_text() }})
{%- endmacro %}

{#- A 64-bit hash of several values; nulls count as values. -#}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch("row_hash", "customer_tiers")(columns)) }}
{%- endmacro %}

{% macro default__row_hash(columns) -%}
    hash({{ columns | join(", ") }})
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    {#- Never negative, as hashes are kept as what DuckDB's are. -#}
    (xxhash64({{ columns | join(", ") }}) & 9223372036854775807)
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

{#- The day on which a spell has ended, for a join. Said with `or`, an engine that cannot
    split the condition would compare every row with every spell: 1.8 s for the lines of
    the demonstration instead of 0.07. -#}
{% macro end_of(relation) -%}
    coalesce({{ relation }}.valid_to, date '9999-12-31')
{%- endmacro %}

{#- Each row of a relation once for every calendar month from one of its days to another,
    with `month_start`. -#}
{% macro by_month(relation, first, last) -%}
    {{ return(adapter.dispatch("by_month", "customer_tiers")(relation, first, last)) }}
{%- endmacro %}

{% macro default__by_month(relation, first, last) -%}
    select
        {{ relation }}.*,
        cast(unnest(generate_series(
            date_trunc('month', {{ first }}),
            date_trunc('month', {{ last }}),
            interval 1 month
        )) as date) as month_start
    from {{ relation }}
{%- endmacro %}

{% macro spark__by_month(relation, first, last) -%}
    select
        {{ relation }}.*,
        explode(case
            when {{ first }} <= {{ last }}
                then sequence(
                    trunc({{ first }}, 'MONTH'), trunc({{ last }}, 'MONTH'),
                    interval 1 month
                )
        end) as month_start
    from {{ relation }}
{%- endmacro %}

{#- The same day of an earlier month; the last day of a month stays the last, so that the
    12 months before a month end are 12 whole months. The number may be a column. -#}
{% macro months_before(date, months) -%}
    case
        when {{ date }} = last_day({{ date }})
            then last_day({{ plus_months(date, "-(" ~ months ~ ")") }})
        else {{ plus_months(date, "-(" ~ months ~ ")") }}
    end
{%- endmacro %}

{% macro plus_months(date, months) -%}
    {{ return(adapter.dispatch("plus_months", "customer_tiers")(date, months)) }}
{%- endmacro %}

{% macro default__plus_months(date, months) -%}
    cast({{ date }} + to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}

{% macro spark__plus_months(date, months) -%}
    add_months({{ date }}, {{ months }})
{%- endmacro %}

{#- The whole numbers from 0 to below a count, as a column `number` of a relation of
    `upper` itself: one row each. -#}
{% macro numbers_below(relation, upper) -%}
    {{ return(adapter.dispatch("numbers_below", "customer_tiers")(relation, upper)) }}
{%- endmacro %}

{% macro default__numbers_below(relation, upper) -%}
    select
        {{ relation }}.*,
        unnest(range(cast({{ upper }} as bigint))) as number
    from {{ relation }}
{%- endmacro %}

{% macro spark__numbers_below(relation, upper) -%}
    select
        {{ relation }}.*,
        explode(sequence(cast(0 as bigint), cast({{ upper }} as bigint) - 1)) as number
    from {{ relation }}
    where {{ upper }} > 0
{%- endmacro %}

{#- In a window: the last value so far that is not null. -#}
{% macro last_known(column) -%}
    {{ return(adapter.dispatch("last_known", "customer_tiers")(column)) }}
{%- endmacro %}

{% macro default__last_known(column) -%}
    last_value({{ column }} ignore nulls)
{%- endmacro %}

{% macro spark__last_known(column) -%}
    last_value({{ column }}, true)
{%- endmacro %}

{#- The mean of decimals, as a double. -#}
{% macro mean(column) -%}
    {{ return(adapter.dispatch("mean", "customer_tiers")(column)) }}
{%- endmacro %}

{% macro default__mean(column) -%}
    avg({{ column }})
{%- endmacro %}

{#- An average of decimals is a decimal there, of four digits more. -#}
{% macro spark__mean(column) -%}
    (cast(sum({{ column }}) as double) / count({{ column }}))
{%- endmacro %}

{#- The exact median; the mean of the two in the middle of an even number. -#}
{% macro median(column) -%}
    {{ return(adapter.dispatch("median", "customer_tiers")(column)) }}
{%- endmacro %}

{% macro default__median(column) -%}
    median({{ column }})
{%- endmacro %}

{% macro spark__median(column) -%}
    percentile({{ column }}, 0.5)
{%- endmacro %}

{#- The value below which a share of the values lies, on the line between its two
    neighbours. -#}
{% macro percentile(column, share) -%}
    {{ return(adapter.dispatch("percentile", "customer_tiers")(column, share)) }}
{%- endmacro %}

{% macro default__percentile(column, share) -%}
    quantile_cont({{ column }}, {{ share }})
{%- endmacro %}

{% macro spark__percentile(column, share) -%}
    percentile({{ column }}, {{ share }})
{%- endmacro %}

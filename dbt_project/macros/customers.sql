{#-
What a customer is made of: the attributes that survive from its records, and how personal
data is published.
-#}

{#- The canonical attributes that one record of a customer wins, each by itself. -#}
{% macro survivor_attributes() %}
    {{ return(canonical_columns("customers").keys() | reject("in", [
        "source_customer_id", "parent_source_customer_id",
    ]) | list) }}
{% endmacro %}

{#- For one source: `<attribute>_rank` of each attribute, as the seed declares it for the
    attribute, else for the whole source, else for any source. -#}
{% macro trust_ranks(attribute_column, trust_column, default_column) %}
    {%- for attribute in survivor_attributes() %}
    coalesce(
        max(case when {{ attribute_column }} = '{{ attribute }}' then {{ trust_column }} end),
        max(case when {{ attribute_column }} = '*' then {{ trust_column }} end),
        max({{ default_column }})
    ) as {{ attribute }}_rank
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
{% endmacro %}

{#- For one customer: each attribute of the record with the smallest rank that has it,
    and `<attribute>_source`, whose record that is. A rank of trust outweighs every age. -#}
{% macro survivors(records, ranks) %}
    {%- for attribute in survivor_attributes() %}
    {%- set order -%}
        case
            when {{ records }}.{{ attribute }} is not null
                then
                    {{ ranks }}.{{ attribute }}_rank
                    * cast(1000000000000000000000000 as decimal(38, 0))
                    + {{ records }}.age_rank
        end
    {%- endset %}
    {%- if attribute == "customer_name" %}
    {#- Of a forgotten customer nothing is known, but it must be called something. #}
    coalesce(
        min_by({{ records }}.{{ attribute }}, {{ order }}),
        max(case when {{ records }}.is_forgotten then 'forgotten' end)
    ) as {{ attribute }},
    {%- else %}
    min_by({{ records }}.{{ attribute }}, {{ order }}) as {{ attribute }},
    {%- endif %}
    min_by({{ records }}.source, {{ order }}) as {{ attribute }}_source
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
{% endmacro %}

{#- What sources.yaml says of a kind of personal data: is it kept at all? -#}
{% macro kept(kind, column) -%}
    {% if kind in var("privacy")["keep"] -%} {{ column }} {%- else -%} null {%- endif %}
{%- endmacro %}

{#- A person's name as those see it who need not know it: the first letter of each word.
    Whole where sources.yaml says so. -#}
{% macro masked_name(column) -%}
    {% if var("privacy")["person_names"] == "full" and "name" in var("privacy")["keep"] -%}
    {{ column }}
    {%- else -%}
    case
        when {{ column }} = 'forgotten' then {{ column }}
        else {{ adapter.dispatch("initials", "customer_tiers")(column) }}
    end
    {%- endif %}
{%- endmacro %}

{% macro default__initials(column) -%}
    regexp_replace({{ column }}, '(\S)\S*', '\1.', 'g')
{%- endmacro %}

{% macro spark__initials(column) -%}
    regexp_replace({{ column }}, '(\\S)\\S*', '$1.')
{%- endmacro %}

{#- j***@example.com: enough to distinguish two, too little to write to. -#}
{% macro masked_email(column) -%}
    case
        when {{ column }} like '_%@_%'
            then
                substr({{ column }}, 1, 1) || '***'
                || substr({{ column }}, position('@' in {{ column }}))
    end
{%- endmacro %}

{#- The last three characters of a telephone number. -#}
{% macro masked_phone(column) -%}
    case
        when length({{ column }}) > 5
            then '***' || substr({{ column }}, length({{ column }}) - 2)
    end
{%- endmacro %}

{#- The records of forgotten customers, of sources that still provide customers. -#}
{% macro forgotten_customers() %}
    select
        source,
        source_customer_id,
        customer_type,
        receipt,
        reason
    from {{ source("refresh", "forgotten") }}
    where source in (
        {%- for name in var("provides").get("customers", []) %}
        '{{ name }}'
        {%- if not loop.last %},{% endif %}
        {%- else %}
        null
        {%- endfor %}
    )
{% endmacro %}

{#- The canonical columns of such a record: its key and type, and nothing else. -#}
{% macro columns_of_forgotten() %}
    {%- for name, type in canonical_columns("customers").items() %}
    cast({{
        name if name in ["source_customer_id", "customer_type"] else "null"
    }} as {{ type }}) as {{ name }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
{% endmacro %}

{#- The key of the customer of a source under whom its lines of unknown customers are put,
    where sources.yaml says so. No source gives such a key itself. -#}
{% macro unknown_customer_key() -%} '(unknown customer)' {%- endmacro %}

{#- Its type. Who they are is not known, nor how many: with the revenue of all of them it
    is compared with nobody, not forecast and not graded, and no action is due. -#}
{% macro unknown_type() -%} 'unknown' {%- endmacro %}

{#- Whether a source's lines without a known customer are treated in one way: `refuse`,
    `leave_out` or `unknown_customer`, as sources.yaml says (`unknown_customers`). -#}
{% macro unknown_customers_are(treatment, source_column) -%}
    {%- set chosen = [] -%}
    {%- for source in var("provides").get("order_lines", []) -%}
        {%- if var("unknown_customers", {}).get(source, "refuse") == treatment -%}
            {%- do chosen.append("'" ~ source ~ "'") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if chosen -%}
    {{ source_column }} in ({{ chosen | join(", ") }})
    {%- else -%}
    false
    {%- endif -%}
{%- endmacro %}

{#- A person's whole name of its parts. Where both are Chinese, Japanese or Korean, the
    family name stands in front, without a blank. -#}
{% macro composed_name(given, family) -%}
    {%- set given, family = "trim(" ~ given ~ ")", "trim(" ~ family ~ ")" -%}
    case
        when {{ is_east_asian(family) }} and {{ is_east_asian(given) }}
            then {{ family }} || {{ given }}
        else nullif(
            trim(coalesce({{ given }} || ' ', '') || coalesce({{ family }}, '')), ''
        )
    end
{%- endmacro %}

{#- Whether a text begins with a kana (from U+3040), a Chinese character (to U+9FFF) or a
    Korean syllable (U+AC00 to U+D7A3). -#}
{% macro is_east_asian(text) -%}
    (ascii({{ text }}) between 12352 and 40959
    or ascii({{ text }}) between 44032 and 55203)
{%- endmacro %}

{#-
The canonical entities: what a source's staging model stg_<source>__<entity> must give,
column by column, and which of their columns are times. The core reads all sources of an
entity with `known`, as they stood at the end of the as-of day; `provided` is what staging
gives, whatever the day. `canonical_columns()` without an entity gives all of them.
-#}
{% macro canonical_columns(entity=none) %}
    {% set columns = {
        "customers": {
            "source_customer_id": type_text(),
            "customer_type": type_text(),
            "customer_name": type_text(),
            "given_name": type_text(),
            "family_name": type_text(),
            "birth_date": "date",
            "gender": type_text(),
            "registration_number": type_text(),
            "country": type_text(),
            "region": type_text(),
            "city": type_text(),
            "postal_code": type_text(),
            "street": type_text(),
            "industry": type_text(),
            "owner": type_text(),
            "email": type_text(),
            "phone": type_text(),
            "website": type_text(),
            "parent_source_customer_id": type_text(),
            "acquisition_source": type_text(),
            "acquired_on": "date",
            "annual_revenue": type_money(),
            "employee_count": "bigint",
            "yearly_income": type_money(),
            "updated_at": "timestamp",
        },
        "customer_references": {
            "source_customer_id": type_text(),
            "other_source": type_text(),
            "other_source_customer_id": type_text(),
        },
        "contacts": {
            "contact_id": type_text(),
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "contact_name": type_text(),
            "job_title": type_text(),
            "role": type_text(),
            "influence": "decimal(4, 2)",
            "email": type_text(),
            "phone": type_text(),
            "owner": type_text(),
            "last_contact_on": "date",
        },
        "known_identities": {
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "identity": type_text(),
        },
        "products": {
            "source_product_id": type_text(),
            "product_name": type_text(),
            "category": type_text(),
            "subcategory": type_text(),
            "list_price": type_money(),
            "unit_cost": type_money(),
        },
        "order_lines": {
            "order_id": type_text(),
            "line_number": "bigint",
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "source_product_id": type_text(),
            "ordered_at": "timestamp",
            "order_date": "date",
            "channel": type_text(),
            "quantity": "decimal(18, 4)",
            "net_amount": type_money(),
            "cost_amount": type_money(),
            "freight_amount": type_money(),
            "is_return": "boolean",
            "currency": type_text(),
        },
        "service_tickets": {
            "ticket_id": type_text(),
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "opened_at": "timestamp",
            "first_response_at": "timestamp",
            "resolved_at": "timestamp",
            "closed_at": "timestamp",
            "priority": "integer",
            "category": type_text(),
            "channel": type_text(),
            "is_complaint": "boolean",
            "reopen_count": "integer",
            "met_sla": "boolean",
            "csat_score": "decimal(4, 2)",
        },
        "interactions": {
            "interaction_id": type_text(),
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "kind": type_text(),
            "occurred_at": "timestamp",
            "minutes": "decimal(10, 2)",
            "owner": type_text(),
            "subject": type_text(),
        },
        "payments": {
            "payment_id": type_text(),
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "order_id": type_text(),
            "invoiced_on": "date",
            "due_date": "date",
            "paid_at": "timestamp",
            "amount": type_money(),
            "currency": type_text(),
        },
        "campaigns": {
            "campaign_id": type_text(),
            "campaign_name": type_text(),
            "acquisition_source": type_text(),
            "channel": type_text(),
            "started_on": "date",
            "ended_on": "date",
            "cost_amount": type_money(),
            "currency": type_text(),
        },
        "survey_responses": {
            "response_id": type_text(),
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "survey": type_text(),
            "score": "decimal(4, 2)",
            "responded_at": "timestamp",
        },
        "leads": {
            "lead_id": type_text(),
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "lead_name": type_text(),
            "customer_type": type_text(),
            "email": type_text(),
            "phone": type_text(),
            "stage": type_text(),
            "is_open": "boolean",
            "amount": type_money(),
            "currency": type_text(),
            "probability": "decimal(5, 4)",
            "expected_close_date": "date",
            "owner": type_text(),
            "created_on": "date",
            "closed_on": "date",
            "last_contact_on": "date",
            "annual_revenue": type_money(),
            "yearly_income": type_money(),
            "industry": type_text(),
        },
        "assessments": {
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "market_influence": "decimal(4, 2)",
            "strategic_importance": "decimal(4, 2)",
            "relationship_level": type_text(),
            "scorer": type_text(),
            "scored_on": "date",
            "evidence": type_text(),
        },
        "factor_scores": {
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "dimension": type_text(),
            "factor": type_text(),
            "score": "decimal(4, 2)",
            "competitor": type_text(),
            "scorer": type_text(),
            "scored_on": "date",
            "evidence": type_text(),
        },
        "financial_statements": {
            "customer_source": type_text(),
            "source_customer_id": type_text(),
            "fiscal_year": "integer",
            "revenue": type_money(),
            "net_income": type_money(),
            "current_assets": type_money(),
            "current_liabilities": type_money(),
            "total_assets": type_money(),
            "total_liabilities": type_money(),
            "currency": type_text(),
        },
        "fx_rates": {
            "from_currency": type_text(),
            "to_currency": type_text(),
            "rate_date": "date",
            "rate": "decimal(18, 8)",
        },
    } %}
    {{ return(columns if entity is none else columns[entity]) }}
{% endmacro %}

{#-
What each time of an entity means on the as-of day. A row `begins` with the first of these
columns that it has; before that day it is not known at all, and one without any is taken
to be known. What happened `later` is not known yet, and where that ends the row (`ends`),
nor is what came `with_the_end`. A time that is `ahead` is a plan or an attribute, and may
lie anywhere. A test holds that every date and timestamp of every entity stands here.
-#}
{% macro event_times(entity) %}
    {% set times = {
        "customers": {
            "later": ["acquired_on"], "ahead": ["birth_date", "updated_at"],
        },
        "contacts": {"later": ["last_contact_on"]},
        "order_lines": {"begins": ["order_date", "ordered_at"]},
        "service_tickets": {
            "begins": ["opened_at"],
            "later": ["first_response_at", "resolved_at", "closed_at"],
            "ends": ["resolved_at", "closed_at"],
            "with_the_end": ["met_sla", "csat_score", "reopen_count"],
        },
        "interactions": {"begins": ["occurred_at"]},
        "payments": {
            "begins": ["invoiced_on", "due_date", "paid_at"],
            "later": ["paid_at"],
            "ends": ["paid_at"],
            "ahead": ["due_date"],
        },
        "campaigns": {"begins": ["started_on"], "ahead": ["ended_on"]},
        "survey_responses": {"begins": ["responded_at"]},
        "leads": {
            "begins": ["created_on"],
            "later": ["closed_on", "last_contact_on"],
            "ends": ["closed_on"],
            "with_the_end": ["stage", "probability"],
            "ahead": ["expected_close_date"],
        },
        "assessments": {"begins": ["scored_on"]},
        "factor_scores": {"begins": ["scored_on"]},
        "fx_rates": {"begins": ["rate_date"]},
    } %}
    {{ return(times.get(entity, {})) }}
{% endmacro %}

{#- Whether a time of a row lies after the as-of day of `refresh` (core_refresh). -#}
{% macro is_later(relation, entity, column) -%}
    {%- if canonical_columns(entity)[column] == "date" -%}
    {{ relation }}.{{ column }} > refresh.as_of_date
    {%- else -%}
    {{ relation }}.{{ column }} >= refresh.known_until
    {%- endif -%}
{%- endmacro %}

{#- Whether a row begins after the as-of day; never null. -#}
{% macro begins_later(relation, entity) -%}
    {%- set begins = event_times(entity).get("begins", []) -%}
    {%- if begins -%}
    case
        {%- for column in begins %}
        when {{ relation }}.{{ column }} is not null
            then {{ is_later(relation, entity, column) }}
        {%- endfor %}
        else false
    end
    {%- else -%}
    false
    {%- endif -%}
{%- endmacro %}

{#- Whether any of some columns of a row lies after the as-of day; never null. -#}
{% macro any_later(relation, entity, columns) -%}
    {%- for column in columns -%}
    coalesce({{ is_later(relation, entity, column) }}, false)
    {%- if not loop.last %} or {% endif -%}
    {%- else -%}
    false
    {%- endfor -%}
{%- endmacro %}

{#- The rows of an entity as they were known at the end of the as-of day, over all sources
    that provide it: without those that began later, and open where they ended later
    (`ended_later`). The relation of what is provided may be given. -#}
{% macro known(entity, relation=none) %}
    {%- set times = event_times(entity) %}
    select
        given.source
        {%- for name in canonical_columns(entity) %},
        {%- if name in times.get("later", []) %}
        case
            when not ({{ any_later("given", entity, [name]) }}) then given.{{ name }}
        end as {{ name }}
        {%- elif name in times.get("with_the_end", []) %}
        case
            when not ({{ any_later("given", entity, times["ends"]) }})
                then given.{{ name }}
        end as {{ name }}
        {%- else %}
        given.{{ name }}
        {%- endif %}
        {%- endfor %}
        {%- if times.get("ends") %},
        {{ any_later("given", entity, times["ends"]) }} as ended_later
        {%- endif %}
    from
        {%- if relation %} {{ relation }} as given
        {%- else %} (
        {{ provided(entity) }}
        ) as given
        {%- endif %}
    cross join {{ ref("core_refresh") }} as refresh
    where not {{ begins_later("given", entity) }}
{% endmacro %}

{#- Whether any source provides an entity. -#}
{% macro some_source_gives(entity) %}
    {{ return(var("provides").get(entity, []) | length > 0) }}
{% endmacro %}

{#- The rows of a canonical entity over all sources that provide it, with `source`. A
    column that a source's staging model leaves out is null; one that is not canonical is
    refused, because it would be lost without a word. An entity that nobody provides is
    empty, and typed all the same. Times are UTC; one that staging gives without a zone is
    on the business's clock. -#}
{% macro provided(entity) %}
    {%- set columns = canonical_columns(entity) -%}
    {%- set sources = var("provides").get(entity, []) -%}
    {%- for source in sources %}
    {%- set model = "stg_" ~ source ~ "__" ~ entity -%}
    {%- set given = columns_given(ref(model)) -%}
    {%- for name in given if name not in columns -%}
        {{ exceptions.raise_compiler_error(
            model ~ " gives the column " ~ name ~ ", which " ~ entity
            ~ " does not have. It has: " ~ columns | join(", ") ~ "."
        ) }}
    {%- endfor %}
    select
        '{{ source }}' as source
        {%- for name, type in columns.items() %},
        {%- if given and name not in given %}
        cast(null as {{ type }}) as {{ name }}
        {%- elif type == "timestamp" and has_no_zone(given.get(name)) %}
        {{ utc_time(local_to_utc("cast(" ~ name ~ " as timestamp)")) }} as {{ name }}
        {%- elif type == "timestamp" and given %}
        {{ utc_time(name) }} as {{ name }}
        {%- else %}
        cast({{ name }} as {{ type }}) as {{ name }}
        {%- endif %}
        {%- endfor %}
    from {{ ref(model) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- else %}
    select
        cast(null as {{ type_text() }}) as source
        {%- for name, type in columns.items() %},
        cast(null as {{ type }}) as {{ name }}
        {%- endfor %}
    where 1 = 0
    {%- endfor %}
{% endmacro %}

{#- The columns of a model that is built already and their types; none while dbt only
    parses or compiles without asking an engine (`--no-introspect`), and in a unit test,
    whose rows are given with every column. -#}
{% macro columns_given(relation) %}
    {%- set given = {} -%}
    {%- set is_built = execute and flags.INTROSPECT and relation.identifier -%}
    {%- if is_built and not relation.identifier.startswith("__dbt__cte__") -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do given.update({column.name: column.dtype}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(given) }}
{% endmacro %}

{#- The newest version of each key in a landed entity, without the deleted ones. The
    cursor decides where there is one, then the order of landing. Both are those of
    sources.yaml; a model may name others. -#}
{% macro latest(relation, key=none, cursor=none) %}
    {%- set declared = var("entities", {}).get(relation.identifier) -%}
    {%- if not execute -%}
        {#- While dbt parses, a source has no name yet. -#}
        {%- set key = key or ["_batch_id"] -%}
    {%- elif key is none and declared is none -%}
        {{ exceptions.raise_compiler_error(
            "latest() does not know the key of " ~ relation.identifier
            ~ ": sources.yaml describes no such entity. Describe it there, or name its "
            ~ "key: latest(source(...), [\"id\"])."
        ) }}
    {%- elif key is none -%}
        {%- set key = [] -%}
        {%- for column in declared["key"] %}{% do key.append(adapter.quote(column)) %}{% endfor -%}
        {%- if cursor is none and declared["cursor"] -%}
            {%- set cursor = adapter.quote(declared["cursor"]) -%}
        {%- endif -%}
    {%- endif %}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(", ") }}
                order by
                    {%- if cursor %} {{ cursor }} desc nulls last,{% endif %}
                    _batch_id desc, _row_number desc
            ) as _version
        from {{ relation }}
    ) as versions
    where _version = 1 and not _deleted
{% endmacro %}

{#-
The canonical entities: what a source's staging model stg_<source>__<entity> must give,
column by column. The core reads all sources of an entity with `provided`.
-#}
{% macro canonical_columns(entity) %}
    {% set columns = {
        "customers": {
            "source_customer_id": "varchar",
            "customer_type": "varchar",
            "customer_name": "varchar",
            "given_name": "varchar",
            "family_name": "varchar",
            "birth_date": "date",
            "registration_number": "varchar",
            "country": "varchar",
            "region": "varchar",
            "city": "varchar",
            "postal_code": "varchar",
            "street": "varchar",
            "industry": "varchar",
            "owner": "varchar",
            "email": "varchar",
            "phone": "varchar",
            "website": "varchar",
            "parent_source_customer_id": "varchar",
            "acquisition_source": "varchar",
            "acquired_on": "date",
            "annual_revenue": type_money(),
            "employee_count": "bigint",
            "yearly_income": type_money(),
            "updated_at": "timestamp",
        },
        "customer_references": {
            "source_customer_id": "varchar",
            "other_source": "varchar",
            "other_source_customer_id": "varchar",
        },
        "contacts": {
            "contact_id": "varchar",
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "contact_name": "varchar",
            "job_title": "varchar",
            "role": "varchar",
            "influence": "decimal(4, 2)",
            "email": "varchar",
            "phone": "varchar",
            "owner": "varchar",
            "last_contact_on": "date",
        },
        "known_identities": {
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "identity": "varchar",
        },
        "products": {
            "source_product_id": "varchar",
            "product_name": "varchar",
            "category": "varchar",
            "subcategory": "varchar",
            "list_price": type_money(),
            "unit_cost": type_money(),
        },
        "order_lines": {
            "order_id": "varchar",
            "line_number": "bigint",
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "source_product_id": "varchar",
            "ordered_at": "timestamp",
            "order_date": "date",
            "channel": "varchar",
            "quantity": "decimal(18, 4)",
            "net_amount": type_money(),
            "cost_amount": type_money(),
            "freight_amount": type_money(),
            "is_return": "boolean",
            "currency": "varchar",
        },
        "service_tickets": {
            "ticket_id": "varchar",
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "opened_at": "timestamp",
            "first_response_at": "timestamp",
            "resolved_at": "timestamp",
            "closed_at": "timestamp",
            "priority": "integer",
            "category": "varchar",
            "channel": "varchar",
            "is_complaint": "boolean",
            "reopen_count": "integer",
            "met_sla": "boolean",
            "csat_score": "decimal(4, 2)",
        },
        "interactions": {
            "interaction_id": "varchar",
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "kind": "varchar",
            "occurred_at": "timestamp",
            "minutes": "decimal(10, 2)",
            "owner": "varchar",
            "subject": "varchar",
        },
        "payments": {
            "payment_id": "varchar",
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "order_id": "varchar",
            "invoiced_on": "date",
            "due_date": "date",
            "paid_at": "timestamp",
            "amount": type_money(),
            "currency": "varchar",
        },
        "campaigns": {
            "campaign_id": "varchar",
            "campaign_name": "varchar",
            "acquisition_source": "varchar",
            "channel": "varchar",
            "started_on": "date",
            "ended_on": "date",
            "cost_amount": type_money(),
            "currency": "varchar",
        },
        "survey_responses": {
            "response_id": "varchar",
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "survey": "varchar",
            "score": "decimal(4, 2)",
            "responded_at": "timestamp",
        },
        "leads": {
            "lead_id": "varchar",
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "lead_name": "varchar",
            "customer_type": "varchar",
            "stage": "varchar",
            "is_open": "boolean",
            "amount": type_money(),
            "currency": "varchar",
            "probability": "decimal(5, 4)",
            "expected_close_date": "date",
            "owner": "varchar",
            "created_on": "date",
            "closed_on": "date",
            "last_contact_on": "date",
            "annual_revenue": type_money(),
            "yearly_income": type_money(),
            "industry": "varchar",
        },
        "assessments": {
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "market_influence": "decimal(4, 2)",
            "strategic_importance": "decimal(4, 2)",
            "relationship_level": "varchar",
            "scorer": "varchar",
            "scored_on": "date",
            "evidence": "varchar",
        },
        "factor_scores": {
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "dimension": "varchar",
            "factor": "varchar",
            "score": "decimal(4, 2)",
            "competitor": "varchar",
            "scorer": "varchar",
            "scored_on": "date",
            "evidence": "varchar",
        },
        "financial_statements": {
            "customer_source": "varchar",
            "source_customer_id": "varchar",
            "fiscal_year": "integer",
            "revenue": type_money(),
            "net_income": type_money(),
            "current_assets": type_money(),
            "current_liabilities": type_money(),
            "total_assets": type_money(),
            "total_liabilities": type_money(),
            "currency": "varchar",
        },
        "fx_rates": {
            "from_currency": "varchar",
            "to_currency": "varchar",
            "rate_date": "date",
            "rate": "decimal(18, 8)",
        },
    } %}
    {{ return(columns[entity]) }}
{% endmacro %}

{#- The rows of a canonical entity over all sources that provide it, with `source`. A
    column that a source's staging model leaves out is null; one that is not canonical is
    refused, because it would be lost without a word. An entity that nobody provides is
    empty, and typed all the same. -#}
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
        cast({{ name if not given or name in given else "null" }} as {{ type }}) as {{ name }}
        {%- endfor %}
    from {{ ref(model) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- else %}
    select
        cast(null as varchar) as source
        {%- for name, type in columns.items() %},
        cast(null as {{ type }}) as {{ name }}
        {%- endfor %}
    where 1 = 0
    {%- endfor %}
{% endmacro %}

{#- The columns of a model that is built already; none while dbt only parses, and in a
    unit test, whose rows are given with every column. -#}
{% macro columns_given(relation) %}
    {%- if execute and relation.identifier and not relation.identifier.startswith("__dbt__cte__") -%}
        {{ return(adapter.get_columns_in_relation(relation) | map(attribute="name") | list) }}
    {%- else -%}
        {{ return([]) }}
    {%- endif -%}
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

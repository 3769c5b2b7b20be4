{#- What accounts publish of calendar years that are over by the as-of day: as they
    state it, and in the reporting currency at the rate of the year's last day. -#}
with financial_statements as (
    {{ provided("financial_statements") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

dated as (
    select
        source_keys.customer_id,
        financial_statements.*,
        cast(
            cast(financial_statements.fiscal_year as {{ type_text() }})
            || '-12-31' as date
        ) as year_end
    from financial_statements
    inner join source_keys
        on
            financial_statements.customer_source = source_keys.source
            and financial_statements.source_customer_id
            = source_keys.source_customer_id
),

-- Two records of one customer may both carry its statement.
ranked as (
    select
        dated.*,
        row_number() over (
            partition by dated.customer_id, dated.fiscal_year
            order by dated.source, dated.customer_source, dated.source_customer_id
        ) as place
    from dated
    cross join refresh
    where dated.year_end <= refresh.as_of_date
),

{%- set amounts = [
    "revenue", "net_income", "current_assets", "current_liabilities", "total_assets",
    "total_liabilities",
] %}

final as (
    select
        ranked.customer_id,
        ranked.fiscal_year,
        {%- for amount in amounts %}
        {{ in_reporting_currency("ranked." ~ amount, "ranked") }} as {{ amount }},
        ranked.{{ amount }} as source_{{ amount }},
        {%- endfor %}
        '{{ var("reporting_currency") }}' as currency,
        ranked.currency as source_currency,
        ranked.source
    from ranked
    {{ join_fx_rates("ranked", "ranked.year_end") }}
    where ranked.place = 1
)

select * from final

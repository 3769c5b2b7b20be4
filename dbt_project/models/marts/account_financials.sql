{#-
What accounts publish, year by year, and what it says of them. Ratios are of the account's
own currency, so that a rate of exchange moves none of them.
-#}
with financial_statements as (
    select * from {{ ref("core_financial_statements") }}
),

-- An average over two currencies is none.
paired as (
    select
        this_year.*,
        case
            when this_year.source_currency = last_year.source_currency
                then
                    cast(
                        this_year.source_total_assets + last_year.source_total_assets
                        as double
                    ) / 2
        end as average_assets
    from financial_statements as this_year
    left join financial_statements as last_year
        on
            this_year.customer_id = last_year.customer_id
            and this_year.fiscal_year = last_year.fiscal_year + 1
),

{%- set ratios = [
    (
        "current_ratio", "source_current_assets", "source_current_liabilities",
        "current liabilities are",
    ),
    ("net_margin", "source_net_income", "source_revenue", "revenue is"),
    (
        "return_on_assets", "source_net_income", "average_assets",
        "the assets of this and last year are",
    ),
    (
        "debt_ratio", "source_total_liabilities", "source_total_assets",
        "total assets are",
    ),
    (
        "asset_turnover", "source_revenue", "average_assets",
        "the assets of this and last year are",
    ),
] %}

explained as (
    select
        *,
        {% for name, numerator, denominator, called in ratios -%}
        {{ ratio_note(name, numerator, denominator, called) }}
        {%- if not loop.last %} || {% endif %}
        {%- endfor %} as notes
    from paired
),

final as (
    select
        customer_id,
        fiscal_year,
        revenue,
        net_income,
        current_assets,
        current_liabilities,
        total_assets,
        total_liabilities,
        currency,
        source_currency,
        {%- for name, numerator, denominator, called in ratios %}
        {{ ratio(numerator, denominator) }} as {{ name }},
        {%- endfor %}
        case
            when length(notes) > 0 then substr(notes, 1, length(notes) - 2)
        end as ratio_notes,
        source
    from explained
)

select * from final

with latest_statements as (
    {{ latest(source("crm", "statements")) }}
),

renamed as (
    select
        'erp' as customer_source,
        account_number as source_customer_id,
        fiscal_year,
        revenue,
        net_income,
        current_assets,
        current_liabilities,
        total_assets,
        total_liabilities,
        currency
    from latest_statements
)

select * from renamed

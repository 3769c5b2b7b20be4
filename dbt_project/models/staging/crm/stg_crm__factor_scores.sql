with latest_factors as (
    {{ latest(source("crm", "account_factors")) }}
),

renamed as (
    select
        'erp' as customer_source,
        account_number as source_customer_id,
        dimension,
        factor,
        score,
        case when about not in ('account', 'us') then about end as competitor,
        scorer,
        cast(scored_on as date) as scored_on,
        evidence
    from latest_factors
)

select * from renamed

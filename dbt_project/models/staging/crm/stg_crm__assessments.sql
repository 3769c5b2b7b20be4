with latest_assessments as (
    {{ latest(source("crm", "assessments")) }}
),

renamed as (
    select
        'erp' as customer_source,
        account_number as source_customer_id,
        market_influence,
        strategic_importance,
        relationship_level,
        scorer,
        cast(scored_on as date) as scored_on,
        evidence
    from latest_assessments
)

select * from renamed

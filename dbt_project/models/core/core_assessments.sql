{#- What was thought of a customer, from the day of an assessment until the next. -#}
with assessments as (
    {{ known("assessments") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

made as (
    select
        source_keys.customer_id,
        assessments.*,
        row_number() over (
            partition by source_keys.customer_id, assessments.scored_on
            order by assessments.source, assessments.source_customer_id
        ) as place
    from assessments
    inner join source_keys
        on
            assessments.customer_source = source_keys.source
            and assessments.source_customer_id = source_keys.source_customer_id
),

final as (
    select
        customer_id,
        market_influence,
        strategic_importance,
        relationship_level,
        scorer,
        scored_on,
        lead(scored_on) over (
            partition by customer_id order by scored_on nulls last
        ) as valid_to,
        evidence
    from made
    where place = 1
)

select * from final

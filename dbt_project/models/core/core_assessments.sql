{#- The newest assessment of each customer that was made by the as-of day. -#}
with assessments as (
    {{ provided("assessments") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

ranked as (
    select
        source_keys.customer_id,
        assessments.*,
        row_number() over (
            partition by source_keys.customer_id
            order by assessments.scored_on desc, assessments.source
        ) as recency
    from assessments
    inner join source_keys
        on
            assessments.customer_source = source_keys.source
            and assessments.source_customer_id = source_keys.source_customer_id
    cross join refresh
    where assessments.scored_on <= refresh.as_of_date
),

final as (
    select
        customer_id,
        market_influence,
        strategic_importance,
        relationship_level,
        scorer,
        scored_on,
        evidence
    from ranked
    where recency = 1
)

select * from final

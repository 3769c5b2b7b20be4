{#- Marks of accounts that were given by the as-of day. Of the dimension `strength` a
    row without a competitor is our own. -#}
with factor_scores as (
    {{ known("factor_scores") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

final as (
    select
        source_keys.customer_id,
        factor_scores.dimension,
        factor_scores.factor,
        case
            when factor_scores.dimension = 'strength'
                then nullif(trim(factor_scores.competitor), '')
        end as competitor,
        factor_scores.score,
        factor_scores.scorer,
        factor_scores.scored_on,
        factor_scores.evidence,
        factor_scores.source
    from factor_scores
    inner join source_keys
        on
            factor_scores.customer_source = source_keys.source
            and factor_scores.source_customer_id = source_keys.source_customer_id
    where factor_scores.score is not null
)

select * from final

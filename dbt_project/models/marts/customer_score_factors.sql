{#-
Each factor of each score: what was measured, its score on the policy's anchors, its weight
and what it contributes. A factor that is not known is left out and its weight shared among
the others; the contributions of a score sum to the score exactly.
-#}
with score_factors as (
    select * from {{ ref("int_score_factors") }}
),

final as (
    select
        customer_id,
        score_name,
        factor,
        raw_value,
        cast(score as {{ type_score() }}) as score,
        cast(declared_weight as {{ type_score() }}) as declared_weight,
        cast(weight as {{ type_score() }}) as weight,
        cast(contribution as {{ type_score() }}) as contribution
    from score_factors
)

select * from final

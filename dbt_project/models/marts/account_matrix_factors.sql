{#- What the account matrix is made of: the marks that count today. -#}
with account_scores as (
    select * from {{ ref("core_account_scores") }}
),

final as (
    select
        customer_id,
        dimension,
        competitor,
        factor,
        score,
        declared_weight,
        weight,
        contribution,
        scorer,
        scored_on,
        evidence
    from account_scores
    where months_ago = 0
)

select * from final

{#- How promising each open lead is: the sum of what its factors contribute. -#}
with leads as (
    select *
    from {{ ref("core_leads") }}
    where is_open
),

factors as (
    select * from {{ ref("lead_score_factors") }}
),

sums as (
    select
        lead_id,
        sum(contribution) as score,
        sum(case when score is not null then declared_weight else 0 end)
            as score_coverage
    from factors
    group by lead_id
),

final as (
    select
        leads.lead_id,
        leads.customer_id,
        leads.customer_type,
        leads.stage,
        leads.owner,
        leads.amount,
        leads.probability,
        cast(
            cast(leads.amount as {{ type_money_sum() }}) * leads.probability
            as {{ type_money() }}
        ) as weighted_amount,
        -- Of a lead of which nothing is known there is no score.
        case
            when sums.score_coverage > 0
                then cast(sums.score as {{ type_score() }})
        end as score,
        cast(sums.score_coverage as {{ type_score() }}) as score_coverage
    from leads
    inner join sums on leads.lead_id = sums.lead_id
)

select * from final

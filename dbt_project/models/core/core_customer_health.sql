{#-
The health score of each buyer at each origin: the sum of its parts. Where less is known
than the policy's least coverage, the customer is not rated; the parts are there all the
same.
-#}
with parts as (
    select * from {{ ref("core_customer_health_factors") }}
),

origins as (
    select * from {{ ref("core_health_origins") }}
),

policy as (
    select * from {{ ref("core_policy") }}
),

sums as (
    select
        customer_id,
        customer_type,
        moment_no,
        is_present,
        sum(contribution) as health_score,
        sum(case when score is not null then declared_weight else 0 end)
        / sum(declared_weight) as health_coverage,
        count(score) as known_factors,
        -- What takes most from a perfect score.
        max(case when score is not null then weight * 10 - contribution end)
            as most_lost
    from parts
    group by customer_id, customer_type, moment_no, is_present
),

-- Given for the present alone; of equals the first by name.
weakest as (
    select
        parts.customer_id,
        parts.moment_no,
        min(parts.factor) as weakest_factor
    from parts
    inner join sums
        on
            parts.customer_id = sums.customer_id
            and parts.moment_no = sums.moment_no
            and parts.weight * 10 - parts.contribution = sums.most_lost
    where
        parts.is_present
        and sums.is_present
        and parts.score is not null
        and sums.most_lost > 0
    group by parts.customer_id, parts.moment_no
),

final as (
    select
        sums.customer_id,
        sums.customer_type,
        sums.moment_no,
        origins.as_of_date,
        sums.is_present,
        cast(case
            when sums.health_coverage >= policy.min_coverage then sums.health_score
        end as {{ type_score() }}) as health_score,
        cast(sums.health_coverage as {{ type_score() }}) as health_coverage,
        cast(sums.known_factors as integer) as known_health_factors,
        -- What costs a score most that is not given is not said either.
        case
            when sums.health_coverage >= policy.min_coverage then weakest.weakest_factor
        end as weakest_health_factor
    from sums
    cross join policy
    inner join origins on sums.moment_no = origins.moment_no
    left join weakest
        on
            sums.customer_id = weakest.customer_id
            and sums.moment_no = weakest.moment_no
)

select * from final

select
    health.customer_id,
    health.health_score,
    sum(factors.contribution) as contributed
from {{ ref("core_customer_health") }} as health
inner join {{ ref("customer_health_factors") }} as factors
    on health.customer_id = factors.customer_id
where health.is_present and health.health_score is not null
group by health.customer_id, health.health_score
having health.health_score <> sum(factors.contribution)

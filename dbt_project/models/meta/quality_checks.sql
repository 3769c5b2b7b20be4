{#-
The figures of this refresh's models beside the bounds that a business sets (quality_bounds).
A figure without a bound is only reported, in model_quality; a bound without a figure is not
here, because not everything can be measured everywhere.
-#}
with refresh as (
    select * from {{ ref("core_refresh") }}
),

bounds as (
    select * from {{ ref("quality_bounds") }}
),

figures as (
    select quality.*
    from {{ ref("model_quality") }} as quality
    inner join refresh on quality.refresh_id = refresh.refresh_id
),

champions as (
    select
        model,
        subject as champion
    from figures
    where metric = 'choice champion' and value = 1
),

-- One type of customer is forecast by one forecaster.
published as (
    select
        'value of ' || customers.customer_type as model,
        min(forecasts.value_model) as forecaster
    from {{ ref("core_customer_forecasts") }} as forecasts
    inner join {{ ref("core_customers") }} as customers
        on forecasts.customer_id = customers.customer_id
    group by customers.customer_type
),

measured as (
    select
        figures.model,
        figures.metric
        || coalesce(' per ' || bounds.per_metric, '') as metric,
        figures.subject,
        bounds.severity,
        case
            when bounds.per_metric is null then figures.value
            else figures.value / nullif(divisors.value, 0)
        end as value,
        bounds.least,
        bounds.most,
        bounds.why
    from figures
    left join champions on figures.model = champions.model
    left join published on figures.model = published.model
    inner join bounds
        on
            figures.model like bounds.model
            and figures.metric = bounds.metric
            and figures.subject like replace(
                replace(
                    bounds.subject,
                    'champion',
                    coalesce(champions.champion, 'champion')
                ),
                'published',
                coalesce(published.forecaster, 'published')
            )
    left join figures as divisors
        on
            figures.model = divisors.model
            and bounds.per_metric = divisors.metric
            and figures.subject = divisors.subject
),

final as (
    select
        refresh.refresh_id,
        refresh.as_of_date,
        measured.model,
        measured.metric,
        measured.subject,
        measured.severity,
        case
            when measured.value is null then 'not measured'
            when
                measured.value < measured.least or measured.value > measured.most
                then 'outside'
            else 'ok'
        end as outcome,
        measured.value,
        measured.least,
        measured.most,
        measured.why
    from measured
    cross join refresh
)

select * from final

{#-
What the health score of an earlier day was worth: how well low health predicted who would buy
nothing in the six months after it, beside recency and silence in multiples of the usual
gap alone. AUC is Mann and Whitney's, by average ranks: the chance that of one who stayed
away and one who bought the former ranked worse, equal ranks counting half. Scores are
equal to four decimals: the last two are the roundings of their parts.
-#}
{%- set measures = {
    "auc": "-round(cast(health_score as double), 4)",
    "auc_recency_baseline": "cast(days_since_last_order as double)",
    "auc_overdue_baseline": "overdue_factor",
} -%}

with origins as (
    select * from {{ ref("core_health_origins") }}
    where not is_present
),

customers as (
    select * from {{ ref("core_customers") }}
),

purchases as (
    select distinct
        customers.customer_id,
        origins.moment_no
    from {{ ref("core_customer_days") }} as customer_days
    inner join origins
        on
            customer_days.order_date > origins.as_of_date
            and customer_days.order_date <= origins.horizon_end
    inner join customers on customer_days.customer_no = customers.customer_no
    where customer_days.is_purchase_day = 1
),

-- All three are asked of the same customers: those who had a health score.
tested as (
    select
        health.customer_type,
        health.as_of_date,
        health.health_score,
        service.days_since_last_order,
        service.overdue_factor,
        case when purchases.customer_id is null then 1 else 0 end as stayed_away
    from {{ ref("core_customer_health") }} as health
    inner join origins on health.moment_no = origins.moment_no
    inner join {{ ref("core_customer_service") }} as service
        on
            health.moment_no = service.moment_no
            and health.customer_id = service.customer_id
    left join purchases
        on
            health.moment_no = purchases.moment_no
            and health.customer_id = purchases.customer_id
    where health.health_score is not null and service.overdue_factor is not null
),

-- Each origin by itself, and all origins of a type together.
subjects as (
    select
        *,
        customer_type || ' ' || cast(as_of_date as {{ type_text() }}) as subject
    from tested
    union all
    select
        *,
        customer_type as subject
    from tested
),

rankings as (
    {%- for metric, risk in measures.items() %}
    select
        subject,
        '{{ metric }}' as metric,
        {{ risk }} as risk,
        count(*) as customers,
        sum(stayed_away) as stayed_away
    from subjects
    group by subject, {{ risk }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Twice the average rank, so that it is a whole number.
ranked as (
    select
        *,
        cast(
            2 * sum(customers) over (partition by subject, metric order by risk)
            - customers + 1
            as decimal(38, 0)
        ) as twice_the_rank
    from rankings
),

rank_sums as (
    select
        subject,
        metric,
        cast(sum(stayed_away * twice_the_rank) as double) as twice_the_ranks,
        cast(sum(stayed_away) as double) as away,
        cast(sum(customers - stayed_away) as double) as bought
    from ranked
    group by subject, metric
),

final as (
    select
        metric,
        subject,
        (twice_the_ranks - away * (away + 1)) / nullif(2 * away * bought, 0) as value
    from rank_sums
    union all
    select
        'customers' as metric,
        subject,
        cast(count(*) as double) as value
    from subjects
    group by subject
    union all
    select
        'no_purchase_share' as metric,
        subject,
        sum(stayed_away) / cast(count(*) as double) as value
    from subjects
    group by subject
)

select * from final

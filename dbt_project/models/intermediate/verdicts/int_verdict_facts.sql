{#-
What the verdict of each customer rests on: its figures, the bounds of its type beside
which they count, and one flag a verdict. A flag is null where what it asks for is not
known, and an unknown flag decides nothing. Health and forecasts that were worth less than
their bound on the past (meta.figure_quality) are unknown here.
-#}
with present as (
    select * from {{ ref("int_served_customers") }}
),

customer_value as (
    select * from {{ ref("customer_value") }}
),

customer_tiers as (
    select * from {{ ref("customer_tiers") }}
),

figure_quality as (
    select * from {{ ref("figure_quality") }}
),

verdicts as (
    select
        max(case when verdict = 'blocked_by_service' then days end) as service_days,
        max(case when verdict = 'blocked_by_service' then occurrences end)
            as missed_levels,
        max(case when verdict = 'slips' then threshold end) as overdue_from,
        max(case when verdict = 'slips' then occurrences end) as rhythm_days,
        max(case when verdict = 'grow' then threshold end) as growing_share
    from {{ ref("verdicts") }}
),

best_tiers as (
    select
        policy_id,
        min(tier_rank) as tier_rank
    from {{ ref("core_tiers") }}
    where is_graded
    group by policy_id
),

strategies as (
    select * from {{ ref("account_matrix") }}
    where strategy_code = 'improve'
),

lead_scores as (
    select
        customer_id,
        max(score) as lead_score
    from {{ ref("lead_scores") }}
    where customer_id is not null
    group by customer_id
),

tickets as (
    select
        service_tickets.customer_id,
        count(case
            when
                not service_tickets.met_sla
                and {{ days_since(
                    business_date("service_tickets.opened_at"), "refresh.as_of_date"
                ) }} < verdicts.service_days
                then 1
        end) as sla_missed,
        count(case
            when
                service_tickets.is_complaint
                and service_tickets.resolved_at is null
                and service_tickets.closed_at is null
                then 1
        end) as open_complaints
    from {{ ref("core_service_tickets") }} as service_tickets
    cross join {{ ref("core_refresh") }} as refresh
    cross join verdicts
    where service_tickets.customer_id is not null
    group by service_tickets.customer_id
),

tickets_known as (
    select count(*) > 0 as has_tickets
    from {{ ref("core_service_tickets") }}
),

-- What an hour with a customer costs; no rate, no price.
hour_rates as (
    select max(60 * cost_rates.rate) as hour_rate
    from {{ ref("cost_rates") }} as cost_rates
    cross join {{ ref("core_refresh") }} as refresh
    where
        cost_rates.cost_pool = 'account_management'
        and cost_rates.driver = 'interaction_minute'
        and cost_rates.key = '*'
        and refresh.as_of_date >= cost_rates.valid_from
        and refresh.as_of_date < {{ end_of("cost_rates") }}
),

-- Without a record of sales nobody is known to have bought or not to have bought.
figures as (
    select
        present.customer_id,
        present.customer_type,
        present.as_of_date,
        present.tier_code,
        present.tier_rank,
        present.tier_name_en,
        present.tier_name_zh,
        present.hours_per_year,
        customer_value.revenue_12m is not null as has_sales,
        case
            when customer_value.revenue_12m is not null
                then customer_value.order_count > 0
        end as has_bought,
        customer_value.order_days,
        customer_value.revenue_12m,
        customer_value.revenue_previous_12m,
        cast(case
            when customer_value.revenue_previous_12m > customer_value.revenue_12m
                then customer_value.revenue_previous_12m
            else customer_value.revenue_12m
        end as {{ type_money_sum() }}) as better_revenue,
        {{ share_of_total("customer_value.revenue_12m") }} as revenue_share,
        customer_value.profit_12m,
        loss_causes.element_en as loss_element_en,
        loss_causes.element_zh as loss_element_zh,
        loss_causes.excess as loss_excess,
        customer_value.overdue_factor,
        customer_value.whitespace_revenue,
        customer_value.whitespace_margin,
        customer_value.pipeline_amount,
        customer_value.growth_rate,
        customer_tiers.total_score,
        lead_scores.lead_score,
        strategies.strategy_en,
        strategies.strategy_zh,
        best_tiers.tier_rank as best_tier_rank,
        case when health_quality.is_reliable then customer_value.health_score end
            as health_score,
        case
            when chance_quality.is_reliable and forecast_quality.is_reliable
                then customer_value.no_purchase_probability_12m
        end as no_purchase_probability_12m,
        case
            when forecast_quality.is_reliable then customer_value.predicted_revenue_12m
        end as predicted_revenue_12m,
        case
            when tickets_known.has_tickets then coalesce(tickets.sla_missed, 0)
        end as sla_missed,
        case
            when tickets_known.has_tickets then coalesce(tickets.open_complaints, 0)
        end as open_complaints,
        cast(present.hours_per_year * hour_rates.hour_rate as double) as price_of_care,
        case
            when
                coalesce(customer_value.whitespace_revenue, 0)
                >= coalesce(customer_value.pipeline_amount, 0)
                then customer_value.whitespace_revenue
            else customer_value.pipeline_amount
        end as potential_revenue
    from present
    cross join tickets_known
    cross join hour_rates
    inner join customer_value on present.customer_id = customer_value.customer_id
    inner join customer_tiers on present.customer_id = customer_tiers.customer_id
    inner join best_tiers on present.policy_id = best_tiers.policy_id
    left join tickets on present.customer_id = tickets.customer_id
    left join lead_scores on present.customer_id = lead_scores.customer_id
    left join {{ ref("int_loss_causes") }} as loss_causes
        on present.customer_id = loss_causes.customer_id
    left join strategies on present.customer_id = strategies.customer_id
    {%- for figure, alias in [
        ("health", "health_quality"),
        ("no_purchase", "chance_quality"),
        ("forecast", "forecast_quality"),
    ] %}
    left join figure_quality as {{ alias }}
        on
            present.customer_type = {{ alias }}.customer_type
            and {{ alias }}.figure = '{{ figure }}'
    {%- endfor %}
),

-- Beside whom a customer is seen: those of its type who ever bought or, where no sales
-- are recorded, all of it. Equal potentials share the worse place, so that one that
-- everybody has is nobody's.
compared as (
    select
        figures.customer_id,
        figures.customer_type,
        figures.better_revenue,
        figures.no_purchase_probability_12m,
        count(figures.potential_revenue) over of_type as with_potential,
        rank() over (
            partition by figures.customer_type
            order by figures.potential_revenue nulls first
        ) as potential_rank,
        count(*) over of_type as customers
    from figures
    where coalesce(figures.has_bought, true)
    window of_type as (partition by figures.customer_type)
),

bounds as (
    select
        customer_type,
        {{ median("cast(better_revenue as double)") }} as usual_revenue,
        {{ median("no_purchase_probability_12m") }} as usual_chance
    from compared
    group by customer_type
),

final as (
    select
        figures.*,
        bounds.usual_revenue,
        bounds.usual_chance,
        verdicts.service_days,
        verdicts.overdue_from,
        figures.order_days >= verdicts.rhythm_days as has_rhythm,
        figures.sla_missed >= verdicts.missed_levels
        or figures.open_complaints > 0 as is_blocked,
        figures.has_bought and figures.profit_12m < 0 as loses_money,
        figures.has_bought
        and cast(figures.better_revenue as double) > bounds.usual_revenue
        and (
            (
                figures.order_days >= verdicts.rhythm_days
                and figures.overdue_factor >= verdicts.overdue_from
            )
            or figures.no_purchase_probability_12m > bounds.usual_chance
        ) as slips,
        coalesce(figures.has_bought, true)
        and figures.potential_revenue > 0
        and compared.customers - compared.potential_rank + 1
        <= ceil(verdicts.growing_share * compared.with_potential)
        and cast(
            coalesce(figures.whitespace_margin, figures.potential_revenue) as double
        ) > coalesce(figures.price_of_care, 0) as can_grow,
        figures.has_bought and figures.tier_rank = figures.best_tier_rank as is_key,
        not figures.has_bought
        and coalesce(figures.lead_score, figures.total_score) is not null
            as is_scored_prospect
    from figures
    cross join verdicts
    left join bounds on figures.customer_type = bounds.customer_type
    left join compared on figures.customer_id = compared.customer_id
)

select * from final

{#-
Where each key account stands: how attractive it is, and how strong we are there against
the best competitor. An account is here when somebody has marked it or when it is a company
in the best tier: one that nobody rated is to be seen.
-#}
with account_scores as (
    select * from {{ ref("core_account_scores") }}
),

factor_scores as (
    select * from {{ ref("core_factor_scores") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

customer_tiers as (
    select * from {{ ref("customer_tiers") }}
),

customer_value as (
    select * from {{ ref("customer_value") }}
),

policy as (
    select * from {{ ref("core_policy") }}
),

settings as (
    select matrix_settings.*
    from {{ ref("core_matrix_settings") }} as matrix_settings
    inner join policy on matrix_settings.policy_id = policy.policy_id
),

strategies as (
    select matrix_strategies.*
    from {{ ref("matrix_strategies") }} as matrix_strategies
    inner join policy on matrix_strategies.policy_id = policy.policy_id
),

accounts as (
    select customer_id
    from factor_scores
    union
    select customer_tiers.customer_id
    from customer_tiers
    inner join customers on customer_tiers.customer_id = customers.customer_id
    where customer_tiers.tier_rank = 1 and customers.customer_type = 'company'
),

own as (
    select
        customer_id,
        months_ago,
        max(case when dimension = 'attractiveness' then dimension_score end)
            as attractiveness,
        max(case when dimension = 'attractiveness' then coverage end)
            as attractiveness_coverage,
        max(case
            when dimension = 'strength' and competitor is null then dimension_score
        end) as own_strength,
        max(case when dimension = 'strength' and competitor is null then coverage end)
            as own_strength_coverage
    from account_scores
    group by customer_id, months_ago
),

competitors as (
    select
        customer_id,
        months_ago,
        competitor,
        max(dimension_score) as strength,
        max(coverage) as coverage
    from account_scores
    where competitor is not null
    group by customer_id, months_ago, competitor
),

best_competitors as (
    select
        *,
        row_number() over (
            partition by customer_id, months_ago
            order by
                strength desc nulls last, coverage desc, competitor nulls last
        ) as place
    from competitors
),

positions as (
    select
        own.*,
        case when best.strength is not null then best.competitor end as best_competitor,
        best.strength as best_competitor_strength,
        best.coverage as best_competitor_coverage,
        -- Level with the best competitor is the midpoint; both ends can be reached.
        cast(
            settings.midpoint + (own.own_strength - best.strength) / 2
            as {{ type_score() }}
        ) as relative_strength
    from own
    cross join settings
    left join best_competitors as best
        on
            own.customer_id = best.customer_id
            and own.months_ago = best.months_ago
            and best.place = 1
),

earlier as (
    select
        {%- for years in [1, 2, 3] %}
        max(case when months_ago = {{ 12 * years }} then attractiveness end)
            as attractiveness_{{ years }}y_ago,
        max(case when months_ago = {{ 12 * years }} then relative_strength end)
            as relative_strength_{{ years }}y_ago,
        {%- endfor %}
        customer_id
    from positions
    group by customer_id
),

newest_marks as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by
                scored_on desc,
                declared_weight desc,
                case when competitor is null then 0 else 1 end,
                dimension,
                factor,
                competitor
        ) as place
    from account_scores
    where months_ago = 0
),

placed as (
    select
        accounts.customer_id,
        positions.attractiveness,
        positions.attractiveness_coverage,
        positions.own_strength,
        positions.own_strength_coverage,
        positions.best_competitor,
        positions.best_competitor_strength,
        positions.best_competitor_coverage,
        positions.relative_strength,
        positions.attractiveness is not null and positions.relative_strength is not null
            as is_rated,
        case
            when positions.attractiveness >= settings.midpoint then 'high'
            when positions.attractiveness is not null then 'low'
        end as attractiveness_level,
        case
            when positions.relative_strength >= settings.midpoint then 'high'
            when positions.relative_strength is not null then 'low'
        end as strength_level,
        newest_marks.scorer,
        newest_marks.scored_on,
        newest_marks.evidence,
        settings.window_months,
        settings.trend_step
    from accounts
    cross join settings
    left join positions
        on accounts.customer_id = positions.customer_id and positions.months_ago = 0
    left join newest_marks
        on accounts.customer_id = newest_marks.customer_id and newest_marks.place = 1
),

-- What is not known to lose money is not left, nor to be turned around.
facts as (
    select
        customer_id,
        order_count > 0 as has_purchased,
        coalesce(profit_12m > 0, true) as is_profitable,
        coalesce(growth_rate > 0, false) as is_growing
    from customer_value
),

holding_rules as (
    select
        placed.customer_id,
        strategies.*,
        row_number() over (
            partition by placed.customer_id order by strategies.rule_order
        ) as place
    from placed
    inner join facts on placed.customer_id = facts.customer_id
    inner join strategies
        on
            placed.attractiveness_level = strategies.attractiveness_level
            and placed.strength_level = strategies.strength_level
            and facts.has_purchased
            = coalesce(strategies.has_purchased, facts.has_purchased)
            and facts.is_profitable
            = coalesce(strategies.is_profitable, facts.is_profitable)
            and facts.is_growing = coalesce(strategies.is_growing, facts.is_growing)
),

-- A change since the oldest of the three earlier ratings that was rated.
changes as (
    select
        placed.customer_id,
        placed.attractiveness
        - coalesce(
            earlier.attractiveness_3y_ago,
            earlier.attractiveness_2y_ago,
            earlier.attractiveness_1y_ago
        ) as attractiveness_change,
        placed.relative_strength
        - coalesce(
            earlier.relative_strength_3y_ago,
            earlier.relative_strength_2y_ago,
            earlier.relative_strength_1y_ago
        ) as strength_change
    from placed
    inner join earlier on placed.customer_id = earlier.customer_id
),

missing as (
    select
        placed.customer_id,
        case
            when
                placed.attractiveness_coverage is null
                and placed.own_strength_coverage is null
                and placed.best_competitor_coverage is null
                then
                    'nobody has scored it in the last '
                    || cast(placed.window_months as {{ type_text() }}) || ' months; '
            else
                {{ coverage_note(
                    "its attractiveness", "placed.attractiveness",
                    "placed.attractiveness_coverage", "policy.min_coverage"
                ) }}
                || {{ coverage_note(
                    "our strength", "placed.own_strength",
                    "placed.own_strength_coverage", "policy.min_coverage"
                ) }}
                || {{ coverage_note(
                    "the best competitor", "placed.best_competitor_strength",
                    "placed.best_competitor_coverage", "policy.min_coverage"
                ) }}
        end as reasons
    from placed
    cross join policy
),

final as (
    select
        placed.customer_id,
        placed.attractiveness,
        placed.attractiveness_coverage,
        placed.relative_strength,
        placed.own_strength,
        placed.own_strength_coverage,
        placed.best_competitor,
        placed.best_competitor_strength,
        placed.best_competitor_coverage,
        placed.is_rated,
        placed.attractiveness_level || '/' || placed.strength_level as quadrant,
        holding_rules.strategy_code,
        holding_rules.strategy_en,
        holding_rules.strategy_zh,
        holding_rules.condition_en,
        holding_rules.condition_zh,
        holding_rules.guidance_en,
        holding_rules.guidance_zh,
        placed.scorer,
        placed.scored_on,
        placed.evidence,
        {%- for years in [1, 2, 3] %}
        earlier.attractiveness_{{ years }}y_ago,
        {%- endfor %}
        {%- for years in [1, 2, 3] %}
        earlier.relative_strength_{{ years }}y_ago,
        {%- endfor %}
        {%- for name, change in [
            ("attractiveness_trend", "changes.attractiveness_change"),
            ("strength_trend", "changes.strength_change"),
            (
                "trend",
                "(changes.attractiveness_change + changes.strength_change) / 2",
            ),
        ] %}
        case
            when {{ change }} is null then 'unknown'
            when {{ change }} >= placed.trend_step then 'rising'
            when {{ change }} <= -placed.trend_step then 'falling'
            else 'steady'
        end as {{ name }},
        {%- endfor %}
        case
            when length(missing.reasons) > 0
                then substr(missing.reasons, 1, length(missing.reasons) - 2)
        end as not_rated_reason,
        policy.policy_id
    from placed
    cross join policy
    inner join missing on placed.customer_id = missing.customer_id
    left join holding_rules
        on placed.customer_id = holding_rules.customer_id and holding_rules.place = 1
    left join earlier on placed.customer_id = earlier.customer_id
    left join changes on placed.customer_id = changes.customer_id
)

select * from final

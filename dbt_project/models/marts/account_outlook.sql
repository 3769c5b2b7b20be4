{#-
What each key account may bring in the three years after the as-of day: the trend of its
last years, the forecast of the value model, and the deals on the table; with a band as
wide as the same trend was wrong a year ago. docs/account-plans.md says how to read it.
-#}
with account_matrix as (
    select * from {{ ref("account_matrix") }}
),

customer_value as (
    select * from {{ ref("customer_value") }}
),

order_lines as (
    select * from {{ ref("core_order_lines") }}
),

leads as (
    select * from {{ ref("core_leads") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

years_ahead as (
    {%- for year in [1, 2, 3] %}
    select
        {{ year }} as year_ahead,
        {{ months_before("refresh.as_of_date", -12 * (year - 1)) }} as starts_after,
        {{ months_before("refresh.as_of_date", -12 * year) }} as ends_on
    from refresh
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- A year counts for the trend when the account bought in its first quarter or before:
-- of one that began later a part is missing.
bought as (
    select
        {%- for year in [0, 1, 2, 3] %}
        case
            when
                min(customer_value.first_order_date)
                <= {{ months_before("min(refresh.as_of_date)", 12 * year + 9) }}
                then
                    cast(coalesce(sum(case
                        when
                            order_lines.order_date
                            > {{ months_before("refresh.as_of_date", 12 * year + 12) }}
                            and order_lines.order_date
                            <= {{ months_before("refresh.as_of_date", 12 * year) }}
                            then order_lines.net_amount
                    end), 0) as double)
        end as revenue_{{ year }},
        {%- endfor %}
        account_matrix.customer_id
    from account_matrix
    cross join refresh
    inner join customer_value
        on account_matrix.customer_id = customer_value.customer_id
    left join order_lines on account_matrix.customer_id = order_lines.customer_id
    group by account_matrix.customer_id
),

sloped as (
    select
        *,
        {{ trend_slope("revenue_0", "revenue_1", "revenue_2") }} as slope,
        {{ trend_slope("revenue_1", "revenue_2", "revenue_3") }} as slope_a_year_ago
    from bought
),

levelled as (
    select
        *,
        {{ trend_level("revenue_0", "revenue_1", "revenue_2", "slope") }} as level,
        {{ trend_level("revenue_1", "revenue_2", "revenue_3", "slope_a_year_ago") }}
            as level_a_year_ago
    from sloped
),

-- What came, over what the trend of a year ago said; too few cases say nothing.
errors as (
    select revenue_0 / (level_a_year_ago + slope_a_year_ago) as came_true
    from levelled
    where level_a_year_ago + slope_a_year_ago > 0
),

band as (
    select
        count(*) as accounts,
        case
            when count(*) >= 10
                then least(percentile_cont(0.1) within group (order by came_true), 1)
        end as low_ratio,
        case
            when count(*) >= 10
                then
                    greatest(percentile_cont(0.9) within group (order by came_true), 1)
        end as high_ratio
    from errors
),

-- Lost and won deals have a probability of zero or no day to come.
deals as (
    select
        leads.customer_id,
        leads.currency,
        cast(
            cast(leads.amount as {{ type_money_sum() }}) * leads.probability
            as {{ type_money() }}
        ) as expected_amount,
        leads.expected_close_date,
        refresh.as_of_date
    from leads
    cross join refresh
    where
        leads.customer_id is not null
        and leads.probability > 0
        and leads.expected_close_date > refresh.as_of_date
),

pipeline as (
    select
        deals.customer_id,
        years_ahead.year_ahead,
        cast(sum(
            {{ in_reporting_currency("deals.expected_amount", "deals") }}
        ) as {{ type_money_sum() }}) as pipeline_amount
    from deals
    {{ join_fx_rates("deals", "deals.as_of_date") }}
    inner join years_ahead
        on
            deals.expected_close_date > years_ahead.starts_after
            and deals.expected_close_date <= years_ahead.ends_on
    group by deals.customer_id, years_ahead.year_ahead
),

-- The model foresees one year; who buys in it is taken to buy on as likely as that.
foreseen as (
    select
        levelled.customer_id,
        years_ahead.year_ahead,
        years_ahead.starts_after,
        years_ahead.ends_on,
        case
            when levelled.slope is not null
                then
                    greatest(
                        levelled.level + levelled.slope * years_ahead.year_ahead, 0
                    )
        end as trend_revenue,
        cast(customer_value.predicted_revenue_12m as double)
        * power(
            1 - coalesce(customer_value.no_purchase_probability_12m, 0),
            years_ahead.year_ahead - 1
        ) as model_revenue,
        coalesce(pipeline.pipeline_amount, 0) as pipeline_amount
    from levelled
    cross join years_ahead
    inner join customer_value on levelled.customer_id = customer_value.customer_id
    left join pipeline
        on
            levelled.customer_id = pipeline.customer_id
            and years_ahead.year_ahead = pipeline.year_ahead
),

-- What is on the table is a part of what an account buys, so it is a floor, not a sum.
expected as (
    select
        *,
        greatest(
            coalesce(
                (trend_revenue + model_revenue) / 2,
                trend_revenue,
                model_revenue,
                case when pipeline_amount > 0 then 0 end
            ),
            cast(pipeline_amount as double)
        ) as outlook_revenue
    from foreseen
),

known as (
    select
        *,
        case
            when
                trend_revenue is not null
                or model_revenue is not null
                or pipeline_amount > 0
                then outlook_revenue
        end as known_revenue
    from expected
),

final as (
    select
        known.customer_id,
        cast(known.year_ahead as integer) as year_ahead,
        cast(known.starts_after + 1 as date) as first_day,
        known.ends_on as last_day,
        {{ rounded("known.trend_revenue", type_money_sum()) }} as trend_revenue,
        {{ rounded("known.model_revenue", type_money_sum()) }} as model_revenue,
        cast(known.pipeline_amount as {{ type_money_sum() }}) as pipeline_amount,
        {{ rounded("known.known_revenue", type_money_sum()) }} as outlook_revenue,
        -- Errors of years add up like steps in any direction: with the square root.
        -- Where trend and model disagree, the band holds both.
        {%- for end, furthest in [("low", "least"), ("high", "greatest")] %}
        {% set bound -%}
            case
                when
                    band.{{ end }}_ratio is not null
                    and known.known_revenue is not null
                    then
                        {{ furthest }}(
                            known.known_revenue
                            * power(band.{{ end }}_ratio, sqrt(known.year_ahead)),
                            coalesce(known.trend_revenue, known.known_revenue),
                            coalesce(known.model_revenue, known.known_revenue)
                        )
            end
        {%- endset %}
        {{- rounded(bound, type_money_sum()) }} as {{ end }}_revenue,
        {%- endfor %}
        case
            when known.known_revenue is null then 'nothing is known'
            when
                known.pipeline_amount > 0
                and known.pipeline_amount >= known.known_revenue
                then 'deals'
            when known.trend_revenue is null then 'model'
            when known.model_revenue is null then 'trend'
            else 'trend and model'
        end as basis,
        cast(band.accounts as integer) as band_accounts
    from known
    cross join band
)

select * from final

{#-
The few pairs of a moment at which a spell may begin and one at which it may end, each with
the moments of core_moments between them.
-#}
{% macro moment_spans() %}
    select
        within.*,
        begins.moment_no as from_moment_no,
        ends.moment_no as until_moment_no
    from {{ ref("core_moments") }} as begins
    inner join (
        select moment_no from {{ ref("core_moments") }}
        union all
        select max(moment_no) + 1 as moment_no from {{ ref("core_moments") }}
    ) as ends on begins.moment_no < ends.moment_no
    inner join {{ ref("core_moments") }} as within
        on
            begins.moment_no <= within.moment_no
            and ends.moment_no > within.moment_no
{% endmacro %}

{#- Every customer at each moment of `spans`: its spell there. -#}
{% macro spells_of_spans() %}
    {{ ref("core_customer_spells") }} as spells
    inner join spans
        on
            spells.from_moment_no = spans.from_moment_no
            and spells.until_moment_no = spans.until_moment_no
{% endmacro %}

{#-
What every customer is worth at some moments of core_moments, with everything that a tier
may depend on. The past and the present go through this one query, so that what the history
says of a month end is what a refresh as of that day would have said.
-#}
{% macro valued_moments(which) %}
with spans as (
    select * from ({{ moment_spans() }}) as any_span
    where {{ which }}
),

whitespace as (
    select * from {{ ref("core_whitespace") }}
),

pipeline as (
    select * from {{ ref("core_pipeline_moments") }}
),

-- From the first deal with an amount on, no deal is none.
recorded as (
    {{ deals_recorded() }}
),

customers as (
    select
        customers.customer_no,
        customers.customer_id,
        customers.annual_revenue,
        customers.yearly_income,
        peers.peer_group
    from {{ ref("core_customers") }} as customers
    inner join {{ ref("core_customer_peers") }} as peers
        on customers.customer_no = peers.customer_no
),

assessments as (
    select * from {{ ref("core_assessments") }}
),

lifecycle_settings as (
    select * from {{ ref("lifecycle_settings") }}
),

forecasts as (
    select
        forecasts.customer_id,
        moments.moment_no,
        forecasts.value_model,
        forecasts.predicted_orders_12m,
        forecasts.predicted_spend_12m
    from {{ ref("core_customer_forecasts") }} as forecasts
    inner join {{ ref("core_moments") }} as moments
        on moments.is_present and not moments.is_month_end
    union all
    select
        customer_id,
        moment_no,
        value_model,
        predicted_orders_12m,
        predicted_spend_12m
    from {{ ref("core_forecast_history") }}
),

-- What is bought at full price comes back in part: returns are no purchases, and so are
-- not forecast one by one. The rhythm is for those with too few purchases for their own.
types as (
    select
        spans.moment_no,
        spells.customer_type,
        cast(sum(spells.revenue) as double)
        / nullif(cast(sum(spells.spend) as double), 0) as kept_share,
        -- A rate of too few of the lines is not the rate of all.
        case
            when
                cast(sum(spells.costed_amount) as double)
                / nullif(cast(sum(spells.gross_amount) as double), 0)
                >= {{ least_coverage() }}
                then
                    cast(sum(spells.costed_margin) as double)
                    / nullif(cast(sum(spells.costed_revenue) as double), 0)
        end as margin_rate,
        {{ median("case when spells.order_days >= 3 then spells.median_gap_days end") }}
            as median_gap_days
    from {{ spells_of_spans() }}
    group by spans.moment_no, spells.customer_type
),

-- By distinct values, so that equal ones share the best class of their group, and so that
-- nothing but three columns is sorted.
revenues as (
    select
        spans.moment_no,
        spells.customer_type,
        spells.revenue_12m,
        count(*) as customers
    from {{ spells_of_spans() }}
    where spells.revenue_12m > 0
    group by spans.moment_no, spells.customer_type, spells.revenue_12m
),

-- The whole units of money, and what is left of each in ten-thousandths: as doubles both
-- are whole numbers, which add up exactly, and much faster than decimals do.
split_revenues as (
    select
        *,
        customers * cast(floor(revenue_12m) as double) as units,
        customers * round(cast(revenue_12m % 1 as double) * 10000) as rest
    from revenues
),

running as (
    select
        *,
        sum(units) over largest_first - units as units_above,
        sum(rest) over largest_first - rest as rest_above,
        sum(units) over all_of_them as units_of_all,
        sum(rest) over all_of_them as rest_of_all
    from split_revenues
    window
        largest_first as (
            partition by moment_no, customer_type order by revenue_12m desc
            rows between unbounded preceding and current row
        ),
        all_of_them as (partition by moment_no, customer_type)
),

shares as (
    select
        moment_no,
        customer_type,
        revenue_12m,
        cast(
            cast(units_above as bigint) + cast(rest_above as bigint) * 0.0001 as double
        )
        / cast(
            cast(units_of_all as bigint) + cast(rest_of_all as bigint) * 0.0001 as double
        )
            as revenue_share_above_12m
    from running
),

-- The revenue from which on that day a customer is in class A, and in A or B.
class_bounds as (
    select
        moment_no,
        customer_type,
        min(case when revenue_share_above_12m < 0.80 then revenue_12m end) as a_from,
        min(case when revenue_share_above_12m < 0.95 then revenue_12m end) as b_from
    from shares
    group by moment_no, customer_type
),

type_moments as (
    select
        types.*,
        class_bounds.a_from,
        class_bounds.b_from,
        lifecycle_settings.lost_days,
        lifecycle_settings.dormant_days,
        lifecycle_settings.new_days,
        lifecycle_settings.reactivated_days,
        lifecycle_settings.at_risk_overdue,
        lifecycle_settings.growing_from,
        lifecycle_settings.declining_to
    from types
    inner join lifecycle_settings
        on types.customer_type = lifecycle_settings.customer_type
    left join class_bounds
        on
            types.moment_no = class_bounds.moment_no
            and types.customer_type = class_bounds.customer_type
),

moments as (
    select
        spans.moment_no,
        spans.as_of_date,
        spans.is_month_end,
        spans.is_present,
        spans.twenty_four_months_ago,
        customers.customer_id,
        customers.annual_revenue as company_size,
        customers.yearly_income as purchasing_power,
        customers.peer_group,
        -- What a customer that never bought leaves unbought is not known.
        case when spells.orders > 0 then spells.category_mask end as bought_mask,
        spells.*
    from {{ spells_of_spans() }}
    inner join customers on spells.customer_no = customers.customer_no
),

measured as (
    select
        moments.*,
        shares.revenue_share_above_12m,
        {{ days_between("moments.last_order_date", "moments.as_of_date") }}
            as days_since_last_order,
        {{ days_between("moments.first_order_date", "moments.as_of_date") }}
            as tenure_days,
        {{ days_between("moments.returned_on", "moments.as_of_date") }}
            as days_since_return,
        case
            when moments.order_days >= 3 then moments.median_gap_days
            else type_moments.median_gap_days
        end as usual_gap_days,
        cast(moments.revenue_12m as double) / cast(type_moments.a_from as double)
            as revenue_to_class_a,
        cast(moments.revenue_12m as double) / cast(type_moments.b_from as double)
            as revenue_to_class_b,
        -- With less than two years of history there is nothing to compare with.
        moments.first_order_date <= moments.twenty_four_months_ago
            as has_growth_history,
        forecasts.value_model,
        forecasts.predicted_orders_12m,
        cast(
            forecasts.predicted_spend_12m * coalesce(type_moments.kept_share, 1)
            as {{ type_money() }}
        ) as predicted_revenue_12m,
        -- A margin rate of a customer's own after three purchase days, else its type's.
        cast(
            forecasts.predicted_spend_12m * coalesce(type_moments.kept_share, 1)
            * case
                when
                    moments.order_days >= 3
                    and moments.margin_coverage >= {{ least_coverage() }}
                    and moments.costed_revenue > 0
                    then
                        cast(moments.costed_margin as double)
                        / cast(moments.costed_revenue as double)
                else type_moments.margin_rate
            end
            as {{ type_money() }}
        ) as predicted_margin_12m,
        whitespace.whitespace_revenue,
        whitespace.whitespace_margin,
        whitespace.whitespace_categories,
        {{ pipeline_amount("moments.moment_no") }} as pipeline_amount,
        assessments.market_influence,
        assessments.strategic_importance,
        type_moments.lost_days,
        type_moments.dormant_days,
        type_moments.new_days,
        type_moments.reactivated_days,
        type_moments.at_risk_overdue,
        type_moments.growing_from,
        type_moments.declining_to
    from moments
    inner join type_moments
        on
            moments.moment_no = type_moments.moment_no
            and moments.customer_type = type_moments.customer_type
    cross join recorded
    left join whitespace
        on
            moments.moment_no = whitespace.moment_no
            and moments.peer_group = whitespace.peer_group
            and moments.bought_mask = whitespace.category_mask
    left join pipeline
        on
            moments.customer_id = pipeline.customer_id
            and moments.moment_no = pipeline.moment_no
    left join forecasts
        on
            moments.moment_no = forecasts.moment_no
            and moments.customer_id = forecasts.customer_id
    left join shares
        on
            moments.moment_no = shares.moment_no
            and moments.customer_type = shares.customer_type
            and moments.revenue_12m = shares.revenue_12m
    left join assessments
        on
            moments.customer_id = assessments.customer_id
            and moments.as_of_date >= assessments.scored_on
            and moments.as_of_date < {{ end_of("assessments") }}
),

compared as (
    select
        *,
        days_since_last_order / greatest(usual_gap_days, 1.0) as overdue_factor,
        case
            when
                has_growth_history
                and (revenue_12m > 0 or revenue_previous_12m > 0)
                then ln(
                    (greatest(cast(revenue_12m as double), 0) + 1)
                    / (greatest(cast(revenue_previous_12m as double), 0) + 1)
                )
        end as growth_rate,
        case
            when revenue_share_above_12m < 0.80 then 'A'
            when revenue_share_above_12m < 0.95 then 'B'
            else 'C'
        end as abc_class_12m
    from measured
)

select
    *,
    case
        when first_order_date is null then 'prospect'
        when days_since_last_order > lost_days then 'lost'
        when days_since_last_order > dormant_days then 'dormant'
        when tenure_days < new_days then 'new'
        when days_since_return < reactivated_days then 'reactivated'
        when overdue_factor >= at_risk_overdue then 'at risk'
        when growth_rate >= growing_from then 'growing'
        when growth_rate <= declining_to then 'declining'
        else 'active'
    end as lifecycle_stage
from compared
{% endmacro %}

{#- Since which moment deals with amounts are recorded; null where nobody records them. -#}
{% macro deals_recorded() %}
    select min(moments.moment_no) as deals_moment_no
    from {{ ref("core_leads") }} as leads
    inner join {{ ref("core_moments") }} as moments
        on
            leads.created_on <= moments.as_of_date
            or (leads.created_on is null and moments.is_present)
    where leads.customer_id is not null and leads.amount is not null
{% endmacro %}

{#- What open deals are worth where they are recorded: nothing without a deal, not known
    where too few of them have an amount. Needs `recorded` and `pipeline`. -#}
{% macro pipeline_amount(moment_no) -%}
    case
        when pipeline.customer_id is not null then pipeline.pipeline_amount
        when {{ moment_no }} >= recorded.deals_moment_no then 0
    end
{%- endmacro %}

{#- Silence in usual gaps below which a customer buys in its own rhythm. -#}
{% macro in_rhythm_below() -%} 1.5 {%- endmacro %}

{#-
What every customer is worth at some moments of core_moments. The past and the present go
through this one query, so that what the history says of a month end is what a refresh as
of that day would have said.
-#}
{% macro valued_moments(which) %}
with moments as (
    select *
    from {{ ref("core_customer_moments") }}
    where {{ which }}
),

lifecycle_settings as (
    select * from {{ ref("lifecycle_settings") }}
),

-- For customers with too few purchases for a rhythm of their own.
type_rhythms as (
    select
        moment_no,
        customer_type,
        {{ median("median_gap_days") }} as median_gap_days
    from moments
    where order_days >= 3
    group by moment_no, customer_type
),

-- The sum above a customer, by value, so that equal values share the best class of
-- their group.
shares as (
    select
        moment_no,
        customer_id,
        cast(
            sum(revenue_12m) over (
                partition by moment_no, customer_type
                order by revenue_12m desc
                range between unbounded preceding and current row
            )
            - revenue_12m
            * count(*) over (partition by moment_no, customer_type, revenue_12m)
            as double
        )
        / cast(
            sum(revenue_12m) over (partition by moment_no, customer_type) as double
        ) as revenue_share_above_12m
    from moments
    where revenue_12m > 0
),

measured as (
    select
        moments.*,
        {{ days_between("moments.last_order_date", "moments.as_of_date") }}
            as days_since_last_order,
        {{ days_between("moments.first_order_date", "moments.as_of_date") }}
            as tenure_days,
        {{ days_between("moments.returned_on", "moments.as_of_date") }}
            as days_since_return,
        case
            when moments.order_days >= 3 then moments.median_gap_days
            else type_rhythms.median_gap_days
        end as usual_gap_days,
        shares.revenue_share_above_12m,
        -- With less than two years of history there is nothing to compare with.
        moments.first_order_date <= {{ months_before("moments.as_of_date", 24) }}
            as has_growth_history
    from moments
    left join type_rhythms
        on
            moments.moment_no = type_rhythms.moment_no
            and moments.customer_type = type_rhythms.customer_type
    left join shares
        on
            moments.moment_no = shares.moment_no
            and moments.customer_id = shares.customer_id
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
    compared.*,
    case
        when compared.first_order_date is null then 'prospect'
        when compared.days_since_last_order > lifecycle_settings.lost_days then 'lost'
        when
            compared.days_since_last_order > lifecycle_settings.dormant_days
            then 'dormant'
        when compared.tenure_days < lifecycle_settings.new_days then 'new'
        when
            compared.days_since_return < lifecycle_settings.reactivated_days
            then 'reactivated'
        when
            compared.overdue_factor >= lifecycle_settings.at_risk_overdue
            then 'at risk'
        when compared.growth_rate >= lifecycle_settings.growing_from then 'growing'
        when compared.growth_rate <= lifecycle_settings.declining_to then 'declining'
        else 'active'
    end as lifecycle_stage
from compared
inner join lifecycle_settings
    on compared.customer_type = lifecycle_settings.customer_type
{% endmacro %}

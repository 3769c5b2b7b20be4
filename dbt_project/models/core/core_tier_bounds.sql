{#-
What a customer is compared with at each moment: the customers of its type. Shares and ranks
need no amounts of money that somebody would have to declare, so that a policy that asks
for them fits a company that nobody has seen. Counts are compared as whole numbers and money
as decimals, so that no bound depends on rounding.
-#}
with buyers as (
    select
        moment_no,
        customer_type,
        first_order_date,
        revenue_12m,
        case when revenue_12m > 0 then revenue_12m end as earned_12m,
        margin_12m,
        growth_rate,
        predicted_revenue_12m,
        predicted_margin_12m,
        lifecycle_stage <> 'lost' as is_kept
    from {{ ref("core_measured_moments") }}
    where order_days > 0
),

-- Of a margin that is known of few no half can be made.
types as (
    select
        moment_no,
        customer_type,
        min(min(first_order_date)) over (partition by moment_no) as first_sale_on,
        coalesce(
            sum(case when margin_12m is not null then earned_12m end)
            >= {{ least_coverage() }} * sum(earned_12m),
            false
        ) as is_by_margin,
        count(predicted_margin_12m) = count(predicted_revenue_12m)
            as has_predicted_margin
    from buyers
    group by moment_no, customer_type
),

bases as (
    select
        moment_no,
        customer_type,
        first_sale_on,
        is_by_margin,
        is_by_margin and has_predicted_margin as is_predicted_by_margin
    from types
),

valued as (
    select
        buyers.moment_no,
        buyers.customer_type,
        buyers.is_kept,
        buyers.growth_rate,
        case
            when bases.is_by_margin then buyers.margin_12m
            else buyers.revenue_12m
        end as value_12m,
        case
            when bases.is_predicted_by_margin then buyers.predicted_margin_12m
            else buyers.predicted_revenue_12m
        end as predicted_12m
    from buyers
    inner join bases
        on
            buyers.moment_no = bases.moment_no
            and buyers.customer_type = bases.customer_type
),

-- By distinct values, so that equal ones are on the same side of a bound.
amounts as (
    select
        moment_no,
        customer_type,
        value_12m,
        sum(value_12m) as amount
    from valued
    where value_12m > 0
    group by moment_no, customer_type, value_12m
),

running as (
    select
        moment_no,
        customer_type,
        value_12m,
        sum(amount) over (
            partition by moment_no, customer_type order by value_12m desc
            rows between unbounded preceding and current row
        ) - amount as amount_above,
        sum(amount) over (partition by moment_no, customer_type) as amount_of_all
    from amounts
),

first_halves as (
    select
        moment_no,
        customer_type,
        min(value_12m) as first_half_from
    from running
    where 2 * amount_above < amount_of_all
    group by moment_no, customer_type
),

growths as (
    select
        moment_no,
        customer_type,
        growth_rate,
        rank() over (
            partition by moment_no, customer_type order by growth_rate
        ) - 1 as growing_less,
        count(*) over (partition by moment_no, customer_type) as compared
    from valued
    where is_kept and growth_rate is not null
),

best_quarters as (
    select
        moment_no,
        customer_type,
        min(growth_rate) as growth_from
    from growths
    where 4 * growing_less >= 3 * compared
    group by moment_no, customer_type
),

-- Who gives most already is expected to give most: what others may come to is seen
-- among the others.
predictions as (
    select
        valued.moment_no,
        valued.customer_type,
        valued.predicted_12m,
        rank() over (
            partition by valued.moment_no, valued.customer_type
            order by valued.predicted_12m
        ) - 1 as expected_less,
        count(*) over (partition by valued.moment_no, valued.customer_type)
            as compared
    from valued
    left join first_halves
        on
            valued.moment_no = first_halves.moment_no
            and valued.customer_type = first_halves.customer_type
    where
        valued.is_kept
        and valued.predicted_12m is not null
        and coalesce(valued.value_12m < first_halves.first_half_from, true)
),

best_fifths as (
    select
        moment_no,
        customer_type,
        min(predicted_12m) as predicted_from
    from predictions
    where 5 * expected_less >= 4 * compared and predicted_12m > 0
    group by moment_no, customer_type
),

final as (
    select
        bases.moment_no,
        bases.customer_type,
        bases.first_sale_on,
        bases.is_by_margin,
        bases.is_predicted_by_margin,
        first_halves.first_half_from,
        best_quarters.growth_from,
        best_fifths.predicted_from
    from bases
    left join first_halves
        on
            bases.moment_no = first_halves.moment_no
            and bases.customer_type = first_halves.customer_type
    left join best_quarters
        on
            bases.moment_no = best_quarters.moment_no
            and bases.customer_type = best_quarters.customer_type
    left join best_fifths
        on
            bases.moment_no = best_fifths.moment_no
            and bases.customer_type = best_fifths.customer_type
)

select * from final

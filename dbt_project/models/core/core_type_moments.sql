{#-
What holds for the customers of a type at each moment, for those with too little of their
own: how much of what is bought stays bought, the margin, the rhythm, and from which
revenue on a customer is in class A or B.
-#}
with customer_moments as (
    select * from {{ ref("core_customer_moments") }}
),

shares as (
    select * from {{ ref("core_revenue_shares") }}
),

-- What is bought at full price comes back in part: returns are no purchases, and so are
-- not forecast one by one. The rhythm is for those with too few purchases of one.
types as (
    select
        moment_no,
        customer_type,
        cast(sum(revenue) as double)
        / nullif(cast(sum(spend) as double), 0) as kept_share,
        -- A rate of too few of the lines is not the rate of all.
        case
            when
                cast(sum(costed_amount) as double)
                / nullif(cast(sum(gross_amount) as double), 0)
                >= {{ least_coverage() }}
                then
                    cast(sum(costed_margin) as double)
                    / nullif(cast(sum(costed_revenue) as double), 0)
        end as margin_rate,
        {{ median(
            "case when " ~ has_rhythm("order_days") ~ " then median_gap_days end"
        ) }} as median_gap_days
    from customer_moments
    group by moment_no, customer_type
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

final as (
    select
        types.*,
        class_bounds.a_from,
        class_bounds.b_from
    from types
    left join class_bounds
        on
            types.moment_no = class_bounds.moment_no
            and types.customer_type = class_bounds.customer_type
)

select * from final

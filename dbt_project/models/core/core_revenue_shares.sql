{#-
What share of the revenue of a customer type customers with more of it hold, at each
moment. By distinct values, so that equal ones share the best class of their group, and so
that nothing but three columns is sorted.
-#}
with customer_moments as (
    select * from {{ ref("core_customer_moments") }}
),

revenues as (
    select
        moment_no,
        customer_type,
        revenue_12m,
        count(*) as customers
    from customer_moments
    where revenue_12m > 0 and customer_type <> {{ unknown_type() }}
    group by moment_no, customer_type, revenue_12m
),

-- The whole units of money, and what is left of each in ten-thousandths: as doubles
-- both are whole numbers, which add up exactly, and much faster than decimals do.
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
        (sum(units) over largest_first) - units as units_above,
        (sum(rest) over largest_first) - rest as rest_above,
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

final as (
    select
        moment_no,
        customer_type,
        revenue_12m,
        cast(
            cast(units_above as bigint) + cast(rest_above as bigint) * 0.0001 as double
        )
        / cast(
            cast(units_of_all as bigint) + cast(rest_of_all as bigint) * 0.0001
            as double
        )
            as revenue_share_above_12m
    from running
)

select * from final

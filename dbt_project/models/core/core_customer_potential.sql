{#-
What each customer may still give, as known on the as-of day: what its peers buy and it
does not, its wallet, and its open deals. What is unknown is null, never zero.
-#}
with customers as (
    select * from {{ ref("core_customers") }}
),

peers as (
    select * from {{ ref("core_customer_peers") }}
),

-- What a customer that never bought leaves unbought is not known.
customer_moments as (
    select
        customer_id,
        moment_no,
        revenue_12m,
        case when orders > 0 then category_mask end as category_mask
    from {{ ref("core_customer_moments") }}
    where is_present
),

whitespace as (
    select * from {{ ref("core_whitespace") }}
),

pipeline as (
    select * from {{ ref("core_pipeline_moments") }}
),

recorded as (
    {{ deals_recorded() }}
),

wallet_rates as (
    select * from {{ ref("wallet_rates") }}
),

rated as (
    select
        customers.customer_id,
        cast(case
            when customers.customer_type = 'company' then customers.annual_revenue
            else customers.yearly_income
        end as {{ type_money_sum() }})
        * coalesce(of_industry.rate, of_type.rate) as wallet_amount
    from customers
    left join wallet_rates as of_industry
        on
            customers.customer_type = of_industry.customer_type
            and customers.industry = of_industry.industry
    left join wallet_rates as of_type
        on
            customers.customer_type = of_type.customer_type
            and of_type.industry = '*'
),

known as (
    select
        customers.customer_id,
        peers.peer_group,
        whitespace.whitespace_revenue,
        whitespace.whitespace_margin,
        whitespace.whitespace_categories,
        cast(rated.wallet_amount as {{ type_money() }}) as wallet_amount,
        cast(customer_moments.revenue_12m as double)
        / nullif(cast(rated.wallet_amount as double), 0) as wallet_share,
        {{ pipeline_amount("customer_moments.moment_no") }} as pipeline_amount,
        case
            when pipeline.customer_id is not null then pipeline.pipeline_deals
            when customer_moments.moment_no >= recorded.deals_moment_no then 0
        end as pipeline_deals
    from customers
    inner join peers on customers.customer_id = peers.customer_id
    inner join customer_moments
        on customers.customer_id = customer_moments.customer_id
    inner join rated on customers.customer_id = rated.customer_id
    cross join recorded
    left join whitespace
        on
            customer_moments.moment_no = whitespace.moment_no
            and peers.peer_group = whitespace.peer_group
            and customer_moments.category_mask = whitespace.category_mask
    left join pipeline
        on
            customer_moments.moment_no = pipeline.moment_no
            and customers.customer_id = pipeline.customer_id
),

final as (
    select
        *,
        cast((
            case when whitespace_revenue is not null then 1 else 0 end
            + case when wallet_amount is not null then 1 else 0 end
            + case when pipeline_amount is not null then 1 else 0 end
        ) / 3.0 as {{ type_score() }}) as potential_coverage
    from known
)

select * from final

{#-
Why customers lose money: of the elements of cost the one that takes most beyond what is
usual for its type, and how far up the customer stands among those that lose. Over the last
12 months, of customers who bought at all and whose profit is known; what winning a
customer cost is paid, and no review brings it back.
-#}
{%- set elements = {
    "goods": ("the cost of the goods", "商品成本", []),
    "freight": ("freight", "运费", ["freight"]),
    "terms": ("late payment", "逾期付款", ["late_payment"]),
    "service": (
        "handling, service and visits", "订单处理、服务与拜访",
        ["order_handling", "service", "account_management", "returns_handling"],
    ),
} -%}

with customer_value as (
    select * from {{ ref("customer_value") }}
    where order_count > 0 and profit_12m is not null and margin_12m is not null
),

customers as (
    select * from {{ ref("core_customers") }}
),

cost_entries as (
    select cost_entries.*
    from {{ ref("core_cost_entries") }} as cost_entries
    cross join {{ ref("core_refresh") }} as refresh
    where
        cost_entries.cost_date > refresh.twelve_months_ago
        and cost_entries.customer_id is not null
),

pools as (
    select
        {%- for element, (name_en, name_zh, pools) in elements.items() if pools %}
        sum(case
            {%- for pool in pools %}
            when cost_pool = '{{ pool }}' then amount
            {%- endfor %}
        end) as {{ element }},
        {%- endfor %}
        customer_id
    from cost_entries
    group by customer_id
),

costs as (
    select
        customer_value.customer_id,
        customers.customer_type,
        customer_value.revenue_12m as revenue,
        customer_value.profit_12m as profit,
        {%- for element, (name_en, name_zh, pools) in elements.items() if pools %}
        coalesce(pools.{{ element }}, 0) as {{ element }},
        {%- endfor %}
        customer_value.revenue_12m - customer_value.margin_12m as goods
    from customer_value
    inner join customers on customer_value.customer_id = customers.customer_id
    left join pools on customer_value.customer_id = pools.customer_id
),

-- Money is summed as money: a sum of doubles depends on the order of the rows.
usual as (
    select
        {%- for element in elements %}
        cast(sum({{ element }}) as double)
        / cast(nullif(sum(revenue), 0) as double) as {{ element }},
        {%- endfor %}
        customer_type
    from costs
    where revenue > 0
    group by customer_type
),

losing as (
    select
        *,
        cast(
            sum(profit) over (
                partition by customer_type order by profit, customer_id
                rows between unbounded preceding and current row
            ) - profit as double
        ) / cast(sum(profit) over (partition by customer_type) as double)
            as share_before
    from costs
    where profit < 0
),

beside_usual as (
    {%- for element, (name_en, name_zh, pools) in elements.items() %}
    select
        losing.customer_id,
        losing.profit,
        losing.share_before,
        '{{ element }}' as element,
        '{{ name_en }}' as element_en,
        '{{ name_zh }}' as element_zh,
        case
            when losing.revenue > 0
                then
                    cast(losing.{{ element }} as double)
                    / cast(losing.revenue as double)
        end as share_of_revenue,
        usual.{{ element }} as usual_share,
        cast(losing.{{ element }} as double)
        - coalesce(usual.{{ element }}, 0) * cast(greatest(losing.revenue, 0) as double)
            as excess,
        {{ loop.index }} as place
    from losing
    left join usual on losing.customer_type = usual.customer_type
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id order by excess desc, place
        ) as cause_place
    from beside_usual
),

final as (
    select
        customer_id,
        cast(-profit as {{ type_money_sum() }}) as loss,
        share_before,
        element,
        element_en,
        element_zh,
        share_of_revenue,
        usual_share,
        cast(excess as {{ type_money_sum() }}) as excess
    from ranked
    where cause_place = 1
)

select * from final

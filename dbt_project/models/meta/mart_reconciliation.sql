{#-
The same figure in one mart and in the next that is made of it: the money of the lines is
that of the customers, of the tiers and of the curve, to the last decimal. What a mart
leaves out by its definition is counted apart.
-#}
{%- set steps = [
    ["customers", "customers", "customer_value", "0"],
    ["customers", "customer_value", "customer_tiers", "0"],
    ["customers", "customer_tiers", "tier_summary", "0"],
    ["customers", "customers", "customer_source_keys", "0"],
    ["revenue", "order_lines", "customer_value", "0"],
    ["revenue", "customer_value", "tier_summary", "0"],
    ["revenue", "customer_value", "customer_concentration", "off_curve_revenue"],
    ["revenue_12m", "customer_value", "tier_summary", "0"],
    ["margin", "customer_value", "tier_summary", "0"],
    ["profit", "customer_value", "tier_summary", "0"],
    ["profit", "customer_value", "customer_concentration", "off_curve_profit"],
    ["orders", "customer_value", "tier_summary", "0"],
    ["tickets", "customer_value", "tier_summary", "0"],
] -%}
with valued as (
    select
        count(*) as customers,
        sum(revenue) as revenue,
        sum(revenue_12m) as revenue_12m,
        sum(margin) as margin,
        sum(profit) as profit,
        sum(order_count_12m) as orders,
        sum(ticket_count_12m) as tickets,
        -- Who has no revenue and no known profit has no point on either curve, nor has
        -- who stands for unknown customers.
        sum(case
            when
                (revenue <= 0 and profit is null)
                or lifecycle_stage = 'not recorded'
                then revenue
            else 0
        end) as off_curve_revenue,
        sum(case when lifecycle_stage = 'not recorded' then profit else 0 end)
            as off_curve_profit
    from {{ ref("customer_value") }}
),

summed as (
    select
        sum(customers) as customers,
        sum(revenue) as revenue,
        sum(revenue_12m) as revenue_12m,
        sum(margin) as margin,
        sum(profit) as profit,
        sum(order_count_12m) as orders,
        sum(ticket_count_12m) as tickets
    from {{ ref("tier_summary") }}
),

concentrated as (
    select
        sum(revenue) as revenue,
        sum(profit) as profit
    from {{ ref("customer_concentration") }}
),

sold as (
    select sum(amount) as revenue
    from {{ ref("event_days") }}
    where entity = 'order_lines'
),

known as (
    select count(*) as customers from {{ ref("customers") }}
),

graded as (
    select count(*) as customers from {{ ref("customer_tiers") }}
),

matched as (
    select count(distinct customer_id) as customers
    from {{ ref("customer_source_keys") }}
),

{%- set relations = {
    "customer_value": "valued",
    "tier_summary": "summed",
    "customer_concentration": "concentrated",
    "order_lines": "sold",
    "customers": "known",
    "customer_tiers": "graded",
    "customer_source_keys": "matched",
} %}

compared as (
    {%- for figure, from_mart, to_mart, left_out in steps %}
    select
        '{{ figure }}' as figure,
        '{{ from_mart }}' as from_mart,
        '{{ to_mart }}' as to_mart,
        cast(coalesce(given.{{ figure }}, 0) as {{ type_money_sum() }}) as from_value,
        cast(coalesce({{ left_out }}, 0) as {{ type_money_sum() }}) as left_out_value,
        cast(coalesce(taken.{{ figure }}, 0) as {{ type_money_sum() }}) as to_value
    from {{ relations[from_mart] }} as given
    cross join {{ relations[to_mart] }} as taken
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        figure,
        from_mart,
        to_mart,
        from_value,
        left_out_value,
        to_value,
        cast(from_value - left_out_value - to_value as {{ type_money_sum() }})
            as difference
    from compared
)

select * from final

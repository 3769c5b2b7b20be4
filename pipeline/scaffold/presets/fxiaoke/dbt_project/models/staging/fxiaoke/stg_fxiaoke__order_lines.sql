{#- Lines of approved orders, over which a discount of the whole order (整单折扣) is spread:
    what 销售订单金额 is less than 产品合计. And notes of returned goods as one negative line each: the
    note does not say which product came back. sources.yaml counts by the same rules. -#}
with latest_orders as (
    {{ latest(source("fxiaoke", "orders")) }}
),

latest_order_products as (
    {{ latest(source("fxiaoke", "order_products")) }}
),

latest_returns as (
    {{ latest(source("fxiaoke", "returns")) }}
),

sold as (
    select
        latest_orders._id as order_id,
        row_number() over (
            partition by latest_orders._id order by latest_order_products._id
        ) as line_number,
        latest_orders.account_id as source_customer_id,
        latest_order_products.product_id as source_product_id,
        latest_orders.order_time as order_date,
        latest_order_products.quantity,
        cast(latest_order_products.subtotal as decimal(18, 4)) as line_amount,
        cast(
            coalesce(latest_orders.order_amount - latest_orders.product_amount, 0)
            as decimal(18, 4)
        ) as order_adjustment,
        latest_order_products.quantity < 0 as is_return,
        coalesce(latest_orders.mc_currency, 'CNY') as currency
    from latest_order_products
    inner join latest_orders on latest_order_products.order_id = latest_orders._id
    where
        latest_orders.life_status in ('normal', 'in_change')
        and latest_orders.order_time is not null
        and latest_order_products.quantity <> 0
),

adjusted as (
    {{ spread_over_lines(
        "sold", "order_adjustment", "line_amount", "order_id", "line_number"
    ) }}
),

returned as (
    select
        _id as order_id,
        1 as line_number,
        account_id as source_customer_id,
        cast(null as varchar) as source_product_id,
        returned_goods_time as order_date,
        cast(-1 as decimal(38, 10)) as quantity,
        -returned_goods_inv_amount as net_amount,
        true as is_return,
        coalesce(mc_currency, 'CNY') as currency
    from latest_returns
    where
        life_status in ('normal', 'in_change')
        and returned_goods_time is not null
        and returned_goods_inv_amount <> 0
),

lines as (
    select
        order_id,
        line_number,
        source_customer_id,
        source_product_id,
        order_date,
        quantity,
        line_amount + spread_amount as net_amount,
        is_return,
        currency
    from adjusted
    union all
    select * from returned
),

renamed as (
    select
        order_id,
        line_number,
        'fxiaoke' as customer_source,
        source_customer_id,
        source_product_id,
        -- The CRM notes the day; its beginning stands for the moment.
        cast(order_date as timestamp) as ordered_at,
        order_date,
        quantity,
        net_amount,
        is_return,
        currency
    from lines
)

select * from renamed

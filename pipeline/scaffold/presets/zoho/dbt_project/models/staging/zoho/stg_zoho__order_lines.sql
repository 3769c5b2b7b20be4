{#- Lines of orders that were not cancelled, without tax. A discount and an adjustment of the
    whole order are spread over its lines. The day of an order is a field of your own
    (`aliases` in sources.yaml), else the day on which it was entered. sources.yaml counts
    by the same rules. -#}
with latest_orders as (
    {{ latest(source("zoho", "orders")) }}
),

latest_order_items as (
    {{ latest(source("zoho", "order_items")) }}
),

lines as (
    select
        latest_orders.id as order_id,
        row_number() over (
            partition by latest_orders.id order by latest_order_items.id
        ) as line_number,
        latest_orders.Account_Name as source_customer_id,
        latest_order_items.Product_Name as source_product_id,
        coalesce(
            {{ local_to_utc("cast(latest_orders.order_date as timestamp)") }},
            latest_orders.Created_Time
        ) as ordered_at,
        coalesce(
            latest_orders.order_date,
            {{ business_date(utc_time("latest_orders.Created_Time")) }}
        ) as order_date,
        cast(latest_order_items.Quantity as decimal(18, 4)) as quantity,
        cast(
            cast(latest_order_items.Quantity as decimal(18, 4))
            * cast(
                coalesce(latest_order_items.List_Price, latest_order_items.ListPrice)
                as decimal(18, 4)
            )
            - coalesce(cast(latest_order_items.Discount as decimal(18, 4)), 0)
            as decimal(18, 4)
        ) as line_amount,
        cast(
            coalesce(latest_orders.Adjustment, 0) - coalesce(latest_orders.Discount, 0)
            as decimal(18, 4)
        ) as order_adjustment,
        coalesce(latest_orders.Currency, '{{ var("reporting_currency") }}') as currency
    from latest_order_items
    inner join latest_orders on latest_order_items.Parent_Id = latest_orders.id
    where
        latest_order_items.Quantity <> 0
        and coalesce(lower(latest_orders.Status), '')
        not in ('cancelled', 'canceled', 'void', 'draft', '已取消', '已作废', '草稿')
),

adjusted as (
    {{ spread_over_lines(
        "lines", "order_adjustment", "line_amount", "order_id", "line_number"
    ) }}
),

renamed as (
    select
        order_id,
        line_number,
        'zoho' as customer_source,
        source_customer_id,
        source_product_id,
        ordered_at,
        order_date,
        quantity,
        line_amount + spread_amount as net_amount,
        quantity < 0 as is_return,
        currency
    from adjusted
)

select * from renamed

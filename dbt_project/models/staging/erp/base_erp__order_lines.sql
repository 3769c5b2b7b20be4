with latest_order_lines as (
    {{ latest(source("erp", "order_lines")) }}
)

select * from latest_order_lines

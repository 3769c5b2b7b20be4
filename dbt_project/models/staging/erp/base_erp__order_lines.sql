with latest_order_lines as (
    {{ latest(source("erp", "order_lines"), ["order_number", "line_number"]) }}
)

select * from latest_order_lines

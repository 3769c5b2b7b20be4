-- Every customer is valued at each month end since the first order: one order of a
-- wrong century would make twelve hundred of them before a gate checks dates.
select
    order_lines.order_id,
    order_lines.line_number,
    order_lines.order_date
from {{ ref("core_order_lines") }} as order_lines
cross join {{ ref("core_refresh") }} as refresh
where order_lines.order_date < {{ months_before("refresh.as_of_date", 600) }}

-- Two rates of one key on one day would charge a customer twice; a driver that nothing
-- counts, or one under another pool, and a row that is half empty would charge nobody.
select
    earlier.cost_pool,
    earlier.driver,
    earlier.key,
    'holds at the same time as a later one' as problem
from {{ ref("cost_rates") }} as earlier
inner join {{ ref("cost_rates") }} as later
    on
        earlier.cost_pool = later.cost_pool
        and earlier.driver = later.driver
        and earlier.key = later.key
        and earlier.valid_from < later.valid_from
where earlier.valid_to is null or later.valid_from < earlier.valid_to
union all
select
    cost_pool,
    driver,
    key,
    'ends before it begins' as problem
from {{ ref("cost_rates") }}
where valid_to <= valid_from
union all
select
    cost_pool,
    driver,
    key,
    'prices nothing' as problem
from {{ ref("cost_rates") }}
where
    key is null
    or rate is null
    or valid_from is null
    or coalesce(cost_pool || '.' || driver, '') not in (
        'order_handling.order',
        'order_handling.line',
        'service.ticket_priority',
        'service.ticket_channel',
        'account_management.interaction',
        'account_management.interaction_minute',
        'late_payment.yearly_interest',
        'returns_handling.returned_line'
    )

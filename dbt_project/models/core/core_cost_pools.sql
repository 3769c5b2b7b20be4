{#-
Each pool of cost, computed again from what staging gives of the as-of day, without any customer:
numbers of facts times rates, freight, the campaigns as they were paid. What core_cost_entries
puts on customers and what it leaves without one must sum to it, to the last decimal.
-#}
with refresh as (
    select * from {{ ref("core_refresh") }}
),

cost_rates as (
    select * from {{ ref("cost_rates") }}
),

staged_order_lines as (
    {{ known("order_lines") }}
),

staged_service_tickets as (
    {{ known("service_tickets") }}
),

staged_interactions as (
    {{ known("interactions") }}
),

staged_payments as (
    {{ known("payments") }}
),

staged_campaigns as (
    {{ known("campaigns") }}
),

left_out as (
    select * from {{ ref("core_unplaced_lines") }}
    where treatment = 'leave_out'
),

order_lines as (
    select staged_order_lines.*
    from staged_order_lines
    left join left_out
        on
            staged_order_lines.source = left_out.source
            and staged_order_lines.order_id = left_out.order_id
            and staged_order_lines.line_number = left_out.line_number
    where left_out.source is null
),

orders as (
    select
        min(order_date) as cost_date,
        min(channel) as cost_key
    from order_lines
    where not is_return
    group by source, order_id
),

tickets as (
    select
        {{ business_date("opened_at") }} as cost_date,
        cast(priority as {{ type_text() }}) as priority,
        channel
    from staged_service_tickets
),

interactions as (
    select
        {{ business_date("staged_interactions.occurred_at") }} as cost_date,
        staged_interactions.kind,
        staged_interactions.minutes
    from staged_interactions
),

facts as (
    select
        'order_handling' as cost_pool,
        'order' as driver,
        cost_key,
        cost_date,
        1 as size
    from orders
    union all
    select
        'order_handling' as cost_pool,
        'line' as driver,
        channel as cost_key,
        order_date as cost_date,
        1 as size
    from order_lines
    where not is_return
    union all
    select
        'returns_handling' as cost_pool,
        'returned_line' as driver,
        channel as cost_key,
        order_date as cost_date,
        1 as size
    from order_lines
    where is_return
    union all
    select
        'service' as cost_pool,
        'ticket_priority' as driver,
        priority as cost_key,
        cost_date,
        1 as size
    from tickets
    union all
    select
        'service' as cost_pool,
        'ticket_channel' as driver,
        channel as cost_key,
        cost_date,
        1 as size
    from tickets
    union all
    select
        'account_management' as cost_pool,
        'interaction' as driver,
        kind as cost_key,
        cost_date,
        1 as size
    from interactions
    union all
    select
        'account_management' as cost_pool,
        'interaction_minute' as driver,
        kind as cost_key,
        cost_date,
        minutes as size
    from interactions
    where minutes is not null
),

-- A day's facts of one size cost the same each.
counted as (
    select
        cost_pool,
        driver,
        cost_key,
        cost_date,
        size,
        count(*) as units
    from facts
    group by cost_pool, driver, cost_key, cost_date, size
),

counted_pools as (
    select
        counted.cost_pool,
        counted.units
        * cast(counted.size * {{ cost_rate() }} as {{ type_money() }}) as amount,
        case
            when
                {{ cost_rate() }} is null
                and counted.driver in (select cost_rates.driver from cost_rates)
                then counted.units
            else 0
        end as unpriced
    from counted
    {{ join_cost_rates("counted", "counted.cost_date") }}
),

-- Once over all days that an invoice is late, not month by month.
invoices as (
    select
        staged_payments.currency,
        staged_payments.amount,
        staged_payments.due_date,
        least(
            coalesce(staged_payments.invoiced_on, staged_payments.due_date),
            refresh.as_of_date
        ) as rate_day,
        coalesce(
            {{ business_date("staged_payments.paid_at") }}, refresh.as_of_date
        ) as late_until,
        'late_payment' as cost_pool,
        'yearly_interest' as driver,
        '*' as cost_key
    from staged_payments
    cross join refresh
    where staged_payments.amount > 0
),

late_payment as (
    select
        invoices.cost_pool,
        {{ interest(
            in_reporting_currency("invoices.amount", "invoices"),
            cost_rate(),
            days_between("invoices.due_date", "invoices.late_until"),
        ) }} as amount,
        case
            when
                {{ cost_rate() }} is null
                and invoices.driver in (select cost_rates.driver from cost_rates)
                then 1
            else 0
        end as unpriced
    from invoices
    {{ join_fx_rates("invoices", "invoices.rate_day") }}
    {{ join_cost_rates("invoices", "invoices.due_date") }}
    where invoices.late_until > invoices.due_date
),

freight as (
    select
        'freight' as cost_pool,
        {{ in_reporting_currency("order_lines.freight_amount", "order_lines") }}
            as amount,
        0 as unpriced
    from order_lines
    {{ join_fx_rates("order_lines", "order_lines.order_date") }}
),

campaigns as (
    select * from staged_campaigns
),

acquisition as (
    select
        'acquisition' as cost_pool,
        {{ in_reporting_currency("campaigns.cost_amount", "campaigns") }} as amount,
        0 as unpriced
    from campaigns
    {{ join_fx_rates("campaigns", "campaigns.started_on") }}
),

spent as (
    select * from counted_pools
    union all
    select * from freight
    union all
    select * from late_payment
    union all
    select * from acquisition
),

pools as (
    select
        cost_pool,
        sum(amount) as amount,
        sum(unpriced) as unpriced
    from spent
    group by cost_pool
),

entries as (
    select
        cost_pool,
        sum(case when customer_id is not null then amount else 0 end) as allocated,
        sum(case when customer_id is null then amount else 0 end) as unallocated
    from {{ ref("core_cost_entries") }}
    group by cost_pool
),

names as (
    {%- for name in cost_pools() %}
    select '{{ name }}' as cost_pool
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

joined as (
    select
        names.cost_pool,
        coalesce(pools.amount, 0) as pool_amount,
        coalesce(entries.allocated, 0) as allocated_amount,
        coalesce(entries.unallocated, 0) as unallocated_amount,
        coalesce(pools.unpriced, 0) as unpriced
    from names
    left join pools on names.cost_pool = pools.cost_pool
    left join entries on names.cost_pool = entries.cost_pool
),

final as (
    select
        cost_pool,
        cast(pool_amount as {{ type_money_sum() }}) as pool_amount,
        cast(allocated_amount as {{ type_money_sum() }}) as allocated_amount,
        cast(unallocated_amount as {{ type_money_sum() }}) as unallocated_amount,
        cast(
            pool_amount - allocated_amount - unallocated_amount
            as {{ type_money_sum() }}
        ) as difference,
        cast(unpriced as bigint) as unpriced_facts
    from joined
)

select * from final

{#-
By how much the figures of a customer change at a moment: what came to count since the
moment before, and what fell out of the last 12 months and of the 12 before. A customer is
known from the day it was won, its first order, or the first ticket or cost; where no
source knows any of these, from the first moment on.
-#}
{%- set counts = ["orders", "order_days", "tickets"] -%}
{%- set amounts = [
    "spend", "revenue", "costed_revenue", "margin", "freight", "cost_to_serve",
    "acquisition_cost",
] -%}
{%- set measures = counts + amounts -%}

with customer_days as (
    select * from {{ ref("core_customer_days") }}
),

service_tickets as (
    select * from {{ ref("core_service_tickets") }}
),

cost_entries as (
    select * from {{ ref("core_cost_entries") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

days as (
    select * from {{ ref("core_days") }}
),

moments as (
    select * from {{ ref("core_moments") }}
),

ticket_days as (
    select
        customers.customer_no,
        {{ business_date("service_tickets.opened_at") }} as day_date,
        count(*) as tickets
    from service_tickets
    inner join customers on service_tickets.customer_id = customers.customer_id
    group by
        customers.customer_no, {{ business_date("service_tickets.opened_at") }}
),

cost_days as (
    select
        customers.customer_no,
        cost_entries.cost_date as day_date,
        sum(case
            when cost_entries.cost_pool = 'acquisition' then 0
            else cost_entries.amount
        end) as cost_to_serve,
        sum(case
            when cost_entries.cost_pool = 'acquisition' then cost_entries.amount
            else 0
        end) as acquisition_cost
    from cost_entries
    inner join customers on cost_entries.customer_id = customers.customer_id
    group by customers.customer_no, cost_entries.cost_date
),

happened as (
    select
        customer_no,
        order_date as day_date,
        case when is_purchase_day = 1 then order_date end as purchase_date,
        category_mask,
        orders,
        is_purchase_day as order_days,
        0 as tickets,
        spend,
        revenue,
        costed_revenue,
        margin,
        freight,
        0 as cost_to_serve,
        0 as acquisition_cost
    from customer_days
    union all
    select
        customer_no,
        day_date,
        null as purchase_date,
        0 as category_mask,
        0 as orders,
        0 as order_days,
        tickets,
        0 as spend,
        0 as revenue,
        0 as costed_revenue,
        0 as margin,
        0 as freight,
        0 as cost_to_serve,
        0 as acquisition_cost
    from ticket_days
    union all
    select
        customer_no,
        day_date,
        null as purchase_date,
        0 as category_mask,
        0 as orders,
        0 as order_days,
        0 as tickets,
        0 as spend,
        0 as revenue,
        0 as costed_revenue,
        0 as margin,
        0 as freight,
        cost_to_serve,
        acquisition_cost
    from cost_days
),

-- Days that enter and leave together are one.
periods as (
    select
        happened.customer_no,
        days.enters,
        days.leaves_12m,
        days.leaves_24m,
        min(happened.purchase_date) as first_order_date,
        max(happened.purchase_date) as last_order_date,
        bit_or(happened.category_mask) as category_mask,
        {%- for measure in counts %}
        cast(sum(happened.{{ measure }}) as bigint) as {{ measure }},
        {%- endfor %}
        {%- for measure in amounts %}
        cast(sum(happened.{{ measure }}) as {{ type_money() }}) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from happened
    inner join days on happened.day_date = days.day_date
    group by
        happened.customer_no, days.enters, days.leaves_12m, days.leaves_24m
),

first_days as (
    select
        customer_no,
        min(first_order_date) as first_order_date
    from periods
    group by customer_no
),

present as (
    select moment_no from moments
    where is_present
),

known_on as (
    select
        customers.customer_no,
        -- Nulls do not count for the least.
        least(customers.acquired_on, first_days.first_order_date) as known_on
    from customers
    left join first_days on customers.customer_no = first_days.customer_no
),

known as (
    select
        known_on.customer_no,
        case
            when known_on.known_on is null then 1
            else coalesce(days.enters, present.moment_no)
        end as moment_no
    from known_on
    cross join present
    left join days on known_on.known_on = days.day_date
),

changes as (
    select
        customer_no,
        moment_no,
        cast(null as date) as first_order_date,
        cast(null as date) as last_order_date,
        cast(0 as bigint) as category_mask,
        {%- for measure in measures %}
        0 as {{ measure }},
        0 as {{ measure }}_12m,
        {%- endfor %}
        0 as revenue_previous_12m
    from known
    union all
    select
        customer_no,
        enters as moment_no,
        first_order_date,
        last_order_date,
        category_mask,
        {%- for measure in measures %}
        {{ measure }},
        {{ measure }} as {{ measure }}_12m,
        {%- endfor %}
        0 as revenue_previous_12m
    from periods
    union all
    select
        customer_no,
        leaves_12m as moment_no,
        null as first_order_date,
        null as last_order_date,
        0 as category_mask,
        {%- for measure in measures %}
        0 as {{ measure }},
        -{{ measure }} as {{ measure }}_12m,
        {%- endfor %}
        revenue as revenue_previous_12m
    from periods
    where leaves_12m is not null
    union all
    select
        customer_no,
        leaves_24m as moment_no,
        null as first_order_date,
        null as last_order_date,
        0 as category_mask,
        {%- for measure in measures %}
        0 as {{ measure }},
        0 as {{ measure }}_12m,
        {%- endfor %}
        -revenue as revenue_previous_12m
    from periods
    where leaves_24m is not null
),

final as (
    select
        customer_no,
        moment_no,
        min(first_order_date) as first_order_date,
        max(last_order_date) as last_order_date,
        bit_or(category_mask) as category_mask,
        {%- for measure in counts %}
        cast(sum({{ measure }}) as bigint) as {{ measure }},
        cast(sum({{ measure }}_12m) as bigint) as {{ measure }}_12m,
        {%- endfor %}
        {%- for measure in amounts %}
        cast(sum({{ measure }}) as {{ type_money() }}) as {{ measure }},
        cast(sum({{ measure }}_12m) as {{ type_money() }}) as {{ measure }}_12m,
        {%- endfor %}
        cast(sum(revenue_previous_12m) as {{ type_money() }})
            as revenue_previous_12m
    from changes
    group by customer_no, moment_no
)

select * from final

{#-
What each customer had bought, cost and asked for by the end of each period (core_days) in
which it did: running totals. What it did in 12 months is the difference of two of them.
-#}
{%- set bought_counts = ["lines", "costed_lines", "freighted_lines"] -%}
{%- set bought_amounts = [
    "spend", "revenue", "gross_amount", "costed_amount", "costed_revenue",
    "costed_margin", "known_freight",
] -%}
{%- set counts = ["orders", "order_days", "tickets"] + bought_counts -%}
{%- set amounts = bought_amounts + ["cost_to_serve", "acquisition_cost"] -%}

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

bought as (
    select
        customer_days.customer_no,
        days.period_no,
        min(case
            when customer_days.is_purchase_day = 1 then customer_days.order_date
        end) as first_order_date,
        max(case
            when customer_days.is_purchase_day = 1 then customer_days.order_date
        end) as last_order_date,
        bit_or(customer_days.category_mask) as category_mask,
        sum(customer_days.orders) as orders,
        sum(customer_days.is_purchase_day) as order_days,
        {%- for measure in bought_counts + bought_amounts %}
        sum(customer_days.{{ measure }}) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from customer_days
    inner join days on customer_days.order_date = days.day_date
    group by customer_days.customer_no, days.period_no
),

cost as (
    select
        customers.customer_no,
        days.period_no,
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
    inner join days on cost_entries.cost_date = days.day_date
    group by customers.customer_no, days.period_no
),

asked as (
    select
        customers.customer_no,
        days.period_no,
        count(*) as tickets
    from service_tickets
    inner join customers on service_tickets.customer_id = customers.customer_id
    inner join days
        on {{ business_date("service_tickets.opened_at") }} = days.day_date
    group by customers.customer_no, days.period_no
),

bought_at_cost as (
    select
        coalesce(bought.customer_no, cost.customer_no) as customer_no,
        coalesce(bought.period_no, cost.period_no) as period_no,
        bought.first_order_date,
        bought.last_order_date,
        bought.category_mask,
        bought.orders,
        bought.order_days,
        {%- for measure in bought_counts + bought_amounts %}
        bought.{{ measure }},
        {%- endfor %}
        cost.cost_to_serve,
        cost.acquisition_cost
    from bought
    full outer join cost
        on
            bought.customer_no = cost.customer_no
            and bought.period_no = cost.period_no
),

happened as (
    select
        coalesce(bought_at_cost.customer_no, asked.customer_no) as customer_no,
        coalesce(bought_at_cost.period_no, asked.period_no) as period_no,
        bought_at_cost.first_order_date,
        bought_at_cost.last_order_date,
        coalesce(bought_at_cost.category_mask, 0) as category_mask,
        {%- for measure in counts %}
        cast(coalesce({{ measure }}, 0) as bigint) as {{ measure }},
        {%- endfor %}
        {%- for measure in amounts %}
        cast(coalesce({{ measure }}, 0) as {{ type_money() }}) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from bought_at_cost
    full outer join asked
        on
            bought_at_cost.customer_no = asked.customer_no
            and bought_at_cost.period_no = asked.period_no
),

final as (
    select
        customer_no,
        period_no,
        min(first_order_date) over so_far as first_order_date,
        max(last_order_date) over so_far as last_order_date,
        bit_or(category_mask) over so_far as category_mask,
        {%- for measure in counts %}
        cast(sum({{ measure }}) over so_far as bigint) as {{ measure }},
        {%- endfor %}
        {%- for measure in amounts %}
        cast(sum({{ measure }}) over so_far as {{ type_money() }}) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from happened
    window so_far as (
        partition by customer_no order by period_no
        rows between unbounded preceding and current row
    )
)

select * from final

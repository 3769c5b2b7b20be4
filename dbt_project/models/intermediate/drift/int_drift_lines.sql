{#-
What the order lines are like, of the days of this refresh and of the like weekdays before:
prices, returns, currencies, hours, what is missing and what came twice.
-#}
{%- set line_columns = ["product_id", "cost_amount", "freight_amount"] -%}

{#- A median or share of fewer lines than this is chance; so is a share of fewer
    customers. -#}
{%- set least_lines = 20 -%}
with spans as (
    select * from {{ ref("int_drift_spans") }}
),

weeks as (
    select max(windows) as upper from spans
),

lines as (
    select
        lines.source,
        lines.source_currency,
        coalesce(products.category, 'all') as category,
        lines.order_id,
        lines.order_date,
        lines.customer_id,
        lines.product_id,
        coalesce(lines.channel, '-') as channel,
        lines.ordered_at,
        lines.quantity,
        lines.net_amount,
        lines.cost_amount,
        lines.freight_amount,
        lines.is_return,
        spans.days,
        spans.step,
        {{ days_since("lines.order_date", "spans.as_of_date") }} as age
    from spans
    cross join weeks
    inner join {{ ref("order_lines") }} as lines
        on
            spans.as_of_date >= lines.order_date
            and {{ plus_days("spans.as_of_date", "-(spans.step * weeks.upper)") }}
            < lines.order_date
    left join {{ ref("products") }} as products
        on lines.product_id = products.product_id
    where spans.span = 'release'
),

windowed as (
    select
        *,
        cast(floor(age / step) as integer) as window_no
    from lines
    where mod(age, step) < days
),

-- Dealers pay other prices than persons.
usual_prices as (
    select
        source,
        channel,
        product_id,
        {{ median("cast(net_amount as double) / cast(quantity as double)") }} as price
    from lines
    where age >= days and not is_return and quantity > 0 and net_amount > 0
    group by source, channel, product_id
),

price_ratios as (
    select
        windowed.source,
        windowed.category,
        windowed.window_no,
        cast(windowed.net_amount as double) / cast(windowed.quantity as double)
        / usual_prices.price as ratio
    from windowed
    inner join usual_prices
        on
            windowed.source = usual_prices.source
            and windowed.channel = usual_prices.channel
            and windowed.product_id = usual_prices.product_id
    where not windowed.is_return and windowed.quantity > 0
),

-- Where quantity and price are swapped some prices rise and others fall, so that the
-- level may stay. On 305 clean days of a shop up to 13 % of the prices are three times
-- or a third of the usual one, swapped 37 % and more.
price_levels as (
    select
        source || ' ' || category as subject,
        window_no as sample_no,
        {{ median("ratio") }} as price_level,
        cast(count(case when ratio > 3 or 3 * ratio < 1 then 1 end) as double)
        / count(*) as odd_price_share
    from price_ratios
    group by source, category, window_no
    having count(*) >= {{ least_lines }}
),

-- Equal lines of one customer on one day in two orders: what came twice.
twins as (
    select
        source,
        window_no,
        count(*) as twin_lines
    from windowed
    where not is_return
    group by
        source, window_no, order_date, customer_id, product_id, quantity, net_amount
    having min(order_id) <> max(order_id)
),

twin_lines as (
    select
        source,
        window_no,
        sum(twin_lines) as twin_lines
    from twins
    group by source, window_no
),

line_figures as (
    select
        source,
        window_no,
        {{ median("case when not is_return then cast(net_amount as double) end") }}
            as median_line_revenue,
        cast(count(case when is_return then 1 end) as double) / count(*)
            as return_share,
        {%- for column in line_columns %}
        1 - cast(count({{ column }}) as double) / count(*) as no_{{ column }},
        {%- endfor %}
        count(*) as all_lines
    from windowed
    group by source, window_no
    having count(*) >= {{ least_lines }}
),

orders as (
    select
        source,
        window_no,
        order_id,
        max(source_currency) as source_currency,
        min({{ hour_of_day("ordered_at") }}) as order_hour
    from windowed
    where not is_return
    group by source, window_no, order_id
),

order_figures as (
    select
        source,
        window_no,
        count(*) as orders,
        {{ median("order_hour") }} as order_hour
    from orders
    group by source, window_no
    having count(*) >= {{ least_lines }}
),

currencies as (
    select distinct
        source,
        source_currency
    from orders
),

currency_orders as (
    select
        source,
        source_currency,
        window_no,
        count(*) as orders
    from orders
    group by source, source_currency, window_no
),

final as (
    {%- for metric in ["median_line_revenue", "return_share"] %}
    select
        'order_lines' as mart,
        '{{ metric }}' as metric,
        source as subject,
        window_no as sample_no,
        cast({{ metric }} as double) as value
    from line_figures
    union all
    {%- endfor %}
    {%- for column in line_columns %}
    select
        'order_lines' as mart,
        'null_share' as metric,
        source || ' {{ column }}' as subject,
        window_no as sample_no,
        cast(no_{{ column }} as double) as value
    from line_figures
    union all
    {%- endfor %}
    select
        'order_lines' as mart,
        'twin_share' as metric,
        line_figures.source as subject,
        line_figures.window_no as sample_no,
        cast(coalesce(twin_lines.twin_lines, 0) as double) / line_figures.all_lines
            as value
    from line_figures
    left join twin_lines
        on
            line_figures.source = twin_lines.source
            and line_figures.window_no = twin_lines.window_no
    union all
    select
        'order_lines' as mart,
        'order_hour' as metric,
        source as subject,
        window_no as sample_no,
        cast(order_hour as double) as value
    from order_figures
    union all
    select
        'order_lines' as mart,
        'currency_share' as metric,
        order_figures.source || ' ' || currencies.source_currency as subject,
        order_figures.window_no as sample_no,
        cast(coalesce(currency_orders.orders, 0) as double) / order_figures.orders
            as value
    from order_figures
    inner join currencies on order_figures.source = currencies.source
    left join currency_orders
        on
            order_figures.source = currency_orders.source
            and order_figures.window_no = currency_orders.window_no
            and currencies.source_currency = currency_orders.source_currency
    union all
    select
        'order_lines' as mart,
        'price_level' as metric,
        subject,
        sample_no,
        cast(price_level as double) as value
    from price_levels
    union all
    select
        'order_lines' as mart,
        'odd_price_share' as metric,
        subject,
        sample_no,
        cast(odd_price_share as double) as value
    from price_levels
)

select * from final

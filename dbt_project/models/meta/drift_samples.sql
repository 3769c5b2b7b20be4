{#-
Every figure of this refresh (sample 0) and its references (from 1 on, the newest first),
as far as a bound of drift_bounds looks back. The references are

- like weekdays: the same figure so many weeks earlier, from the facts of this very refresh,
  so that the first one has them too. The days are those since the last release;
- releases: what earlier releases said, from drift_history;
- the previous release: what it said of the same days;
- zero: what should not be there at all.

What counts is the small tables; of the facts only the weeks are read that like weekdays
lie in.
-#}
{%- set line_columns = ["product_id", "cost_amount", "freight_amount"] -%}
{%- set columns = {
    "customers": ["country", "region", "industry", "owner", "acquired_on",
                  "email_masked", "phone_masked"],
    "products": ["category", "list_price", "unit_cost"],
    "customer_value": ["growth_rate", "profit", "predicted_revenue_12m", "clv",
                       "health_score", "whitespace_revenue"],
    "payments": ["customer_id", "due_date", "paid_at"],
    "service_tickets": ["customer_id", "priority", "category", "resolved_at"],
    "interactions": ["customer_id", "minutes", "owner"],
    "leads": ["amount", "probability", "expected_close_date"],
} -%}
{#- A median or share of fewer lines than this is chance; so is a share of fewer
    customers, and of a past with fewer rows. -#}
{%- set least_lines = 20 -%}
{%- set least_past = 100 -%}
with refresh as (
    select * from {{ ref("core_refresh") }}
),

bounds as (
    select * from {{ ref("drift_bounds") }}
),

-- Of each metric as many references as one of its bounds looks at.
reach as (
    select
        mart,
        metric,
        max(compared_with) as compared_with,
        max(most_references) as most_references
    from bounds
    group by mart, metric
),

weeks as (
    select max(most_references) + 1 as upper
    from reach
    where compared_with = 'like weekdays'
),

history as (
    select earlier.*
    from {{ source("refresh", "drift_history") }} as earlier
    cross join refresh
    where earlier.as_of_date < refresh.as_of_date
),

published_days as (
    select * from {{ source("refresh", "published_days") }}
),

-- The days that this refresh adds: one after a daily one; at most four weeks.
news as (
    select
        refresh.as_of_date,
        least(coalesce(min({{ days_between(
            "history.as_of_date", "refresh.as_of_date"
        ) }}), 1), 28) as days
    from refresh
    left join history on refresh.as_of_date > history.as_of_date
    group by refresh.as_of_date
),

-- The windows that are compared: the days of one, and the days from one to the next.
spans as (
    select
        'the_day' as span,
        as_of_date,
        1 as days,
        7 as step
    from news
    union all
    select
        'release' as span,
        as_of_date,
        days,
        7 * cast(ceil(days / 7.0) as integer) as step
    from news
),

numbered as (
    {{ numbers_below("weeks", "upper") }}
),

windows as (
    select
        spans.*,
        cast(numbered.number as integer) as window_no
    from spans
    cross join numbered
),

-- ------------------------------------------------------------ rows and money by day
event_days as (
    select
        days.*,
        {{ days_between("days.event_day", "news.as_of_date") }} as age
    from {{ ref("event_days") }} as days
    cross join news
    where days.event_day <= news.as_of_date
),

counted as (
    select
        entity as mart,
        'rows' as base,
        source as subject,
        age,
        cast(events as double) as value
    from event_days
    union all
    select
        entity as mart,
        'revenue' as base,
        source as subject,
        age,
        cast(amount as double) as value
    from event_days
    where entity = 'order_lines'
    union all
    select
        'customer_value' as mart,
        'new_customers' as base,
        customers.customer_type as subject,
        {{ days_between("valued.first_order_date", "news.as_of_date") }} as age,
        1 as value
    from {{ ref("customer_value") }} as valued
    inner join {{ ref("customers") }} as customers
        on valued.customer_id = customers.customer_id
    cross join news
    where valued.first_order_date <= news.as_of_date
),

-- By age first: a sum over the windows of a month would read each day many times.
by_age as (
    select
        mart,
        base,
        subject,
        age,
        sum(value) as value
    from counted
    group by mart, base, subject, age
),

subjects as (
    select
        mart,
        base,
        subject,
        max(age) as oldest
    from by_age
    group by mart, base, subject
),

in_windows as (
    select
        by_age.mart,
        by_age.base,
        by_age.subject,
        spans.span,
        cast(floor(by_age.age / spans.step) as integer) as window_no,
        sum(by_age.value) as value
    from by_age
    inner join spans on mod(by_age.age, spans.step) < spans.days
    group by
        by_age.mart,
        by_age.base,
        by_age.subject,
        spans.span,
        cast(floor(by_age.age / spans.step) as integer)
),

-- What a mart counts cannot be judged where there is nothing to count; missing_days
-- tells.
told_days as (
    select
        mart,
        subject,
        span
    from in_windows
    where base = 'rows' and window_no = 0
    union all
    select distinct
        'customer_value' as mart,
        customer_types.subject,
        in_windows.span
    from in_windows
    cross join (
        select distinct subject
        from subjects
        where mart = 'customer_value'
    ) as customer_types
    where
        in_windows.mart = 'order_lines'
        and in_windows.base = 'rows'
        and in_windows.window_no = 0
),

-- A window without a row is a zero, as far as the story goes back.
sums as (
    select
        subjects.mart,
        subjects.base || case windows.span
            when 'the_day' then '_of_the_day'
            else '_since_release'
        end as metric,
        subjects.subject,
        windows.window_no as sample_no,
        coalesce(in_windows.value, 0) as value
    from subjects
    inner join windows
        on
            windows.window_no = 0
            or subjects.oldest >= windows.window_no * windows.step + windows.days - 1
    left join in_windows
        on
            subjects.mart = in_windows.mart
            and subjects.base = in_windows.base
            and subjects.subject = in_windows.subject
            and windows.span = in_windows.span
            and windows.window_no = in_windows.window_no
    inner join told_days
        on
            subjects.mart = told_days.mart
            and subjects.subject = told_days.subject
            and windows.span = told_days.span
    where windows.span = 'the_day' or windows.days > 1
),

-- ------------------------------------------------------------------- days without rows
present_days as (
    select distinct
        entity,
        source,
        age
    from event_days
),

last_days as (
    select
        entity,
        source,
        min(age) as last_age,
        max(age) as oldest
    from present_days
    group by entity, source
),

-- Of each of the last four weeks' days without rows, the like weekdays before it. Those
-- of a silence that lasts say nothing of what is usual.
four_weeks as (
    select 28 as upper
),

ages as (
    {{ numbers_below("four_weeks", "upper") }}
),

like_days as (
    select
        last_days.entity,
        last_days.source,
        last_days.last_age,
        ages.number as age,
        count(present_days.age) as with_rows,
        count(*) as like_days
    from last_days
    cross join ages
    inner join numbered
        on
            numbered.number > 0
            and ages.number + 7 * numbered.number <= last_days.oldest
            and ages.number + 7 * numbered.number >= last_days.last_age
    left join present_days
        on
            last_days.entity = present_days.entity
            and last_days.source = present_days.source
            and ages.number + 7 * numbered.number = present_days.age
    group by last_days.entity, last_days.source, last_days.last_age, ages.number
),

-- Nearly always is four times in five, so that a week of holidays is not forgotten for
-- three months.
missing as (
    select
        like_days.entity,
        like_days.source,
        like_days.age,
        like_days.last_age
    from like_days
    left join present_days
        on
            like_days.entity = present_days.entity
            and like_days.source = present_days.source
            and like_days.age = present_days.age
    where
        present_days.age is null
        and like_days.like_days >= 4
        and like_days.with_rows >= 0.8 * like_days.like_days
),

silence as (
    select
        last_days.entity,
        last_days.source,
        last_days.last_age,
        count(case when missing.age < news.days then 1 end) as missing_days,
        count(case when missing.age < missing.last_age then 1 end) as silent_days
    from last_days
    cross join news
    left join missing
        on last_days.entity = missing.entity and last_days.source = missing.source
    group by last_days.entity, last_days.source, last_days.last_age
),

-- --------------------------------------------------------- what the lines look like
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
        {{ days_between("lines.order_date", "spans.as_of_date") }} as age
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
        {{ median("case when not is_return then net_amount end") }}
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

line_samples as (
    {%- for metric in ["median_line_revenue", "return_share"] %}
    select
        '{{ metric }}' as metric,
        source as subject,
        window_no as sample_no,
        {{ metric }} as value
    from line_figures
    union all
    {%- endfor %}
    {%- for column in line_columns %}
    select
        'null_share' as metric,
        source || ' {{ column }}' as subject,
        window_no as sample_no,
        no_{{ column }} as value
    from line_figures
    union all
    {%- endfor %}
    select
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
        'order_hour' as metric,
        source as subject,
        window_no as sample_no,
        order_hour as value
    from order_figures
    union all
    select
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
        'price_level' as metric,
        subject,
        sample_no,
        price_level as value
    from price_levels
    union all
    select
        'odd_price_share' as metric,
        subject,
        sample_no,
        odd_price_share as value
    from price_levels
),

-- ------------------------------------------------------------- levels of the present
typed as (
    select
        customers.customer_type,
        valued.lifecycle_stage,
        valued.order_count
    from {{ ref("customer_value") }} as valued
    inner join {{ ref("customers") }} as customers
        on valued.customer_id = customers.customer_id
),

graded as (
    select * from {{ ref("customer_tiers") }}
),

scores as (
    select
        avg(value_score) as value_score,
        avg(potential_score) as potential_score,
        avg(total_score) as total_score
    from graded
),
{%- for mart, names in columns.items() %}

nulls_of_{{ mart }} as (
    select
        {%- for name in names %}
        1 - cast(count({{ name }}) as double) / nullif(count(*), 0) as {{ name }},
        {%- endfor %}
        count(*) as all_rows
    from {{ ref(mart) }}
),
{%- endfor %}

levels as (
    select
        'customers' as mart,
        'customers' as metric,
        customer_type as subject,
        cast(count(*) as double) as value
    from typed
    group by customer_type
    union all
    select
        'customer_value' as mart,
        'lost_share' as metric,
        customer_type as subject,
        avg(case when lifecycle_stage in ('dormant', 'lost') then 1.0 else 0.0 end)
            as value
    from typed
    where order_count > 0
    group by customer_type
    union all
    select
        'customer_tiers' as mart,
        'tier_share' as metric,
        graded.tier_code as subject,
        cast(count(*) as double) / max(everybody.customers) as value
    from graded
    cross join (select count(*) as customers from {{ ref("customer_tiers") }})
        as everybody
    group by graded.tier_code
    {%- for score in ["value_score", "potential_score", "total_score"] %}
    union all
    select
        'customer_tiers' as mart,
        'score_mean' as metric,
        '{{ score }}' as subject,
        cast({{ score }} as double) as value
    from scores
    {%- endfor %}
    {%- for mart, names in columns.items() %}
    {%- for name in names %}
    union all
    select
        '{{ mart }}' as mart,
        'null_share' as metric,
        '{{ name }}' as subject,
        {{ name }} as value
    from nulls_of_{{ mart }}
    where all_rows > 0
    {%- endfor %}
    {%- endfor %}
),

remembered as (
    select
        history.mart,
        history.metric,
        history.subject,
        cast(row_number() over (
            partition by history.mart, history.metric, history.subject
            order by history.as_of_date desc
        ) as integer) as sample_no,
        history.value
    from history
    inner join reach
        on
            history.mart = reach.mart
            and history.metric = reach.metric
            and reach.compared_with = 'releases'
),

-- ------------------------------------------------------- the past, told once more
closed as (
    select least(max(published_days.as_of_date), max(refresh.as_of_date)) as closed_day
    from refresh
    cross join published_days
),

past_days as (
    select
        now_days.entity,
        now_days.source,
        now_days.currency,
        now_days.event_day,
        now_days.events,
        0 as published_events,
        now_days.source_amount,
        0 as published_amount
    from event_days as now_days
    inner join closed on now_days.event_day <= closed.closed_day
    union all
    select
        published_days.entity,
        published_days.source,
        published_days.currency,
        published_days.event_day,
        0 as events,
        published_days.events as published_events,
        0 as source_amount,
        published_days.source_amount as published_amount
    from published_days
    inner join closed on published_days.event_day <= closed.closed_day
),

past as (
    select
        entity,
        source,
        currency,
        sum(events) as events,
        sum(published_events) as published_events,
        sum(source_amount) as source_amount,
        sum(published_amount) as published_amount
    from past_days
    group by entity, source, currency
    having greatest(sum(events), sum(published_events)) >= {{ least_past }}
),

-- Small days double by a single row. Rows do not come and go in a past day; its money
-- may change with the price of one large order.
changed_days as (
    select
        entity,
        source,
        case
            when
                greatest(sum(events), sum(published_events)) >= {{ least_lines }}
                and (
                    4 * sum(events) >= 5 * sum(published_events)
                    or 5 * sum(events) <= 4 * sum(published_events)
                    or sum(published_amount) > 0
                    and sum(source_amount) >= 2 * sum(published_amount)
                    or sum(published_amount) > 0
                    and 2 * sum(source_amount) <= sum(published_amount)
                )
                then 1
            else 0
        end as is_changed
    from past_days
    group by entity, source, event_day
),

past_samples as (
    select
        entity as mart,
        'past_rows' as metric,
        source || ' ' || currency as subject,
        cast(events as double) as value,
        cast(published_events as double) as reference
    from past
    union all
    select
        entity as mart,
        'past_revenue' as metric,
        source || ' ' || currency as subject,
        cast(source_amount as double) as value,
        cast(published_amount as double) as reference
    from past
    where entity in ('order_lines', 'payments')
    union all
    select
        entity as mart,
        'changed_past_days' as metric,
        source as subject,
        cast(sum(is_changed) as double) as value,
        0 as reference
    from changed_days
    group by entity, source
),

registered as (
    select
        *,
        max(last_seen_in) over () as last_refresh
    from {{ source("refresh", "customer_registry") }}
),

vanished as (
    select
        registered.source as subject,
        1 - cast(count(keys.source) as double) / count(*) as value
    from registered
    left join {{ ref("customer_source_keys") }} as keys
        on
            registered.source = keys.source
            and registered.source_customer_id = keys.source_customer_id
    where registered.last_seen_in = registered.last_refresh
    group by registered.source
    having count(*) >= {{ least_lines }}
),

-- ------------------------------------------------ every figure, and its references
compared_to_nothing as (
    {%- for metric in ["missing_days", "silent_days"] %}
    select
        entity as mart,
        '{{ metric }}' as metric,
        source as subject,
        cast({{ metric }} as double) as value
    from silence
    union all
    {%- endfor %}
    select
        entity as mart,
        'days_since_last' as metric,
        source as subject,
        cast(last_age as double) as value
    from silence
    union all
    select
        'customer_source_keys' as mart,
        'vanished_share' as metric,
        subject,
        value
    from vanished
),

samples as (
    select * from sums
    union all
    select
        'order_lines' as mart,
        metric,
        subject,
        sample_no,
        cast(value as double) as value
    from line_samples
    union all
    select
        mart,
        metric,
        subject,
        0 as sample_no,
        value
    from levels
    union all
    select * from remembered
    union all
    select
        mart,
        metric,
        subject,
        0 as sample_no,
        value
    from past_samples
    union all
    select
        mart,
        metric,
        subject,
        1 as sample_no,
        reference as value
    from past_samples
    union all
    select
        mart,
        metric,
        subject,
        0 as sample_no,
        value
    from compared_to_nothing
    union all
    select
        mart,
        metric,
        subject,
        1 as sample_no,
        0 as value
    from compared_to_nothing
),

final as (
    select
        samples.mart,
        samples.metric,
        samples.subject,
        samples.sample_no,
        samples.value
    from samples
    inner join reach
        on
            samples.mart = reach.mart
            and samples.metric = reach.metric
            and samples.sample_no <= reach.most_references
    where samples.value is not null
)

select * from final

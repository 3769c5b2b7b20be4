{#-
What was known of each customer at each moment: the running sums of its changes, carried on
to the moments at which nothing changed. The same SQL gives the past and the present.
-#}
{%- set counts = [
    "orders", "orders_12m", "order_days", "order_days_12m", "tickets", "tickets_12m",
] -%}
{%- set amounts = [
    "spend", "revenue", "revenue_12m", "revenue_previous_12m", "costed_revenue",
    "margin", "margin_12m", "freight", "freight_12m", "cost_to_serve",
    "cost_to_serve_12m", "acquisition_cost", "acquisition_cost_12m",
] -%}

with changes as (
    select * from {{ ref("core_customer_changes") }}
),

rhythms as (
    select * from {{ ref("core_customer_rhythms") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

moments as (
    select * from {{ ref("core_moments") }}
),

next_moment as (
    select max(moment_no) + 1 as moment_no from moments
),

spells as (
    select
        changes.customer_no,
        changes.moment_no,
        coalesce(
            lead(changes.moment_no) over (
                partition by changes.customer_no order by changes.moment_no
            ),
            next_moment.moment_no
        ) as until_moment_no,
        min(changes.first_order_date) over so_far as first_order_date,
        max(changes.last_order_date) over so_far as last_order_date,
        bit_or(changes.category_mask) over so_far as category_mask,
        {%- for measure in counts %}
        cast(sum(changes.{{ measure }}) over so_far as bigint) as {{ measure }},
        {%- endfor %}
        {%- for measure in amounts %}
        cast(sum(changes.{{ measure }}) over so_far as {{ type_money() }})
            as {{ measure }},
        {%- endfor %}
        {{ last_known("rhythms.median_gap_days") }} over so_far as median_gap_days,
        {{ last_known("rhythms.returned_on") }} over so_far as returned_on,
        {{ last_known("rhythms.first_day_spend") }} over so_far as first_day_spend
    from changes
    cross join next_moment
    left join rhythms
        on
            changes.customer_no = rhythms.customer_no
            and changes.moment_no = rhythms.moment_no
    window so_far as (
        partition by changes.customer_no order by changes.moment_no
        rows between unbounded preceding and current row
    )
),

-- The few pairs of beginning and end, each with the moments between them.
spans as (
    select
        begins.moment_no,
        ends.moment_no as until_moment_no,
        within.moment_no as in_moment_no
    from moments as begins
    inner join (
        select moment_no from moments
        union all
        select moment_no from next_moment
    ) as ends on begins.moment_no < ends.moment_no
    inner join moments as within
        on
            begins.moment_no <= within.moment_no
            and ends.moment_no > within.moment_no
),

final as (
    select
        customers.customer_no,
        customers.customer_id,
        customers.customer_type,
        moments.moment_no,
        moments.as_of_date,
        moments.is_month_end,
        moments.is_present,
        spells.first_order_date,
        spells.last_order_date,
        spells.category_mask,
        {%- for measure in counts + amounts %}
        spells.{{ measure }},
        {%- endfor %}
        spells.median_gap_days,
        spells.returned_on,
        cast(spells.first_day_spend as {{ type_money() }}) as first_day_spend
    from spells
    inner join spans
        on
            spells.moment_no = spans.moment_no
            and spells.until_moment_no = spans.until_moment_no
    inner join moments on spans.in_moment_no = moments.moment_no
    inner join customers on spells.customer_no = customers.customer_no
)

select * from final

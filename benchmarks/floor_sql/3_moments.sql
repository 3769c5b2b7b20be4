-- What each customer was worth at each month end of the past and on the as-of day.

-- What happened to each customer on a day, for what it is worth.
create temp table activity as
select
    customer_id,
    order_date as day,
    orders,
    is_purchase_day as order_days,
    if(is_purchase_day = 1, order_date, null) as purchased_on,
    revenue,
    gross_amount,
    costed_amount,
    costed_margin,
    known_freight,
    lines,
    costed_lines,
    freighted_lines
from core_customer_days
union all by name
select customer_id, cost_date as day, sum(amount) as cost_to_serve
from core_cost_entries
where customer_id is not null
group by all
union all by name
select customer_id, berlin_day(opened_at) as day, count(*) as tickets
from service_tickets
where customer_id is not null
group by all;

create temp table recorded as
select
    min(day) as first_day,
    min(day) filter (lines > 0) as sales_since,
    min(purchased_on) as purchases_since,
    min(day) filter (costed_lines > 0) as margin_since,
    min(day) filter (freighted_lines > 0) as freight_since,
    min(day) filter (cost_to_serve <> 0) as cost_since,
    min(day) filter (tickets > 0) as tickets_since
from activity;

-- From when on a customer is known; of whom no source says it, always.
create temp table known as
select
    merged.customer_id,
    merged.customer_type,
    case
        when merged.acquired_on is null and min(activity.purchased_on) is null
            then date '0001-01-01'
        else least(merged.acquired_on, min(activity.day))
    end as known_from
from merged
left join activity on merged.customer_id = activity.customer_id
group by merged.customer_id, merged.customer_type, merged.acquired_on;

-- How each customer buys, as of each purchase day.
create temp table rhythms as
with purchases as (
    select
        customer_id,
        order_date,
        order_date - lag(order_date) over (partition by customer_id order by order_date)
            as gap_days
    from core_customer_days
    where is_purchase_day = 1
)

select
    customer_id,
    order_date as last_order_date,
    median(gap_days) over so_far as median_gap_days,
    max(if(gap_days > 365, order_date, null)) over so_far as returned_on
from purchases
window so_far as (
    partition by customer_id order by order_date
    rows between unbounded preceding and current row
);

-- The running totals of each month end, and those of the as-of day by its own windows.
create temp table totals as
with month_ends as (
    select last_day(cast(unnest(generate_series(
        date_trunc('month', first_day), as_of(), interval 1 month
    )) as date)) as as_of_date
    from recorded
),

months as (
    select
        customer_id,
        last_day(day) as as_of_date,
        min(purchased_on) as first_order_date,
        max(purchased_on) as last_order_date,
        sum(columns(* exclude (customer_id, day, purchased_on)))
    from activity
    group by customer_id, last_day(day)
),

grid as (
    select
        known.customer_id,
        known.customer_type,
        month_ends.as_of_date,
        months.* exclude (customer_id, as_of_date)
    from known
    inner join month_ends
        on
            month_ends.as_of_date >= known.known_from
            and month_ends.as_of_date <= as_of()
    left join months
        on
            known.customer_id = months.customer_id
            and month_ends.as_of_date = months.as_of_date
),

so_far as (
    select
        customer_id,
        customer_type,
        as_of_date,
        min(first_order_date) over so_far as first_order_date,
        max(last_order_date) over so_far as last_order_date,
        coalesce(sum(columns(* exclude (
            customer_id, customer_type, as_of_date, first_order_date, last_order_date
        ))) over so_far, 0)
    from grid
    window so_far as (
        partition by customer_id order by as_of_date
        rows between unbounded preceding and current row
    )
),

history as (
    select
        *,
        coalesce(lag(columns(* exclude (
            customer_id, customer_type, as_of_date, first_order_date, last_order_date
        )), 12) over by_month, 0) as "\0_12m_ago",
        coalesce(lag(revenue, 24) over by_month, 0) as revenue_24m_ago
    from so_far
    window by_month as (partition by customer_id order by as_of_date)
),

of_12m as (
    select
        customer_id,
        sum(columns(* exclude (customer_id, day, purchased_on))) as "\0_12m_ago"
    from activity
    where day <= months_before(as_of(), 12)
    group by customer_id
),

of_24m as (
    select customer_id, sum(revenue) as revenue_24m_ago
    from activity
    where day <= months_before(as_of(), 24)
    group by customer_id
),

of_all as (
    select
        customer_id,
        min(purchased_on) as first_order_date,
        max(purchased_on) as last_order_date,
        sum(columns(* exclude (customer_id, day, purchased_on)))
    from activity
    group by customer_id
),

present as (
    select
        known.customer_id,
        known.customer_type,
        as_of() as as_of_date,
        of_all.first_order_date,
        of_all.last_order_date,
        coalesce(columns(of_all.* exclude (
            customer_id, first_order_date, last_order_date
        )), 0),
        coalesce(columns(of_12m.* exclude (customer_id)), 0),
        coalesce(of_24m.revenue_24m_ago, 0) as revenue_24m_ago
    from known
    left join of_all on known.customer_id = of_all.customer_id
    left join of_12m on known.customer_id = of_12m.customer_id
    left join of_24m on known.customer_id = of_24m.customer_id
)

select false as is_present, history.*
from history
inner join recorded on history.as_of_date >= last_day(recorded.sales_since)
union all by name
select true as is_present, * from present;

-- What every customer was worth at each of these days, measured by itself.
create temp table staged as
with spans as (
    select
        totals.is_present,
        totals.customer_id,
        totals.customer_type,
        totals.as_of_date,
        totals.first_order_date,
        totals.last_order_date,
        cast(orders as bigint) as order_count,
        cast(orders - orders_12m_ago as bigint) as order_count_12m,
        cast(order_days as bigint) as order_days,
        cast(lines as bigint) as lines,
        cast(lines - lines_12m_ago as bigint) as lines_12m,
        costed_lines,
        costed_lines - costed_lines_12m_ago as costed_lines_12m,
        freighted_lines,
        freighted_lines - freighted_lines_12m_ago as freighted_lines_12m,
        revenue,
        revenue - revenue_12m_ago as revenue_12m,
        revenue_12m_ago - revenue_24m_ago as revenue_previous_12m,
        gross_amount,
        gross_amount - gross_amount_12m_ago as gross_amount_12m,
        costed_amount,
        costed_amount - costed_amount_12m_ago as costed_amount_12m,
        costed_margin,
        costed_margin - costed_margin_12m_ago as costed_margin_12m,
        known_freight,
        known_freight - known_freight_12m_ago as known_freight_12m,
        if(as_of_date >= cost_since, cost_to_serve, null) as cost_to_serve,
        if(as_of_date >= cost_since, cost_to_serve - cost_to_serve_12m_ago, null)
            as cost_to_serve_12m,
        if(as_of_date >= tickets_since, cast(tickets as bigint), null) as ticket_count,
        if(as_of_date >= tickets_since, cast(tickets - tickets_12m_ago as bigint), null)
            as ticket_count_12m,
        coalesce(as_of_date >= margin_since, false) as has_margin,
        coalesce(as_of_date >= freight_since, false) as has_freight,
        recorded.purchases_since
    from totals
    cross join recorded
),

covered as (
    select
        *,
        case
            when gross_amount > 0
                then cast(costed_amount as double) / cast(gross_amount as double)
            when lines > 0 then cast(costed_lines as double) / lines
        end as margin_coverage,
        case
            when gross_amount_12m > 0
                then
                    cast(costed_amount_12m as double)
                    / cast(gross_amount_12m as double)
            when lines_12m > 0 then cast(costed_lines_12m as double) / lines_12m
        end as margin_coverage_12m,
        cast(costed_lines as double) / nullif(lines, 0) as margin_line_coverage,
        cast(costed_lines_12m as double) / nullif(lines_12m, 0)
            as margin_line_coverage_12m,
        cast(freighted_lines as double) / nullif(lines, 0) as freight_coverage,
        cast(freighted_lines_12m as double) / nullif(lines_12m, 0)
            as freight_coverage_12m
    from spans
),

summed as (
    select
        *,
        case
            when lines = 0 and has_margin then 0
            when margin_coverage >= 0.8 then costed_margin
        end as margin,
        case
            when lines_12m = 0 and has_margin then 0
            when margin_coverage_12m >= 0.8 then costed_margin_12m
        end as margin_12m,
        case
            when lines = 0 and has_freight then 0
            when freight_coverage >= 0.8 then known_freight
        end as freight,
        case
            when lines_12m = 0 and has_freight then 0
            when freight_coverage_12m >= 0.8 then known_freight_12m
        end as freight_12m
    from covered
),

rhythmic as (
    select
        summed.*,
        summed.margin - summed.cost_to_serve as profit,
        summed.margin_12m - summed.cost_to_serve_12m as profit_12m,
        rhythms.median_gap_days,
        rhythms.returned_on
    from summed
    left join rhythms
        on
            summed.customer_id = rhythms.customer_id
            and summed.last_order_date = rhythms.last_order_date
),

usual as (
    select
        is_present,
        as_of_date,
        customer_type,
        median(median_gap_days) filter (order_days >= 3) as usual_gap_days
    from rhythmic
    group by is_present, as_of_date, customer_type
),

revenues as (
    select
        is_present,
        as_of_date,
        customer_type,
        revenue_12m,
        sum(revenue_12m) as amount
    from rhythmic
    where revenue_12m > 0
    group by is_present, as_of_date, customer_type, revenue_12m
),

-- By distinct values, so that equal ones share the best class.
shares as (
    select
        *,
        cast(sum(amount) over largest_first - amount as double)
        / cast(sum(amount) over all_of_them as double) as share_above
    from revenues
    window
        largest_first as (
            partition by is_present, as_of_date, customer_type order by revenue_12m desc
            rows between unbounded preceding and current row
        ),
        all_of_them as (partition by is_present, as_of_date, customer_type)
),

class_bounds as (
    select
        is_present,
        as_of_date,
        customer_type,
        min(revenue_12m) filter (share_above < 0.80) as a_from,
        min(revenue_12m) filter (share_above < 0.95) as b_from
    from shares
    group by is_present, as_of_date, customer_type
),

compared as (
    select
        rhythmic.*,
        rhythmic.as_of_date - rhythmic.last_order_date as days_since_last_order,
        rhythmic.as_of_date - rhythmic.first_order_date as tenure_days,
        rhythmic.as_of_date - rhythmic.returned_on as days_since_return,
        months_before(rhythmic.as_of_date, 12) as twelve_months_ago,
        months_before(rhythmic.as_of_date, 24) as twenty_four_months_ago,
        shares.share_above as revenue_share_above_12m,
        case
            when shares.share_above < 0.80 then 'A'
            when shares.share_above < 0.95 then 'B'
            else 'C'
        end as abc_class_12m,
        cast(rhythmic.revenue_12m as double) / cast(class_bounds.a_from as double)
            as revenue_to_class_a,
        cast(rhythmic.revenue_12m as double) / cast(class_bounds.b_from as double)
            as revenue_to_class_b,
        if(rhythmic.order_days >= 3, rhythmic.median_gap_days, usual.usual_gap_days)
            as usual_gap_days
    from rhythmic
    left join shares using (is_present, as_of_date, customer_type, revenue_12m)
    left join class_bounds using (is_present, as_of_date, customer_type)
    left join usual using (is_present, as_of_date, customer_type)
),

grown as (
    select
        *,
        first_order_date <= twenty_four_months_ago as has_growth_history,
        case
            when usual_gap_days is not null
                then days_since_last_order / greatest(usual_gap_days, 1.0)
        end as overdue_factor,
        case
            when
                first_order_date <= twenty_four_months_ago
                and (revenue_12m > 0 or revenue_previous_12m > 0)
                then ln(
                    (greatest(cast(revenue_12m as double), 0) + 1)
                    / (greatest(cast(revenue_previous_12m as double), 0) + 1)
                )
        end as growth_rate
    from compared
)

select
    *,
    case
        when first_order_date is null then 'prospect'
        when days_since_last_order > 730 then 'lost'
        when days_since_last_order > 365 then 'dormant'
        when tenure_days < if(customer_type = 'company', 180, 90) then 'new'
        when days_since_return < if(customer_type = 'company', 180, 90)
            then 'reactivated'
        when overdue_factor >= 3 then 'at risk'
        when growth_rate >= 0.15 then 'growing'
        when growth_rate <= -0.15 then 'declining'
        else 'active'
    end as lifecycle_stage
from grown;

-- What the buyers of a type are compared with: the least of those who together bring
-- half of it all, and the growth of the best quarter. By margin, where that is known of
-- enough.
create temp table type_bounds as
with bases as (
    select
        is_present,
        as_of_date,
        customer_type,
        coalesce(
            sum(greatest(revenue_12m, 0)) filter (margin_12m is not null)
            >= 0.8 * sum(greatest(revenue_12m, 0)),
            false
        ) as is_by_margin
    from staged
    where order_days > 0
    group by is_present, as_of_date, customer_type
),

amounts as (
    select
        staged.is_present,
        staged.as_of_date,
        staged.customer_type,
        if(bases.is_by_margin, staged.margin_12m, staged.revenue_12m) as value_12m,
        sum(if(bases.is_by_margin, staged.margin_12m, staged.revenue_12m)) as amount
    from staged
    inner join bases using (is_present, as_of_date, customer_type)
    where
        staged.order_days > 0
        and if(bases.is_by_margin, staged.margin_12m, staged.revenue_12m) > 0
    group by all
),

running as (
    select
        *,
        sum(amount) over (
            partition by is_present, as_of_date, customer_type order by value_12m desc
            rows between unbounded preceding and current row
        ) - amount as amount_above,
        sum(amount) over (partition by is_present, as_of_date, customer_type)
            as amount_of_all
    from amounts
),

halves as (
    select
        is_present,
        as_of_date,
        customer_type,
        min(value_12m) as first_half_from
    from running
    where 2 * amount_above < amount_of_all
    group by is_present, as_of_date, customer_type
),

growths as (
    select
        is_present,
        as_of_date,
        customer_type,
        growth_rate,
        rank() over (
            partition by is_present, as_of_date, customer_type order by growth_rate
        ) - 1 as growing_less,
        count(*) over (partition by is_present, as_of_date, customer_type) as compared
    from staged
    where order_days > 0 and lifecycle_stage <> 'lost' and growth_rate is not null
),

quarters as (
    select
        is_present,
        as_of_date,
        customer_type,
        min(growth_rate) as growth_from
    from growths
    where 4 * growing_less >= 3 * compared
    group by is_present, as_of_date, customer_type
)

select
    bases.*,
    halves.first_half_from,
    quarters.growth_from
from bases
left join halves using (is_present, as_of_date, customer_type)
left join quarters using (is_present, as_of_date, customer_type);

-- What open deals were worth at each of these days; of one that has ended since, the
-- chance that it then had is not recorded.
create temp table pipeline as
select
    leads.customer_id,
    days.is_present,
    days.as_of_date,
    count(*) as pipeline_deals,
    sum(cast(
        cast(leads.amount as decimal(28, 4))
        * if(leads.is_open and leads.closed_on is null, leads.probability, 0.30)
        as decimal(18, 4)
    )) as pipeline_amount
from leads
inner join (select distinct is_present, as_of_date from totals) as days
    on
        leads.created_on <= days.as_of_date
        and (leads.closed_on is null or leads.closed_on > days.as_of_date)
where leads.is_open or leads.closed_on is not null
group by leads.customer_id, days.is_present, days.as_of_date;

create temp table peers as
with segmented as (
    select
        merged.customer_id,
        merged.customer_type,
        merged.customer_type || ' / ' || coalesce(
            if(merged.customer_type = 'company', merged.industry, merged.country),
            'unknown'
        ) || ' / unknown' as segment,
        exists (
            from core_customer_days as days
            where days.customer_id = merged.customer_id and days.is_purchase_day = 1
        ) as is_buyer
    from merged
)

select
    customer_id,
    if(
        count(*) filter (is_buyer) over (partition by segment) >= 30,
        segment, customer_type
    ) as peer_group
from segmented;

-- How it stands among those of its type, and its deals.
create temp table measured as
select
    staged.*,
    case
        when type_bounds.is_by_margin and staged.lifecycle_stage <> 'lost'
            then cast(staged.margin_12m as double)
                / cast(type_bounds.first_half_from as double)
    end as margin_to_first_half,
    case
        when not type_bounds.is_by_margin and staged.lifecycle_stage <> 'lost'
            then cast(staged.revenue_12m as double)
                / cast(type_bounds.first_half_from as double)
    end as revenue_to_first_half,
    case
        when staged.lifecycle_stage <> 'lost'
            then exp(staged.growth_rate - type_bounds.growth_from)
    end as growth_to_best_quarter,
    case
        when
            staged.lifecycle_stage <> 'lost'
            and staged.first_order_date > staged.twelve_months_ago
            and staged.purchases_since <= staged.twenty_four_months_ago
            then cast(staged.order_count as double)
    end as orders_in_first_year,
    coalesce(
        pipeline.pipeline_amount, if(staged.as_of_date >= deals.since, 0, null)
    ) as pipeline_amount,
    coalesce(pipeline.pipeline_deals, if(staged.as_of_date >= deals.since, 0, null))
        as pipeline_deals
from staged
cross join (
    select min(created_on) as since from leads
    where amount is not null
) as deals
left join type_bounds using (is_present, as_of_date, customer_type)
left join pipeline
    on
        staged.customer_id = pipeline.customer_id
        and staged.is_present = pipeline.is_present
        and staged.as_of_date = pipeline.as_of_date;

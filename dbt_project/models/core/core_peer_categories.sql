{#-
What the peers of a group had bought of each category by each moment, and what one of
them spends on it in 12 months. The sums roll: what enters less what leaves. A group that
stands for a type has all customers of the type, those of large segments too.
-#}
{%- set measures = ["revenue", "gross_amount", "costed_amount", "costed_margin"] -%}

with order_lines as (
    select * from {{ ref("core_order_lines") }}
),

product_categories as (
    select * from {{ ref("core_product_categories") }}
),

categories as (
    select * from {{ ref("core_categories") }}
),

peers as (
    select * from {{ ref("core_customer_peers") }}
),

customer_days as (
    select * from {{ ref("core_customer_days") }}
),

days as (
    select * from {{ ref("core_days") }}
),

moments as (
    select * from {{ ref("core_moments") }}
),

potential_settings as (
    select * from {{ ref("core_potential_settings") }}
),

-- The few segments, and the groups in which each counts: its own, and its type.
group_segments as (
    select
        segment,
        peer_group
    from peers
    union
    select
        segment,
        customer_type as peer_group
    from peers
),

groups as (
    select distinct peer_group from group_segments
),

segments as (
    select
        segment,
        row_number() over (order by segment) as segment_no
    from (select distinct segment from peers) as named
),

numbered as (
    select
        peers.customer_id,
        peers.customer_no,
        segments.segment_no
    from peers
    inner join segments on peers.segment = segments.segment
),

product_numbers as (
    select
        product_categories.product_id,
        categories.category_no
    from product_categories
    inner join categories on product_categories.category = categories.category
),

bought as (
    select
        numbered.customer_no,
        numbered.segment_no,
        product_numbers.category_no,
        order_lines.order_date,
        order_lines.is_return,
        order_lines.net_amount as revenue,
        abs(order_lines.net_amount) as gross_amount,
        case
            when order_lines.margin_amount is null then 0
            else abs(order_lines.net_amount)
        end as costed_amount,
        coalesce(order_lines.margin_amount, 0) as costed_margin
    from order_lines
    inner join product_numbers
        on order_lines.product_id = product_numbers.product_id
    inner join numbered on order_lines.customer_id = numbered.customer_id
),

first_purchases as (
    select
        customer_no,
        segment_no,
        category_no,
        min(order_date) as first_date
    from bought
    where not is_return
    group by customer_no, segment_no, category_no
),

category_buyers as (
    select
        segment_no,
        category_no,
        first_date as day_date,
        count(*) as buyers
    from first_purchases
    group by segment_no, category_no, first_date
),

category_money as (
    select
        segment_no,
        category_no,
        order_date as day_date,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from bought
    group by segment_no, category_no, order_date
),

changes as (
    select
        category_buyers.segment_no,
        category_buyers.category_no,
        days.enters as moment_no,
        category_buyers.buyers,
        {%- for measure in measures %}
        cast(null as {{ type_money_sum() }}) as {{ measure }}_12m
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from category_buyers
    inner join days on category_buyers.day_date = days.day_date
    union all
    select
        category_money.segment_no,
        category_money.category_no,
        days.enters as moment_no,
        0 as buyers,
        {%- for measure in measures %}
        category_money.{{ measure }} as {{ measure }}_12m
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from category_money
    inner join days on category_money.day_date = days.day_date
    union all
    select
        category_money.segment_no,
        category_money.category_no,
        days.leaves_12m as moment_no,
        0 as buyers,
        {%- for measure in measures %}
        -category_money.{{ measure }} as {{ measure }}_12m
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from category_money
    inner join days on category_money.day_date = days.day_date
    where days.leaves_12m is not null
),

group_changes as (
    select
        group_segments.peer_group,
        changes.category_no,
        changes.moment_no,
        sum(changes.buyers) as buyers,
        {%- for measure in measures %}
        sum(changes.{{ measure }}_12m) as {{ measure }}_12m
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from changes
    inner join segments on changes.segment_no = segments.segment_no
    inner join group_segments on segments.segment = group_segments.segment
    group by
        group_segments.peer_group, changes.category_no, changes.moment_no
),

first_days as (
    select
        customer_no,
        min(order_date) as day_date
    from customer_days
    where is_purchase_day = 1
    group by customer_no
),

new_buyers as (
    select
        group_segments.peer_group,
        days.enters as moment_no,
        count(*) as buyers
    from first_days
    inner join days on first_days.day_date = days.day_date
    inner join peers on first_days.customer_no = peers.customer_no
    inner join group_segments on peers.segment = group_segments.segment
    group by group_segments.peer_group, days.enters
),

group_buyers as (
    select
        moments.moment_no,
        groups.peer_group,
        cast(sum(new_buyers.buyers) over (
            partition by groups.peer_group order by moments.moment_no
            rows between unbounded preceding and current row
        ) as bigint) as peers
    from moments
    cross join groups
    left join new_buyers
        on
            moments.moment_no = new_buyers.moment_no
            and groups.peer_group = new_buyers.peer_group
),

running as (
    select
        moments.moment_no,
        groups.peer_group,
        categories.category_no,
        categories.category,
        categories.category_bit,
        {%- for measure in measures %}
        sum(group_changes.{{ measure }}_12m) over so_far as {{ measure }}_12m,
        {%- endfor %}
        sum(group_changes.buyers) over so_far as buyers
    from moments
    cross join groups
    cross join categories
    left join group_changes
        on
            moments.moment_no = group_changes.moment_no
            and groups.peer_group = group_changes.peer_group
            and categories.category_no = group_changes.category_no
    window so_far as (
        partition by groups.peer_group, categories.category_no
        order by moments.moment_no
        rows between unbounded preceding and current row
    )
),

-- What a category brings is not known where the cost of too much of it is not.
margins as (
    select
        *,
        case
            when
                cast(costed_amount_12m as double)
                / nullif(cast(gross_amount_12m as double), 0) >= {{ least_coverage() }}
                then costed_margin_12m
        end as margin_12m
    from running
    where buyers > 0
),

-- Of one peer: those who never bought the category, and those who stopped, count too.
expected as (
    select
        running.moment_no,
        running.peer_group,
        running.category_no,
        running.category,
        running.category_bit,
        group_buyers.peers,
        cast(running.buyers as bigint) as buyers,
        cast(running.buyers as double) / group_buyers.peers as buyer_share,
        cast(running.revenue_12m as {{ type_money_sum() }}) as revenue_12m,
        cast(running.margin_12m as {{ type_money_sum() }}) as margin_12m,
        {{ rounded(
            "cast(running.revenue_12m as double) / group_buyers.peers", type_money()
        ) }} as expected_revenue,
        {{ rounded(
            "cast(running.margin_12m as double) / group_buyers.peers", type_money()
        ) }} as expected_margin
    from margins as running
    inner join group_buyers
        on
            running.moment_no = group_buyers.moment_no
            and running.peer_group = group_buyers.peer_group
),

final as (
    select
        expected.*,
        -- What peers lose money on is no opportunity, nor what they have given up.
        expected.category_bit is not null
        and expected.buyer_share >= potential_settings.min_peer_share
        and expected.expected_revenue > 0
        and coalesce(expected.expected_margin > 0, true) as is_whitespace
    from expected
    cross join potential_settings
)

select * from final

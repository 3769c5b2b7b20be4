{#-
What customers that have bought the same categories leave unbought, at each moment: once
for each set of categories, not for each customer. The group's figures stand in one wide
row, so that no row is made for a customer and a category.
-#}
{%- set bits = range(60) -%}

with peer_categories as (
    select * from {{ ref("core_peer_categories") }}
),

customer_moments as (
    select * from {{ ref("core_customer_moments") }}
),

peers as (
    select * from {{ ref("core_customer_peers") }}
),

masks as (
    select distinct
        customer_moments.moment_no,
        peers.peer_group,
        customer_moments.category_mask
    from customer_moments
    inner join peers on customer_moments.customer_id = peers.customer_id
    where
        customer_moments.orders > 0
        and customer_moments.customer_type <> {{ unknown_type() }}
),

wide as (
    select
        moment_no,
        peer_group,
        {%- for bit in bits %}
        coalesce(max(case
            when category_no = {{ bit }} then cast(expected_revenue as double)
        end), 0) as revenue_{{ bit }},
        coalesce(max(case
            when category_no = {{ bit }} then cast(expected_margin as double)
        end), 0) as margin_{{ bit }},
        coalesce(max(case
            when category_no = {{ bit }} and expected_margin is not null
                then cast(expected_revenue as double)
        end), 0) as costed_{{ bit }},
        max(case when category_no = {{ bit }} then 1 else 0 end) as offered_{{ bit }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from peer_categories
    where is_whitespace
    group by moment_no, peer_group
),

-- Four decimals in a double add up exactly below 9e11.
summed as (
    select
        masks.moment_no,
        masks.peer_group,
        masks.category_mask,
        {%- for measure in ["revenue", "margin", "costed", "offered"] %}
        0
        {%- for bit in bits %}
        + case
            when (masks.category_mask & {{ 2 ** bit }}) = 0
                then wide.{{ measure }}_{{ bit }}
            else 0
        end
        {%- endfor %} as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from masks
    left join wide
        on
            masks.moment_no = wide.moment_no
            and masks.peer_group = wide.peer_group
),

-- Since when anybody's purchases have categories, and these a margin: from then on
-- nothing left unbought is nothing.
recorded as (
    select
        min(moment_no) as categories_moment_no,
        min(case when expected_margin is not null then moment_no end)
            as margins_moment_no
    from peer_categories
),

final as (
    select
        summed.moment_no,
        summed.peer_group,
        summed.category_mask,
        cast(case
            when summed.moment_no >= recorded.categories_moment_no
                then coalesce(summed.revenue, 0)
        end as {{ type_money() }}) as whitespace_revenue,
        cast(case
            when summed.revenue > 0
                then case
                    when summed.costed / summed.revenue >= {{ least_coverage() }}
                        then summed.margin
                end
            when summed.moment_no >= recorded.margins_moment_no then 0
        end as {{ type_money() }}) as whitespace_margin,
        cast(case
            when summed.moment_no >= recorded.categories_moment_no
                then coalesce(summed.offered, 0)
        end as integer) as whitespace_categories
    from summed
    cross join recorded
)

select * from final

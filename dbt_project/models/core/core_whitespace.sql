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
    where customer_moments.orders > 0
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
        max(case when category_no = {{ bit }} then 1 else 0 end) as offered_{{ bit }},
        {%- endfor %}
        max(case when expected_margin is not null then 1 else 0 end) as has_margin
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
        {%- for measure in ["revenue", "margin", "offered"] %}
        0
        {%- for bit in bits %}
        + case
            when (masks.category_mask & {{ 2 ** bit }}) = 0
                then wide.{{ measure }}_{{ bit }}
            else 0
        end
        {%- endfor %} as {{ measure }},
        {%- endfor %}
        wide.has_margin
    from masks
    left join wide
        on
            masks.moment_no = wide.moment_no
            and masks.peer_group = wide.peer_group
),

final as (
    select
        moment_no,
        peer_group,
        category_mask,
        cast(coalesce(revenue, 0) as {{ type_money() }}) as whitespace_revenue,
        case
            when coalesce(has_margin, 1) = 1
                then cast(coalesce(margin, 0) as {{ type_money() }})
        end as whitespace_margin,
        cast(coalesce(offered, 0) as integer) as whitespace_categories
    from summed
)

select * from final

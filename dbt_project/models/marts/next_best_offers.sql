{#-
Up to a few categories that each customer has not bought and those who bought what it has
did: by association within its type, counted on sets of categories, not on customers. An
offer is worth what peers spend on it times the chance, and one at a loss is not made.
-#}
with customer_moments as (
    select *
    from {{ ref("core_customer_moments") }}
    where is_present and orders > 0
),

peers as (
    select * from {{ ref("core_customer_peers") }}
),

categories as (
    select *
    from {{ ref("core_categories") }}
    where category_bit is not null
),

peer_categories as (
    select * from {{ ref("core_peer_categories") }}
),

potential_settings as (
    select * from {{ ref("core_potential_settings") }}
),

present as (
    select moment_no
    from {{ ref("core_moments") }}
    where is_present
),

-- Customers of a type that have bought the same categories.
masks as (
    select
        customer_type,
        category_mask,
        count(*) as customers,
        row_number() over (order by customer_type, category_mask) as mask_no
    from customer_moments
    group by customer_type, category_mask
),

types as (
    select
        customer_type,
        cast(sum(customers) as bigint) as buyers
    from masks
    group by customer_type
),

holdings as (
    select
        masks.customer_type,
        masks.mask_no,
        masks.category_mask,
        masks.customers,
        categories.category_no
    from masks
    inner join categories on (masks.category_mask & categories.category_bit) <> 0
),

pairs as (
    select
        mine.customer_type,
        mine.category_no as because_no,
        other.category_no as offered_no,
        cast(sum(mine.customers) as bigint) as support
    from holdings as mine
    inner join holdings as other on mine.mask_no = other.mask_no
    group by mine.customer_type, mine.category_no, other.category_no
),

-- A category with itself: how many have it.
sizes as (
    select
        customer_type,
        because_no as category_no,
        support as buyers
    from pairs
    where because_no = offered_no
),

associations as (
    select
        pairs.customer_type,
        pairs.because_no,
        pairs.offered_no,
        pairs.support,
        cast(pairs.support as double) / because.buyers as confidence,
        cast(pairs.support as double) * types.buyers
        / (cast(because.buyers as double) * offered.buyers) as lift
    from pairs
    inner join sizes as because
        on
            pairs.customer_type = because.customer_type
            and pairs.because_no = because.category_no
    inner join sizes as offered
        on
            pairs.customer_type = offered.customer_type
            and pairs.offered_no = offered.category_no
    inner join types on pairs.customer_type = types.customer_type
    cross join potential_settings
    where
        pairs.because_no <> pairs.offered_no
        and pairs.support >= potential_settings.min_support
),

-- Numbered from the best reason for an offer on, so that the best is the least.
rules as (
    select
        associations.*,
        row_number() over (
            partition by associations.customer_type, associations.offered_no
            order by
                associations.lift desc, associations.support desc,
                associations.because_no
        ) as rule_no
    from associations
    cross join potential_settings
    where associations.lift > potential_settings.min_lift
),

best_rules as (
    select
        holdings.mask_no,
        rules.offered_no,
        min(rules.rule_no) as rule_no
    from holdings
    inner join rules
        on
            holdings.customer_type = rules.customer_type
            and holdings.category_no = rules.because_no
    inner join categories on rules.offered_no = categories.category_no
    where (holdings.category_mask & categories.category_bit) = 0
    group by holdings.mask_no, rules.offered_no
),

groups as (
    select
        peer_group,
        customer_type,
        row_number() over (order by peer_group) as group_no
    from peers
    group by peer_group, customer_type
),

buyers as (
    select
        customer_moments.customer_id,
        masks.mask_no,
        groups.group_no
    from customer_moments
    inner join masks
        on
            customer_moments.customer_type = masks.customer_type
            and customer_moments.category_mask = masks.category_mask
    inner join peers on customer_moments.customer_id = peers.customer_id
    inner join groups on peers.peer_group = groups.peer_group
),

peer_masks as (
    select distinct
        group_no,
        mask_no
    from buyers
),

-- What a peer that has the category spends on it in 12 months.
spending as (
    select
        groups.group_no,
        groups.customer_type,
        peer_categories.category_no,
        cast(peer_categories.revenue_12m as double)
        / peer_categories.buyers as revenue_of_buyer,
        cast(peer_categories.margin_12m as double)
        / peer_categories.buyers as margin_of_buyer
    from peer_categories
    inner join present on peer_categories.moment_no = present.moment_no
    inner join groups on peer_categories.peer_group = groups.peer_group
    where
        peer_categories.revenue_12m > 0
        and coalesce(peer_categories.margin_12m > 0, true)
),

-- The rules of a group's type at the prices of the group.
priced as (
    select
        spending.group_no,
        rules.because_no,
        rules.offered_no,
        rules.rule_no,
        rules.support,
        rules.confidence,
        rules.lift,
        cast(rules.confidence * spending.revenue_of_buyer as {{ type_money() }})
            as expected_revenue,
        cast(rules.confidence * spending.margin_of_buyer as {{ type_money() }})
            as expected_margin
    from spending
    inner join rules
        on
            spending.customer_type = rules.customer_type
            and spending.category_no = rules.offered_no
),

-- An outer join, because an engine that believes few rows come out of it would start
-- with it, and join every set with every price.
offered as (
    select
        peer_masks.group_no,
        peer_masks.mask_no,
        best_rules.offered_no,
        priced.because_no,
        priced.support,
        priced.confidence,
        priced.lift,
        priced.expected_revenue,
        priced.expected_margin
    from peer_masks
    inner join best_rules on peer_masks.mask_no = best_rules.mask_no
    left join priced
        on
            peer_masks.group_no = priced.group_no
            and best_rules.offered_no = priced.offered_no
            and best_rules.rule_no = priced.rule_no
),

ranked as (
    select
        *,
        row_number() over (
            partition by group_no, mask_no
            order by
                expected_margin desc nulls last, expected_revenue desc nulls last,
                offered_no
        ) as offer_rank
    from offered
),

final as (
    select
        buyers.customer_id,
        offered_categories.category,
        cast(ranked.offer_rank as integer) as rank,
        ranked.lift,
        ranked.support,
        ranked.confidence,
        because_categories.category as because_of,
        ranked.expected_revenue,
        ranked.expected_margin
    from ranked
    cross join potential_settings
    inner join buyers
        on
            ranked.group_no = buyers.group_no
            and ranked.mask_no = buyers.mask_no
    inner join categories as offered_categories
        on ranked.offered_no = offered_categories.category_no
    inner join categories as because_categories
        on ranked.because_no = because_categories.category_no
    where
        ranked.offer_rank <= potential_settings.offers_per_customer
        -- Peers spend nothing on the others, or only at a loss.
        and ranked.expected_revenue is not null
)

select * from final

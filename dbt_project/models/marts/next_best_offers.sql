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
    select * from {{ ref("potential_settings") }}
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
        count(*) as customers
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
    inner join holdings as other
        on
            mine.customer_type = other.customer_type
            and mine.category_mask = other.category_mask
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
        holdings.customer_type,
        holdings.category_mask,
        rules.offered_no,
        min(rules.rule_no) as rule_no
    from holdings
    inner join rules
        on
            holdings.customer_type = rules.customer_type
            and holdings.category_no = rules.because_no
    inner join categories on rules.offered_no = categories.category_no
    where (holdings.category_mask & categories.category_bit) = 0
    group by holdings.customer_type, holdings.category_mask, rules.offered_no
),

peer_masks as (
    select distinct
        customer_moments.customer_type,
        peers.peer_group,
        customer_moments.category_mask
    from customer_moments
    inner join peers on customer_moments.customer_id = peers.customer_id
),

-- What a peer that has the category spends on it in 12 months.
spending as (
    select
        peer_categories.peer_group,
        peer_categories.category_no,
        cast(peer_categories.revenue_12m as double)
        / peer_categories.buyers as revenue_of_buyer,
        cast(peer_categories.margin_12m as double)
        / peer_categories.buyers as margin_of_buyer
    from peer_categories
    inner join present on peer_categories.moment_no = present.moment_no
),

offered as (
    select
        peer_masks.peer_group,
        peer_masks.category_mask,
        best_rules.offered_no,
        rules.because_no,
        rules.support,
        rules.confidence,
        rules.lift,
        cast(rules.confidence * spending.revenue_of_buyer as {{ type_money() }})
            as expected_revenue,
        cast(rules.confidence * spending.margin_of_buyer as {{ type_money() }})
            as expected_margin
    from peer_masks
    inner join best_rules
        on
            peer_masks.customer_type = best_rules.customer_type
            and peer_masks.category_mask = best_rules.category_mask
    inner join rules
        on
            best_rules.customer_type = rules.customer_type
            and best_rules.offered_no = rules.offered_no
            and best_rules.rule_no = rules.rule_no
    inner join spending
        on
            peer_masks.peer_group = spending.peer_group
            and best_rules.offered_no = spending.category_no
    where
        spending.revenue_of_buyer > 0
        and coalesce(spending.margin_of_buyer > 0, true)
),

ranked as (
    select
        *,
        row_number() over (
            partition by peer_group, category_mask
            order by
                expected_margin desc nulls last, expected_revenue desc, offered_no
        ) as offer_rank
    from offered
),

final as (
    select
        customer_moments.customer_id,
        offered_categories.category,
        cast(ranked.offer_rank as integer) as offer_rank,
        ranked.lift,
        ranked.support,
        ranked.confidence,
        because_categories.category as because_of,
        ranked.expected_revenue,
        ranked.expected_margin
    from ranked
    cross join potential_settings
    inner join peers on ranked.peer_group = peers.peer_group
    inner join customer_moments
        on
            peers.customer_id = customer_moments.customer_id
            and ranked.category_mask = customer_moments.category_mask
    inner join categories as offered_categories
        on ranked.offered_no = offered_categories.category_no
    inner join categories as because_categories
        on ranked.because_no = because_categories.category_no
    where ranked.offer_rank <= potential_settings.offers_per_customer
)

select * from final

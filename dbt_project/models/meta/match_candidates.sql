{#-
Pairs of customers for a person to review: likely, but not sure enough to link; or linked
by a rule and kept apart by a veto or by the guard of a group. What is told of a pair is
that of its strongest record pair; a pair of which a person has called two records
different is decided. The answer goes into the seed match_decisions.
-#}
with links as (
    select * from {{ ref("core_customer_links") }}
),

keys as (
    select * from {{ ref("core_customer_keys") }}
),

customer_days as (
    select * from {{ ref("core_customer_days") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

records as (
    select
        records.record_no,
        records.source,
        records.source_customer_id,
        case
            when records.customer_type = 'person'
                then {{ masked_name("records.customer_name") }}
            else records.customer_name
        end as customer_name,
        records.city
    from {{ ref("core_customer_records") }} as records
),

sided as (
    select
        links.*,
        one.customer_id,
        other.customer_id as other_customer_id,
        least(one.customer_id, other.customer_id) as lesser_id,
        greatest(one.customer_id, other.customer_id) as greater_id
    from links
    inner join keys as one on links.left_no = one.record_no
    inner join keys as other on links.right_no = other.record_no
    where links.verdict <> 'same' and one.customer_id <> other.customer_id
),

-- A veto between two records speaks for all of both customers.
ranked as (
    select
        *,
        row_number() over (
            partition by lesser_id, greater_id
            order by
                case when verdict = 'different' then 0 else 1 end,
                case when is_doubt then 1 else 0 end,
                case when guard is null then 1 else 0 end,
                rule_order, confidence desc, left_no, right_no
        ) as strength,
        count(*) over (partition by lesser_id, greater_id) as record_pairs
    from sided
),

revenue as (
    select
        customers.customer_id,
        sum(customer_days.revenue) as revenue
    from customer_days
    inner join {{ ref("core_customers") }} as customers
        on customer_days.customer_no = customers.customer_no
    cross join refresh
    where
        customer_days.order_date
        > {{ dbt.dateadd("year", -1, "refresh.as_of_date") }}
    group by customers.customer_id
),

final as (
    select
        one.source as left_source,
        one.source_customer_id as left_customer_id,
        one.customer_name as left_name,
        one.city as left_city,
        other.source as right_source,
        other.source_customer_id as right_customer_id,
        other.customer_name as right_name,
        other.city as right_city,
        ranked.match_rule,
        cast(ranked.confidence as double) as probability,
        ranked.reason,
        ranked.guard,
        ranked.is_doubt,
        ranked.evidence_for,
        ranked.evidence_against,
        ranked.customer_id,
        ranked.other_customer_id,
        cast(ranked.record_pairs as bigint) as record_pairs,
        cast(
            coalesce(mine.revenue, 0) + coalesce(theirs.revenue, 0)
            as {{ type_money_sum() }}
        ) as revenue_at_stake
    from ranked
    inner join records as one on ranked.left_no = one.record_no
    inner join records as other on ranked.right_no = other.record_no
    left join revenue as mine on ranked.customer_id = mine.customer_id
    left join revenue as theirs on ranked.other_customer_id = theirs.customer_id
    where ranked.strength = 1 and ranked.verdict <> 'different'
)

select * from final
order by
    is_doubt desc, revenue_at_stake desc, probability desc, customer_id,
    other_customer_id

{#-
Pairs for a person to review: likely, but not sure enough to link; or linked by a rule
and kept apart by a guard. The answer goes into the seed match_decisions.
-#}
with links as (
    select * from {{ ref("core_customer_links") }}
),

records as (
    select
        records.record_no,
        records.source,
        records.source_customer_id,
        keys.customer_id,
        case
            when records.customer_type = 'person'
                then {{ masked_name("records.customer_name") }}
            else records.customer_name
        end as customer_name,
        records.city
    from {{ ref("core_customer_records") }} as records
    inner join {{ ref("core_customer_keys") }} as keys
        on records.record_no = keys.record_no
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
        links.match_rule,
        cast(links.confidence as double) as probability,
        coalesce(links.reason, 'joining their groups would break a guard') as reason
    from links
    inner join records as one on links.left_no = one.record_no
    inner join records as other on links.right_no = other.record_no
    where links.verdict <> 'different' and one.customer_id <> other.customer_id
)

select * from final

{#-
The links that hold the records of a customer together: the strongest, one fewer than the
customer has records, so that each record is reached and none twice.
-#}
with links as (
    select * from {{ ref("core_customer_links") }}
),

keys as (
    select * from {{ ref("core_customer_keys") }}
),

final as (
    select
        one.customer_id,
        one.source as left_source,
        one.source_customer_id as left_customer_id,
        other.source as right_source,
        other.source_customer_id as right_customer_id,
        links.match_rule,
        cast(links.confidence as double) as probability
    from links
    inner join keys as one on links.left_no = one.record_no
    inner join keys as other on links.right_no = other.record_no
    where links.holds
)

select * from final

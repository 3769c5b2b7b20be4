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

records as (
    select
        records.record_no,
        case
            when records.customer_type = 'person'
                then {{ masked_name("records.customer_name") }}
            else records.customer_name
        end as customer_name
    from {{ ref("core_customer_records") }} as records
),

final as (
    select
        one.customer_id,
        one.source as left_source,
        one.source_customer_id as left_customer_id,
        left_record.customer_name as left_name,
        other.source as right_source,
        other.source_customer_id as right_customer_id,
        right_record.customer_name as right_name,
        links.match_rule,
        cast(links.confidence as double) as probability
    from links
    inner join keys as one on links.left_no = one.record_no
    inner join keys as other on links.right_no = other.record_no
    inner join records as left_record on links.left_no = left_record.record_no
    inner join records as right_record on links.right_no = right_record.record_no
    where links.holds
)

select * from final

{#-
A small sample of the links that hold, for a person to confirm or to refute where no source
says who is who: five of each rule and type of customer, drawn by a hash of the two keys,
so that the same are drawn until they are judged. The answer goes into the seed
match_decisions; model_quality has the precision that follows, with its interval.
-#}
{%- set drawn = 5 -%}
with links as (
    select * from {{ ref("core_customer_links") }}
),

records as (
    select
        records.record_no,
        records.source,
        records.source_customer_id,
        records.customer_type,
        case
            when records.customer_type = 'person'
                then {{ masked_name("records.customer_name") }}
            else records.customer_name
        end as customer_name,
        records.city
    from {{ ref("core_customer_records") }} as records
),

known as (
    {{ provided("known_identities") }}
),

known_types as (
    select distinct records.customer_type
    from known
    inner join records
        on
            known.customer_source = records.source
            and known.source_customer_id = records.source_customer_id
),

drawn as (
    select
        one.customer_type,
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
        row_number() over (
            partition by one.customer_type, links.match_rule
            order by
                {{ row_hash([
                    "one.source", "one.source_customer_id", "other.source",
                    "other.source_customer_id",
                ]) }},
                links.left_no, links.right_no
        ) as place
    from links
    inner join records as one on links.left_no = one.record_no
    inner join records as other on links.right_no = other.record_no
    left join known_types on one.customer_type = known_types.customer_type
    where
        links.verdict = 'same'
        and links.rule_order > 0
        and known_types.customer_type is null
),

final as (
    select
        customer_type,
        left_source,
        left_customer_id,
        left_name,
        left_city,
        right_source,
        right_customer_id,
        right_name,
        right_city,
        match_rule,
        probability
    from drawn
    where place <= {{ drawn }}
)

select * from final

{#-
One customer over all sources. Each attribute comes from the record that is trusted most
for it (seed source_trust), then the one changed last, then the first; an empty value
never wins over a known one.
-#}
with records as (
    select * from {{ ref("core_customer_records") }}
),

keys as (
    select * from {{ ref("core_customer_keys") }}
),

trust as (
    select * from {{ ref("source_trust") }}
),

anybody as (
    select coalesce(max(trust), 1000) as trust
    from trust
    where source = '*' and attribute = '*'
),

sources as (
    select distinct source
    from records
),

-- One row per source, one rank per attribute: as declared, else that of the source.
ranks as (
    select
        sources.source,
        {{ trust_ranks("trust.attribute", "trust.trust", "anybody.trust") }}
    from sources
    cross join anybody
    left join trust on sources.source = trust.source
    group by sources.source
),

-- Smaller is better: newer first, then the first record.
aged as (
    select
        keys.customer_id,
        records.*,
        99999999999
        - coalesce({{ epoch_seconds("records.updated_at") }}, 0) as seconds_rank
    from records
    inner join keys on records.record_no = keys.record_no
),

ranked as (
    select
        *,
        cast(seconds_rank as decimal(38, 0)) * 1000000000000 + record_no as age_rank
    from aged
),

final as (
    select
        ranked.customer_id,
        {{ survivors("ranked", "ranks") }},
        count(*) as source_count,
        row_number() over (order by ranked.customer_id) as customer_no
    from ranked
    inner join ranks on ranked.source = ranks.source
    group by ranked.customer_id
)

select * from final

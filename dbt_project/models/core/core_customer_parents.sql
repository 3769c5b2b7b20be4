{#-
Who owns whom, as the most trusted record says, and who stands at the top. A chain that
comes back to itself says nothing: its members have no parent, and a test reports them.
-#}
with recursive records as (
    select * from {{ ref("core_customer_records") }}
),

keys as (
    select * from {{ ref("core_customer_keys") }}
),

trust as (
    select
        source,
        min(trust) as trust
    from {{ ref("source_trust") }}
    where attribute in ('*', 'parent_customer_id')
    group by source
),

named as (
    select
        keys.customer_id,
        parents.customer_id as parent_customer_id,
        row_number() over (
            partition by keys.customer_id
            order by trust.trust nulls last, records.record_no
        ) as trust_rank
    from records
    inner join keys on records.record_no = keys.record_no
    inner join keys as parents
        on
            records.source = parents.source
            and records.parent_source_customer_id = parents.source_customer_id
    left join trust on records.source = trust.source
    where parents.customer_id <> keys.customer_id
),

direct as (
    select
        customer_id,
        parent_customer_id
    from named
    where trust_rank = 1
),

chains as (
    select
        customer_id,
        parent_customer_id as ancestor_id,
        1 as height
    from direct
    union all
    select
        chains.customer_id,
        direct.parent_customer_id as ancestor_id,
        chains.height + 1 as height
    from chains
    inner join direct on chains.ancestor_id = direct.customer_id
    where chains.height < 20 and chains.ancestor_id <> chains.customer_id
),

circular as (
    select distinct customer_id
    from chains
    where ancestor_id = customer_id
),

sound as (
    select
        chains.customer_id,
        chains.ancestor_id,
        chains.height
    from chains
    left join circular as own on chains.customer_id = own.customer_id
    left join circular as ancestors on chains.ancestor_id = ancestors.customer_id
    where own.customer_id is null and ancestors.customer_id is null
),

final as (
    select
        sound.customer_id,
        max(case when sound.height = 1 then sound.ancestor_id end)
            as parent_customer_id,
        max_by(sound.ancestor_id, sound.height) as ultimate_parent_customer_id
    from sound
    group by sound.customer_id
)

select * from final
where parent_customer_id is not null

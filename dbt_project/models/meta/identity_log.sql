{#-
What happened to ids, refresh by refresh, and why. Compares the id that a record had in
the release before with the one it has now. That a customer was forgotten is recorded once, by
the first release after it.
-#}
with keys as (
    select * from {{ ref("core_customer_keys") }}
),

links as (
    select * from {{ ref("core_customer_links") }}
),

registry as (
    select * from {{ source("refresh", "customer_registry") }}
),

earlier as (
    select * from {{ source("refresh", "identity_log") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

moved as (
    select
        keys.record_no,
        keys.source,
        keys.source_customer_id,
        keys.customer_id,
        keys.is_new,
        registry.customer_id as earlier_customer_id
    from keys
    inner join registry
        on
            keys.source = registry.source
            and keys.source_customer_id = registry.source_customer_id
    where keys.customer_id <> registry.customer_id
),

still_there as (
    select distinct customer_id
    from keys
),

changes as (
    select
        case
            when moved.is_new then 'split'
            when still_there.customer_id is null then 'merge'
            else 'move'
        end as event,
        moved.customer_id,
        moved.earlier_customer_id,
        count(*) as records,
        min_by(moved.source, moved.record_no) as source,
        min_by(moved.source_customer_id, moved.record_no) as source_customer_id
    from moved
    left join still_there on moved.earlier_customer_id = still_there.customer_id
    group by
        moved.customer_id, moved.earlier_customer_id, moved.is_new,
        still_there.customer_id
),

-- The strongest link between the records that came and those that were there.
sides as (
    select
        left_no as record_no,
        right_no as other_no,
        match_rule,
        rule_order,
        verdict,
        reason
    from links
    union all
    select
        right_no as record_no,
        left_no as other_no,
        match_rule,
        rule_order,
        verdict,
        reason
    from links
),

joined as (
    select
        moved.customer_id,
        moved.earlier_customer_id,
        min_by(sides.match_rule, sides.rule_order) as match_rule
    from moved
    inner join sides on moved.record_no = sides.record_no
    inner join keys as others on sides.other_no = others.record_no
    where sides.verdict = 'same' and others.customer_id = moved.customer_id
    group by moved.customer_id, moved.earlier_customer_id
),

parted as (
    select
        moved.customer_id,
        moved.earlier_customer_id,
        min_by(sides.match_rule || ': ' || sides.reason, sides.rule_order) as why_linked
    from moved
    inner join sides on moved.record_no = sides.record_no
    inner join keys as others on sides.other_no = others.record_no
    where
        sides.verdict <> 'same'
        and others.customer_id = moved.earlier_customer_id
    group by moved.customer_id, moved.earlier_customer_id
),

forgotten as (
    select
        keys.customer_id,
        forgotten.receipt,
        count(*) as records,
        min_by(keys.source, keys.record_no) as source,
        min_by(keys.source_customer_id, keys.record_no) as source_customer_id,
        min(forgotten.reason) as reason
    from ({{ forgotten_customers() }}) as forgotten
    inner join keys
        on
            forgotten.source = keys.source
            and forgotten.source_customer_id = keys.source_customer_id
    left join earlier
        on
            forgotten.source = earlier.source
            and forgotten.source_customer_id = earlier.source_customer_id
            and earlier.event = 'forget'
    where earlier.event is null
    group by keys.customer_id, forgotten.receipt
),

final as (
    select
        refresh_id,
        as_of_date,
        event,
        customer_id,
        earlier_customer_id,
        records,
        source,
        source_customer_id,
        reason
    from earlier
    union all
    select
        refresh.refresh_id,
        refresh.as_of_date,
        changes.event,
        changes.customer_id,
        changes.earlier_customer_id,
        changes.records,
        changes.source,
        changes.source_customer_id,
        case changes.event
            when 'split'
                then coalesce(parted.why_linked, 'nothing links them any more')
            else coalesce(joined.match_rule, 'the records that linked them have gone')
        end as reason
    from changes
    cross join refresh
    left join joined
        on
            changes.customer_id = joined.customer_id
            and changes.earlier_customer_id = joined.earlier_customer_id
    left join parted
        on
            changes.customer_id = parted.customer_id
            and changes.earlier_customer_id = parted.earlier_customer_id
    union all
    select
        refresh.refresh_id,
        refresh.as_of_date,
        'forget' as event,
        forgotten.customer_id,
        forgotten.customer_id as earlier_customer_id,
        forgotten.records,
        forgotten.source,
        forgotten.source_customer_id,
        forgotten.reason || ' (' || forgotten.receipt || ')' as reason
    from forgotten
    cross join refresh
)

select * from final

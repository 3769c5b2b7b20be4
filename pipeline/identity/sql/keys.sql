{#- The customer of every record; its columns stand at `resolve.keys`. -#}
with held as (
    select
        left_no as record_no,
        match_rule,
        rule_order,
        confidence,
        right_no as other
    from {{ links | sql }}
    where verdict = 'same'
    union all
    select
        right_no as record_no,
        match_rule,
        rule_order,
        confidence,
        left_no as other
    from {{ links | sql }}
    where verdict = 'same'
),

strongest as (
    select
        held.record_no,
        min_by(held.match_rule, held.rule_order) as match_rule,
        min_by(held.confidence, held.rule_order) as confidence
    from held
    inner join _identity_groups as mine on held.record_no = mine.record_no
    inner join _identity_groups as theirs on held.other = theirs.record_no
    where mine.label = theirs.label
    group by held.record_no
)

select
    mine.record_no,
    mine.source,
    mine.source_customer_id,
    ids.customer_id,
    ids.is_new,
    coalesce(strongest.match_rule, 'own key') as match_rule,
    cast(coalesce(strongest.confidence, 1) as decimal(5, 4)) as match_confidence
from _identity_groups as mine
inner join _identity_ids as ids on mine.label = ids.label
left join strongest on mine.record_no = strongest.record_no
order by mine.record_no

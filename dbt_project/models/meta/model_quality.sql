{#-
How good the models are, every figure of every refresh. Identity: how many records became
how many customers by which rule, how often registration numbers contradict a rule, what
was compared (pairs that share a block), skipped (pairs of a block that was cut), kept
apart by which veto or guard, and, where a source provides known_identities, precision and
recall over pairs of records. Where none does, the precision of links by what people have
said of a sample of them, with an interval of 95 %: each rule counts by its links, one that
nobody has judged is left out (Cochran, Sampling Techniques, chapter 5; the interval from
Wilson's for each rule, as in Zou, Huang and Zhang, A note on confidence interval estimation
for a linear function of binomial proportions, 2009).
Value: the backtest of the forecasters, the parameters of their fits at each origin and at
the as-of day (`fit r`, `fit standard_error_r` ... of `pareto_nbd 2014-01-31`), and who was
chosen (`choice error_to_baseline`: beside the better baseline; below 1 is better, a million where that made no error). Health: how well a health score of the past told
who would buy nothing, beside recency alone.
-#}
with keys as (
    select * from {{ ref("core_customer_keys") }}
),

links as (
    select * from {{ ref("core_customer_links") }}
),

candidates as (
    select * from {{ ref("match_candidates") }}
),

customer_records as (
    select * from {{ ref("core_customer_records") }}
),

blocks as (
    select * from {{ ref("core_customer_blocks") }}
),

-- n records of a block are n (n - 1) / 2 pairs; the parts of one that was cut overlap
-- by a chunk.
parts as (
    select
        block,
        whole,
        cast(count(*) as double) as records
    from blocks
    group by block, whole
),

chunks as (
    select
        whole,
        chunk,
        cast(count(*) as double) / 2 as records
    from blocks
    where chunk is not null
    group by whole, chunk
),

wholes as (
    select
        whole,
        sum(records) as records
    from chunks
    group by whole
),

pairs as (
    select
        (select sum(records * (records - 1) / 2) from parts) as of_parts,
        (select sum(records * (records - 1) / 2) from chunks) as counted_twice,
        (select sum(records * (records - 1) / 2) from wholes) as of_cut_blocks,
        (
            select sum(parts.records * (parts.records - 1) / 2)
            from parts
            inner join wholes on parts.whole = wholes.whole
        ) as of_cut_parts
),

judged_links as (
    select
        customer_records.customer_type,
        links.found_by,
        cast(count(*) as double) as links,
        cast(sum(case when links.rule_order = 0 then 1 else 0 end) as double) as judged,
        cast(
            sum(
                case
                    when links.rule_order = 0 and links.verdict = 'same' then 1
                    else 0
                end
            ) as double
        ) as right_ones
    from links
    inner join customer_records on links.left_no = customer_records.record_no
    where links.is_found
    group by customer_records.customer_type, links.found_by
),

strata as (
    select
        *,
        links / sum(links) over (partition by customer_type) as share,
        right_ones / judged as rightness
    from judged_links
    where judged > 0
),

-- Wilson's interval of 95 %: z = 1.96, z² = 3.8416.
wilson as (
    select
        *,
        (rightness + 1.9208 / judged) / (1 + 3.8416 / judged) as centre,
        1.96 * sqrt(
            rightness * (1 - rightness) / judged + 0.9604 / (judged * judged)
        ) / (1 + 3.8416 / judged) as half_width
    from strata
),

link_precision as (
    select
        customer_type,
        sum(judged) as judged,
        sum(share * rightness) as precision_of_links,
        sqrt(sum(power(share * (rightness - centre + half_width), 2))) as below,
        sqrt(sum(power(share * (centre + half_width - rightness), 2))) as above
    from wilson
    group by customer_type
),

known as (
    {{ provided("known_identities") }}
),

earlier as (
    select * from {{ source("refresh", "model_quality") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

labelled as (
    select
        records.customer_type,
        keys.customer_id,
        known.identity
    from known
    inner join keys
        on
            known.customer_source = keys.source
            and known.source_customer_id = keys.source_customer_id
    inner join {{ ref("core_customer_records") }} as records
        on keys.record_no = records.record_no
),

-- n records of one kind are n (n - 1) / 2 pairs.
counted as (
    select
        customer_type,
        customer_id,
        identity,
        count(*) as records
    from labelled
    group by customer_type, customer_id, identity
),

found as (
    select
        customer_type,
        sum(cast(records as double) * (records - 1) / 2) as pairs
    from (
        select
            customer_type,
            sum(records) as records
        from counted
        group by customer_type, customer_id
    ) as customers
    group by customer_type
),

there as (
    select
        customer_type,
        sum(cast(records as double) * (records - 1) / 2) as pairs
    from (
        select
            customer_type,
            sum(records) as records
        from counted
        group by customer_type, identity
    ) as identities
    group by customer_type
),

right_ones as (
    select
        customer_type,
        sum(cast(records as double) * (records - 1) / 2) as pairs
    from counted
    group by customer_type
),

figures as (
    select
        'records' as metric,
        'all' as subject,
        cast(count(*) as double) as value
    from keys
    union all
    select
        'customers' as metric,
        'all' as subject,
        cast(count(distinct customer_id) as double) as value
    from keys
    union all
    select
        'links' as metric,
        match_rule as subject,
        cast(count(*) as double) as value
    from links
    where verdict = 'same'
    group by match_rule
    union all
    select
        'contradicted_by_registration' as metric,
        match_rule as subject,
        cast(count(*) as double) as value
    from links
    where reason = 'their registration numbers contradict'
    group by match_rule
    union all
    select
        'candidates' as metric,
        'all' as subject,
        cast(count(*) as double) as value
    from candidates
    where is_doubt
    union all
    select
        'kept apart' as metric,
        guard as subject,
        cast(count(*) as double) as value
    from links
    where guard is not null
    group by guard
    union all
    select
        'pairs compared' as metric,
        'all' as subject,
        coalesce(of_parts, 0) - coalesce(counted_twice, 0) as value
    from pairs
    union all
    select
        'pairs skipped' as metric,
        'blocks that were cut' as subject,
        coalesce(of_cut_blocks, 0)
        - (coalesce(of_cut_parts, 0) - coalesce(counted_twice, 0)) as value
    from pairs
    union all
    select
        'records unverified' as metric,
        customer_records.customer_type as subject,
        cast(count(*) as double) as value
    from keys
    inner join customer_records on keys.record_no = customer_records.record_no
    left join right_ones on customer_records.customer_type = right_ones.customer_type
    where coalesce(right_ones.pairs, 0) = 0
    group by customer_records.customer_type
    union all
    select
        'customers unverified' as metric,
        customer_records.customer_type as subject,
        cast(count(distinct keys.customer_id) as double) as value
    from keys
    inner join customer_records on keys.record_no = customer_records.record_no
    left join right_ones on customer_records.customer_type = right_ones.customer_type
    where coalesce(right_ones.pairs, 0) = 0
    group by customer_records.customer_type
    union all
    select
        'links judged' as metric,
        customer_type as subject,
        judged as value
    from link_precision
    union all
    select
        'link precision' as metric,
        customer_type as subject,
        precision_of_links as value
    from link_precision
    union all
    select
        'link precision low' as metric,
        customer_type as subject,
        greatest(0, precision_of_links - below) as value
    from link_precision
    union all
    select
        'link precision high' as metric,
        customer_type as subject,
        least(1, precision_of_links + above) as value
    from link_precision
    union all
    select
        'pairwise_precision' as metric,
        right_ones.customer_type as subject,
        right_ones.pairs / nullif(found.pairs, 0) as value
    from right_ones
    inner join found on right_ones.customer_type = found.customer_type
    union all
    select
        'pairwise_recall' as metric,
        right_ones.customer_type as subject,
        right_ones.pairs / nullif(there.pairs, 0) as value
    from right_ones
    inner join there on right_ones.customer_type = there.customer_type
),

weights as (
    select distinct
        customer_type,
        decisions,
        is_learned,
        declared_loss,
        learned_loss
    from {{ ref("core_match_weights") }}
),

learning_figures as (
    select
        'decisions' as metric,
        customer_type as subject,
        cast(decisions as double) as value
    from weights
    union all
    select
        'weights learned' as metric,
        customer_type as subject,
        case when is_learned then 1.0 else 0.0 end as value
    from weights
    union all
    select
        'loss of declared weights' as metric,
        customer_type as subject,
        declared_loss as value
    from weights
    where declared_loss is not null
    union all
    select
        'loss of learned weights' as metric,
        customer_type as subject,
        learned_loss as value
    from weights
    where learned_loss is not null
),

tested as (
    select * from {{ ref("core_value_backtest") }}
    -- The fits themselves are for the next refresh; without a forecaster nothing was
    -- measured.
    where target <> 'kept' and forecaster is not null
),

tier_stability as (
    select * from {{ ref("int_tier_stability") }}
),

tier_figures as (
    select
        kind || ' change rate' as metric,
        customer_type as subject,
        change_rate as value
    from tier_stability
    union all
    select
        kind || ' taken back share' as metric,
        customer_type as subject,
        taken_back_share as value
    from tier_stability
    union all
    select
        'customer months' as metric,
        customer_type as subject,
        cast(customer_months as double) as value
    from tier_stability
    where kind = 'held'
    union all
    select
        'restated customers' as metric,
        restated.cause as subject,
        cast(count(distinct restated.customer_id) as double) as value
    from {{ ref("tier_restatements") }} as restated
    inner join refresh on restated.refresh_id = refresh.refresh_id
    group by restated.cause
),

health as (
    select * from {{ ref("core_health_backtest") }}
),

final as (
    select
        refresh_id,
        as_of_date,
        model,
        metric,
        subject,
        value
    from earlier
    union all
    select
        refresh.refresh_id,
        refresh.as_of_date,
        'identity' as model,
        figures.metric,
        figures.subject,
        figures.value
    from figures
    cross join refresh
    union all
    select
        refresh.refresh_id,
        refresh.as_of_date,
        'identity' as model,
        learning_figures.metric,
        learning_figures.subject,
        learning_figures.value
    from learning_figures
    cross join refresh
    union all
    select
        refresh.refresh_id,
        refresh.as_of_date,
        'value of ' || tested.customer_group as model,
        tested.target || ' ' || tested.measure as metric,
        tested.forecaster
        || coalesce(' ' || cast(tested.origin as {{ type_text() }}), '') as subject,
        tested.value
    from tested
    cross join refresh
    union all
    select
        refresh.refresh_id,
        refresh.as_of_date,
        'tiers' as model,
        tier_figures.metric,
        tier_figures.subject,
        tier_figures.value
    from tier_figures
    cross join refresh
    union all
    select
        refresh.refresh_id,
        refresh.as_of_date,
        'health' as model,
        health.metric,
        health.subject,
        health.value
    from health
    cross join refresh
)

select * from final

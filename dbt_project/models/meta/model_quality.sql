{#-
How good the models are, every figure of every refresh. Identity: how many records became
how many customers by which rule, how often registration numbers contradict a rule, and,
where a source provides known_identities, precision and recall over pairs of records.
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

tested as (
    select * from {{ ref("core_value_backtest") }}
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
        'value of ' || tested.customer_group as model,
        tested.target || ' ' || tested.measure as metric,
        tested.forecaster
        || coalesce(' ' || cast(tested.origin as varchar), '') as subject,
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

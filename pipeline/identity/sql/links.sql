{#- Pairs that are the same customer, or that a person should decide about, each by
    itself: `guard` is the veto that keeps them apart. The columns stand at
    `resolve.links`. -#}
{%- from "conditions.sql" import by_type -%}
with sided as (
    select
        l.record_no as one,
        r.record_no as other,
        decisions.decision,
        decisions.decided_by,
        decisions.reason
    from {{ decisions | sql }} as decisions
    inner join {{ forms | sql }} as l
        on
            decisions.left_source = l.source
            and decisions.left_customer_id = l.source_customer_id
    inner join {{ forms | sql }} as r
        on
            decisions.right_source = r.source
            and decisions.right_customer_id = r.source_customer_id
),

decided as (
    select
        least(one, other) as left_no,
        greatest(one, other) as right_no,
        min(decision) as verdict,
        min(decided_by || ': ' || reason) as reason
    from sided
    where one <> other
    group by least(one, other), greatest(one, other)
),

referred as (
    select distinct
        least(l.record_no, r.record_no) as left_no,
        greatest(l.record_no, r.record_no) as right_no
    from {{ references | sql }} as known
    inner join {{ forms | sql }} as l
        on
            known.source = l.source
            and known.source_customer_id = l.source_customer_id
    inner join {{ forms | sql }} as r
        on
            known.other_source = r.source
            and known.other_source_customer_id = r.source_customer_id
    where l.record_no <> r.record_no
),

found as (
    select
        left_no,
        right_no,
        match_rule,
        rule_order,
        confidence,
        false as is_score
    from _identity_by_rule
    union all
    select
        left_no,
        right_no,
        'cross-reference' as match_rule,
        20 as rule_order,
        cast(0.999 as double) as confidence,
        false as is_score
    from referred
    union all
    select
        left_no,
        right_no,
        'probability' as match_rule,
        1000 as rule_order,
        probability as confidence,
        true as is_score
    from _identity_scores
),

best as (
    select
        left_no,
        right_no,
        min_by(match_rule, rule_order) as match_rule,
        min(rule_order) as rule_order,
        min_by(confidence, rule_order) as confidence,
        min(is_score) as is_score
    from found
    group by left_no, right_no
),

judged as (
    select
        best.*,
        case
            {% for veto in vetoes %}
            when {{ veto.condition | sql }} then {{ loop.index0 }}
            {% endfor %}
        end as veto,
        not best.is_score
        or best.confidence
        >= {{ by_type("l.customer_type" | sql, rules, "link_probability") }} as is_sure
    from best
    inner join {{ forms | sql }} as l on best.left_no = l.record_no
    inner join {{ forms | sql }} as r on best.right_no = r.record_no
),

final as (
    select
        coalesce(decided.left_no, judged.left_no) as left_no,
        coalesce(decided.right_no, judged.right_no) as right_no,
        case
            when decided.verdict is not null then 'decision of a person'
            else judged.match_rule
        end as match_rule,
        case
            when decided.verdict is not null then 0
            else judged.rule_order
        end as rule_order,
        case
            when decided.verdict is not null then 1.0
            else judged.confidence
        end as confidence,
        case
            when decided.verdict is not null then decided.verdict
            when judged.veto is not null or not judged.is_sure then 'review'
            else 'same'
        end as verdict,
        case
            when decided.verdict is not null then decided.reason
            {% for veto in vetoes %}
            when judged.veto = {{ loop.index0 }} then {{ veto.reason | literal }}
            {% endfor %}
            when not judged.is_sure then 'not sure enough to link'
        end as reason,
        case
            when decided.verdict is not null then null
            {% for veto in vetoes %}
            when judged.veto = {{ loop.index0 }} then {{ veto.reason | literal }}
            {% endfor %}
        end as guard,
        decided.verdict is null
        and not coalesce(
            judged.veto in (
                {% for veto in vetoes if not veto.is_doubt %}
                {{ vetoes.index(veto) }}{% if not loop.last %},{% endif %}

                {% endfor %}
            ), false
        ) as is_doubt,
        judged.match_rule as found_by,
        coalesce(judged.veto is null and judged.is_sure, false) as is_found
    from judged
    full outer join decided
        on judged.left_no = decided.left_no and judged.right_no = decided.right_no
)

select
    final.*,
    scores.probability as score
from final
left join _identity_scores as scores
    on final.left_no = scores.left_no and final.right_no = scores.right_no

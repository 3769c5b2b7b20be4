{#- The links with what the guards of groups left out, and with the evidence of what a
    person is asked about: the rule itself where no comparison speaks for them. The
    columns stand at `resolve.links`. -#}
select
    found.left_no,
    found.right_no,
    found.match_rule,
    found.rule_order,
    found.confidence,
    case when guards.guard is null then found.verdict else 'review' end as verdict,
    coalesce(guards.guard, found.reason) as reason,
    coalesce(guards.guard, found.guard) as guard,
    found.is_doubt or guards.guard is not null as is_doubt,
    found.found_by,
    found.is_found,
    guards.left_no is not null and guards.guard is null as holds,
    case
        when found.verdict = 'review' or guards.guard is not null
            then coalesce(evidence.evidence_for, found.match_rule)
    end as evidence_for,
    evidence.evidence_against,
    found.score
from _identity_found as found
left join _identity_guards as guards
    on found.left_no = guards.left_no and found.right_no = guards.right_no
left join _identity_evidence as evidence
    on found.left_no = evidence.left_no and found.right_no = evidence.right_no
order by found.left_no, found.right_no

"""The tier that a customer has, from the tiers that it earned month by month.

A threshold between a tier and the next worse one works like a switch with two positions.
It closes when the customer has passed the raised threshold (by the tier's band) at as many
month ends in a row as the tier asks for confirmations; it opens when it has missed the
lowered one at as many as the tier gives grace; in between it stays. So the tier is the
best one whose switch is closed, and each switch is `the last signal so far`: a window, not
a loop.

Month ends only: a refresh in the middle of a month moves nobody, but for customers that
are new. A customer that is new, or has bought for the first time, or comes under another
policy, takes the tier that it earned there and then.
"""

from __future__ import annotations

from pipeline.common.sql import literal, quoted
from pipeline.tiers import scoring
from pipeline.tiers.policy import Policy


def anew(policy: Policy, facts: str) -> str:
    """The tier that each row earns by itself, and so has under a policy that begins.

    The same as `graded` where each customer has one row, without its windows.

    Args:
        policy: A policy without problems.
        facts: One row per customer.

    Returns:
        A query with the columns of `graded`.
    """
    asked = [quoted(name) for name in scoring.facts_asked(policy)]
    rank = " ".join(
        f"when {rule.order} then {policy.tier(rule.tier_code).rank}"
        for rule in policy.rules
    )
    code = " ".join(
        f"when {rule.order} then {literal(rule.tier_code)}" for rule in policy.rules
    )
    return f"""
    select
        customer_id, customer_type, moment_no, {literal(policy.policy_id)} as policy_id,
        {_SCORES}, rule_order,
        case rule_order {rank} end as earned_rank,
        case rule_order {code} end as earned_tier_code,
        case rule_order {rank} end as tier_rank,
        case rule_order {code} end as tier_code
    from (
        select *, {scoring.first_rule(policy)} as rule_order
        from ({scoring.scored(policy, facts, keep=asked)}) as scored
    ) as ruled
    """


def graded(policy: Policy, facts: str) -> str:
    """The earned and the held tier of each row of the facts.

    Args:
        policy: A policy without problems.
        facts: One row per customer and moment, all of them under this policy; see
            `scoring`.

    Returns:
        A query: customer_id, customer_type, moment_no, policy_id, scores and coverages,
        rule_order and earned_tier_code and earned_rank (this moment by itself),
        tier_code and tier_rank (held).
    """
    asked = [quoted(name) for name in scoring.facts_asked(policy)]
    tiers = policy.tiers
    switches = tiers[:-1]
    passes, signals = [], []
    for place, tier in enumerate(switches):
        raised = scoring.earns(policy, tier, tier.band)
        lowered = scoring.earns(policy, tier, -tier.band)
        passes += [
            f"case when {raised} then 1 else 0 end as raised_{place}",
            f"case when {lowered} then 1 else 0 end as lowered_{place}",
        ]
    closes = {
        place: f"(min(raised_{place}) over up_{place} = 1 "
        f"and count(*) over up_{place} = {tier.confirmations})"
        for place, tier in enumerate(switches)
    }
    opens = {
        place: f"(max(lowered_{place}) over down_{place} = 0 "
        f"and count(*) over down_{place} = {tier.grace})"
        for place, tier in enumerate(switches)
    }
    windows = []
    for place, tier in enumerate(switches):
        better = " or ".join(closes[other] for other in range(place + 1))
        worse = " or ".join(opens[other] for other in range(place, len(switches)))
        signals.append(
            f"""
            case
                when place = 1 then case when earned_rank <= {tier.rank} then 1 else 0 end
                when not is_month_end then null
                when {better} then 1
                when {worse} then 0
            end as signal_{place}
            """
        )
        windows += [
            f"up_{place} as ({_LIFE} rows between {tier.confirmations - 1} preceding "
            "and current row)",
            f"down_{place} as ({_LIFE} rows between {tier.grace - 1} preceding "
            "and current row)",
        ]
    earned_rank = " ".join(
        f"when {rule.order} then {policy.tier(rule.tier_code).rank}"
        for rule in policy.rules
    )
    earned_code = " ".join(
        f"when {tier.rank} then {literal(tier.code)}" for tier in tiers
    )
    held = " ".join(
        f"when last_value(signal_{place} ignore nulls) over so_far = 1 then {tier.rank}"
        for place, tier in enumerate(switches)
    )
    last = tiers[-1].rank
    return f"""
    with earned as (
        select *,
            case rule_order {earned_rank} end as earned_rank,
            row_number() over ({_LIFE}) as place
        from (
            select
                {", ".join(scoring.KEYS)}, {_SCORES},
                {scoring.first_rule(policy)} as rule_order
                {"".join(f", {item}" for item in passes)}
            from ({scoring.scored(policy, facts, keep=asked)}) as scored
        ) as ruled
    ),
    signalled as (
        select *{"".join(f", {signal}" for signal in signals)}
        from earned
        {"window " + ", ".join(windows) if windows else ""}
    ),
    held as (
        select *,
            {f"case {held} else {last} end" if held else last} as tier_rank
        from signalled
        window so_far as ({_LIFE} rows between unbounded preceding and current row)
    )
    select
        customer_id, customer_type, moment_no, {literal(policy.policy_id)} as policy_id,
        {_SCORES}, rule_order, earned_rank,
        case earned_rank {earned_code} end as earned_tier_code,
        tier_rank,
        case tier_rank {earned_code} end as tier_code
    from held
    """


_SCORES = (
    "value_score, potential_score, total_score, value_coverage, "
    "potential_coverage, score_coverage"
)
_LIFE = "partition by customer_id, has_purchased order by moment_no"

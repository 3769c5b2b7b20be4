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

from collections.abc import Iterable

from pipeline.tiers.policy import Policy
from pipeline.tiers.scoring import TEMPLATES, facts_of_rules, scoring_values


def anew(policy: Policy, facts: str) -> str:
    """The tier that each row earns by itself, and so has under a policy that begins.

    The same as `graded` where each customer has one row, without its windows.

    Args:
        policy: A policy without problems.
        facts: One row per customer.

    Returns:
        A query with the columns of `graded`.
    """
    values = scoring_values(policy, facts, facts_of_rules(policy))
    return TEMPLATES.render("anew", **values)


def graded(policy: Policy, facts: str) -> str:
    """The earned and the held tier of each row of the facts.

    Args:
        policy: A policy without problems.
        facts: One row per customer and moment, all of them under this policy; see
            `scoring`.

    Returns:
        A query: customer_id, customer_type, moment_no, policy_id, scores and coverages,
        rule_order and earned_rank and earned_tier_code (this moment by itself), tier_rank
        and tier_code (held).
    """
    values = scoring_values(policy, facts, facts_of_rules(policy))
    return TEMPLATES.render("graded", **values)


def signals(policy: Policy, facts: str, *, keep: Iterable[str] = ()) -> str:
    """What each rule and each switch found at each moment, beside what came of it.

    Args:
        policy: A policy without problems.
        facts: As for `graded`.
        keep: Columns of the facts to hand on, beside the facts that rules ask for.

    Returns:
        A query: customer_id, moment_no, is_month_end, has_purchased, customer_type,
        scores and coverages, `keep`, the facts of rules; by the order of each rule
        whether it holds (holds_i), with the band raised (enters_i) and lowered (stays_i);
        by the rank of each tier whether the moment earns it or a better one with the band
        raised (raised_i) and lowered (lowered_i); rule_order, earned_rank,
        earned_tier_code, tier_rank, tier_code.
    """
    values = scoring_values(policy, facts, [*keep, *facts_of_rules(policy)])
    return TEMPLATES.render("signals", **values)

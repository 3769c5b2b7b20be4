"""What keeps policies from grading anybody, row by row.

A policy that is not whole is refused before it grades anybody. Not here: cells that are
empty or of the wrong kind, which never become a policy (policy_tables).
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.tiers.policy import (
    CUSTOMER_TYPES,
    FACTORS,
    FACTS,
    SCORES,
    VIP_CLASSES,
    Factor,
    Policy,
    Rule,
)

TOLERANCE: Final = 1e-9


@dataclass(frozen=True)
class Problem:
    """A row of a seed that cannot stand, and why."""

    table: str
    row: str
    reason: str

    def __str__(self) -> str:
        return f"{self.table} ({self.row}): {self.reason}"


def problems(policies: Sequence[Policy]) -> list[Problem]:
    """Everything that keeps these policies from grading anybody, row by row."""
    found = [problem for policy in policies for problem in _of_policy(policy)]
    published = sorted(
        (policy for policy in policies if policy.is_published),
        key=lambda policy: policy.valid_from or dt.date.min,
    )
    if not published:
        found.append(Problem("policies", "all", "no policy is published"))
    seen: set[str] = set()
    for policy in policies:
        if policy.policy_id in seen:
            found.append(
                Problem("policies", policy.policy_id, "the policy stands here twice")
            )
        seen.add(policy.policy_id)
    for policy, following in itertools.pairwise(published):
        if policy.valid_to is None or following.valid_from < policy.valid_to:
            reason = f"is still in force when {following.policy_id} begins"
        elif following.valid_from > policy.valid_to:
            reason = f"ends before {following.policy_id} begins: days without a policy"
        else:
            continue
        found.append(Problem("policies", policy.policy_id, reason))
    return found


def _of_policy(policy: Policy) -> Iterator[Problem]:
    yield from _dates_and_weights(policy)
    yield from _tiers(policy)
    yield from _rules(policy)
    yield from _factors(policy)


def _dates_and_weights(policy: Policy) -> Iterator[Problem]:
    def wrong(reason: str) -> Problem:
        return Problem("policies", policy.policy_id, reason)

    if policy.valid_from is None:
        yield wrong("valid_from is empty")
    elif policy.valid_to is not None and policy.valid_to <= policy.valid_from:
        yield wrong("valid_to is not after valid_from")
    weights = (policy.value_weight, policy.potential_weight)
    if any(weight is None or not 0 <= weight <= 1 for weight in weights):
        yield wrong("value_weight and potential_weight are shares from 0 to 1")
    elif abs(sum(weights) - 1) > TOLERANCE:
        yield wrong(f"value_weight and potential_weight sum to {sum(weights):g}, not 1")
    if policy.min_coverage is None or not 0 <= policy.min_coverage <= 1:
        yield wrong("min_coverage is a share from 0 to 1")


def _tiers(policy: Policy) -> Iterator[Problem]:
    if not policy.tiers:
        yield Problem("tiers", policy.policy_id, "the policy has no tier")
    codes = [tier.code for tier in policy.tiers]
    ranks = [tier.rank for tier in policy.tiers]
    for tier in policy.tiers:
        row = f"{policy.policy_id}, {tier.code}"
        if codes.count(tier.code) > 1:
            yield Problem("tiers", row, "the tier stands here twice")
        if ranks.count(tier.rank) > 1:
            yield Problem("tiers", row, f"rank {tier.rank} is given twice")
        if tier.vip_class not in VIP_CLASSES:
            yield Problem(
                "tiers",
                row,
                f"vip_class {tier.vip_class!r} is none of " + ", ".join(VIP_CLASSES),
            )
        if not tier.name_en or not tier.name_zh:
            yield Problem("tiers", row, "a tier has a name in both languages")
        if not 0 <= tier.band < 1:
            yield Problem("tiers", row, "band is a share from 0 to below 1")
        if tier.confirmations < 1 or tier.grace < 1:
            yield Problem("tiers", row, "confirmations and grace are at least 1")
        if tier.code not in {rule.tier_code for rule in policy.rules}:
            yield Problem("tiers", row, "no rule leads to this tier")


def _rules(policy: Policy) -> Iterator[Problem]:
    ranks = {tier.code: tier.rank for tier in policy.tiers}
    orders = [rule.order for rule in policy.rules]
    for place, rule in enumerate(policy.rules):
        row = f"{policy.policy_id}, rule {rule.order}"
        if rule.tier_code not in ranks:
            yield Problem("tier_rules", row, f"there is no tier {rule.tier_code!r}")
            continue
        if orders.count(rule.order) > 1:
            yield Problem("tier_rules", row, "the order is given twice")
        yield from _scores_asked(policy, rule, row)
        for fact, least in rule.facts:
            if fact not in FACTS:
                yield Problem(
                    "tier_rule_facts",
                    f"{row}, {fact}",
                    "is no fact; there are " + ", ".join(FACTS),
                )
            if least is None or not math.isfinite(least):
                yield Problem("tier_rule_facts", f"{row}, {fact}", "at_least is empty")
        for earlier in policy.rules[:place]:
            if _covers(earlier, rule):
                yield Problem(
                    "tier_rules",
                    row,
                    f"never counts: whenever it holds, rule {earlier.order} does",
                )
                break
            if (
                earlier.tier_code in ranks
                and ranks[earlier.tier_code] > ranks[rule.tier_code]
                and not _excludes(earlier, rule)
            ):
                yield Problem(
                    "tier_rules",
                    row,
                    f"leads to a better tier than rule {earlier.order} and comes after "
                    "it: who earns more would get less",
                )
                break
    open_to = {rule.has_purchased for rule in policy.rules if not rule.thresholds()}
    if None not in open_to and not {True, False} <= open_to:
        who = "have" if True not in open_to else "have not"
        yield Problem(
            "tier_rules",
            policy.policy_id,
            f"a gap: customers who {who} bought may fit no rule; end with one that "
            "asks for nothing",
        )


def _scores_asked(policy: Policy, rule: Rule, row: str) -> Iterator[Problem]:
    for score, least in (
        ("value", rule.min_value_score),
        ("potential", rule.min_potential_score),
    ):
        if least is None:
            continue
        column = f"min_{score}_score"
        if not 0 <= least <= 10:
            yield Problem("tier_rules", row, f"{column} is a score from 0 to 10")
        if not any(factor.score == score for factor in policy.factors):
            yield Problem(
                "tier_rules",
                row,
                f"{column} asks for a score that score_factors makes of nothing: nobody "
                "would have it",
            )


def _covers(earlier: Rule, later: Rule) -> bool:
    """Whether the earlier rule holds wherever the later one does."""
    if earlier.has_purchased not in (None, later.has_purchased):
        return False
    asked = later.thresholds()
    return all(
        name in asked
        and asked[name] is not None
        and least is not None
        and asked[name] >= least
        for name, least in earlier.thresholds().items()
    )


def _excludes(one: Rule, other: Rule) -> bool:
    """Whether no customer can fit both."""
    return {one.has_purchased, other.has_purchased} == {True, False}


def _factors(policy: Policy) -> Iterator[Problem]:
    for customer_type in CUSTOMER_TYPES:
        for score in SCORES:
            factors = policy.factors_of(customer_type, score)
            row = f"{policy.policy_id}, {customer_type}, {score}"
            total = math.fsum(factor.weight or 0 for factor in factors)
            # A score may be made of nothing; then nobody has it.
            if factors and abs(total - 1) > TOLERANCE:
                yield Problem(
                    "score_factors", row, f"the weights sum to {total:g}, not 1"
                )
            names = [factor.factor for factor in factors]
            for factor in factors:
                yield from _factor(policy, factor, f"{row}, {factor.factor}", names)
    for factor in policy.factors:
        if factor.customer_type not in CUSTOMER_TYPES or factor.score not in SCORES:
            yield Problem(
                "score_factors",
                f"{policy.policy_id}, {factor.customer_type}, {factor.score}, "
                f"{factor.factor}",
                "customer_type is company or person, score is value or potential",
            )


def _factor(
    policy: Policy, factor: Factor, row: str, names: Sequence[str]
) -> Iterator[Problem]:
    if factor.factor not in FACTORS:
        yield Problem(
            "score_factors", row, "is no factor; there are " + ", ".join(FACTORS)
        )
    if names.count(factor.factor) > 1:
        yield Problem("score_factors", row, "the factor stands here twice")
    if factor.weight is None or factor.weight < 0:
        yield Problem("score_factors", row, "a weight is a number from 0 on")
    points = policy.anchors.get((factor.customer_type, factor.factor), ())
    where = f"{policy.policy_id}, {factor.customer_type}, {factor.factor}"
    if len(points) < 2:
        yield Problem("score_anchors", where, "a factor needs two points at least")
    for (x, y), (next_x, next_y) in itertools.pairwise(points):
        if next_x == x:
            yield Problem(
                "score_anchors", f"{where}, {x:g}", "the value stands here twice"
            )
        if next_y < y:
            yield Problem(
                "score_anchors",
                f"{where}, {next_x:g}",
                "a score that falls while the value rises takes a customer down for "
                "doing better",
            )
    for x, y in points:
        if not 0 <= y <= 10 or not math.isfinite(x):
            yield Problem("score_anchors", f"{where}, {x:g}", "scores lie from 0 to 10")

"""Scores and rules of one policy as SQL over facts.

The relation of facts has one row per customer and moment: customer_id, customer_type,
moment_no, is_month_end, has_purchased and the columns `policy.FACTS`. A policy has few
rows and customers are many, so the policy's numbers are written into the query, where the
engine folds them, instead of being joined to each customer.

A factor's score lies on straight lines between its anchors: the lowest score, plus for
each segment its slope times the part of it that the value has passed. A score is the
weighted mean of the known factors. The queries themselves are the templates in `sql/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pipeline.common.sql_templates import SqlTemplates
from pipeline.tiers.policy import COUNTS, FACT_NAMES, SCORES, Factor, Policy, Tier


def threshold(least: float, measure: str, band: float) -> float:
    """A threshold that asks for a share more, or less where the band is negative."""
    return least if measure in COUNTS else least + abs(least) * band


# Everything that a rule may ask for, in English and Chinese.
MEASURE_NAMES: Final = {
    "value_score": ("value score", "价值得分"),
    "potential_score": ("potential score", "潜力得分"),
    **FACT_NAMES,
}
FILTERS: Final = {"raised_by": threshold}
TEMPLATES: Final = SqlTemplates(Path(__file__).with_name("sql"), FILTERS)


@dataclass(frozen=True)
class Piece:
    """The straight line from one anchor of a factor to the next.

    Attributes:
        value: Where it begins, in units of the factor.
        score: The score there.
        width: How many units it is long.
        height: How much the score rises on it.
    """

    value: float
    score: float
    width: float
    height: float


@dataclass(frozen=True)
class Term:
    """A factor of a policy with the line that gives its score.

    Attributes:
        place: Which factor of the policy it is; names its columns.
        score: value or potential.
        pieces: From the lowest anchor to the highest.
        span: Units between the lowest anchor and the highest.
    """

    place: int
    score: str
    customer_type: str
    factor: str
    weight: float
    is_lever: bool
    lowest_value: float
    lowest_score: float
    highest_score: float
    span: float
    pieces: tuple[Piece, ...]


def terms(policy: Policy) -> list[Term]:
    """The factors of a policy, in its order."""
    return [_term(policy, place, item) for place, item in enumerate(policy.factors)]


def _term(policy: Policy, place: int, item: Factor) -> Term:
    points: Sequence[tuple[float, float]] = policy.anchors[
        item.customer_type, item.factor
    ]
    return Term(
        place=place,
        score=item.score,
        customer_type=item.customer_type,
        factor=item.factor,
        weight=item.weight,
        is_lever=item.is_lever,
        lowest_value=points[0][0],
        lowest_score=points[0][1],
        highest_score=points[-1][1],
        span=points[-1][0] - points[0][0],
        pieces=tuple(
            Piece(x, y, next_x - x, next_y - y)
            for (x, y), (next_x, next_y) in pairwise(points)
        ),
    )


@dataclass(frozen=True)
class Need:
    """One threshold of an option.

    Attributes:
        measure: A score or a fact.
        least: What it takes to enter the tier, its band included.
        scale: What the gap is divided by to compare it with other measures'.
    """

    measure: str
    least: float
    scale: float


@dataclass(frozen=True)
class Option:
    """A rule as a way into a tier."""

    tier_code: str
    tier_rank: int
    rule_order: int
    needs: tuple[Need, ...]


def options(policy: Policy) -> list[Option]:
    """The rules that a customer who has bought may fit."""
    found = []
    for rule in policy.rules:
        if rule.has_purchased is False:
            continue
        tier = policy.tier(rule.tier_code)
        raised = {
            measure: threshold(least, measure, tier.band)
            for measure, least in rule.thresholds().items()
        }
        needs = tuple(
            Need(measure, least, abs(least) or 1.0) for measure, least in raised.items()
        )
        found.append(Option(rule.tier_code, tier.rank, rule.order, needs))
    return found


def scoring_values(policy: Policy, facts: str, keep: Iterable[str]) -> dict[str, Any]:
    """What the template `scored`, and each one that includes it, is rendered with."""
    return {
        "policy": policy,
        "facts": facts,
        "keep": list(keep),
        "terms": terms(policy),
        "scores": SCORES,
    }


def scored(policy: Policy, facts: str, *, keep: Iterable[str] = ()) -> str:
    """Scores of each row of the facts.

    Args:
        policy: A policy without problems.
        facts: A relation or a query in brackets.
        keep: Further columns of the facts to hand on.

    Returns:
        A query: customer_id, customer_type, moment_no, is_month_end, has_purchased and
        `keep`; `score_i` and `contribution_i` of the policy's i-th factor, null where it
        is not of the customer's type or not known; value_score and potential_score, null
        below the policy's coverage; total_score; the coverage of each and of both
        (score_coverage).
    """
    return TEMPLATES.render("scored", **scoring_values(policy, facts, keep))


def contributions(policy: Policy, facts: str) -> str:
    """Each factor of each customer, one row per customer, score and factor.

    Returns:
        A query: the keys of `scored`, score_name, factor, raw_value, score,
        declared_weight, weight, contribution. Factors that are not known have no score
        and weight 0.
    """
    factors = sorted({factor.factor for factor in policy.factors})
    return TEMPLATES.render("contributions", **scoring_values(policy, facts, factors))


def facts_of_rules(policy: Policy) -> list[str]:
    """The facts that rules ask for, beside scores."""
    return sorted({name for rule in policy.rules for name, _ in rule.facts})


def next_tier(policy: Policy, facts: str, graded: str) -> str:
    """The smallest single change that would move each customer into a better tier.

    Every rule of a better tier is an option. Where one threshold is missing, its gap is
    known; the smallest, as a share of the threshold, counts. Where it is a score, so does
    the lever (a factor that work with the customer can change) that would close it with
    the smallest share of its scale.

    Args:
        policy: A policy without problems.
        facts: The facts of the present, one row per customer.
        graded: A relation of customer_id and tier_rank: the tier that each one has.

    Returns:
        A query: customer_id, next_tier_code, next_tier_measure (a score, a fact,
        `first order` or `confirmation`), next_tier_gap in units of the measure,
        next_tier_factor, next_tier_factor_now, next_tier_factor_needed,
        next_tier_measure_en and next_tier_measure_zh: a score or a fact in words.
    """
    factors = {factor.factor for factor in policy.factors}
    keep = sorted({*facts_of_rules(policy), *factors})
    values = scoring_values(policy, facts, keep)
    return TEMPLATES.render(
        "next_tier",
        **values,
        graded=graded,
        options=options(policy),
        levers=[term for term in values["terms"] if term.is_lever and term.weight > 0],
        measures=sorted({name for rule in policy.rules for name in rule.thresholds()}),
        names=MEASURE_NAMES,
        after_first_order=_after_first_order(policy),
    )


def _after_first_order(policy: Policy) -> Tier:
    """The tier that a first order leads to at least."""
    rule = next(
        rule
        for rule in policy.rules
        if rule.has_purchased is not False and not rule.thresholds()
    )
    return policy.tier(rule.tier_code)

"""A tier policy as an object: its tiers, rules, factors and anchors.

Not here: the tables that a person edits (policy_tables), and what keeps a policy from
grading anybody (policy_checks).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.common.errors import ConfigurationError

# What a score may be made of, and what a rule may ask for: columns of core_customer_value
# and of the marts made from it.
FACTORS: Final = (
    "revenue_12m",
    "margin_12m",
    "profit_12m",
    "order_count_12m",
    "tenure_years",
    "growth_rate",
    "predicted_margin_12m",
    "whitespace_margin",
    "pipeline_amount",
    "company_size",
    "purchasing_power",
    "market_influence",
    "strategic_importance",
)
FACTS: Final = (
    *FACTORS,
    "revenue_to_class_a",
    "revenue_to_class_b",
    "margin_to_first_half",
    "revenue_to_first_half",
    "growth_to_best_quarter",
    "predicted_to_best_fifth",
    "orders_in_first_year",
)
# Facts that come in whole steps: a tenth more than two orders is three, so that the band
# of a tier would ask for half as much again. They have none.
COUNTS: Final = ("orders_in_first_year",)
# Each fact in words, English and Chinese, as a sentence about a customer needs them.
FACT_NAMES: Final = {
    "revenue_12m": ("revenue of the last 12 months", "近12个月销售额"),
    "margin_12m": ("margin of the last 12 months", "近12个月毛利"),
    "profit_12m": ("profit of the last 12 months", "近12个月利润"),
    "order_count_12m": ("orders of the last 12 months", "近12个月订单数"),
    "tenure_years": ("years since the first order", "合作年限"),
    "growth_rate": ("growth against the 12 months before", "同比增长"),
    "predicted_margin_12m": (
        "margin expected in the next 12 months",
        "未来12个月预期毛利",
    ),
    "whitespace_margin": (
        "margin of what peers buy and it does not",
        "同类客户已购而其未购品类的毛利",
    ),
    "pipeline_amount": ("open deals by their probability", "在谈商机加权金额"),
    "company_size": ("annual revenue of the company", "客户年营业额"),
    "purchasing_power": ("yearly income", "年收入"),
    "market_influence": ("market influence", "市场影响力"),
    "strategic_importance": ("strategic importance", "战略重要性"),
    "revenue_to_class_a": (
        "revenue of the last 12 months (1 is the smallest in class A)",
        "近12个月销售额（1为A类中的最小值）",
    ),
    "revenue_to_class_b": (
        "revenue of the last 12 months (1 is the smallest in class B)",
        "近12个月销售额（1为B类中的最小值）",
    ),
    "margin_to_first_half": (
        "margin of the last 12 months (1 is the smallest in the first half)",
        "近12个月毛利（1为前一半中的最小值）",
    ),
    "revenue_to_first_half": (
        "revenue of the last 12 months (1 is the smallest in the first half)",
        "近12个月销售额（1为前一半中的最小值）",
    ),
    "growth_to_best_quarter": (
        "growth against the 12 months before (1 is the smallest in the best quarter)",
        "同比增长（1为最好四分之一中的最小值）",
    ),
    "predicted_to_best_fifth": (
        "value expected in the next 12 months (1 is the smallest in the best fifth)",
        "未来12个月预期价值（1为最好五分之一中的最小值）",
    ),
    "orders_in_first_year": ("orders in the first year", "首年订单数"),
}
SCORES: Final = ("value", "potential")
CUSTOMER_TYPES: Final = ("company", "person")
VIP_CLASSES: Final = ("VIP", "普通", "潜在")


@dataclass(frozen=True)
class Tier:
    """A tier and how firmly it is held.

    Attributes:
        rank: 1 is the best.
        band: Share by which a threshold must be passed to move into the tier or out of
            it: 0.1 asks for 10 per cent more, and forgives 10 per cent less.
        confirmations: Month ends in a row that a customer must have earned the tier, or a
            better one, before it moves up into it.
        grace: Month ends in a row that it must have missed it before it moves down.
    """

    code: str
    rank: int
    name_en: str
    name_zh: str
    vip_class: str
    band: float
    confirmations: int
    grace: int


# What everybody is where no source records sales, and who stands for unknown customers;
# core_tiers gives it to each policy, and its rank, the one after the policy's last.
NOT_GRADED: Final = ("not_graded", "Not graded", "未分级")
UNKNOWN_TYPE: Final = "unknown"


@dataclass(frozen=True)
class Rule:
    """All conditions of a rule must hold; None asks for nothing."""

    order: int
    tier_code: str
    has_purchased: bool | None
    min_value_score: float | None
    min_potential_score: float | None
    rule_en: str
    rule_zh: str
    facts: tuple[tuple[str, float], ...] = ()

    def thresholds(self) -> dict[str, float]:
        """What is asked for at least, by measure."""
        asked = {"value_score": self.min_value_score}
        asked["potential_score"] = self.min_potential_score
        found = {name: value for name, value in asked.items() if value is not None}
        return found | dict(self.facts)


@dataclass(frozen=True)
class Factor:
    """How much a factor counts in one of the two scores of a type of customer.

    Attributes:
        is_lever: Whether work with the customer can change it; tenure cannot be earned
            by a visit.
    """

    customer_type: str
    score: str
    factor: str
    weight: float
    is_lever: bool
    name_en: str
    name_zh: str


@dataclass(frozen=True)
class Policy:
    """One policy, whole; `policy_checks.problems` says whether it can stand.

    Attributes:
        anchors: (customer type, factor) → points (measured value, score from 0 to 10).
    """

    policy_id: str
    name_en: str
    name_zh: str
    valid_from: dt.date
    valid_to: dt.date | None
    is_published: bool
    value_weight: float
    potential_weight: float
    min_coverage: float
    tiers: tuple[Tier, ...]
    rules: tuple[Rule, ...]
    factors: tuple[Factor, ...]
    anchors: dict[tuple[str, str], tuple[tuple[float, float], ...]] = field(
        default_factory=dict
    )

    def tier(self, code: str) -> Tier:
        """The tier of that code."""
        return next(tier for tier in self.tiers if tier.code == code)

    def factors_of(self, customer_type: str, score: str) -> list[Factor]:
        """The factors of a score, in the order of the seed."""
        return [
            factor
            for factor in self.factors
            if factor.customer_type == customer_type and factor.score == score
        ]


def in_force(policies: Sequence[Policy], day: dt.date) -> Policy:
    """The published policy of a day; before the first one, the first.

    Raises:
        ConfigurationError: None is in force on that day.
    """
    published = sorted(
        (policy for policy in policies if policy.is_published),
        key=lambda policy: policy.valid_from,
    )
    for policy in published:
        if policy.valid_to is None or day < policy.valid_to:
            return policy
    raise ConfigurationError(
        f"No published policy is in force on {day}: see seeds/policies.csv."
    )

"""A tier policy as the business wrote it, and what is wrong with it.

A policy is seven tables that a person edits in a spreadsheet (dbt_project/seeds). Here
they become one object per policy. `problems` names each row that cannot stand, so that a
policy that is not whole is refused before it grades anybody.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.common.errors import ConfigurationError
from pipeline.common.sql import literal

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
FACTS: Final = (*FACTORS, "revenue_to_class_a", "revenue_to_class_b")
SCORES: Final = ("value", "potential")
CUSTOMER_TYPES: Final = ("company", "person")
VIP_CLASSES: Final = ("VIP", "普通", "潜在")
TOLERANCE: Final = 1e-9

# Seed → its columns and types; `policies` first, because the others refer to it.
TABLES: Final = {
    "policies": {
        "policy_id": "varchar",
        "policy_name_en": "varchar",
        "policy_name_zh": "varchar",
        "valid_from": "date",
        "valid_to": "date",
        "is_published": "boolean",
        "value_weight": "double",
        "potential_weight": "double",
        "min_coverage": "double",
    },
    "tiers": {
        "policy_id": "varchar",
        "tier_code": "varchar",
        "tier_rank": "integer",
        "tier_name_en": "varchar",
        "tier_name_zh": "varchar",
        "vip_class": "varchar",
        "band": "double",
        "confirmations": "integer",
        "grace": "integer",
    },
    "tier_rules": {
        "policy_id": "varchar",
        "rule_order": "integer",
        "tier_code": "varchar",
        "has_purchased": "boolean",
        "min_value_score": "double",
        "min_potential_score": "double",
        "rule_en": "varchar",
        "rule_zh": "varchar",
    },
    "tier_rule_facts": {
        "policy_id": "varchar",
        "rule_order": "integer",
        "fact": "varchar",
        "at_least": "double",
    },
    "score_factors": {
        "policy_id": "varchar",
        "customer_type": "varchar",
        "score": "varchar",
        "factor": "varchar",
        "weight": "double",
        "is_lever": "boolean",
        "factor_name_en": "varchar",
        "factor_name_zh": "varchar",
    },
    "score_anchors": {
        "policy_id": "varchar",
        "customer_type": "varchar",
        "factor": "varchar",
        "raw_value": "double",
        "score": "double",
    },
}

# Cells that may say nothing; what nothing means stands at the attributes below.
MAY_BE_EMPTY: Final = (
    "valid_to",
    "band",
    "confirmations",
    "grace",
    "has_purchased",
    "min_value_score",
    "min_potential_score",
)


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
    """One policy, whole; `problems` says whether it can stand.

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


@dataclass(frozen=True)
class Problem:
    """A row of a seed that cannot stand, and why."""

    table: str
    row: str
    told: str

    def __str__(self) -> str:
        return f"{self.table} ({self.row}): {self.told}"


def load(rows_of: Callable[[str], Sequence[dict[str, Any]]]) -> list[Policy]:
    """The policies of the seeds.

    Args:
        rows_of: Gives the rows of a seed of `TABLES`, typed.
    """
    tables = {name: rows_of(name) for name in TABLES}

    def of(name: str, policy_id: str) -> Iterator[dict[str, Any]]:
        return (row for row in tables[name] if row["policy_id"] == policy_id)

    found = []
    for row in tables["policies"]:
        policy_id = row["policy_id"]
        facts: dict[int, list[tuple[str, float]]] = {}
        for fact in of("tier_rule_facts", policy_id):
            facts.setdefault(fact["rule_order"], []).append(
                (fact["fact"], fact["at_least"])
            )
        anchors: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for anchor in of("score_anchors", policy_id):
            key = (anchor["customer_type"], anchor["factor"])
            anchors.setdefault(key, []).append((anchor["raw_value"], anchor["score"]))
        found.append(
            Policy(
                policy_id=policy_id,
                name_en=row["policy_name_en"],
                name_zh=row["policy_name_zh"],
                valid_from=row["valid_from"],
                valid_to=row["valid_to"],
                is_published=bool(row["is_published"]),
                value_weight=row["value_weight"],
                potential_weight=row["potential_weight"],
                min_coverage=row["min_coverage"],
                tiers=tuple(
                    sorted(
                        (
                            Tier(
                                tier["tier_code"],
                                tier["tier_rank"],
                                tier["tier_name_en"],
                                tier["tier_name_zh"],
                                tier["vip_class"],
                                tier["band"] or 0.0,
                                1
                                if tier["confirmations"] is None
                                else tier["confirmations"],
                                1 if tier["grace"] is None else tier["grace"],
                            )
                            for tier in of("tiers", policy_id)
                        ),
                        key=lambda tier: tier.rank,
                    )
                ),
                rules=tuple(
                    sorted(
                        (
                            Rule(
                                rule["rule_order"],
                                rule["tier_code"],
                                rule["has_purchased"],
                                rule["min_value_score"],
                                rule["min_potential_score"],
                                rule["rule_en"],
                                rule["rule_zh"],
                                tuple(facts.get(rule["rule_order"], ())),
                            )
                            for rule in of("tier_rules", policy_id)
                        ),
                        key=lambda rule: rule.order,
                    )
                ),
                factors=tuple(
                    Factor(
                        factor["customer_type"],
                        factor["score"],
                        factor["factor"],
                        factor["weight"],
                        bool(factor["is_lever"]),
                        factor["factor_name_en"],
                        factor["factor_name_zh"],
                    )
                    for factor in of("score_factors", policy_id)
                ),
                anchors={key: tuple(sorted(points)) for key, points in anchors.items()},
            )
        )
    return found


def seed_file(folder: Path, name: str) -> Path | None:
    """The CSV file of a seed, in whatever folder of the seeds it lies, as dbt finds it."""
    return min(folder.rglob(f"{name}.csv"), default=None)


def load_folder(folder: Path) -> list[Policy]:
    """The policies of a folder of CSV files, `policies.csv` and its companions.

    Raises:
        ConfigurationError: A file is missing or a cell is not of its column's type.
    """

    def rows_of(name: str) -> list[dict[str, Any]]:
        path = seed_file(folder, name)
        if path is None:
            path = folder / f"{name}.csv"
            raise ConfigurationError(
                f"{path} is missing: a policy consists of "
                + ", ".join(f"{table}.csv" for table in TABLES)
            )
        return read_table(path, name)

    return load(rows_of)


def read_table(path: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a CSV file with the columns of a table of `TABLES`, typed.

    Raises:
        ConfigurationError: The file cannot be read, lacks a column, or has cells that are
            empty or not of their column's type; all such cells are named.
    """
    with duckdb.connect() as connection:
        try:
            found = connection.execute(
                f"select * from read_csv({literal(path)}, header = true, "
                "all_varchar = true)"
            )
            names = [column[0] for column in found.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except duckdb.Error as error:
            raise ConfigurationError(f"{path} cannot be read: {error}") from error
    if missing := [column for column in TABLES[name] if column not in names]:
        raise ConfigurationError(f"{path} has no column {', '.join(missing)}.")
    return _typed(path, name, rows)


def _typed(
    path: Path, name: str, rows: Sequence[dict[str, str | None]]
) -> list[dict[str, Any]]:
    """Cells as values; those that are none are named by their lines, all of them."""
    readers: dict[str, Callable[[str], Any]] = {
        "varchar": str,
        "integer": int,
        "double": _finite,
        "date": dt.date.fromisoformat,
        "boolean": lambda text: {"true": True, "false": False}[text.lower()],
    }
    typed, wrong = [], []
    for line, row in enumerate(rows, 2):
        values: dict[str, Any] = {}
        for column, kind in TABLES[name].items():
            text = (row[column] or "").strip()
            values[column] = None
            if not text:
                if column not in MAY_BE_EMPTY:
                    wrong.append(f"line {line}: {column} is empty")
                continue
            try:
                values[column] = readers[kind](text)
            except (ValueError, KeyError):
                wrong.append(f"line {line}: {column} is {text!r}, which is no {kind}")
        typed.append(values)
    if wrong:
        raise ConfigurationError(f"{path}, " + "; ".join(wrong))
    return typed


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


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
            told = f"is still in force when {following.policy_id} begins"
        elif following.valid_from > policy.valid_to:
            told = f"ends before {following.policy_id} begins: days without a policy"
        else:
            continue
        found.append(Problem("policies", policy.policy_id, told))
    return found


def _of_policy(policy: Policy) -> Iterator[Problem]:
    yield from _dates_and_weights(policy)
    yield from _tiers(policy)
    yield from _rules(policy)
    yield from _factors(policy)


def _dates_and_weights(policy: Policy) -> Iterator[Problem]:
    def wrong(told: str) -> Problem:
        return Problem("policies", policy.policy_id, told)

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
        for score, least in (
            ("min_value_score", rule.min_value_score),
            ("min_potential_score", rule.min_potential_score),
        ):
            if least is not None and not 0 <= least <= 10:
                yield Problem("tier_rules", row, f"{score} is a score from 0 to 10")
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
            if abs(total - 1) > TOLERANCE:
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

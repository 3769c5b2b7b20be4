"""Scores and rules of one policy as SQL over facts.

The relation of facts has one row per customer and moment: customer_id, customer_type,
moment_no, is_month_end, has_purchased and the columns `policy.FACTS`. A policy has few
rows and customers are many, so the policy's numbers are written into the query, where the
engine folds them, instead of being joined to each customer.

A factor's score lies on straight lines between its anchors: the lowest score, plus for
each segment its slope times the part of it that the value has passed. A score is the
weighted mean of the known factors. Its contributions are rounded to six decimals, and the
first known factor takes what rounding leaves, so that they sum to the score exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from pipeline.common.sql import literal, quoted
from pipeline.tiers.policy import SCORES, Factor, Policy, Rule, Tier

SCORE = "decimal(12, 6)"
KEYS = (
    "customer_id",
    "customer_type",
    "moment_no",
    "is_month_end",
    "has_purchased",
)


def factor_score(policy: Policy, factor: Factor) -> str:
    """The score of a factor from 0 to 10, null where its value is; a double."""
    points = policy.anchors[factor.customer_type, factor.factor]
    value = f"cast({quoted(factor.factor)} as double)"
    terms = [_number(points[0][1])]
    for (x, y), (next_x, next_y) in pairwise(points):
        if next_y > y:
            terms.append(
                f"least(greatest({value} - {_number(x)}, 0), {_number(next_x - x)}) "
                f"* {_number((next_y - y) / (next_x - x))}"
            )
    # Greatest and least pass over nulls in some engines.
    return f"case when {value} is not null then {' + '.join(terms)} end"


def value_for(policy: Policy, factor: Factor, score: str) -> str:
    """The smallest value of a factor that has a score; null beyond the last anchor."""
    points = policy.anchors[factor.customer_type, factor.factor]
    terms = [_number(points[0][0])]
    for (x, y), (next_x, next_y) in pairwise(points):
        if next_y > y:
            terms.append(
                f"least(greatest({score} - {_number(y)}, 0), {_number(next_y - y)}) "
                f"* {_number((next_x - x) / (next_y - y))}"
            )
        else:
            # A flat piece is passed as soon as more than its score is asked for.
            terms.append(
                f"case when {score} > {_number(y)} then {_number(next_x - x)} else 0 end"
            )
    return f"case when {score} <= {_number(points[-1][1])} then {' + '.join(terms)} end"


def scored(policy: Policy, facts: str, *, keep: Iterable[str] = ()) -> str:
    """Scores of each row of the facts.

    Args:
        policy: A policy without problems.
        facts: A relation or a query in brackets.
        keep: Further columns of the facts to hand on.

    Returns:
        A query: `KEYS` and `keep`; `score_i` and `contribution_i` of the policy's i-th
        factor, null where it is not of the customer's type or not known; value_score and
        potential_score, null below the policy's coverage; total_score; the coverage of
        each and of both (score_coverage).
    """
    kept = ", ".join((*KEYS, *keep))
    scores = ",\n        ".join(
        f"case when customer_type = {literal(factor.customer_type)} then "
        f"{factor_score(policy, factor)} end as score_{place}"
        for place, factor in enumerate(policy.factors)
    )
    sums, known, contributions, results = [], [], [], []
    for score in SCORES:
        places = [
            place
            for place, factor in enumerate(policy.factors)
            if factor.score == score
        ]
        weight = {place: _number(policy.factors[place].weight) for place in places}
        covered = " + ".join(
            f"case when score_{place} is not null then {weight[place]} else 0 end"
            for place in places
        )
        # Sums of declared decimals: 0.35 + 0.25 is 0.6 and passes a limit of 0.6.
        known.append(f"round({covered}, 9) as {score}_coverage")
        total = " + ".join(
            f"coalesce(score_{place}, 0) * {weight[place]}" for place in places
        )
        sums.append(
            f"cast(round(({total}) / nullif({score}_coverage, 0), 6) as {SCORE}) "
            f"as {score}_sum"
        )
        rounded = {
            place: f"cast(round(score_{place} * {weight[place]} "
            f"/ nullif({score}_coverage, 0), 6) as {SCORE})"
            for place in places
        }
        all_rounded = " + ".join(f"coalesce({rounded[place]}, 0)" for place in places)
        for order, place in enumerate(places):
            earlier = " and ".join(
                [f"score_{place} is not null"]
                + [f"score_{other} is null" for other in places[:order]]
            )
            contributions.append(
                f"case when {earlier} then {rounded[place]} + {score}_sum - ({all_rounded})"
                f" else {rounded[place]} end as contribution_{place}"
            )
        results.append(
            f"case when {score}_coverage >= {_number(policy.min_coverage)} "
            f"then {score}_sum end as {score}_score"
        )
    passed = ", ".join(
        f"score_{place}, cast(contribution_{place} as {SCORE}) as contribution_{place}"
        for place in range(len(policy.factors))
    )
    return f"""
    select
        {kept}, {passed}, value_coverage, potential_coverage, score_coverage,
        value_score, potential_score,
        cast(case
            when potential_score is null then value_score
            when value_score is null then potential_score
            else {_number(policy.value_weight)} * value_score
                + {_number(policy.potential_weight)} * potential_score
        end as {SCORE}) as total_score
    from (
        select *, (value_coverage + potential_coverage) / 2 as score_coverage,
            {", ".join(results)}, {", ".join(contributions)}
        from (
            select *, {", ".join(sums)}
            from (
                select *, {", ".join(known)}
                from (
                    select {kept}, {scores} from {facts}
                ) as by_factor
            ) as covered
        ) as summed
    ) as contributed
    """


def holds(rule: Rule, band: float = 0.0) -> str:
    """Whether a rule holds; with a band, by that share more or (negative) less."""
    conditions = []
    if rule.has_purchased is not None:
        conditions.append(
            "has_purchased" if rule.has_purchased else "not has_purchased"
        )
    conditions += [
        # Null is not enough.
        f"coalesce({quoted(name)} >= {_number(threshold(least, band))}, false)"
        for name, least in rule.thresholds().items()
    ]
    return " and ".join(conditions) or "true"


def threshold(least: float, band: float) -> float:
    """A threshold that asks for a share more, or less where the band is negative."""
    return least + abs(least) * band


def first_rule(policy: Policy, band: float = 0.0) -> str:
    """The order of the first rule that holds."""
    cases = " ".join(
        f"when {holds(rule, band)} then {rule.order}" for rule in policy.rules
    )
    return f"case {cases} end"


def earns(policy: Policy, tier: Tier, band: float) -> str:
    """Whether the first rule that holds leads to this tier or a better one."""
    cases = " ".join(
        f"when {holds(rule, band)} then "
        f"{str(policy.tier(rule.tier_code).rank <= tier.rank).lower()}"
        for rule in policy.rules
    )
    return f"case {cases} else false end"


def facts_asked(policy: Policy) -> list[str]:
    """The facts that rules ask for, beside scores."""
    return sorted({name for rule in policy.rules for name, _ in rule.facts})


def contributions(policy: Policy, facts: str) -> str:
    """Each factor of each customer, one row per customer, score and factor.

    Returns:
        A query: `KEYS`, score_name, factor, raw_value, score, declared_weight, weight,
        contribution. Factors that are not known have no score and weight 0.
    """
    asked = sorted({factor.factor for factor in policy.factors})
    rows = "\n    union all\n".join(
        f"""
        select
            {", ".join(KEYS)}, {literal(factor.score)} as score_name,
            {literal(factor.factor)} as factor,
            cast({quoted(factor.factor)} as double) as raw_value,
            cast(score_{place} as {SCORE}) as score,
            cast({_number(factor.weight)} as {SCORE}) as declared_weight,
            cast(case
                when score_{place} is not null
                    then {_number(factor.weight)} / {factor.score}_coverage
                else 0
            end as {SCORE}) as weight,
            coalesce(contribution_{place}, 0) as contribution
        from scored
        where customer_type = {literal(factor.customer_type)}
        """
        for place, factor in enumerate(policy.factors)
    )
    return f"with scored as ({scored(policy, facts, keep=map(quoted, asked))}) {rows}"


def next_tier(policy: Policy, facts: str, graded: str) -> str:
    """The smallest single change that would move each customer into a better tier.

    Every rule of a better tier is looked at. Where one threshold is missing, its gap is
    known; the smallest, as a share of the threshold, is told. Where it is a score, the
    lever (a factor that work with the customer can change) that would close it with the
    smallest share of its scale is told as well.

    Args:
        policy: A policy without problems.
        facts: The facts of the present, one row per customer.
        graded: A relation of customer_id and tier_rank: the tier that each one has.

    Returns:
        A query: customer_id, next_tier_code, next_tier_measure (a score, a fact,
        `first order` or `confirmation`), next_tier_gap in units of the measure,
        next_tier_factor, next_tier_factor_now, next_tier_factor_needed.
    """
    rules = [rule for rule in policy.rules if rule.has_purchased is not False]
    asked = facts_asked(policy)
    factors = sorted({factor.factor for factor in policy.factors})
    keep = sorted({*asked, *factors})
    options = []
    for rule in rules:
        tier = policy.tier(rule.tier_code)
        needs = {
            name: threshold(least, tier.band)
            for name, least in rule.thresholds().items()
        }
        missing = " + ".join(
            f"case when coalesce({quoted(name)} >= {_number(least)}, false) "
            "then 0 else 1 end"
            for name, least in needs.items()
        )
        which = " ".join(
            f"when coalesce({quoted(name)} < {_number(least)}, true) then {literal(name)}"
            for name, least in needs.items()
        )
        gap = " ".join(
            f"when coalesce({quoted(name)} < {_number(least)}, true) "
            f"then {_number(least)} - cast({quoted(name)} as double)"
            for name, least in needs.items()
        )
        share = " ".join(
            f"when coalesce({quoted(name)} < {_number(least)}, true) "
            f"then ({_number(least)} - cast({quoted(name)} as double)) "
            f"/ {_number(abs(least) or 1.0)}"
            for name, least in needs.items()
        )
        options.append(
            f"""
            select
                customer_id, {literal(rule.tier_code)} as next_tier_code,
                {tier.rank} as next_rank, {rule.order} as rule_order,
                {missing or "0"} as missing,
                {f"case {which} else 'confirmation' end" if needs else "'confirmation'"}
                    as next_tier_measure,
                {f"case {gap} else 0 end" if needs else "0"} as next_tier_gap,
                {f"case {share} else 0 end" if needs else "0"} as gap_share
            from present
            where has_purchased and {tier.rank} < tier_rank
            """
        )
    levers = [
        (place, factor)
        for place, factor in enumerate(policy.factors)
        if factor.is_lever
    ]
    ways = [
        f"""
        select
            *, {literal(factor.factor)} as next_tier_factor,
            cast({quoted(factor.factor)} as double) as next_tier_factor_now,
            {value_for(policy, factor, "needed")} as next_tier_factor_needed,
            {_number(_span(policy, factor))} as span
        from (
            select
                nearest.*, present.{quoted(factor.factor)},
                present.score_{place} + nearest.next_tier_gap
                * present.{factor.score}_coverage / {_number(factor.weight)} as needed
            from nearest
            inner join present on nearest.customer_id = present.customer_id
            where
                present.customer_type = {literal(factor.customer_type)}
                and present.score_{place} is not null
                and nearest.next_tier_measure = {literal(factor.score + "_score")}
        ) as asked
        """
        for place, factor in levers
        if factor.weight > 0
    ]
    nothing = """
        select
            *, cast(null as varchar) as next_tier_factor,
            cast(null as double) as next_tier_factor_now,
            cast(null as double) as next_tier_factor_needed, 1.0 as span
        from nearest where false
    """
    # In a place where no rule is open to those who have bought, there is no next tier.
    return f"""
    with scored as ({scored(policy, facts, keep=map(quoted, keep))}),
    present as (
        select scored.*, graded.tier_rank
        from scored
        inner join {graded} as graded on scored.customer_id = graded.customer_id
    ),
    options as ({" union all ".join(options)}),
    nearest as (
        select * from (
            select *, row_number() over (
                partition by customer_id
                -- One change before several; the smallest; of equals the better tier.
                order by missing, gap_share, next_rank, rule_order
            ) as place
            from options
        ) as ranked
        where place = 1 and missing <= 1
    ),
    ways as ({" union all ".join(_explicit(way) for way in [*ways, nothing])}),
    lever as (
        select * from (
            select *, row_number() over (
                partition by customer_id
                order by (next_tier_factor_needed - next_tier_factor_now) / span,
                    next_tier_factor
            ) as way
            from ways
            where next_tier_factor_needed is not null
        ) as ranked
        where way = 1
    )
    select
        nearest.customer_id, nearest.next_tier_code, nearest.next_tier_measure,
        nearest.next_tier_gap, lever.next_tier_factor, lever.next_tier_factor_now,
        lever.next_tier_factor_needed
    from nearest
    left join lever on nearest.customer_id = lever.customer_id
    union all
    select
        customer_id, {literal(_after_first_order(policy).code)}, 'first order', 1,
        null, null, null
    from present
    where not has_purchased and tier_rank > {_after_first_order(policy).rank}
    """


def _explicit(way: str) -> str:
    """The same columns of each way."""
    return f"""
    select
        customer_id, next_tier_factor, next_tier_factor_now, next_tier_factor_needed, span
    from ({way}) as way
    """


def _after_first_order(policy: Policy) -> Tier:
    """The tier that a first order leads to at least."""
    rule = next(
        rule
        for rule in policy.rules
        if rule.has_purchased is not False and not rule.thresholds()
    )
    return policy.tier(rule.tier_code)


def _span(policy: Policy, factor: Factor) -> float:
    points: Sequence[tuple[float, float]] = policy.anchors[
        factor.customer_type, factor.factor
    ]
    return points[-1][0] - points[0][0]


def _number(value: float) -> str:
    """A double as a literal; without an exponent engines take it for a decimal."""
    text = repr(float(value))
    return f"({text})" if "e" in text else f"({text}e0)"

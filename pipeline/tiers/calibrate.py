"""Anchors of a policy from a company's own figures, as a proposal.

A factor's anchors are its quantiles of the last two years, rounded to numbers that a person
would choose. They stand fixed from then on: a score says something about a customer, and
not about who else is in the list. Not here: what a policy is held to (policy_checks), who
moves (what_if), and how it is printed (cli.rendering.calibration).
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import io
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.common import calendar, spreadsheets
from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json
from pipeline.release.catalogue import Release
from pipeline.tiers import policy, policy_checks, policy_tables, released, what_if
from pipeline.tiers.candidate_policy import Chosen
from pipeline.tiers.policy import FACT_NAMES, Factor, Policy, Rule
from pipeline.tiers.what_if import WhatIf

# Quantile → score, METHODS.md section 10.
ANCHORS: Final = ((0.05, 0.0), (0.5, 5.0), (0.9, 8.0), (0.99, 10.0))
MONTHS: Final = 24
# Of fewer values a quantile says nothing.
LEAST_VALUES: Final = 20
# A median that moved by more than this share since is named.
DRIFT: Final = 1 / 3
TABLES: Final = ("score_factors", "score_anchors")

# Customer type → score → factor → weight and whether it is a lever, for a policy that makes
# no score yet; what is not known gives its weight to the others.
_VALUE: Final = {
    "revenue_12m": (0.35, True),
    "margin_12m": (0.20, True),
    "profit_12m": (0.15, True),
    "order_count_12m": (0.15, True),
    "tenure_years": (0.15, False),
}
USUAL: Final[Mapping[str, Mapping[str, Mapping[str, tuple[float, bool]]]]] = {
    "company": {
        "value": _VALUE,
        "potential": {
            "predicted_margin_12m": (0.20, False),
            "growth_rate": (0.20, True),
            "company_size": (0.15, False),
            "whitespace_margin": (0.15, False),
            "pipeline_amount": (0.10, True),
            "market_influence": (0.10, False),
            "strategic_importance": (0.10, False),
        },
    },
    "person": {
        "value": _VALUE,
        "potential": {
            "predicted_margin_12m": (0.30, False),
            "growth_rate": (0.20, True),
            "purchasing_power": (0.30, False),
            "whitespace_margin": (0.20, False),
        },
    },
}


@dataclass(frozen=True)
class Calibrated:
    """The anchors of one factor of one type.

    Attributes:
        values: How many positive known values there were.
        quantiles: Those of `ANCHORS`; empty of fewer than `LEAST_VALUES` values.
        anchors: The rounded ones, rising.
        median_before: The value that scores 5 by the present anchors, where they have one.
        has_drifted: Whether the median has moved by more than `DRIFT` since.
    """

    customer_type: str
    factor: str
    values: int
    quantiles: tuple[float, ...]
    anchors: tuple[float, ...]
    median_before: float | None
    has_drifted: bool


@dataclass(frozen=True)
class Calibration:
    """A proposal: anchors and weights of a policy, and what they would change.

    Attributes:
        factors: Every factor that could be scored, known or not.
        texts: File name → its whole new text, for each file that would change.
        diff: The same as a unified diff.
        moves: Who would move; see `what_if`. None where no rule asks for a score, so that
            nobody would.
    """

    release: str
    as_of_date: dt.date
    policy_id: str
    factors: list[Calibrated]
    texts: dict[str, str]
    diff: str
    moves: WhatIf | None


def run(release: Release, seeds: Path, policy_id: str | None = None) -> Calibration:
    """Proposes anchors and weights for a policy from a release.

    Args:
        release: A kept release; its month ends give the values.
        seeds: The folder of the policy's CSV files.
        policy_id: Which policy; the one in force without it.

    Raises:
        ConfigurationError: There is no such policy, or no value to calibrate by.
    """
    known = policy_tables.load_folder(seeds)
    with released.reading(release) as connection:
        day = released.as_of(connection)
        if day is None:
            raise ConfigurationError("This release has no customers to calibrate by.")
        one = _chosen(known, policy_id, day)
        factors = [
            _calibrated(one, kind, factor, *quantiles(connection, day, kind, factor))
            for kind, factor in dict.fromkeys(
                (item.customer_type, item.factor) for item in _usual(one)
            )
        ]
        proposed = _proposed(one, factors)
        if not proposed.factors:
            raise ConfigurationError(
                f"No factor has {LEAST_VALUES} known values in the {MONTHS} months to "
                f"{day}: there is nothing to calibrate by yet."
            )
        if wrong := policy_checks.problems([replace(proposed, is_published=True)]):
            raise ConfigurationError("; ".join(map(str, wrong)))
        moves = None
        if any(_asks_for_a_score(rule) for rule in proposed.rules):
            moves = _moves(connection, proposed, release)
    texts, diff = _files(seeds, proposed, factors, day)
    return Calibration(
        release=release.refresh_id,
        as_of_date=day,
        policy_id=one.policy_id,
        factors=factors,
        texts=texts,
        diff=diff,
        moves=moves,
    )


def write(found: Calibration, folder: Path) -> list[Path]:
    """Writes the changed files into a project's folder of seeds.

    Returns:
        The files, as they are now.

    Raises:
        ConfigurationError: A file cannot be written; those before it are.
    """
    written = []
    for name, text in found.texts.items():
        path = policy_tables.seed_file(folder, name) or folder / f"{name}.csv"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            mark = spreadsheets.mark_of(path)
            partial.write_text(mark + text, encoding="utf-8", newline="")
            partial.replace(path)
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be written: {error.strerror}."
            ) from error
        written.append(path)
    return written


def quantiles(
    connection: duckdb.DuckDBPyConnection,
    day: dt.date,
    customer_type: str,
    factor: str,
) -> tuple[int, tuple[float, ...]]:
    """The quantiles of a factor of a customer type, from the last month ends.

    Args:
        connection: From `released.reading`.
        day: The as-of day.
        customer_type: company or person.
        factor: A name of `policy.FACTORS`.

    Returns:
        How many positive known values there are, and their quantiles of `ANCHORS`, on the
        line between two neighbours; none where there is no value.
    """
    known = released.columns(connection, "marts", "customer_value_history")
    if factor in released.lacking(known):
        return 0, ()
    shares = [share for share, _ in ANCHORS]
    count, cuts = connection.execute(
        f"""
        with known as (
            select {released.measure(factor)} as value
            from warehouse.marts.customer_value_history
            where customer_type = ? and as_of_date > ? and as_of_date <= ?
        )
        select count(*), quantile_cont(value, {shares})
        from known where value > 0
        """,
        [customer_type, calendar.months_before(day, MONTHS), day],
    ).fetchone() or (0, None)
    return count, tuple(cuts or ())


def rounded(value: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten; of two as near the larger.

    Args:
        value: Above zero.
    """
    return min(_near(value), key=lambda one: (abs(one - value), -one))


def anchors(cuts: Sequence[float]) -> tuple[float, ...]:
    """Quantiles as numbers that a person would choose, each above the one before.

    From the median outwards: what would meet or pass its neighbour takes the next number
    beside it, so that a value that half of all have is worth the points of a median.

    Args:
        cuts: Rising quantiles above zero, as in `ANCHORS`.
    """
    lowest, median, *higher = cuts
    found = [rounded(median)]
    low = rounded(lowest)
    found.insert(0, low if low < found[0] else _step(found[0], -1))
    for cut in higher:
        high = rounded(cut)
        found.append(high if high > found[-1] else _step(found[-1], 1))
    return tuple(found)


def _near(value: float) -> list[float]:
    """Every 1, 2 and 5 times a power of ten about a value, rising."""
    exponent = math.floor(math.log10(value))
    return [
        float(f"{digit}e{power}")
        for power in range(exponent - 1, exponent + 3)
        for digit in (1, 2, 5)
    ]


def _step(value: float, steps: int) -> float:
    """The number so many places from one of them."""
    series = _near(value)
    return series[series.index(value) + steps]


def _chosen(known: Sequence[Policy], policy_id: str | None, day: dt.date) -> Policy:
    if policy_id is None:
        return policy.in_force(known, day)
    for one in known:
        if one.policy_id == policy_id:
            return one
    there = ", ".join(one.policy_id for one in known)
    raise ConfigurationError(f"There is no policy {policy_id}; there are {there}.")


def _calibrated(
    one: Policy,
    customer_type: str,
    factor: str,
    values: int,
    cuts: tuple[float, ...],
) -> Calibrated:
    enough = values >= LEAST_VALUES
    before = next(
        (
            value
            for value, score in one.anchors.get((customer_type, factor), ())
            if score == 5
        ),
        None,
    )
    return Calibrated(
        customer_type=customer_type,
        factor=factor,
        values=values,
        quantiles=cuts if enough else (),
        anchors=anchors(cuts) if enough else (),
        median_before=before,
        has_drifted=bool(
            enough and before and abs(cuts[1] - before) > DRIFT * abs(before)
        ),
    )


def _asks_for_a_score(rule: Rule) -> bool:
    return rule.min_value_score is not None or rule.min_potential_score is not None


def _moves(
    connection: duckdb.DuckDBPyConnection, proposed: Policy, release: Release
) -> WhatIf:
    record = read_json(release.path / "release.json")
    origins = dict.fromkeys(policy_tables.TABLES, proposed.policy_id)
    chosen = Chosen(proposed, origins | dict.fromkeys(TABLES, "calibrate"))
    what_if.grade(connection, proposed)
    found = what_if.summary(
        connection, chosen, time_zone=record.get("time_zone", "UTC")
    )
    return replace(
        found, release=release.refresh_id, currency=record["reporting_currency"]
    )


def _usual(one: Policy) -> list[Factor]:
    """What the policy makes its scores of; what is usual, where it makes none."""
    found: list[Factor] = []
    for customer_type in policy.CUSTOMER_TYPES:
        for score in policy.SCORES:
            found += one.factors_of(customer_type, score) or [
                Factor(customer_type, score, name, weight, is_lever, *FACT_NAMES[name])
                for name, (weight, is_lever) in USUAL[customer_type][score].items()
            ]
    return found


def _proposed(one: Policy, factors: Sequence[Calibrated]) -> Policy:
    """The policy with anchors and weights of what is known."""
    known = {
        (item.customer_type, item.factor): item for item in factors if item.anchors
    }
    usual = [item for item in _usual(one) if (item.customer_type, item.factor) in known]
    weighted: list[Factor] = []
    for key in itertools.product(policy.CUSTOMER_TYPES, policy.SCORES):
        weighted += _weighted(
            [item for item in usual if (item.customer_type, item.score) == key]
        )
    points = tuple(score for _, score in ANCHORS)
    return replace(
        one,
        factors=tuple(weighted),
        anchors={
            (item.customer_type, item.factor): tuple(
                zip(known[item.customer_type, item.factor].anchors, points, strict=True)
            )
            for item in weighted
        },
    )


def _weighted(factors: Sequence[Factor]) -> list[Factor]:
    """The weights of what is known, as hundredths that sum to 1.

    What rounding leaves goes to the heaviest; a factor whose weight is nothing has no
    place in a score.
    """
    total = math.fsum(factor.weight for factor in factors)
    if total == 0:
        return []
    hundredths = [round(100 * factor.weight / total) for factor in factors]
    heaviest = max(range(len(factors)), key=lambda place: factors[place].weight)
    hundredths[heaviest] += 100 - sum(hundredths)
    return [
        replace(factor, weight=part / 100)
        for factor, part in zip(factors, hundredths, strict=True)
        if part > 0
    ]


def _files(
    seeds: Path, proposed: Policy, factors: Sequence[Calibrated], day: dt.date
) -> tuple[dict[str, str], str]:
    """The changed files whole, and what changes in them."""
    known = {(item.customer_type, item.factor): item for item in factors}
    rows: dict[str, list[dict[str, Any]]] = {
        "score_factors": [
            {
                "policy_id": proposed.policy_id,
                "customer_type": item.customer_type,
                "score": item.score,
                "factor": item.factor,
                "weight": f"{item.weight:.2f}",
                "is_lever": str(item.is_lever).lower(),
                "factor_name_en": item.name_en,
                "factor_name_zh": item.name_zh,
            }
            for item in proposed.factors
        ],
        "score_anchors": [
            {
                "policy_id": proposed.policy_id,
                "customer_type": customer_type,
                "factor": factor,
                "raw_value": _plain(value),
                "score": f"{score:g}",
                "note": f"{share:.0%} of {known[customer_type, factor].values} values "
                f"lie below {cut:.4g}, {day}",
            }
            for (customer_type, factor), points in proposed.anchors.items()
            for (value, score), (share, _), cut in zip(
                points, ANCHORS, known[customer_type, factor].quantiles, strict=True
            )
        ],
    }
    texts: dict[str, str] = {}
    changes: list[str] = []
    for name in TABLES:
        path = policy_tables.seed_file(seeds, name)
        if path is None:
            raise ConfigurationError(f"{seeds / f'{name}.csv'} is missing.")
        before = path.read_text(encoding="utf-8-sig")
        after = _replaced(before, proposed.policy_id, rows[name])
        if after.splitlines() == before.splitlines():
            continue
        texts[name] = after
        changes += difflib.unified_diff(
            before.splitlines(),
            after.splitlines(),
            f"{name}.csv",
            f"{name}.csv (calibrated)",
            lineterm="",
            n=0,
        )
    return texts, "\n".join(changes)


def _replaced(text: str, policy_id: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A CSV file in which a policy has these rows; those of other policies stay."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = list(reader.fieldnames or [])
    columns += [name for name in rows[0] if name not in columns]
    others = [row for row in reader if row["policy_id"] != policy_id]
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows([*others, *rows])
    return target.getvalue()


def _plain(value: float) -> str:
    """A number without an exponent."""
    return f"{value:.12f}".rstrip("0").rstrip(".")

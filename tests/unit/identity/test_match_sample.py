"""The links that people judge: which are drawn, and what follows for all of them."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.models import Warehouse

LINK = {
    "left_no": "bigint",
    "right_no": "bigint",
    "match_rule": "varchar",
    "rule_order": "integer",
    "confidence": "double",
    "verdict": "varchar",
    "reason": "varchar",
    "guard": "varchar",
    "found_by": "varchar",
    "is_found": "boolean",
}
RECORD = {
    "record_no": "bigint",
    "source": "varchar",
    "source_customer_id": "varchar",
    "customer_type": "varchar",
    "customer_name": "varchar",
    "city": "varchar",
}
# What model_quality reads beside links and records.
BESIDE: Mapping[str, dict[str, str]] = {
    "core_customer_keys": {
        "record_no": "bigint",
        "source": "varchar",
        "source_customer_id": "varchar",
        "customer_id": "varchar",
    },
    "core_customer_blocks": {
        "record_no": "bigint",
        "block": "ubigint",
        "whole": "ubigint",
        "chunk": "bigint",
    },
    "match_candidates": {"is_doubt": "boolean"},
    "core_match_weights": {
        "customer_type": "varchar",
        "decisions": "bigint",
        "is_learned": "boolean",
        "declared_loss": "double",
        "learned_loss": "double",
    },
    "core_value_backtest": {
        "customer_group": "varchar",
        "forecaster": "varchar",
        "origin": "date",
        "target": "varchar",
        "measure": "varchar",
        "value": "double",
    },
    "int_tier_stability": {
        "kind": "varchar",
        "customer_type": "varchar",
        "change_rate": "double",
        "taken_back_share": "double",
        "customer_months": "bigint",
    },
    "tier_restatements": {
        "refresh_id": "varchar",
        "customer_id": "varchar",
        "cause": "varchar",
    },
    "core_health_backtest": {
        "metric": "varchar",
        "subject": "varchar",
        "value": "double",
    },
    "refresh__model_quality": {
        "refresh_id": "varchar",
        "as_of_date": "date",
        "model": "varchar",
        "metric": "varchar",
        "subject": "varchar",
        "value": "double",
    },
}


def link(
    place: int, rule: str, *, order: int = 40, verdict: str = "same", found: bool = True
) -> tuple[Any, ...]:
    """A link between the records 2 × place and 2 × place + 1."""
    by = "decision of a person" if order == 0 else rule
    return (
        2 * place, 2 * place + 1, by, order, 0.99, verdict, None, None, rule, found,
    )  # fmt: skip


def world(links: Sequence[tuple[Any, ...]], kinds: Sequence[str]) -> Warehouse:
    """Links, and for each the type of its two customers."""
    return (
        Warehouse()
        .lay("core_customer_links", LINK, links)
        .lay(
            "core_customer_records",
            RECORD,
            [
                (
                    number,
                    "crm",
                    f"k{number}",
                    kinds[number // 2],
                    f"Ann Lee {number}",
                    "",
                )
                for number in range(2 * len(kinds))
            ],
        )
    )


def drawn(links: Sequence[tuple[Any, ...]], kinds: Sequence[str]) -> list[Any]:
    found = (
        world(links, kinds).build("match_sample").rows("select * from {match_sample}")
    )
    return sorted(
        (
            row["customer_type"],
            row["match_rule"],
            row["left_customer_id"],
            row["right_customer_id"],
        )
        for row in found
    )


def test_five_of_each_rule_and_type_are_drawn() -> None:
    """All of a rule that has fewer, none of one without links that hold."""
    rules = ["phone"] * 40 + ["domain"] * 3 + ["e-mail"] * 20
    links = [link(place, rule) for place, rule in enumerate(rules)]
    links += [link(63, "doubtful", verdict="review"), link(64, "refused", found=False)]
    links[-1] = link(64, "judged", order=0)
    kinds = [*["company"] * 50, *["person"] * 15]
    counts = Counter((kind, rule) for kind, rule, *_ in drawn(links, kinds))
    assert counts == {
        ("company", "phone"): 5,
        ("company", "domain"): 3,
        ("company", "e-mail"): 5,
        ("person", "e-mail"): 5,
    }


def test_no_links_no_sample() -> None:
    assert drawn([], []) == []


def test_the_same_links_are_drawn_until_they_are_judged() -> None:
    """In whatever order they come, whatever else is linked; then others follow."""
    links = [link(place, "phone") for place in range(30)]
    kinds = ["company"] * 31
    first = drawn(links, kinds)
    assert drawn(links[::-1], kinds) == first
    assert drawn([*links, link(30, "domain")], kinds)[-5:] == first
    judged = {left for _, _, left, _ in first[:2]}
    answered = [
        link(row[0] // 2, "phone", order=0) if f"k{row[0]}" in judged else row
        for row in links
    ]
    again = drawn(answered, kinds)
    assert len(again) == 5
    assert set(first[2:]) <= set(again)
    assert not judged & {left for _, _, left, _ in again}


def test_a_link_is_drawn_with_the_chance_of_any_other() -> None:
    """5 of 25 in 160 worlds of other keys: each place has 32 ± 5 (one σ)."""
    counts: Counter[int] = Counter()
    for seed in range(8):
        # Twenty worlds a build: each is a type of customer.
        kinds = [f"world {seed} {place // 25}" for place in range(500)]
        found = (
            world([link(place, "phone") for place in range(500)], kinds)
            .lay(
                "core_customer_records",
                RECORD,
                [
                    (number, f"s{seed}", f"k{number}", kinds[number // 2], "", "")
                    for number in range(1000)
                ],
            )
            .build("match_sample")
            .rows("select left_customer_id from {match_sample}")
        )
        counts.update(int(row["left_customer_id"][1:]) // 2 % 25 for row in found)
    assert sum(counts.values()) == 800
    # 25 binomials of 160 draws at 1 in 5: σ is 5; five of them are never met by chance.
    assert all(abs(counts[place] - 32) < 25 for place in range(25))


def estimates(
    links: Sequence[tuple[Any, ...]], kinds: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Type of customer → link precision, its interval and how many were judged."""
    warehouse = world(links, kinds).lay(
        "core_refresh", {"refresh_id": "varchar", "as_of_date": "date"},
        [("now", "2025-01-01")],
    )  # fmt: skip
    for name, columns in BESIDE.items():
        warehouse.lay(name, columns, [])
    found = warehouse.build("model_quality").rows(
        "select * from {model_quality} where metric like 'link%' and metric <> 'links'"
    )
    result: dict[str, dict[str, float]] = {}
    for row in found:
        result.setdefault(row["subject"], {})[row["metric"]] = row["value"]
    return result


def wilson(right: int, judged: int) -> tuple[float, float]:
    """Wilson's interval of 95 %, from its quadratic equation."""
    z = 1.96
    a, b, c = judged + z * z, 2 * right + z * z, right * right / judged
    root = math.sqrt(b * b - 4 * a * c)
    return (b - root) / (2 * a), (b + root) / (2 * a)


def judged_links(
    counts: Mapping[str, tuple[int, int, int]], start: int = 0
) -> list[tuple[Any, ...]]:
    """Rule → how many links it has, how many of them are judged, and how many are right."""
    links: list[tuple[Any, ...]] = []
    for rule, (many, judged, right) in counts.items():
        for place in range(many):
            order = 0 if place < judged else 40
            verdict = "different" if right <= place < judged else "same"
            links.append(link(start + len(links), rule, order=order, verdict=verdict))
    return links


@pytest.mark.parametrize(
    ("right", "judged"), [(5, 5), (4, 5), (0, 5), (19, 20), (20, 20), (1, 1)]
)
def test_one_rule_has_wilsons_interval(right: int, judged: int) -> None:
    links = judged_links({"phone": (50, judged, right)})
    found = estimates(links, ["company"] * 50)["company"]
    low, high = wilson(right, judged)
    assert found["links judged"] == judged
    assert found["link precision"] == pytest.approx(right / judged)
    assert found["link precision low"] == pytest.approx(low, abs=1e-9)
    assert found["link precision high"] == pytest.approx(high, abs=1e-9)


def test_a_rule_counts_by_its_links_and_one_without_judgement_not_at_all() -> None:
    links = judged_links(
        {"phone": (90, 10, 9), "domain": (30, 5, 5), "name": (500, 0, 0)}
    )
    found = estimates(links, ["company"] * len(links))["company"]
    shares, rates = (0.75, 0.25), (0.9, 1.0)
    bounds = (wilson(9, 10), wilson(5, 5))
    point = sum(share * rate for share, rate in zip(shares, rates, strict=True))
    below, above = (
        math.sqrt(
            sum(
                (share * (rate - bound[side])) ** 2
                for share, rate, bound in zip(shares, rates, bounds, strict=True)
            )
        )
        for side in (0, 1)
    )
    assert found == {
        "links judged": 15,
        "link precision": pytest.approx(point),
        "link precision low": pytest.approx(point - below),
        "link precision high": pytest.approx(point + above),
    }


def test_a_decision_about_what_no_rule_found_says_nothing() -> None:
    links = [
        *judged_links({"phone": (10, 4, 4)}),
        *(link(place, "phone", order=0, verdict="different", found=False)
          for place in range(10, 16)),
    ]  # fmt: skip
    assert estimates(links, ["company"] * 16)["company"]["link precision"] == 1


def test_nothing_is_said_where_nothing_was_judged() -> None:
    assert estimates(judged_links({"phone": (9, 0, 0)}), ["company"] * 9) == {}


@pytest.mark.parametrize(
    ("rules", "judged"),
    [
        pytest.param({"phone": (200, 0.9)}, 20, id="one rule"),
        pytest.param(
            {"phone": (50, 0.98), "domain": (100, 0.9), "score": (150, 0.75)}, 10,
            id="three rules, the largest the worst",
        ),
        pytest.param(
            {"phone": (270, 0.97), "domain": (15, 0.6), "score": (15, 0.6)}, 15,
            id="three rules, the largest the best", marks=pytest.mark.slow,
        ),
    ],
)  # fmt: skip
def test_the_interval_covers_the_truth_at_its_rate(
    rules: Mapping[str, tuple[int, float]], judged: int
) -> None:
    """120 samples of links whose precision is known; each is a type of customer.

    The rate is .95; two standard errors of 120 draws and the waves of any interval for
    a few whole numbers make it .90.
    """
    draw = random.Random(17)
    links: list[tuple[Any, ...]] = []
    kinds: list[str] = []
    samples = 120
    for sample in range(samples):
        counts = {
            # Only the shares of the links matter, and the judged ones beside them.
            rule: (many // 5, min(judged, many // 5), 0)
            for rule, (many, _) in rules.items()
        }
        counts = {
            rule: (
                many,
                asked,
                sum(draw.random() < rules[rule][1] for _ in range(asked)),
            )
            for rule, (many, asked, _) in counts.items()
        }
        links += judged_links(counts, len(links))
        kinds += [f"sample {sample}"] * (len(links) - len(kinds))
    weights = {rule: many // 5 for rule, (many, _) in rules.items()}
    truth = sum(weights[rule] * rate for rule, (_, rate) in rules.items()) / sum(
        weights.values()
    )
    found = estimates(links, kinds).values()
    assert len(found) == samples
    covered = sum(
        row["link precision low"] <= truth <= row["link precision high"]
        for row in found
    )
    assert covered / samples >= 0.9
    # And an interval that says nothing would cover as well.
    assert all(
        row["link precision high"] - row["link precision low"] < 0.5 for row in found
    )
    mean = sum(row["link precision"] for row in found) / samples
    assert mean == pytest.approx(truth, abs=0.02)

"""Anchors from a company's own figures: quantiles, rounding and weights, worked by hand."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tiers import calibrate, policy_checks, policy_tables
from pipeline.tiers.calibrate import Calibrated
from pipeline.transform.package import NEUTRAL_SEEDS, PACKAGE

DAY = dt.date(2026, 11, 28)


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        (1, 1), (1.4, 1), (1.5, 2), (3.4, 2), (3.5, 5), (7.4, 5), (7.5, 10),
        (0.034, 0.02), (740, 500), (760, 1000), (999_999, 1_000_000),
    ],
)  # fmt: skip
def test_the_nearest_number_that_a_person_would_choose(
    value: float, nearest: float
) -> None:
    assert calibrate.rounded(value) == nearest


@pytest.mark.parametrize(
    ("cuts", "expected"),
    [
        ((120, 830, 4100, 17_000), (100, 1000, 5000, 20_000)),
        # 4.2 and 5.6 are both 5: the lower one goes on to 2.
        ((4.2, 5.6, 60, 700), (2, 5, 50, 500)),
        # Half of all order once: the first order is worth 5, none is worth nothing.
        ((1, 1, 4, 12), (0.5, 1, 5, 10)),
        ((1, 1, 1, 1), (0.5, 1, 2, 5)),
        ((0.08, 0.09, 0.11, 0.4), (0.05, 0.1, 0.2, 0.5)),
    ],
)
def test_no_anchor_passes_its_neighbour(
    cuts: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    assert calibrate.anchors(cuts) == expected


positive = st.floats(1e-3, 1e9)


@given(st.lists(positive, min_size=4, max_size=4).map(sorted))
def test_anchors_rise_and_are_near_their_quantiles(cuts: list[float]) -> None:
    found = calibrate.anchors(cuts)
    assert list(found) == sorted(set(found))
    for value in found:
        digits = value / 10 ** math.floor(math.log10(value) + 1e-9)
        assert round(digits, 9) in (1, 2, 5)
    # The median is what half of all have, and is never moved by another.
    assert abs(found[1] - cuts[1]) <= cuts[1] / 2


def history(values: dict[dt.date, list[float | None]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "attach ':memory:' as warehouse; create schema warehouse.marts; "
        "create table warehouse.marts.customer_value_history (customer_type varchar, "
        "as_of_date date, revenue_12m decimal(18, 4), tenure_days integer)"
    )
    connection.executemany(
        "insert into warehouse.marts.customer_value_history values (?, ?, ?, ?)",
        [
            ["company", day, value, None if value is None else round(value)]
            for day, some in values.items()
            for value in some
        ],
    )
    return connection


def test_quantiles_of_the_positive_known_values_of_two_years() -> None:
    """1 to 101: each whole per cent lies on a value."""
    with history(
        {
            dt.date(2026, 10, 31): [float(value) for value in range(1, 102)],
            dt.date(2025, 1, 31): [None, 0.0, -5.0],
            # On the day itself the 24 months have not begun.
            dt.date(2024, 11, 28): [1e9] * 50,
            dt.date(2026, 11, 30): [1e9] * 50,
        }
    ) as connection:
        count, cuts = calibrate.quantiles(connection, DAY, "company", "revenue_12m")
        assert count == 101
        assert cuts == pytest.approx((6, 51, 91, 100))
        _, years = calibrate.quantiles(connection, DAY, "company", "tenure_years")
        assert years == pytest.approx([cut / 365.25 for cut in (6, 51, 91, 100)])
        # What the release does not hold, and what nobody of the type has.
        assert calibrate.quantiles(connection, DAY, "company", "margin_12m") == (0, ())
        assert calibrate.quantiles(connection, DAY, "person", "revenue_12m") == (0, ())


def known(factor: str, values: int, *cuts: float, kind: str = "company") -> Calibrated:
    (first,) = policy_tables.load_folder(NEUTRAL_SEEDS)
    return calibrate._calibrated(first, kind, factor, values, cuts)


def test_what_is_not_known_has_no_anchors_and_no_weight(tmp_path: Path) -> None:
    """Revenue, orders and tenure weigh .35, .15 and .15: of .65 they are .54, .23, .23."""
    (first,) = policy_tables.load_folder(NEUTRAL_SEEDS)
    factors = [
        known("revenue_12m", 500, 10, 100, 1000, 5000),
        known("margin_12m", 19, 1, 2, 3, 4),
        known("order_count_12m", 20, 1, 2, 6, 12),
        known("tenure_years", 500, 1, 2, 6, 12),
        known("profit_12m", 0),
    ]
    found = calibrate._proposed(first, factors)
    assert {item.factor: item.weight for item in found.factors} == {
        "revenue_12m": 0.54,
        "order_count_12m": 0.23,
        "tenure_years": 0.23,
    }
    assert {(item.customer_type, item.score) for item in found.factors} == {
        ("company", "value")
    }
    assert found.anchors["company", "revenue_12m"] == (
        (10, 0), (100, 5), (1000, 8), (5000, 10),
    )  # fmt: skip
    assert policy_checks.problems([found]) == []


def test_a_median_that_has_moved_is_named() -> None:
    (first, _) = policy_tables.load_folder(PACKAGE / "seeds")
    points = {("company", "revenue_12m"): ((0.0, 0.0), (300.0, 5.0), (900.0, 10.0))}
    one = type(first)(**{**vars(first), "anchors": points})
    for median, has_drifted in ((300, False), (399, False), (401, True), (199, True)):
        found = calibrate._calibrated(
            one, "company", "revenue_12m", 50, (10.0, median, 1000.0, 2000.0)
        )
        assert (found.median_before, found.has_drifted) == (300, has_drifted)


def test_the_files_hold_the_policy_and_those_of_others(tmp_path: Path) -> None:
    for name in policy_tables.TABLES:
        for folder in (PACKAGE / "seeds", NEUTRAL_SEEDS):
            text = (folder / f"{name}.csv").read_text(encoding="utf-8")
            path = tmp_path / f"{name}.csv"
            body = text.split("\n", 1)[1] if path.exists() else text
            with path.open("a", encoding="utf-8") as file:
                file.write(body)
    factors = [known("revenue_12m", 500, 0.00012, 100, 1000, 25_000_000)]
    (first,) = policy_tables.load_folder(NEUTRAL_SEEDS)
    proposed = calibrate._proposed(first, factors)
    texts, diff = calibrate._files(tmp_path, proposed, factors, DAY)
    assert texts.keys() == {"score_factors", "score_anchors"}
    # Rows of other policies keep what they say; a note of theirs is empty.
    taken = [line for line in diff.splitlines() if line.startswith("-base")]
    assert all(f"+{line[1:]}," in diff.splitlines() for line in taken)
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    before = policy_tables.load_folder(PACKAGE / "seeds")
    *others, calibrated = policy_tables.load_folder(tmp_path)
    assert others == before
    assert calibrated.anchors == proposed.anchors
    assert [item.weight for item in calibrated.factors] == [1]
    assert "5% of 500 values lie below 0.00012, 2026-11-28" in texts["score_anchors"]
    # The same again changes nothing.
    assert calibrate._files(tmp_path, proposed, factors, DAY) == ({}, "")

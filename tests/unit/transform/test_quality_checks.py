"""The models' figures beside their bounds: what counts as outside, and of whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.models import Warehouse, seed_rows

FIGURES = {
    "refresh_id": "varchar",
    "as_of_date": "date",
    "model": "varchar",
    "metric": "varchar",
    "subject": "varchar",
    "value": "double",
}
SOUND: Sequence[tuple[str, str, str, float | None]] = [
    ("value of person", "choice champion", "bg_nbd", 1.0),
    ("value of person", "choice error_to_baseline", "bg_nbd", 0.8),
    ("value of person", "choice error_to_baseline", "pareto_nbd", 1.3),
    ("value of person", "choice error_to_baseline", "recency_table", 1.0),
    # Too small for a champion of its own.
    ("value of company", "choice champion", "bg_nbd", 0.0),
    ("value of company", "choice error_to_baseline", "bg_nbd", 0.9),
    ("value of company", "choice error_to_baseline", "naive_last_12_months", 1.1),
    ("value of person", "revenue relative_bias", "bg_nbd 2013-01-31", -0.3),
    ("value of person", "revenue relative_bias", "pareto_nbd 2013-01-31", 9.0),
    ("identity", "records", "all", 1000.0),
    ("identity", "customers", "all", 950.0),
    ("identity", "records unverified", "person", 100.0),
    ("identity", "customers unverified", "person", 90.0),
    ("identity", "candidates", "all", 3.0),
    ("identity", "links", "phone and name", 40.0),
    ("identity", "contradicted_by_registration", "phone and name", 1.0),
    ("identity", "pairwise_precision", "company", 0.99),
    ("identity", "pairwise_recall", "company", 0.9),
    ("tiers", "held change rate", "person", 0.03),
    ("tiers", "held taken back share", "person", None),
    ("health", "auc", "person", 0.8),
]


def with_forecasts(warehouse: Warehouse, forecaster: str = "bg_nbd") -> Warehouse:
    """One person and one company, forecast by somebody."""
    return warehouse.lay(
        "core_customers",
        {"customer_id": "varchar", "customer_type": "varchar"},
        [("p1", "person"), ("c1", "company")],
    ).lay(
        "core_customer_forecasts",
        {"customer_id": "varchar", "value_model": "varchar"},
        [("p1", forecaster), ("c1", forecaster)],
    )


def outside(
    *changed: tuple[str, str, str, float], forecaster: str = "bg_nbd"
) -> list[dict[str, Any]]:
    """What is outside once some figures are others; earlier refreshes do not count."""
    told = {row[:3]: row[3] for row in SOUND} | {row[:3]: row[3] for row in changed}
    warehouse = with_forecasts(Warehouse().seed("quality_bounds"), forecaster)
    warehouse.lay_query(
        "core_refresh", "select 'r2' as refresh_id, date '2014-01-31' as as_of_date"
    )
    rows = [("r2", "2014-01-31", *key, value) for key, value in told.items()]
    rows.append(("r1", "2014-01-30", "identity", "pairwise_precision", "company", 0.0))
    warehouse.lay("model_quality", FIGURES, rows)
    return warehouse.build("quality_checks").rows(
        "select model, metric, subject, severity from {quality_checks} "
        "where outcome = 'outside' order by severity, model"
    )


def test_sound_models() -> None:
    assert outside() == []


def test_what_cannot_be_divided_is_not_measured() -> None:
    warehouse = with_forecasts(Warehouse().seed("quality_bounds"))
    warehouse.lay_query(
        "core_refresh", "select 'r2' as refresh_id, date '2014-01-31' as as_of_date"
    )
    warehouse.lay(
        "model_quality",
        FIGURES,
        [
            ("r2", "2014-01-31", "identity", "links", "phone and name", 0.0),
            (
                "r2",
                "2014-01-31",
                "identity",
                "contradicted_by_registration",
                "phone and name",
                1.0,
            ),
        ],
    )
    assert warehouse.build("quality_checks").rows(
        "select metric, outcome, value from {quality_checks}"
    ) == [
        {
            "metric": "contradicted_by_registration per links",
            "outcome": "not measured",
            "value": None,
        }
    ]


@pytest.mark.parametrize(
    ("model", "metric", "subject", "value", "told", "severities"),
    [
        (
            "value of person",
            "choice error_to_baseline",
            "bg_nbd",
            1.01,
            None,
            ["critical", "warning"],
        ),
        # The champion of all customers, on these few.
        (
            "value of company",
            "choice error_to_baseline",
            "bg_nbd",
            1.2,
            None,
            ["warning"],
        ),
        (
            "value of person",
            "revenue relative_bias",
            "bg_nbd 2013-01-31",
            1.2,
            None,
            ["warning"],
        ),
        ("identity", "pairwise_precision", "company", 0.85, None, ["critical"]),
        ("identity", "pairwise_recall", "company", 0.5, None, ["warning"]),
        (
            "identity",
            "customers unverified",
            "person",
            20.0,
            "customers unverified per records unverified",
            ["critical"],
        ),
        (
            "identity",
            "candidates",
            "all",
            50.0,
            "candidates per records",
            ["warning"],
        ),
        (
            "identity",
            "contradicted_by_registration",
            "phone and name",
            4.0,
            "contradicted_by_registration per links",
            ["warning"],
        ),
        ("tiers", "held change rate", "person", 0.3, None, ["critical", "warning"]),
        ("tiers", "held change rate", "person", 0.2, None, ["warning"]),
        ("tiers", "held taken back share", "person", 0.4, None, ["warning"]),
        ("health", "auc", "person", 0.4, None, ["warning"]),
    ],
)
def test_what_is_outside(
    model: str,
    metric: str,
    subject: str,
    value: float,
    told: str | None,
    severities: list[str],
) -> None:
    assert outside((model, metric, subject, value)) == [
        {
            "model": model,
            "metric": told or metric,
            "subject": subject,
            "severity": severity,
        }
        for severity in severities
    ]


def test_who_is_no_champion_may_be_bad() -> None:
    """The forecasts of others are not published."""
    metric = "choice error_to_baseline"
    assert outside(("value of person", metric, "pareto_nbd", 7.0)) == []


def test_who_stands_in_and_is_worse_than_a_baseline_is_noticed() -> None:
    """The champion failed today, and the last one standing is far worse."""
    found = outside(
        ("value of person", "choice error_to_baseline", "naive_last_12_months", 20.0),
        forecaster="naive_last_12_months",
    )
    assert [(row["model"], row["subject"], row["severity"]) for row in found] == [
        ("value of company", "naive_last_12_months", "warning"),
        ("value of person", "naive_last_12_months", "warning"),
    ]


def test_each_bound_has_a_reason_and_a_side() -> None:
    for row in seed_rows("quality_bounds"):
        assert row["why"], row
        assert row["least"] or row["most"], row

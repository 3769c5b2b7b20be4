"""How good a forecast was: exact measures over customers that come as rows with counts.

A row that stands for five customers counts as five equal rows, to the last digit, so that
splitting a row or changing the order of rows changes nothing. Not here: who forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.value.histories import Booleans, Floats, totals, weighted

_GROUPS = 10


@dataclass(frozen=True, eq=False)
class Calibration:
    """Forecast against outcome in tenths of the customers, the lowest forecasts first.

    Attributes:
        customers: Customers of each tenth, shape (10,); a row at an edge is shared out.
        forecast: Mean forecast of each tenth, shape (10,).
        actual: Mean outcome of each tenth, shape (10,).
        baseline: Mean of another forecast for the same customers, shape (10,), or None.
    """

    customers: Floats
    forecast: Floats
    actual: Floats
    baseline: Floats | None = None

    @property
    def error(self) -> float:
        """Mean absolute difference of forecast and outcome over the tenths."""
        differences = np.abs(self.forecast - self.actual)
        return _ratio(
            weighted(differences, self.customers), float(self.customers.sum())
        )


@dataclass(frozen=True, eq=False)
class Measures:
    """What a forecast of purchases (or of money) was worth.

    Attributes:
        customers: Customers it was made for.
        buyers: Those of them with an outcome above 0.
        forecast_mean: Mean forecast of a customer.
        actual_mean: Mean outcome of a customer.
        mae: Mean absolute error of a customer.
        rmse: Root of the mean squared error of a customer.
        bias: Mean of forecast minus outcome.
        relative_bias: Total forecast over total outcome, minus 1.
        spearman: Rank correlation of forecast and outcome, ties at their mean rank.
        top_20_capture: Share of the outcome that the fifth of the customers with the
            highest forecasts had; customers of equal forecast at the edge count in part.
        top_20_possible: The same for the fifth with the highest outcomes.
        auc: Chance that a customer who bought has a higher forecast than one who did not,
            equal forecasts for half.
        calibration: Forecast against outcome by tenths.
    """

    customers: float
    buyers: float
    forecast_mean: float
    actual_mean: float
    mae: float
    rmse: float
    bias: float
    relative_bias: float
    spearman: float
    top_20_capture: float
    top_20_possible: float
    auc: float
    calibration: Calibration


@dataclass(frozen=True, eq=False)
class NoPurchaseMeasures:
    """What a forecast of P(no purchase) was worth, beside what recency alone says.

    Attributes:
        auc: Chance that a customer who did not buy has the higher probability.
        brier: Mean squared difference of probability and outcome.
        calibration: Probability against the share of customers who did not buy, by tenths;
            its `baseline` is the probability of the recency baseline.
        recency_auc: The AUC of "the longer silent, the likelier".
        recency_brier: The Brier score of the recency baseline, NaN where there is none.
    """

    auc: float
    brier: float
    calibration: Calibration
    recency_auc: float
    recency_brier: float


def measure(forecast: Floats, actual: Floats, count: Floats) -> Measures:
    """Measures a forecast; three arrays of shape (n,). NaN where nothing can be said.

    Args:
        forecast: Forecast for a customer of each row, finite.
        actual: What a customer of each row did, finite.
        count: Customers of each row, above 0.
    """
    customers = float(count.sum())
    error = forecast - actual
    total_forecast, total_actual = weighted(forecast, count), weighted(actual, count)
    return Measures(
        customers=customers,
        buyers=float(count[actual > 0].sum()),
        forecast_mean=_ratio(total_forecast, customers),
        actual_mean=_ratio(total_actual, customers),
        mae=_ratio(weighted(np.abs(error), count), customers),
        rmse=float(np.sqrt(_ratio(weighted(error**2, count), customers))),
        bias=_ratio(total_forecast - total_actual, customers),
        relative_bias=_ratio(total_forecast, total_actual) - 1,
        spearman=spearman(forecast, actual, count),
        top_20_capture=capture(forecast, actual, count),
        top_20_possible=capture(actual, actual, count),
        auc=auc(forecast, actual > 0, count),
        calibration=calibrate(forecast, actual, count),
    )


def measure_no_purchase(
    probability: Floats,
    silent: Floats,
    baseline: Floats | None,
    bought: Booleans,
    count: Floats,
) -> NoPurchaseMeasures:
    """Measures P(no purchase); arrays of shape (n,).

    Args:
        probability: P(no purchase) of a customer of each row.
        silent: Time since the last purchase.
        baseline: P(no purchase) by the recency baseline, or None.
        bought: Whether a customer of each row bought.
        count: Customers of each row.
    """
    did_not = ~bought
    outcome = did_not.astype(np.float64)
    customers = float(count.sum())

    def brier(of: Floats) -> float:
        return _ratio(weighted((of - outcome) ** 2, count), customers)

    return NoPurchaseMeasures(
        auc=auc(probability, did_not, count),
        brier=brier(probability),
        calibration=calibrate(probability, outcome, count, baseline),
        recency_auc=auc(silent, did_not, count),
        recency_brier=float("nan") if baseline is None else brier(baseline),
    )


def mid_ranks(values: Floats, count: Floats) -> Floats:
    """The rank of a customer of each row among all customers, ties at their mean rank."""
    distinct, places = np.unique(values, return_inverse=True)
    sizes = np.bincount(places, weights=count, minlength=len(distinct))
    ranks: Floats = (np.cumsum(sizes) - sizes + (sizes + 1) / 2)[places]
    return ranks


def pearson(left: Floats, right: Floats, count: Floats) -> float:
    """Correlation over customers; NaN where one of the two does not vary."""
    customers = float(count.sum())
    if not customers:
        return float("nan")
    left = left - weighted(left, count) / customers
    right = right - weighted(right, count) / customers
    below = float(np.sqrt(weighted(left**2, count) * weighted(right**2, count)))
    return _ratio(weighted(left * right, count), below)


def spearman(left: Floats, right: Floats, count: Floats) -> float:
    """Rank correlation over customers, ties at their mean rank."""
    return pearson(mid_ranks(left, count), mid_ranks(right, count), count)


def auc(score: Floats, positive: Booleans, count: Floats) -> float:
    """Area under the ROC curve (Mann and Whitney); NaN where all or none are positive."""
    ranks = mid_ranks(score, count)
    hits = float(count[positive].sum())
    misses = float(count.sum()) - hits
    above = weighted(ranks[positive], count[positive]) - hits * (hits + 1) / 2
    return _ratio(above, hits * misses)


def capture(score: Floats, actual: Floats, count: Floats, share: float = 0.2) -> float:
    """Share of the outcome that the `share` of customers with the highest scores had."""
    sizes, sums = _by_score(-score, count, actual)
    before = np.cumsum(sizes) - sizes
    taken = np.clip(share * float(sizes.sum()) - before, 0, sizes) / sizes
    return _ratio(weighted(sums, taken), float(sums.sum()))


def calibrate(
    forecast: Floats, actual: Floats, count: Floats, baseline: Floats | None = None
) -> Calibration:
    """Forecast against outcome in tenths of the customers by forecast."""
    others = [forecast, actual] + ([] if baseline is None else [baseline])
    sizes, *sums = _by_score(forecast, count, *others)
    cumulated = np.concatenate([[0.0], np.cumsum(sizes)])
    edges = cumulated[-1] * np.arange(_GROUPS + 1) / _GROUPS
    customers = np.diff(edges)
    # A row's total grows evenly over its customers, so each tenth's total is the
    # difference of the running total at its edges.
    means = [
        np.diff(np.interp(edges, cumulated, np.concatenate([[0.0], np.cumsum(total)])))
        / np.where(customers > 0, customers, np.nan)
        for total in sums
    ]
    return Calibration(
        customers, means[0], means[1], means[2] if baseline is not None else None
    )


def _by_score(score: Floats, count: Floats, *values: Floats) -> list[Floats]:
    """Customers, and totals of each of the values, by distinct score, ascending."""
    distinct, places = np.unique(score, return_inverse=True)
    size = len(distinct)
    return [
        totals(places, count, size),
        *(totals(places, each * count, size) for each in values),
    ]


def _ratio(above: float, below: float) -> float:
    return above / below if below else float("nan")

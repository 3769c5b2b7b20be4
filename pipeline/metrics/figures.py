"""What the metrics come to in one release; unknown comes with its reason, never as zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.metrics.definitions import Metric, Metrics, Words, load

NOTHING = Words(
    en="There is nothing that it could be worked out from.",
    zh="没有可供计算的数据。",
)
OLDER = Words(
    en="This release is of before the figure was there.",
    zh="此版本早于该指标。",
)


@dataclass(frozen=True)
class Figure:
    """A metric's value.

    Attributes:
        metric: Which.
        value: In the metric's unit; None where it is not known.
        reason: Why it is not known; None where it is.
        reason_id: The id of a declared reason; None of any other.
    """

    metric: Metric
    value: Any
    reason: Words | None = None
    reason_id: str | None = None


def ask(
    connection: duckdb.DuckDBPyConnection, ids: Sequence[str] | None = None
) -> dict[str, Figure]:
    """The metrics of a release as a whole.

    Args:
        connection: To the release's `warehouse.duckdb`.
        ids: Which; all of them by default.
    """
    found = _ask(connection, ids, None)
    return {name: slices[None] for name, slices in found.items()}


def ask_by(
    connection: duckdb.DuckDBPyConnection, by: str, ids: Sequence[str]
) -> dict[str, dict[Any, Figure]]:
    """Metrics of a release for each value of a dimension.

    Args:
        connection: To the release's `warehouse.duckdb`.
        by: A dimension that the datasets of all of them have.
        ids: Which.

    Returns:
        Metric → value of the dimension → figure; a value without a row has none.
    """
    return _ask(connection, ids, by)


def _ask(
    connection: duckdb.DuckDBPyConnection, ids: Sequence[str] | None, by: str | None
) -> dict[str, dict[Any, Figure]]:
    defined = load()
    wanted = (
        list(defined.metrics) if ids is None else [defined.metric(name) for name in ids]
    )
    found: dict[str, dict[Any, Figure]] = {metric.id: {} for metric in wanted}
    for name in dict.fromkeys(metric.dataset for metric in wanted):
        group = [metric for metric in wanted if metric.dataset == name]
        for metric, slice_, figure in _of_dataset(connection, defined, group, by):
            found[metric.id][slice_] = figure
    return found


def _of_dataset(
    connection: duckdb.DuckDBPyConnection,
    defined: Metrics,
    metrics: Sequence[Metric],
    by: str | None,
) -> Iterator[tuple[Metric, Any, Figure]]:
    """The figures of one dataset in one query; one by one where a column is missing."""
    try:
        result = connection.execute(defined.query(metrics, by))
    except (duckdb.BinderException, duckdb.CatalogException):
        if len(metrics) > 1:
            for metric in metrics:
                yield from _of_dataset(connection, defined, [metric], by)
        elif by is None:
            yield metrics[0], None, Figure(metrics[0], None, OLDER)
        return
    names = [column[0] for column in result.description or []]
    for values in result.fetchall():
        row = dict(zip(names, values, strict=True))
        for place, metric in enumerate(metrics):
            figure = _figure(
                metric,
                row[f"value_{place}"],
                row[f"unknown_{place}"],
                defined.reasons,
            )
            yield metric, row.get("slice"), figure


def _figure(
    metric: Metric, value: Any, unknown: int | None, reasons: Mapping[str, Words]
) -> Figure:
    if unknown is not None:
        name = metric.unknown[unknown].reason
        return Figure(metric, None, reasons[name], name)
    return Figure(metric, value, NOTHING if value is None else None)

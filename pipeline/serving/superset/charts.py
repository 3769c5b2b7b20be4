"""The charts of a bundle: what Superset shows, and the query that it asks for it.

The query is written beside the settings of a chart, so that a report, an alert and the API
get the same rows as the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import metrics
from pipeline.metrics.definitions import Words
from pipeline.serving.superset import labels
from pipeline.serving.superset.datasets import Dataset
from pipeline.serving.superset.definitions import (
    ChartPlan,
    CurvePlan,
    MetricName,
    PiePlan,
    TablePlan,
)
from pipeline.serving.superset.labels import Language

COLOURS = "supersetColors"
# The rows of a curve or a pie at most; so many values of a series are more than one reads.
MANY = 10_000


@dataclass(frozen=True)
class Rendered:
    """What a kind of chart is: its kind in Superset, its settings and its query."""

    viz_type: str
    params: Mapping[str, Any]
    query: Mapping[str, Any]


def title(plan: ChartPlan) -> Words:
    """What the chart is called."""
    if isinstance(plan.name, MetricName):
        return metrics.load().metric(plan.name.metric).name
    return plan.name


def missing(plan: ChartPlan, dataset: Dataset, language: Language) -> Sequence[str]:
    """The columns and metrics that it needs and the release does not have."""
    needed: list[str] = []
    if plan.table is not None:
        needed = [*_spread(plan.table.columns, language), *plan.table.by]
        needed += [name for name, _ in plan.table.order if name not in plan.metrics]
    elif curve := plan.bars or plan.line:
        needed = [curve.x, *curve.series]
    elif plan.pie is not None:
        needed = [plan.pie.by]
    absent = [name for name in needed if name not in dataset.columns]
    return absent + [name for name in plan.metrics if name not in dataset.formats]


def config(plan: ChartPlan, dataset: Dataset, language: Language) -> dict[str, Any]:
    """Its file in the bundle, without the ids."""
    if plan.number is not None:
        drawn = _number(plan.number)
    elif plan.table is not None:
        drawn = _table(plan.table, dataset, language)
    elif plan.pie is not None:
        drawn = _pie(plan.pie)
    else:
        drawn = _curve(plan, dataset)
    params = {
        "viz_type": drawn.viz_type,
        "adhoc_filters": [],
        "extra_form_data": {},
        **drawn.params,
    }
    query = {
        "filters": [],
        "extras": {"having": "", "where": ""},
        "applied_time_extras": {},
        "columns": [],
        "metrics": [],
        "orderby": [],
        "annotation_layers": [],
        "series_limit": 0,
        "order_desc": True,
        "url_params": {},
        "custom_params": {},
        "custom_form_data": {},
        **drawn.query,
    }
    return {
        "slice_name": labels.said(title(plan), language),
        "description": None,
        "certified_by": None,
        "certification_details": None,
        "viz_type": drawn.viz_type,
        "params": params,
        # Superset puts the id that it gives the dataset into both.
        "query_context": json.dumps(
            {
                "datasource": {"id": 0, "type": "table"},
                "force": False,
                "queries": [query],
                "form_data": {**params, "datasource": "0__table"},
                "result_format": "json",
                "result_type": "full",
            },
            ensure_ascii=False,
        ),
        "cache_timeout": None,
    }


def _number(metric: str) -> Rendered:
    return Rendered(
        "big_number_total",
        {"metric": metric, "header_font_size": 0.4, "subheader_font_size": 0.15},
        {"metrics": [metric]},
    )


def _table(plan: TablePlan, dataset: Dataset, language: Language) -> Rendered:
    order = [[name, way == "asc"] for name, way in plan.order]
    common = {
        "row_limit": plan.limit,
        "server_pagination": False,
        "show_cell_bars": False,
        "color_pn": False,
        "table_timestamp_format": "%Y-%m-%d",
        "adhoc_filters": [*_filters(plan.where)],
    }
    extras = {"having": "", "where": _where(plan.where)}
    query = {"row_limit": plan.limit, "orderby": order, "extras": extras}
    if plan.columns:
        columns = [*_spread(plan.columns, language)]
        return Rendered(
            "table",
            {
                **common,
                "query_mode": "raw",
                "all_columns": columns,
                "column_config": {
                    name: {"d3NumberFormat": dataset.formats[name]}
                    for name in columns
                    if name in dataset.formats
                },
                "order_by_cols": [json.dumps(each) for each in order],
                "order_desc": False,
            },
            # None, and not an empty list: with that Superset would group by the columns.
            {**query, "columns": columns, "metrics": None},
        )
    by_metric = [name for name, _ in plan.order if name in plan.metrics]
    return Rendered(
        "table",
        {
            **common,
            "query_mode": "aggregate",
            "groupby": [*plan.by],
            "metrics": [*plan.metrics],
            "timeseries_limit_metric": by_metric[0] if by_metric else None,
            "order_desc": bool(by_metric),
        },
        {**query, "columns": [*plan.by], "metrics": [*plan.metrics]},
    )


def _pie(plan: PiePlan) -> Rendered:
    return Rendered(
        "pie",
        {
            "groupby": [plan.by],
            "metric": plan.metric,
            "row_limit": 100,
            "sort_by_metric": True,
            "color_scheme": COLOURS,
            "donut": True,
            "innerRadius": 45,
            "outerRadius": 70,
            "show_labels": True,
            "label_type": "key_percent",
            "show_legend": False,
            "number_format": "SMART_NUMBER",
        },
        {
            "columns": [plan.by],
            "metrics": [plan.metric],
            "row_limit": 100,
            "orderby": [[plan.metric, False]],
        },
    )


def _curve(plan: ChartPlan, dataset: Dataset) -> Rendered:
    is_line = plan.line is not None
    curve: CurvePlan | None = plan.line or plan.bars
    assert curve is not None
    is_time = curve.x in dataset.times
    x = {
        "columnType": "BASE_AXIS",
        "expressionType": "SQL",
        "label": curve.x,
        "sqlExpression": curve.x,
    }
    first = curve.metrics[0]
    return Rendered(
        "echarts_timeseries_line" if is_line else "echarts_timeseries_bar",
        {
            "x_axis": curve.x,
            "time_grain_sqla": None,
            "metrics": [*curve.metrics],
            "groupby": [*curve.series],
            "adhoc_filters": [*_filters(curve.where)],
            "row_limit": MANY,
            "stack": "Stack" if curve.stacked else None,
            "orientation": "horizontal" if curve.horizontal else "vertical",
            "x_axis_sort_asc": is_time,
            "x_axis_sort": None if is_time else first,
            "x_axis_sort_series": "name" if is_time else "sum",
            "x_axis_sort_series_ascending": is_time,
            "x_axis_time_format": "%Y-%m" if is_time else "smart_date",
            "y_axis_format": dataset.formats[first],
            "color_scheme": COLOURS,
            "show_legend": bool(curve.series),
            "rich_tooltip": True,
            "truncate_metric": True,
            "show_empty_columns": True,
            "truncateYAxis": False,
        },
        {
            "columns": [x if is_time else curve.x, *curve.series],
            "metrics": [*curve.metrics],
            "row_limit": MANY,
            "orderby": [[first, False]],
            "extras": {"having": "", "where": _where(curve.where)},
        },
    )


def _filters(where: str | None) -> Iterator[Mapping[str, Any]]:
    """A condition as the page of a chart shows it."""
    if where is not None:
        yield {
            "clause": "WHERE",
            "expressionType": "SQL",
            "sqlExpression": where,
            "filterOptionName": "filter_rows",
            "isExtra": False,
            "isNew": False,
        }


def _where(where: str | None) -> str:
    return f"({where})" if where else ""


def _spread(columns: Sequence[str], language: Language) -> Iterator[str]:
    """The columns, with one for each language where one says so."""
    for name in columns:
        if name.endswith("_*"):
            for one in labels.languages(language):
                yield f"{name[:-1]}{one}"
        else:
            yield name

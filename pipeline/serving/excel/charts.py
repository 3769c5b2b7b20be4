"""The charts of the overview: native ones, which can be changed in Excel.

They are drawn from cells of the overview and of the sheet of the matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from pipeline.serving.excel.columns import Query
from pipeline.serving.excel.workbook import COLOURS, Book

# They stand beside the tables, which end before it.
_FIRST_CHART_COLUMN: Final = 10


@dataclass(frozen=True)
class Placed:
    """Where a block's values are: the first and the last row, both counted from 0."""

    first: int
    last: int
    heads: int
    columns: int


def draw(
    book: Book,
    sheet: Any,
    connection: duckdb.DuckDBPyConnection,
    placed: Mapping[str, Placed],
    sheets: Sequence[Query],
) -> None:
    """Puts the charts beside the tables, one below the other."""
    zh = book.lang == "zh"
    charts = []
    if "tiers" in placed:
        charts.append(_tier_chart(book, sheet.name, placed["tiers"], zh))
    if "months" in placed:
        charts.append(_month_chart(book, sheet.name, placed["months"], zh))
    if "due" in placed:
        charts.append(_due_chart(book, sheet.name, placed["due"], zh))
    matrix = next((each for each in sheets if each.sheet.key == "matrix"), None)
    scatter = None
    if matrix is not None:
        scatter = _matrix_chart(book, connection, matrix, zh)
        if scatter is not None:
            charts.append(scatter)
    down = 60  # in pixels: rows differ in height
    for chart in charts:
        height = 620 if chart is scatter else 380
        chart.set_size({"width": 820, "height": height})
        sheet.insert_chart(0, _FIRST_CHART_COLUMN, chart, {"y_offset": down})
        down += height + 20


def _styled(chart: Any, title: str, zh: bool) -> Any:
    font = "Microsoft YaHei" if zh else "Calibri"
    chart.set_title({"name": title, "name_font": {"name": font, "size": 12}})
    chart.set_legend({"position": "bottom", "font": {"name": font}})
    chart.set_chartarea({"border": {"color": "#C9CED6"}})
    return chart


def _tier_chart(book: Book, name: str, at: Placed, zh: bool) -> Any:
    """Shares of customers, revenue and profit, side by side."""
    chart = book.book.add_chart({"type": "column"})
    for place, column in enumerate((2, 4, 8)):
        chart.add_series(
            {
                "name": [name, at.heads, column],
                "categories": [name, at.first, 0, at.last, 0],
                "values": [name, at.first, column, at.last, column],
                "fill": {"color": COLOURS[place]},
                "gap": 60,
            }
        )
    chart.set_y_axis({"num_format": "0%", "major_gridlines": _LINES})
    chart.set_x_axis({"label_position": "low"})
    return _styled(
        chart,
        "各等级占客户、收入与利润的比例"
        if zh
        else "Share of each tier of customers, revenue and profit",
        zh,
    )


_LINES: Final = {"visible": True, "line": {"color": "#E4E7EC"}}


def _month_chart(book: Book, name: str, at: Placed, zh: bool) -> Any:
    chart = book.book.add_chart({"type": "column", "subtype": "stacked"})
    for column in range(1, at.columns - 1):
        chart.add_series(
            {
                "name": [name, at.heads, column],
                "categories": [name, at.first, 0, at.last, 0],
                "values": [name, at.first, column, at.last, column],
                "fill": {"color": COLOURS[(column - 1) % len(COLOURS)]},
                "gap": 40,
            }
        )
    chart.set_x_axis(
        {"date_axis": True, "num_format": "yyyy-mm", "label_position": "low"}
    )
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": _LINES})
    return _styled(chart, "按月收入" if zh else "Revenue by month", zh)


def _due_chart(book: Book, name: str, at: Placed, zh: bool) -> Any:
    chart = book.book.add_chart({"type": "bar"})
    for place, column in enumerate((1, 2)):
        chart.add_series(
            {
                "name": [name, at.heads, column],
                "categories": [name, at.first, 0, at.last, 0],
                "values": [name, at.first, column, at.last, column],
                "fill": {"color": COLOURS[place + 1]},
                "gap": 40,
            }
        )
    # The first of the table is the uppermost bar.
    chart.set_y_axis({"reverse": True})
    chart.set_x_axis({"num_format": "#,##0", "major_gridlines": _LINES})
    return _styled(chart, "各负责人的待办行动" if zh else "What is due, by owner", zh)


# Beside the largest only: names of all would lie on each other.
_NAMED: Final = 8
_MARKERS: Final = ("circle", "square", "diamond", "triangle", "x", "plus", "star")


def _matrix_chart(
    book: Book, connection: duckdb.DuckDBPyConnection, matrix: Query, zh: bool
) -> Any:
    """Attractiveness against strength, one series a strategy; the largest are named."""
    lang = "zh" if zh else "en"
    rated = connection.execute(
        f"select m.strategy_{lang}, c.customer_label, "
        "row_number() over (order by c.revenue_12m desc nulls last, c.customer_id) "
        "from marts.account_matrix as m inner join marts.customer_360 as c "
        f"on c.customer_id = m.customer_id where m.is_rated order by {matrix.sheet.order}"
    ).fetchall()
    places = {column.expression: place for place, column in enumerate(matrix.columns)}
    x, y = places.get("m.relative_strength"), places.get("m.attractiveness")
    if not rated or x is None or y is None:
        return None
    name = matrix.sheet.name(book.lang)
    chart = book.book.add_chart({"type": "scatter"})
    strategies = list(dict.fromkeys(strategy for strategy, _, _ in rated))
    for place, strategy in enumerate(strategies):
        its = [at for at, row in enumerate(rated, start=1) if row[0] == strategy]
        first, last = its[0], its[-1]
        colour = COLOURS[place % len(COLOURS)]
        chart.add_series(
            {
                "name": strategy or ("无" if zh else "none"),
                "categories": [name, first, x, last, x],
                "values": [name, first, y, last, y],
                "marker": {
                    "type": _MARKERS[place % len(_MARKERS)],
                    "size": 8,
                    "fill": {"color": colour},
                    "border": {"color": colour},
                },
                "data_labels": {
                    "custom": [
                        {"value": label} if rank <= _NAMED else {"delete": True}
                        for _, label, rank in rated[first - 1 : last]
                    ],
                    "value": True,
                    "position": "above",
                    "font": {"size": 8},
                },
            }
        )
    axis = {"min": 0, "max": 10, "crossing": 5, "label_position": "low"}
    chart.set_x_axis(
        {
            **axis,
            "name": "相对竞争力" if zh else "Relative strength",
            "major_gridlines": _LINES,
            "num_format": "0",
        }
    )
    chart.set_y_axis(
        {
            **axis,
            "name": "客户吸引力" if zh else "Attractiveness",
            "major_gridlines": _LINES,
            "num_format": "0",
        }
    )
    return _styled(
        chart,
        f"客户矩阵（标出收入最高的{_NAMED}家）"
        if zh
        else f"Account matrix; the {_NAMED} with the most revenue are named",
        zh,
    )

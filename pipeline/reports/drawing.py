"""Shares and amounts as coordinates: the geometry of the drawings, in view-box units.

Colours, type and everything that a style can say stand in the template.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.reports.sales import Concentration, Month

# Below this height the label under the marked point would run into the diagonal.
_LABEL_BELOW = 0.62
_NICE_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Frame:
    """The plotting area of a drawing inside its view box."""

    width: float = 440
    height: float = 300
    left: float = 46
    right: float = 22
    top: float = 12
    bottom: float = 44

    @property
    def x_end(self) -> float:
        """The right edge."""
        return self.width - self.right

    @property
    def y_end(self) -> float:
        """The lower edge."""
        return self.height - self.bottom

    @property
    def slope(self) -> float:
        """The angle of the diagonal, in degrees as SVG turns."""
        rise, run = self.y_end - self.top, self.x_end - self.left
        return round(-math.degrees(math.atan2(rise, run)), 1)

    def x(self, share: float) -> float:
        """Where a share of the customers lies, 0 to 1 from the left."""
        return round(self.left + share * (self.x_end - self.left), 1)

    def y(self, share: float) -> float:
        """Where a share of the revenue lies, 0 to 1 from the bottom."""
        return round(self.y_end - share * (self.y_end - self.top), 1)


@dataclass(frozen=True)
class Curve:
    """The Pareto curve of one type of customer.

    Attributes:
        line: The points of a polyline from the origin; a polygon of them closes along
            the diagonal of equality.
        label_below: Whether the mark's label goes under the curve, or over it.
    """

    concentration: Concentration
    frame: Frame
    line: str
    label_below: bool


def pareto(concentration: Concentration) -> Curve:
    """Draws how much of the revenue the first customers hold together."""
    frame = Frame()
    line = " ".join(
        f"{frame.x(x):g},{frame.y(y):g}" for x, y in [(0.0, 0.0), *concentration.points]
    )
    held = concentration.top_revenue_share
    return Curve(
        concentration=concentration,
        frame=frame,
        line=line,
        label_below=held is not None and held >= _LABEL_BELOW,
    )


@dataclass(frozen=True)
class Column:
    """One month of a column chart; positions in percent of the plot's height."""

    month: Month
    top: float
    height: float


@dataclass(frozen=True)
class Columns:
    """A column chart.

    Attributes:
        columns: The months, oldest first.
        ticks: Labelled amounts, with the distance from the top in percent.
        zero: Where the base line is, in percent from the top.
    """

    columns: Sequence[Column]
    ticks: Sequence[tuple[Decimal, float]]
    zero: float


def columns(months: Sequence[Month]) -> Columns | None:
    """Draws months as columns from a base line at zero; None when all are zero."""
    amounts = [month.revenue for month in months]
    high = max([*amounts, Decimal(0)])
    low = min([*amounts, Decimal(0)])
    if high == low:
        return None
    step = _step(high - low)
    top = math.ceil(high / step) * step
    bottom = math.floor(low / step) * step

    def position(value: Decimal) -> float:
        return round(float((top - value) / (top - bottom)) * 100, 2)

    ticks = []
    tick = bottom
    while tick <= top:
        ticks.append((tick, position(tick)))
        tick += step
    return Columns(
        columns=[
            Column(
                month=month,
                top=position(max(month.revenue, Decimal(0))),
                height=round(abs(position(month.revenue) - position(Decimal(0))), 2),
            )
            for month in months
        ],
        ticks=ticks,
        zero=position(Decimal(0)),
    )


# The account matrix, a square of 0 to 10 both ways.
_MATRIX = Frame(width=308, height=300, left=42, right=10, top=10, bottom=34)
# The same for all accounts together, with room for their names.
_LARGE = Frame(width=560, height=440, left=42, right=10, top=10, bottom=34)


@dataclass(frozen=True)
class Place:
    """A point of the account matrix."""

    x: float
    y: float


@dataclass(frozen=True)
class Cells:
    """The four cells of the account matrix.

    Attributes:
        middle: Where the midpoint lies; what stands on it is in the higher cell.
    """

    frame: Frame
    middle: Place


def place(strength: float, attractiveness: float, *, large: bool = False) -> Place:
    """Where an account stands: relative strength to the right, attractiveness up."""
    frame = _LARGE if large else _MATRIX
    return Place(frame.x(strength / 10), frame.y(attractiveness / 10))


def cells(midpoint: float, *, large: bool = False) -> Cells:
    """The ground on which `place` puts accounts; `large` for all of them together."""
    return Cells(
        frame=_LARGE if large else _MATRIX,
        middle=place(midpoint, midpoint, large=large),
    )


@dataclass(frozen=True)
class Year:
    """A year of an account: what it brought, or may bring, with its band.

    Attributes:
        ahead: 1 to 3 for the years to come, 0 and below for those that were.
        low: The lower end of the band's line; None without a band. Likewise `high`.
    """

    ahead: int
    last_day: dt.date
    revenue: Decimal | None
    x: float
    top: float
    height: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Outlook:
    """Six years of an account as columns, three of them to come."""

    frame: Frame
    bar: float
    years: Sequence[Year]
    ticks: Sequence[tuple[Decimal, float]]


def outlook(
    past: Sequence[Mapping[str, Any]], ahead: Sequence[Mapping[str, Any]]
) -> Outlook | None:
    """Draws what an account bought and what it may buy; None when all is nothing."""
    frame = Frame(width=440, height=150, left=8, right=44, top=16, bottom=30)
    highest = max(
        [
            Decimal(0),
            *(row["revenue"] for row in past),
            *(row["outlook_revenue"] or Decimal(0) for row in ahead),
            *(row["high_revenue"] or Decimal(0) for row in ahead),
        ]
    )
    if not highest:
        return None
    step = _step(highest)
    top = math.ceil(highest / step) * step

    def y(value: Decimal) -> float:
        return frame.y(float(max(value, Decimal(0)) / top))

    rows = [(n - len(past) + 1, row, row["revenue"]) for n, row in enumerate(past)]
    rows += [(row["year_ahead"], row, row["outlook_revenue"]) for row in ahead]
    years = [
        Year(
            ahead=number,
            last_day=row["last_day"],
            revenue=revenue,
            x=frame.x((place_no + 0.5) / len(rows)),
            top=y(revenue or Decimal(0)),
            height=round(frame.y_end - y(revenue or Decimal(0)), 1),
            low=None if row.get("low_revenue") is None else y(row["low_revenue"]),
            high=None if row.get("high_revenue") is None else y(row["high_revenue"]),
        )
        for place_no, (number, row, revenue) in enumerate(rows)
    ]
    ticks = [(step * n, y(step * n)) for n in range(int(top / step) + 1)]
    return Outlook(frame=frame, bar=34, years=years, ticks=ticks)


def _step(span: Decimal) -> Decimal:
    """A round distance between ticks that gives two to four of them."""
    rough = span / 3
    power = Decimal(10) ** (rough.adjusted())
    return next(
        step
        for factor in _NICE_STEPS
        if (step := Decimal(str(factor)) * power) >= rough
    )

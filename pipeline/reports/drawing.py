"""Shares and amounts as coordinates: the geometry of the drawings, in view-box units.

Colours, type and everything that a style can say stand in the template.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline.reports.facts import Concentration, Month

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


def _step(span: Decimal) -> Decimal:
    """A round distance between ticks that gives two to four of them."""
    rough = span / 3
    power = Decimal(10) ** (rough.adjusted())
    return next(
        step
        for factor in _NICE_STEPS
        if (step := Decimal(str(factor)) * power) >= rough
    )

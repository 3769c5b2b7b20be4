"""Drawings of movement, profit and place: their geometry, in view-box units.

Like `drawing`: colours and type stand in the style, and no meaning of a figure is here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.reports.drawing import Cells, Frame, Place

Box = tuple[float, float, float, float]  # left, top, right, bottom

# A stream of few customers beside thousands is drawn this thick at least.
_LEAST: Final = 1.0
_GAP: Final = 7.0
_LINE: Final = 15.5


@dataclass(frozen=True)
class Node:
    """A tier at one end of a flow."""

    tier_code: str
    tone: int
    customers: int
    y: float
    height: float
    label_y: float


@dataclass(frozen=True)
class Ribbon:
    """The customers that went from one tier to another."""

    from_tier: str
    to_tier: str
    tone: int
    customers: int
    path: str


@dataclass(frozen=True)
class Flow:
    """The customers of a type by their tier then and now.

    Attributes:
        counts: (tier then, tier now) → customers.
    """

    customer_type: str
    left: Sequence[Node]
    right: Sequence[Node]
    ribbons: Sequence[Ribbon]
    counts: Mapping[tuple[str, str], int]
    width: float = 520
    height: float = 270
    x_left: float = 150
    x_right: float = 350
    bar: float = 10


def flows(rows: Sequence[Mapping[str, Any]]) -> list[Flow]:
    """Draws moves between tiers, one drawing a type of customer."""
    found = []
    for kind in sorted({row["customer_type"] for row in rows}):
        found.append(_flow(kind, [row for row in rows if row["customer_type"] == kind]))
    return found


def _flow(kind: str, rows: Sequence[Mapping[str, Any]]) -> Flow:
    blank = Flow(kind, (), (), (), {})
    left = _nodes(rows, "from", blank.height)
    right = _nodes(rows, "to", blank.height)
    at_left = {node.tier_code: node.y for node in left}
    at_right = {node.tier_code: node.y for node in right}
    scale_left = _scale(left)
    scale_right = _scale(right)
    x1, x2 = blank.x_left + blank.bar, blank.x_right
    middle = (x1 + x2) / 2
    ribbons = []
    for row in rows:
        a, b = row["from_tier"], row["to_tier"]
        thick_a = row["customers"] * scale_left[a]
        thick_b = row["customers"] * scale_right[b]
        y1, y2 = at_left[a], at_right[b]
        at_left[a] += thick_a
        at_right[b] += thick_b
        thick_a, thick_b = max(thick_a, _LEAST), max(thick_b, _LEAST)
        path = (
            f"M{x1:g} {y1:.1f}C{middle:g} {y1:.1f} {middle:g} {y2:.1f} {x2:g} {y2:.1f}"
            f"V{y2 + thick_b:.1f}"
            f"C{middle:g} {y2 + thick_b:.1f} {middle:g} {y1 + thick_a:.1f} "
            f"{x1:g} {y1 + thick_a:.1f}Z"
        )
        ribbons.append(Ribbon(a, b, _tone(row["from_rank"]), row["customers"], path))
    counts = {(row["from_tier"], row["to_tier"]): row["customers"] for row in rows}
    return Flow(kind, left, right, ribbons, counts)


def _tone(rank: int) -> int:
    """The colour of a tier; 0 for the state of who has none."""
    return rank if rank <= 6 else 0


def _scale(nodes: Sequence[Node]) -> dict[str, float]:
    return {node.tier_code: node.height / node.customers for node in nodes}


def _nodes(rows: Sequence[Mapping[str, Any]], end: str, height: float) -> list[Node]:
    """The tiers of one end, the best on top, each with room for its label."""
    sums: dict[tuple[int, str], int] = {}
    for row in rows:
        key = (row[f"{end}_rank"], row[f"{end}_tier"])
        sums[key] = sums.get(key, 0) + row["customers"]
    total = sum(sums.values())
    top = 6.0
    room = height - 26 - top - _GAP * (len(sums) - 1)
    heights = {key: max(room * n / total, 2.0) for key, n in sums.items()}
    over = sum(heights.values()) - room
    if over > 0:
        largest = max(heights, key=lambda key: heights[key])
        heights[largest] = max(heights[largest] - over, 2.0)
    nodes = []
    y, label = top, -_LINE
    for key in sorted(sums):
        label = max(y + heights[key] / 2 + 4, label + _LINE)
        nodes.append(
            Node(
                tier_code=key[1],
                tone=_tone(key[0]),
                customers=sums[key],
                y=round(y, 1),
                height=round(heights[key], 2),
                label_y=round(label, 1),
            )
        )
        y += heights[key] + _GAP
    return nodes


@dataclass(frozen=True)
class Whale:
    """The whale curve: profit of the customers up to one, the most profitable first.

    Attributes:
        line: The points of a polyline from the origin.
        ticks: Labelled amounts and where they are.
        peak: Where profit is highest; from there on customers take away.
        end: Where all customers are together.
    """

    frame: Frame
    line: str
    ticks: Sequence[tuple[float, float]]
    peak: Place
    end: Place
    zero: float


def whale(points: Sequence[tuple[float, float]]) -> Whale:
    """Draws (share of customers, profit up to there)."""
    frame = Frame(left=58, right=26)
    high = max([0.0, *(y for _, y in points)])
    low = min([0.0, *(y for _, y in points)])
    step = nice_step((high - low) or 1.0)
    top, bottom = math.ceil(high / step) * step, math.floor(low / step) * step

    def y(value: float) -> float:
        return frame.y((value - bottom) / ((top - bottom) or 1.0))

    best = max(points, key=lambda point: point[1])
    count = round((top - bottom) / step)
    return Whale(
        frame=frame,
        line=" ".join(
            f"{frame.x(x):g},{y(value):g}" for x, value in [(0.0, 0.0), *points]
        ),
        ticks=[(bottom + n * step, y(bottom + n * step)) for n in range(count + 1)],
        peak=Place(frame.x(best[0]), y(best[1])),
        end=Place(frame.x(points[-1][0]), y(points[-1][1])),
        zero=y(0.0),
    )


def nice_step(span: float) -> float:
    """A round distance between ticks that gives three to six of them."""
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(
        factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= span / 5
    )


@dataclass(frozen=True)
class Label:
    """A point with its name beside it, or, where there is no room, its number alone.

    Attributes:
        number: By which the list of the accounts names it.
        name: Cut where it is long; `full` is the whole.
        anchor: start, middle or end, as SVG has it; None without room for the name.
        leads: Whether the name stands so far away that a line leads to it.
    """

    place: Place
    number: int
    name: str
    full: str
    x: float
    y: float
    anchor: str | None
    leads: bool = False


# Around a point, the most legible place first: right, left, above, below, corners.
_AROUND: Final = (
    (9.0, 3.5, "start"),
    (-9.0, 3.5, "end"),
    (0.0, -9.0, "middle"),
    (0.0, 15.5, "middle"),
    (7.0, -7.0, "start"),
    (7.0, 14.0, "start"),
    (-7.0, -7.0, "end"),
    (-7.0, 14.0, "end"),
)
# Further away, with a line that leads to the point.
_FURTHER: Final = tuple(
    (
        round(reach * math.cos(math.radians(angle)), 1),
        round(reach * math.sin(math.radians(angle)) + 3.0, 1),
        "start" if math.cos(math.radians(angle)) > 0 else "end",
    )
    for reach in (18, 28, 38, 50, 62)
    for angle in range(15, 375, 30)
)
_LONGEST: Final = 24


def corners(cells: Cells) -> list[Box]:
    """Where the names of the matrix's four cells stand."""
    frame, middle = cells.frame, cells.middle
    return [
        (left, top, left + 112, top + 14)
        for left in (frame.left + 6, middle.x + 6)
        for top in (frame.top + 5, frame.y_end - 19)
    ]


def labels(
    places: Sequence[tuple[Place, str]],
    frame: Frame,
    taken: Sequence[Box] = (),
    size: float = 10.0,
) -> list[Label]:
    """Names beside points, none over another or over a point; the first have the choice.

    Args:
        places: Points and their names, the most important first.
        frame: No name leaves it.
        taken: Boxes (left, top, right, bottom) that are not free.
        size: Of the type.
    """
    points = [
        (place.x - 6, place.y - 6, place.x + 6, place.y + 6) for place, _ in places
    ]
    boxes = list(taken)
    found = []
    for number, (place, name) in enumerate(places, start=1):
        short = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
        own = points[number - 1]
        others = [box for box in points if box != own]
        for far, (dx, dy, anchor) in [
            *((False, each) for each in _AROUND),
            *((True, each) for each in _FURTHER),
        ]:
            own_box = box(place.x + dx, place.y + dy, anchor, short, size)
            inside = (
                own_box[0] >= frame.left
                and own_box[2] <= frame.x_end
                and own_box[1] >= frame.top
                and own_box[3] <= frame.y_end
            )
            if inside and not any(meet(own_box, other) for other in [*boxes, *others]):
                boxes.append(own_box)
                found.append(
                    Label(
                        place=place,
                        number=number,
                        name=short,
                        full=name,
                        x=place.x + dx,
                        y=place.y + dy,
                        anchor=anchor,
                        leads=far,
                    )
                )
                break
        else:
            found.append(Label(place, number, short, name, place.x, place.y, None))
    return found


def box(x: float, y: float, anchor: str, text: str, size: float) -> Box:
    """What a name covers.

    Args:
        x: Where it starts, ends or has its middle, as `anchor` says.
        y: Its base line.
    """
    # A Chinese sign is as wide as the type is high, a Latin one little over half of it.
    width = sum(size if ord(sign) > 0x2E7F else size * 0.58 for sign in text)
    left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
    return left, y - size * 0.85, left + width, y + size * 0.25


def meet(one: Box, other: Box) -> bool:
    """Whether two boxes share some ground."""
    return (
        one[0] < other[2]
        and other[0] < one[2]
        and one[1] < other[3]
        and other[1] < one[3]
    )

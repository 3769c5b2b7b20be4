"""What the purchase models know of customers: distinct (x, t_x, T) triples with counts.

A customer's history is sufficient in three numbers (Schmittlein, Morrison and Colombo
1987): x, its repeat purchase days; t_x, the time from its first to its last purchase day;
and its age T, the time from its first purchase day to the end of observation. Customers
with the same three numbers are one row with a count, so fitting and scoring hardly
depend on the number of customers. Not here: how the rows are made from purchases
(`reduction`), and what is done with them (the models).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]
Booleans = npt.NDArray[np.bool_]

# Ages and last purchases come from one clock, divided by the same number; whatever is
# apart by more than this is a contradiction and no rounding.
_SLACK = 1e-9

# 128 KB an array: a likelihood over half a million rows takes half as long in such parts.
_PART = 16_384


def as_floats(values: npt.ArrayLike) -> Floats:
    """The values as one-dimensional float64."""
    return np.atleast_1d(np.asarray(values, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class Triples:
    """Histories of customers, one row per distinct history; four arrays of one length.

    Attributes:
        x: Purchase days after the first one.
        t_x: Time from the first to the last purchase day, in the models' unit of time (a
            week everywhere in this product; opportunities for BG/BB). 0 where x is 0.
        age: T, time from the first purchase day to the end of observation, same unit.
        count: Customers with this history.

    A row that cannot be a history (`valid` is false) is never an error: it takes no part
    in a fit and its predictions are NaN.

    Raises:
        ValueError: The arrays differ in length.
    """

    x: Floats
    t_x: Floats
    age: Floats
    count: Floats

    @classmethod
    def of(
        cls,
        x: npt.ArrayLike,
        t_x: npt.ArrayLike,
        age: npt.ArrayLike,
        count: npt.ArrayLike | None = None,
    ) -> Triples:
        """Triples of anything that numpy takes for arrays; each row counts once if unsaid."""
        frequency = as_floats(x)
        ones = np.ones(len(frequency)) if count is None else as_floats(count)
        return cls(frequency, as_floats(t_x), as_floats(age), ones)

    def __post_init__(self) -> None:
        lengths = {len(self.x), len(self.t_x), len(self.age), len(self.count)}
        if len(lengths) > 1:
            raise ValueError(
                f"x, t_x, age and count have the lengths {sorted(lengths)}; they describe "
                "the same rows and must be of one length."
            )

    def __len__(self) -> int:
        return len(self.x)

    @cached_property
    def valid(self) -> Booleans:
        """Which rows can be a history: 0 <= t_x <= T, x whole, t_x = 0 where x = 0."""
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(self.x + self.t_x + self.age + self.count)
            whole = (self.x >= 0) & (self.x == np.floor(self.x))
            ordered = (
                (self.t_x >= 0) & (self.age >= 0) & (self.t_x <= self.age + _SLACK)
            )
            first_only = (self.x > 0) | (self.t_x == 0)
            result: Booleans = finite & whole & ordered & first_only & (self.count > 0)
        return result

    @property
    def since_last(self) -> Floats:
        """T - t_x, time from the last purchase day to the end of observation."""
        return self.age - self.t_x

    @cached_property
    def customers(self) -> float:
        """Customers in the valid rows."""
        return float(self.count[self.valid].sum())

    @cached_property
    def repeaters(self) -> float:
        """Customers in the valid rows that bought on more than one day."""
        return float(self.count[self.valid & (self.x > 0)].sum())

    @cached_property
    def frequencies(self) -> tuple[Floats, Integers]:
        """The distinct x, and for each row its place among them.

        Gamma functions of x are the dearest part of every likelihood, and there are a few
        hundred different x in a million customers.
        """
        values, places = np.unique(self.x, return_inverse=True)
        return values, places

    @cached_property
    def parts(self) -> tuple[Triples, ...]:
        """The rows in order, so many at a time that their arrays stay within the cache."""
        starts = range(0, len(self), _PART)
        return tuple(self.select(slice(start, start + _PART)) for start in starts)

    def select(self, rows: Booleans | Integers | slice) -> Triples:
        """Some of the rows."""
        return Triples(self.x[rows], self.t_x[rows], self.age[rows], self.count[rows])

    def are(self, other: Triples) -> bool:
        """Whether the others are the same histories in the same order, of however many."""
        return all(
            np.array_equal(mine, theirs)
            for mine, theirs in (
                (self.x, other.x),
                (self.t_x, other.t_x),
                (self.age, other.age),
            )
        )

    def sound(self) -> Triples:
        """The valid rows only, with T at least t_x to the last digit."""
        if self.valid.all() and (self.t_x <= self.age).all():
            return self
        rows = self.select(self.valid)
        return replace(rows, age=np.maximum(rows.age, rows.t_x))

    def in_unit(self, unit: float) -> Triples:
        """The same histories with time in multiples of `unit`."""
        return Triples(self.x, self.t_x / unit, self.age / unit, self.count)

    def later(self, time: float) -> Triples:
        """The same histories when nothing was bought for `time` more."""
        return Triples(self.x, self.t_x, self.age + time, self.count)

    @cached_property
    def is_distinct(self) -> bool:
        """Whether the rows are ascending and no two of them equal."""
        ascends = np.zeros(max(len(self) - 1, 0), dtype=bool)
        equal = ~ascends
        for column in (self.x, self.t_x, self.age):
            ascends |= equal & (column[1:] > column[:-1])
            equal &= column[1:] == column[:-1]
        return bool(ascends.all())

    def collapsed(self) -> tuple[Triples, Integers]:
        """Equal rows as one with the sum of their counts, and each old row's new place.

        The rows come in ascending order, so that whatever is computed from them does not
        depend on the order that they came in, to the last bit.
        """
        if self.is_distinct:
            return self, np.arange(len(self), dtype=np.intp)
        order, starts, places = distinct(self.x, self.t_x, self.age)
        first = order[starts]
        # A count that is none must not take the customers beside it along.
        usable = np.where(self.count > 0, self.count, 0.0)
        counts = totals(places, usable, len(first))
        return Triples(self.x[first], self.t_x[first], self.age[first], counts), places

    def on_grid(self, step: float) -> Triples:
        """The histories with t_x and T rounded to multiples of `step`, equal rows joined.

        Rounding keeps 0 <= t_x <= T, and to the nearest it is right on the average.
        """
        t_x, age = np.rint(self.t_x / step), np.rint(self.age / step)
        # One whole number a row: far cheaper to sort than three columns.
        wide = float(age.max(initial=0.0)) + 1
        keys, places = np.unique(
            (self.x * wide + t_x) * wide + age, return_inverse=True
        )
        before, last = np.divmod(keys, wide)
        x, middle = np.divmod(before, wide)
        counts = totals(places, self.count, len(keys))
        return Triples(x, middle * step, last * step, counts)


def distinct(*columns: npt.NDArray[np.float64]) -> tuple[Integers, Integers, Integers]:
    """Groups equal rows.

    Returns:
        The order that brings equal rows together; where in this order each group starts;
        and for each row (in its own order) the number of its group.
    """
    order = np.lexsort(columns[::-1])
    length = len(order)
    differs = np.zeros(length, dtype=bool)
    if length:
        differs[0] = True
        for column in columns:
            ordered = column[order]
            differs[1:] |= ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(differs)
    places = np.empty(length, dtype=np.intp)
    places[order] = np.cumsum(differs) - 1
    return order, starts, places


def totals(places: Integers, values: Floats, size: int) -> Floats:
    """The sum of the values at each of the places 0 to size - 1, shape (size,)."""
    return np.bincount(places, weights=values, minlength=size).astype(np.float64)


def weighted(values: Floats, count: Floats) -> float:
    """The sum of the values, each as often as `count` says.

    Not a product of BLAS: its threads wait for each other where the cores are busy, which
    took more time than the likelihoods themselves; and a pairwise sum keeps more digits.
    """
    return float(np.multiply(values, count).sum())

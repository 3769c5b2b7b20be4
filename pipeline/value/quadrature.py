"""Integrals that stand in the likelihoods and forecasts, by Gauss's rules.

The closed forms of the papers are differences of hypergeometric functions that cancel,
overflow for many purchases, have poles where nothing special happens (a = 1, s = 1) and no
closed derivative. The integrals that they come from have positive, smooth integrands: no
digit is lost, and a derivative is another integral at the same nodes. Not here: what is
integrated (the models).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from scipy.linalg import eigh_tridiagonal

from pipeline.value.histories import Floats, Integers

# Numbers that one pass of a quadrature works on, rows times nodes: 1 MB an array.
_PASS = 131_072


@lru_cache(maxsize=64)
def legendre(nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss-Legendre on (0, 1)."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    return (places + 1) / 2, weights / 2


# A year by months asks twelve times for the same few hundred; the largest are 3 KB.
@lru_cache(maxsize=2048)
def beta_nodes(a: float, b: float, nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights for the mean of f(p) with p ~ Beta(a, b); weights sum to 1.

    Whoever gets them leaves them as they are.

    Gauss-Jacobi by the eigenvalues of the recurrence's matrix (Golub and Welsch 1969).
    scipy.special.roots_jacobi scales by a Beta function that underflows for a large b.
    """
    left, right = a - 1, b - 1
    k = np.arange(nodes, dtype=np.float64)
    double = 2 * k + left + right
    diagonal = np.empty(nodes)
    diagonal[0] = (left - right) / (left + right + 2)
    diagonal[1:] = (left - right) * (left + right) / (double[1:] * (double[1:] + 2))
    k, double = k[1:], double[1:]
    squares = (
        4
        * k
        * (k + left)
        * (k + right)
        * (k + left + right)
        / (double**2 * (double + 1) * np.where(k == 1, 1, double - 1))
    )
    # The first of them is 0/0 in this form where a + b = 1.
    squares[:1] = 4 * a * b / ((a + b) ** 2 * (a + b + 1))
    places, vectors = eigh_tridiagonal(diagonal, np.sqrt(squares))
    found = np.clip((places + 1) / 2, 1e-290, 1.0), vectors[0] ** 2
    for array in found:
        array.flags.writeable = False
    return found


def classes(needed: Floats, sizes: tuple[int, ...]) -> Integers:
    """For each row the smallest of the ascending sizes that is enough, or the largest."""
    places = np.searchsorted(np.asarray(sizes, dtype=np.float64), needed)
    return np.minimum(places, len(sizes) - 1).astype(np.intp)


def chunks(rows: Integers, nodes: int) -> Iterator[Integers]:
    """The rows in parts that one pass of a quadrature with so many nodes works on."""
    step = max(1, _PASS // nodes)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]

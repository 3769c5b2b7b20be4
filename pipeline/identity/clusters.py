"""From pairs to groups: connected components, with a guard against chains.

A component whose records cannot be one customer is taken apart: one with contradicting
registration numbers, with two records of a source whose keys are unique, with a pair that
a person has called different, or with more records than a customer has. Its links are
then taken in order of strength, and one that would join what must stay apart is left
out and reported. Components without a conflict, nearly all, never leave arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Integers = npt.NDArray[np.int64]


@dataclass
class Limits:
    """What keeps records apart.

    Attributes:
        max_cluster: The most records of one customer, by record (int64, n).
        unique_source: A number for the source whose keys are unique, -1 for others, by
            record (int64, n).
        registration: A code for the registration number, -1 for none, by record
            (int64, n).
        contradictions: From the label of each record, the pairs of codes (smaller first)
            within one label that exclude each other.
        different: Pairs of records that a person has called different.
    """

    max_cluster: Integers
    unique_source: Integers
    registration: Integers
    contradictions: Callable[[Integers], set[tuple[int, int]]]
    different: Sequence[tuple[int, int]] = field(default_factory=list)


@dataclass
class Clusters:
    """The outcome.

    Attributes:
        label: The cluster of each record: its smallest record (int64, n).
        refused: Indexes of the links that would have joined what must stay apart,
            with the reason.
    """

    label: Integers
    refused: list[tuple[int, str]]


def cluster(
    count: int, left: Integers, right: Integers, strength: Integers, limits: Limits
) -> Clusters:
    """Groups records 0 … n-1.

    Args:
        count: n.
        left: One end of each link, m.
        right: The other end, m.
        strength: The order in which links are taken where not all can be; smaller is
            stronger, ties by place, m.
        limits: What keeps records apart.

    Returns:
        The clusters; the same for any order of records' links of equal strength.
    """
    label = _components(count, left, right)
    contradictions = limits.contradictions(label)
    doubtful = _doubtful(label, limits, contradictions)
    refused: list[tuple[int, str]] = []
    if doubtful.size:
        inside = np.isin(label[left], doubtful)
        within = np.flatnonzero(inside)
        order = within[np.argsort(strength[within], kind="stable")]
        members = np.flatnonzero(np.isin(label, doubtful))
        groups = _Groups(members.tolist(), limits, contradictions)
        for link in order.tolist():
            if reason := groups.join(int(left[link]), int(right[link])):
                refused.append((link, reason))
        for record in members.tolist():
            label[record] = groups.root(record)
        label = _smallest(label)
    return Clusters(label, refused)


def _components(count: int, left: Integers, right: Integers) -> Integers:
    graph = coo_array(
        (np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count)
    )
    _, found = connected_components(graph, directed=False)
    return _smallest(found.astype(np.int64))


def _smallest(label: Integers) -> Integers:
    """Each group named by its smallest record."""
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _doubtful(
    label: Integers, limits: Limits, contradictions: set[tuple[int, int]]
) -> Integers:
    """The components that cannot be one customer."""
    sizes = np.bincount(label, minlength=len(label))
    found = [label[sizes[label] > limits.max_cluster]]
    unique = np.flatnonzero(limits.unique_source >= 0)
    if unique.size:
        both = np.stack([label[unique], limits.unique_source[unique]])
        groups, counts = np.unique(both, axis=1, return_counts=True)
        found.append(groups[0, counts > 1])
    if limits.different:
        one, other = np.array(limits.different, dtype=np.int64).T
        found.append(label[one[label[one] == label[other]]])
    if contradictions:
        codes = np.array(sorted({code for pair in contradictions for code in pair}))
        # Wider than need be where one number stands in two components: harmless, as
        # taking a sound component apart by strength puts it together again.
        found.append(label[np.isin(limits.registration, codes)])
    return np.unique(np.concatenate(found))


class _Groups:
    """Union-find that refuses to join what must stay apart."""

    def __init__(
        self,
        records: Iterable[int],
        limits: Limits,
        contradictions: set[tuple[int, int]],
    ) -> None:
        self._parent = {record: record for record in records}
        self._limits = limits
        self._size = dict.fromkeys(self._parent, 1)
        self._sources = {
            record: {int(limits.unique_source[record])} - {-1}
            for record in self._parent
        }
        self._contradictions = contradictions
        self._numbers = {
            record: {int(limits.registration[record])} - {-1} for record in self._parent
        }
        self._apart: dict[int, set[int]] = {record: set() for record in self._parent}
        for one, other in limits.different:
            if one in self._parent and other in self._parent:
                self._apart[one].add(other)
                self._apart[other].add(one)

    def root(self, record: int) -> int:
        while self._parent[record] != record:
            self._parent[record] = self._parent[self._parent[record]]
            record = self._parent[record]
        return record

    def join(self, left: int, right: int) -> str | None:
        """Joins the groups of two records, or says why not."""
        one, other = sorted((self.root(left), self.root(right)))
        if one == other:
            return None
        if any(self.root(record) == other for record in self._apart[one]) or any(
            self.root(record) == one for record in self._apart[other]
        ):
            return "a person has called them different"
        if self._sources[one] & self._sources[other]:
            return "they hold two records of a source whose keys are unique"
        if any(
            (min(mine, theirs), max(mine, theirs)) in self._contradictions
            for mine in self._numbers[one]
            for theirs in self._numbers[other]
        ):
            return "their registration numbers contradict each other"
        size = self._size[one] + self._size[other]
        if size > min(self._limits.max_cluster[one], self._limits.max_cluster[other]):
            return "together they have more records than a customer has"
        self._parent[other] = one
        self._size[one] = size
        self._sources[one] |= self._sources[other]
        self._numbers[one] |= self._numbers[other]
        self._apart[one] |= self._apart[other]
        return None

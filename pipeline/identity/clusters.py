"""From pairs to groups: connected components, with a guard against chains.

A component whose records cannot be one customer is taken apart: one with two records that
a veto keeps apart, with two records of a source whose keys are unique, with a pair that a
person has called different, or with more records than most customers have. Its links are
then taken in order of strength, and one that would join what must stay apart is left out
and reported. A group has no largest size: beyond the usual one it grows by links that are
strong by themselves or borne out by two records that both ends are linked to.
Components without a conflict, nearly all, never leave arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

Integers = npt.NDArray[np.int64]


Flags = npt.NDArray[np.bool_]
# Records that both ends of a link are linked to, from which on it is no chain.
SUPPORT: Final = 2
PERSON: Final = "a person has called them different"
UNIQUE: Final = "they hold two records of a source whose keys are unique"
LARGE: Final = "the group is large and the link is not strong enough to make it larger"


@dataclass
class Trait:
    """A value of which no group holds two that contradict each other.

    Attributes:
        codes: A code for the value, -1 for none, by record (int64, n).
        contradictions: From the label of each record, the pairs of codes (smaller first)
            within one label that exclude each other.
        reason: What is said of a link that would bring two together.
        is_forgivable: A link that forgives may bring two together.
    """

    codes: Integers
    contradictions: Callable[[Integers], set[tuple[int, int]]]
    reason: str
    is_forgivable: bool = False


@dataclass
class Links:
    """Pairs of records that are the same, the strongest first.

    Attributes:
        left: One end of each, m.
        right: The other end, m.
        strong: Whether it may by itself make a large group larger, m.
        forgiving: Whether it may bring two values together that contradict each other in
            a forgivable trait, m.
    """

    left: Integers
    right: Integers
    strong: Flags
    forgiving: Flags


@dataclass
class Limits:
    """What keeps records apart.

    Attributes:
        usual_size: Beyond so many records a group grows by strong links only, by record
            (int64, n).
        unique_source: A number for the source whose keys are unique, -1 for others, by
            record (int64, n).
        traits: Values that contradict each other.
        apart: Pairs of records that must not be in one group, and why.
    """

    usual_size: Integers
    unique_source: Integers
    traits: Sequence[Trait] = field(default_factory=list)
    apart: Sequence[tuple[int, int, str]] = field(default_factory=list)


@dataclass
class Clusters:
    """The outcome.

    Attributes:
        label: The cluster of each record: its smallest record (int64, n).
        refused: Indexes of the links that would have joined what must stay apart,
            with the reason.
        tree: Indexes of the links that hold the groups together: the strongest, one
            fewer than a group has records.
    """

    label: Integers
    refused: list[tuple[int, str]]
    tree: Integers


def cluster(count: int, links: Links, limits: Limits) -> Clusters:
    """Groups records 0 … n-1.

    Args:
        count: n.
        links: What joins them.
        limits: What keeps records apart.

    Returns:
        The clusters; the same for any order of records' links of equal strength.
    """
    left, right = links.left, links.right
    label = components(count, left, right)
    contradictions = [trait.contradictions(label) for trait in limits.traits]
    doubtful = _doubtful(label, limits, contradictions)
    refused: list[tuple[int, str]] = []
    if doubtful.size:
        within = np.flatnonzero(np.isin(label[left], doubtful))
        members = np.flatnonzero(np.isin(label, doubtful))
        strong = links.strong | _supported(count, left, right, label, limits)
        groups = _Groups(members.tolist(), limits, contradictions)
        for link in within.tolist():
            reason = groups.join(
                int(left[link]),
                int(right[link]),
                bool(strong[link]),
                bool(links.forgiving[link]),
            )
            if reason:
                refused.append((link, reason))
        for record in members.tolist():
            label[record] = groups.root(record)
        label = _smallest(label)
        refused = [
            (link, reason)
            for link, reason in refused
            if label[left[link]] != label[right[link]]
        ]
    return Clusters(label, refused, _tree(count, left, right, label))


def _supported(
    count: int, left: Integers, right: Integers, label: Integers, limits: Limits
) -> Flags:
    """Links of large components whose ends have `SUPPORT` linked records in common."""
    sizes = np.bincount(label, minlength=count)
    inside = np.flatnonzero(sizes[label[left]] > limits.usual_size[left])
    found = np.zeros(len(left), dtype=np.bool_)
    if inside.size:
        members, ends = np.unique(
            np.concatenate([left[inside], right[inside]]), return_inverse=True
        )
        one, other = ends[: inside.size], ends[inside.size :]
        links = csr_array(
            (
                np.ones(2 * inside.size, dtype=np.int32),
                (np.concatenate([one, other]), np.concatenate([other, one])),
            ),
            shape=(len(members), len(members)),
        )
        links.data[:] = 1
        # Row by row, as the product of all would not fit for a dense group.
        for start in range(0, inside.size, 100_000):
            part = slice(start, start + 100_000)
            shared = links[one[part]].multiply(links[other[part]]).sum(axis=1)
            found[inside[part]] = np.asarray(shared).ravel() >= SUPPORT
    return found


def _tree(count: int, left: Integers, right: Integers, label: Integers) -> Integers:
    """The strongest links that hold each group together."""
    inside = np.flatnonzero(label[left] == label[right])
    # Of a pair that is linked twice the first, as places in a matrix add up.
    pairs = np.stack([np.minimum(left, right), np.maximum(left, right)])[:, inside]
    _, first = np.unique(pairs, axis=1, return_index=True)
    inside = inside[np.sort(first)]
    graph = coo_array(
        (inside + 1.0, (left[inside], right[inside])), shape=(count, count)
    )
    tree = minimum_spanning_tree(graph.tocsr())
    return np.sort(tree.data.astype(np.int64) - 1)


def components(count: int, left: Integers, right: Integers) -> Integers:
    """The connected components of records 0 … n-1, each named by its smallest."""
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
    label: Integers, limits: Limits, contradictions: Sequence[set[tuple[int, int]]]
) -> Integers:
    """The components that cannot be one customer."""
    sizes = np.bincount(label, minlength=len(label))
    found = [label[sizes[label] > limits.usual_size]]
    unique = np.flatnonzero(limits.unique_source >= 0)
    if unique.size:
        both = np.stack([label[unique], limits.unique_source[unique]])
        groups, counts = np.unique(both, axis=1, return_counts=True)
        found.append(groups[0, counts > 1])
    if limits.apart:
        one, other = np.array([pair[:2] for pair in limits.apart], dtype=np.int64).T
        found.append(label[one[label[one] == label[other]]])
    for trait, pairs in zip(limits.traits, contradictions, strict=True):
        if pairs:
            codes = np.array(sorted({code for pair in pairs for code in pair}))
            # Wider than need be where one value stands in two components: harmless, as
            # taking a sound component apart by strength puts it together again.
            found.append(label[np.isin(trait.codes, codes)])
    return np.unique(np.concatenate(found))


class _Groups:
    """Union-find that refuses to join what must stay apart."""

    def __init__(
        self,
        records: Iterable[int],
        limits: Limits,
        contradictions: Sequence[set[tuple[int, int]]],
    ) -> None:
        self._parent = {record: record for record in records}
        self._limits = limits
        self._size = dict.fromkeys(self._parent, 1)
        self._sources = {
            record: {int(limits.unique_source[record])} - {-1}
            for record in self._parent
        }
        self._excluded = [_by_code(pairs) for pairs in contradictions]
        self._values = [
            {record: {int(trait.codes[record])} - {-1} for record in self._parent}
            for trait in limits.traits
        ]
        self._apart: dict[int, dict[int, str]] = {record: {} for record in self._parent}
        for one, other, reason in limits.apart:
            if one in self._parent and other in self._parent:
                self._apart[one][other] = reason
                self._apart[other][one] = reason

    def root(self, record: int) -> int:
        while self._parent[record] != record:
            self._parent[record] = self._parent[self._parent[record]]
            record = self._parent[record]
        return record

    def join(
        self, left: int, right: int, is_strong: bool, is_forgiving: bool
    ) -> str | None:
        """Joins the groups of two records, or says why not."""
        one, other = sorted((self.root(left), self.root(right)))
        if one == other:
            return None
        # The smaller list is looked through; a pair stands in the lists of both.
        few, many = sorted((one, other), key=lambda group: len(self._apart[group]))
        for record, why in self._apart[few].items():
            if self.root(record) == many:
                return why
        if self._sources[one] & self._sources[other]:
            return UNIQUE
        if reason := self._contradiction(one, other, is_forgiving):
            return reason
        size = self._size[one] + self._size[other]
        usual = min(self._limits.usual_size[one], self._limits.usual_size[other])
        if size > usual and not is_strong:
            return LARGE
        self._parent[other] = one
        self._size[one] = size
        self._sources[one] |= self._sources[other]
        for values in self._values:
            values[one] |= values[other]
        if few == one:
            self._apart[one], self._apart[other] = (
                self._apart[other],
                self._apart[one],
            )
        self._apart[one].update(self._apart[other])
        return None

    def _contradiction(self, one: int, other: int, is_forgiving: bool) -> str | None:
        for place, trait in enumerate(self._limits.traits):
            excluded, values = self._excluded[place], self._values[place]
            if not excluded or (trait.is_forgivable and is_forgiving):
                continue
            if _is_new(values[one], values[other], excluded):
                return trait.reason
        return None


_NOTHING: Final[set[int]] = set()


def _is_new(here: set[int], there: set[int], excluded: dict[int, set[int]]) -> bool:
    """Whether a value of one group contradicts one of the other in a way that is new.

    A link may have forgiven a contradiction within a group: a person is then known under
    two names, and who agrees with one of them is not refused for the other.
    """
    for value in here:
        against = excluded.get(value, _NOTHING)
        for opposed in against & there:
            forgiven = excluded[opposed]
            if not (forgiven & there) - against and not (against & here) - forgiven:
                return True
    return False


def _by_code(pairs: set[tuple[int, int]]) -> dict[int, set[int]]:
    """Code → the codes that exclude it."""
    found: dict[int, set[int]] = {}
    for one, other in pairs:
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found

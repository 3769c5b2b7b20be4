"""Groups: connected, and never what must stay apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.identity import clusters


@dataclass
class World:
    """A drawn problem: n records and their links, strongest first."""

    count: int
    links: list[tuple[int, int]]
    sources: list[int]
    numbers: list[int]
    different: list[tuple[int, int]]
    largest: int


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(1, 9))
    record = st.integers(0, count - 1)
    pair = st.tuples(record, record).filter(lambda ends: ends[0] != ends[1])
    pairs = st.lists(pair, max_size=14) if count > 1 else st.just([])
    some = st.lists(pair, max_size=2) if count > 1 else st.just([])
    return World(
        count,
        draw(pairs),
        draw(st.lists(st.integers(-1, 2), min_size=count, max_size=count)),
        draw(st.lists(st.integers(-1, 3), min_size=count, max_size=count)),
        draw(some),
        draw(st.integers(1, 9)),
    )


def solve(world: World) -> clusters.Clusters:
    left, right = (
        np.array([link[side] for link in world.links], dtype=np.int64)
        for side in (0, 1)
    )
    everything = {(one, other) for one in range(4) for other in range(one + 1, 4)}
    return clusters.cluster(
        world.count,
        left,
        right,
        np.arange(len(world.links), dtype=np.int64),
        clusters.Limits(
            max_cluster=np.full(world.count, world.largest, dtype=np.int64),
            unique_source=np.array(world.sources, dtype=np.int64),
            registration=np.array(world.numbers, dtype=np.int64),
            contradictions=lambda label: everything,
            different=world.different,
        ),
    )


def naive(world: World) -> list[int]:
    """Links one after the other, with every guard looked at for the whole group."""
    label = list(range(world.count))
    for one, other in world.links:
        merged = [
            record
            for record in range(world.count)
            if label[record] in (label[one], label[other])
        ]
        sources = [world.sources[r] for r in merged if world.sources[r] >= 0]
        numbers = {world.numbers[r] for r in merged if world.numbers[r] >= 0}
        if (
            label[one] != label[other]
            and len(merged) <= world.largest
            and len(sources) == len(set(sources))
            and len(numbers) <= 1
            and not any(set(pair) <= set(merged) for pair in world.different)
        ):
            for record in merged:
                label[record] = min(merged)
    return label


@given(worlds())
def test_as_one_link_after_the_other(world: World) -> None:
    assert solve(world).label.tolist() == naive(world)


@given(worlds())
def test_what_was_refused_is_apart(world: World) -> None:
    found = solve(world)
    refused = {link for link, _ in found.refused}
    for place, (one, other) in enumerate(world.links):
        assert (found.label[one] != found.label[other]) == (place in refused)
    assert all(reason for _, reason in found.refused)


def test_a_chain_breaks_where_it_contradicts_itself() -> None:
    """A~B~C~D with A and D of other registrations: the weakest link goes."""
    world = World(4, [(0, 1), (2, 3), (1, 2)], [-1] * 4, [0, -1, -1, 1], [], 9)
    found = solve(world)
    assert found.label.tolist() == [0, 0, 2, 2]
    assert found.refused == [(2, "their registration numbers contradict each other")]


def test_a_million_records_in_one_breath() -> None:
    """No loop over records where nothing contradicts."""
    count = 1_000_000
    ends = np.arange(count - 1, dtype=np.int64)
    even = ends[ends % 2 == 0]
    found = clusters.cluster(
        count,
        even,
        even + 1,
        even,
        clusters.Limits(
            max_cluster=np.full(count, 2, dtype=np.int64),
            unique_source=np.full(count, -1, dtype=np.int64),
            registration=np.full(count, -1, dtype=np.int64),
            contradictions=lambda label: set(),
        ),
    )
    assert not found.refused
    assert all(
        later - earlier == 2
        for earlier, later in pairwise(np.unique(found.label)[:1000])
    )

"""Groups: connected, and never what must stay apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, pairwise

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


def solve(world: World, strong: bool = False) -> clusters.Clusters:
    left, right = (
        np.array([link[side] for link in world.links], dtype=np.int64)
        for side in (0, 1)
    )
    everything = {(one, other) for one in range(4) for other in range(one + 1, 4)}
    return clusters.cluster(
        world.count,
        clusters.Links(
            left,
            right,
            np.full(len(left), strong, dtype=np.bool_),
            np.zeros(len(left), dtype=np.bool_),
        ),
        clusters.Limits(
            usual_size=np.full(world.count, world.largest, dtype=np.int64),
            unique_source=np.array(world.sources, dtype=np.int64),
            traits=[
                clusters.Trait(
                    np.array(world.numbers, dtype=np.int64),
                    lambda label: everything,
                    NUMBERS,
                )
            ],
            apart=[(one, other, clusters.PERSON) for one, other in world.different],
        ),
    )


NUMBERS = "their registration numbers contradict"


def naive(world: World) -> list[int]:
    """Links one after the other, with every guard looked at for the whole group."""
    label = list(range(world.count))
    linked = {
        record: {end for pair in world.links if record in pair for end in pair}
        - {record}
        for record in label
    }
    for one, other in world.links:
        # No chain: two others are linked to both.
        is_supported = len(linked[one] & linked[other]) >= clusters.SUPPORT
        merged = [
            record
            for record in range(world.count)
            if label[record] in (label[one], label[other])
        ]
        sources = [world.sources[r] for r in merged if world.sources[r] >= 0]
        numbers = {world.numbers[r] for r in merged if world.numbers[r] >= 0}
        if (
            label[one] != label[other]
            and (len(merged) <= world.largest or is_supported)
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
    assert found.refused == [(2, NUMBERS)]


def test_a_pair_that_is_asked_about_is_not_joined_by_a_third() -> None:
    world = World(3, [(0, 2), (1, 2)], [-1] * 3, [-1] * 3, [(0, 1)], 9)
    assert solve(world).label.tolist() == [0, 1, 0]


def test_a_large_group_grows_on_strong_links_only() -> None:
    """A chain of weak links stops at the usual size; strong ones and triangles go on."""
    chain = World(9, [(n, n + 1) for n in range(8)], [-1] * 9, [-1] * 9, [], 4)
    found = solve(chain)
    assert np.bincount(found.label).max() == 4
    assert {reason for _, reason in found.refused} == {clusters.LARGE}
    assert set(solve(chain, strong=True).label.tolist()) == {0}
    dense = World(9, list(combinations(range(9), 2)), [-1] * 9, [-1] * 9, [], 4)
    assert set(solve(dense).label.tolist()) == {0}


def test_a_number_in_common_forgives_a_date() -> None:
    """A and B contradict each other, and their link says that it does not matter."""
    left, right = np.array([0, 1]), np.array([1, 2])
    for forgiving, label in (([True, False], [0, 0, 0]), ([False, False], [0, 1, 1])):
        found = clusters.cluster(
            3,
            clusters.Links(left, right, np.ones(2, np.bool_), np.array(forgiving)),
            clusters.Limits(
                usual_size=np.full(3, 9, dtype=np.int64),
                unique_source=np.full(3, -1, dtype=np.int64),
                traits=[
                    clusters.Trait(
                        np.array([0, 1, -1]), lambda _: {(0, 1)}, "births", True
                    )
                ],
            ),
        )
        assert found.label.tolist() == label


@given(worlds())
def test_the_tree_reaches_every_record_of_a_group_once(world: World) -> None:
    found = solve(world)
    assert len(found.tree) == world.count - len(set(found.label.tolist()))
    assert (
        solve(
            replace(world, links=[world.links[link] for link in found.tree], largest=9)
        ).label.tolist()
        == found.label.tolist()
    )


def test_a_million_records_in_one_breath() -> None:
    """No loop over records where nothing contradicts."""
    count = 1_000_000
    ends = np.arange(count - 1, dtype=np.int64)
    even = ends[ends % 2 == 0]
    found = clusters.cluster(
        count,
        clusters.Links(
            even, even + 1, np.zeros(len(even), np.bool_), np.zeros(len(even), np.bool_)
        ),
        clusters.Limits(
            usual_size=np.full(count, 2, dtype=np.int64),
            unique_source=np.full(count, -1, dtype=np.int64),
        ),
    )
    assert not found.refused
    assert all(
        later - earlier == 2
        for earlier, later in pairwise(np.unique(found.label)[:1000])
    )

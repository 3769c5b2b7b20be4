"""Names only: several hundred spellings of one organisation, and its neighbours."""

from __future__ import annotations

import pytest

from tests.populations import spellings
from tests.unit.identity.ground import Ground


@pytest.mark.parametrize(
    ("organisations", "count", "seed"),
    [
        pytest.param(40, 900, 11, id="many share words"),
        pytest.param(3, 700, 12, id="one has four hundred"),
    ],
)
def test_pairs_by_names_alone(organisations: int, count: int, seed: int) -> None:
    population = spellings.generate(organisations, count, seed)
    ground = Ground()
    found = ground.refresh(population.records)
    truth = {
        (row["source"], row["source_customer_id"]): row["identity"]
        for row in population.truth.to_pylist()
    }
    groups: dict[str, int] = {}
    known: dict[str, int] = {}
    both: dict[tuple[str, str], int] = {}
    for key, customer in found.items():
        groups[customer] = groups.get(customer, 0) + 1
        known[truth[key]] = known.get(truth[key], 0) + 1
        joint = (customer, truth[key])
        both[joint] = both.get(joint, 0) + 1
    right, made, there = (
        sum(size * (size - 1) / 2 for size in sizes.values())
        for sizes in (both, groups, known)
    )
    assert right / made >= 0.99
    assert right / there >= 0.8
    assert max(groups.values()) > 100  # no size at which a group ends


def test_a_large_block_is_cut_and_not_dropped() -> None:
    """Three hundred records of one name, in one customer."""
    records = [
        {
            "source": "list",
            "source_customer_id": str(number),
            "customer_type": "company",
            "customer_name": f"Quellenhofer Maschinenbau{' GmbH' * (number % 2)}",
        }
        for number in range(300)
    ]
    ground = Ground()
    assert len(set(ground.refresh(records).values())) == 1
    (largest,) = ground.connection.execute(
        "select max(records) from (select count(*) as records from core.blocks "
        "where chunk is not null group by block)"
    ).fetchone() or (0,)
    assert 0 < largest <= 100

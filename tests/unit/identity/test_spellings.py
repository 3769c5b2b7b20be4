"""Names only: several hundred spellings of one organisation, and its neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pytest

from tests.populations import affiliations, name_lists, spellings
from tests.unit.identity.ground import Ground


def quality(records: pa.Table, truth: Mapping[str, str]) -> tuple[float, float, int]:
    """Precision and recall over pairs, and the records of the largest customer."""
    found = {key: customer for (_, key), customer in Ground().refresh(records).items()}
    groups = Counter(found.values())
    right, made, there = (
        sum(size * (size - 1) // 2 for size in sizes.values())
        for sizes in (
            Counter((customer, truth[key]) for key, customer in found.items()),
            groups,
            Counter(truth[key] for key in found),
        )
    )
    return right / made, right / there, max(groups.values())


@pytest.mark.parametrize(
    ("organisations", "count", "seed"),
    [
        pytest.param(40, 900, 11, id="many share words"),
        pytest.param(3, 700, 12, id="one has four hundred"),
    ],
)
def test_pairs_by_names_alone(organisations: int, count: int, seed: int) -> None:
    population = spellings.generate(organisations, count, seed)
    truth = {
        row["source_customer_id"]: row["identity"]
        for row in population.truth.to_pylist()
    }
    precision, recall, largest = quality(population.records, truth)
    assert precision >= 0.99
    assert recall >= 0.8
    assert largest > 100  # no size at which a group ends


@pytest.mark.parametrize(
    ("spellings_of_all", "seed"),
    [
        pytest.param(700, 31, id="few"),
        pytest.param(2400, 32, id="many", marks=pytest.mark.slow),
        pytest.param(2400, 33, id="many, others", marks=pytest.mark.slow),
    ],
)
def test_lists_of_names_beside_their_likenesses(
    spellings_of_all: int, seed: int
) -> None:
    """Cut, in another alphabet, as an acronym; each beside one that looks like it."""
    names = name_lists.generate(spellings_of_all, seed)
    precision, recall, _ = quality(names.records, names.truth)
    assert precision >= 0.99
    assert recall >= 0.6


@pytest.mark.parametrize(
    ("name", "spellings_of_all", "seed", "least"),
    [
        pytest.param("databases", 800, 1, 0.6, id="few"),
        *(
            pytest.param(name, 2400, 2, 0.65, id=name, marks=pytest.mark.slow)
            for name in affiliations.LISTS
        ),
    ],
)
def test_lists_of_where_people_work(
    name: str, spellings_of_all: int, seed: int, least: float
) -> None:
    """Departments, streets and towns in one column; campuses and two of a name."""
    names = affiliations.generate(name, spellings_of_all, seed)
    precision, recall, _ = quality(names.records, names.truth)
    assert precision >= 0.99
    assert recall >= least


def test_a_list_written_by_hand() -> None:
    """No generator: few spellings of each, campuses, two of a name, letters alone."""
    names = affiliations.by_hand()
    precision, recall, _ = quality(names.records, names.truth)
    assert precision >= 0.99
    assert recall >= 0.6


def test_seeds_without_the_words_for_universities() -> None:
    """A project of an earlier version: its names are read as they were."""
    ground = Ground()
    ground.connection.execute(
        "delete from warehouse.meta.match_words where kind in ('institution', "
        "'own body', 'unit head', 'unit end', 'general', 'rendering', 'country')"
    )
    ground.refresh(affiliations.by_hand().records)
    (read,) = ground.connection.execute(
        "select count(*) from core.core_customer_forms "
        "where name_parts is not null or organisation_key is not null"
    ).fetchone() or (None,)
    assert read == 0


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

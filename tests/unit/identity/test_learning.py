"""Weights learned from decisions: taken where they foretell answers better, else not."""

from __future__ import annotations

import pytest

from pipeline.identity import learning
from tests.populations import companies
from tests.unit.identity.ground import Ground


@pytest.fixture(scope="module")
def population() -> companies.Population:
    return companies.generate(600, 11)


def learned(
    population: companies.Population, decisions: int, *, wrong: bool
) -> tuple[int, bool, float | None, float | None]:
    """What is in force after so many decisions.

    Args:
        population: Companies and who they are.
        decisions: How many pairs are decided.
        wrong: Whether the declared weights say the opposite of what telephones do.
    """
    ground = Ground()
    connection = ground.connection
    if wrong:
        connection.execute(
            "update warehouse.meta.match_weights set m_probability = 0.02 "
            "where customer_type = 'company' and comparison in ('phone', 'name') "
            "and level in ('same', 'typo')"
        )
    ground.resolve(population.records)
    connection.register("truth", population.truth)
    connection.execute(
        f"""
        insert into warehouse.meta.match_decisions
        select l.source, l.source_customer_id, r.source, r.source_customer_id,
            case when one.identity = other.identity
                then 'same' else 'different' end,
            'tester', date '2026-11-29', 'known'
        from (
            select distinct l.record_no as left_no, r.record_no as right_no
            from core.blocks as l inner join core.blocks as r
                on l.block = r.block and l.record_no < r.record_no
        ) as pairs
        inner join records as l on pairs.left_no = l.record_no
        inner join records as r on pairs.right_no = r.record_no
        inner join truth as one on l.source = one.source
            and l.source_customer_id = one.source_customer_id
        inner join truth as other on r.source = other.source
            and r.source_customer_id = other.source_customer_id
        qualify row_number() over (
            partition by one.identity = other.identity
            order by hash(l.source_customer_id, r.source_customer_id)
        ) <= {decisions} / 2
        """
    )
    ground.resolve(population.records)
    found = connection.execute(
        "select decisions, is_learned, declared_loss, learned_loss "
        "from core.core_match_weights where customer_type = 'company' limit 1"
    ).fetchone()
    assert found is not None
    return found


@pytest.mark.slow
def test_better_weights_are_taken(population: companies.Population) -> None:
    decisions, is_learned, declared, better = learned(population, 300, wrong=True)
    assert decisions == 300
    assert is_learned
    assert declared is not None and better is not None
    assert better < declared


def test_few_decisions_teach_nothing(population: companies.Population) -> None:
    few = learning.LEAST_DECISIONS - 2
    assert learned(population, few, wrong=True) == (
        few, False, None, None,
    )  # fmt: skip


def test_weights_that_are_not_better_are_not_taken(
    population: companies.Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "LEAST_GAIN", 0.9)
    decisions, is_learned, declared, other = learned(population, 300, wrong=False)
    assert (decisions, is_learned) == (300, False)
    assert declared is not None and other is not None

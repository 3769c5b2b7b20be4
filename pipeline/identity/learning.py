"""Weights that learn from what people have decided, and are only taken if they are better.

With at least a hundred decisions about a type of customer, Splink estimates m on seven in
ten of the pairs that people have called the same; the declared weight counts like fifty
pairs beside them, so that a level that was seen twice does not decide alone. u stays as
declared, or is raised by `chance`: pairs are chosen for a person because they are hard,
and say nothing about pairs at random. Declared and learned weights are then held against
each other on the other three in ten, and the learned ones are in force where they
foretell the answers better. Which pairs are held back is a hash of their keys, so that
the same decisions give the same weights.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from pipeline.identity import chance, pairs
from pipeline.identity.chance import Weights
from pipeline.identity.comparisons import COMPARISONS
from pipeline.identity.policy import CUSTOMER_TYPES, Policy
from pipeline.identity.templates import create

log = logging.getLogger("customer_tiers.identity")

# Fewer decisions than these teach nothing.
LEAST_DECISIONS: Final = 100
# The declared m counts like so many pairs.
DECLARED_PAIRS: Final = 50
# Learned weights have to be better by this share of the loss.
LEAST_GAIN: Final = 0.01

SCHEMA: Final = pa.schema(
    [
        ("customer_type", pa.string()),
        ("comparison", pa.string()),
        ("level", pa.string()),
        ("m_probability", pa.float64()),
        ("u_probability", pa.float64()),
        ("decisions", pa.int64()),
        ("is_learned", pa.bool_()),
        ("declared_loss", pa.float64()),
        ("learned_loss", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Learned:
    """What the decisions about one type of customer gave.

    Attributes:
        decisions: How many there are.
        weights: Those in force.
        is_learned: Whether they are not the declared ones.
        declared_loss: Mean logarithmic loss of the declared weights on the decisions that
            were held back; none where nothing was learned.
        learned_loss: The same of the learned ones.
    """

    decisions: int
    weights: Weights
    is_learned: bool = False
    declared_loss: float | None = None
    learned_loss: float | None = None


def in_force(
    connection: duckdb.DuckDBPyConnection, policy: Policy, forms: str, decisions: str
) -> pa.Table:
    """The weights that pairs are scored by, declared or learned, and raised by chance.

    Args:
        connection: A connection that may create temporary tables.
        policy: The seeds.
        forms: Table of records with their normal forms, what is shared left out.
        decisions: Relation of the seed `match_decisions`.

    Returns:
        A row of `SCHEMA` per type, comparison and level.
    """
    create(
        connection,
        "_identity_decided",
        "labelled_pairs",
        forms=forms,
        decisions=decisions,
    )
    rows: list[tuple[Any, ...]] = []
    for kind in CUSTOMER_TYPES:
        learned = _learned(connection, policy, forms, kind)
        if learned.decisions >= LEAST_DECISIONS:
            log.info(
                "identity: %d decisions about a %s: %s weights are in force",
                learned.decisions,
                kind,
                "learned" if learned.is_learned else "declared",
            )
        weights = chance.raised(connection, forms, kind, learned.weights)
        rows += [
            (*key, *weight, learned.decisions, learned.is_learned,
             learned.declared_loss, learned.learned_loss)
            for key, weight in sorted(weights.items())
        ]  # fmt: skip
    return pa.Table.from_pylist(
        [dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA
    )


def _learned(
    connection: duckdb.DuckDBPyConnection, policy: Policy, forms: str, kind: str
) -> Learned:
    declared = {key: held for key, held in policy.weights.items() if key[0] == kind}
    labels = connection.execute(
        "select left_no, right_no, is_same, is_held_back from _identity_decided "
        "where customer_type = ? order by left_no, right_no",
        [kind],
    ).fetchall()
    if len(labels) < LEAST_DECISIONS or len({row[2] for row in labels}) < 2:
        return Learned(len(labels), declared)
    trained = [(left, right) for left, right, same, held in labels if same and not held]
    learned = _fitted(connection, policy, forms, kind, trained)
    levels = _levels(connection, forms, kind)
    held_back = [
        (levels[left, right], same) for left, right, same, held in labels if held
    ]
    prior = policy.thresholds[kind].prior
    losses = [_loss(held_back, weights, prior) for weights in (declared, learned)]
    is_better = losses[1] < losses[0] * (1 - LEAST_GAIN)
    return Learned(
        len(labels), learned if is_better else declared, is_better, losses[0], losses[1]
    )


def _fitted(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    forms: str,
    kind: str,
    same: Sequence[tuple[int, int]],
) -> Weights:
    """Splink's m of the pairs that are the same, drawn towards the declared one."""
    connection.register(
        "_identity_same",
        pa.table(
            {
                "record_no_l": pa.array([left for left, _ in same], pa.int64()),
                "record_no_r": pa.array([right for _, right in same], pa.int64()),
            }
        ),
    )
    connection.execute(
        "create or replace temp table _identity_trained as from _identity_same"
    )
    connection.unregister("_identity_same")
    connection.execute(
        "create or replace temp table _identity_trained_pairs as "
        "select record_no_l as join_key_l, record_no_r as join_key_r "
        "from _identity_trained"
    )
    linker = pairs.linker(connection, policy, forms, "_identity_trained_pairs", kind)
    api = linker.training  # splink's own estimate
    api.estimate_m_from_pairwise_labels(
        pairs.registered(connection, "_identity_trained")
    )
    model = linker.misc.save_model_to_json()
    found: dict[tuple[str, str, str], tuple[float, float]] = {}
    for comparison, item in zip(model["comparisons"], COMPARISONS[kind], strict=True):
        for level in comparison["comparison_levels"]:
            name = level["label_for_charts"]
            if level.get("is_null_level"):
                continue
            m, u = policy.weights[kind, item.name, name]
            seen = level.get("m_probability")
            share = len(same) / (len(same) + DECLARED_PAIRS)
            drawn = share * seen + (1 - share) * m if isinstance(seen, float) else m
            found[kind, item.name, name] = (min(max(drawn, 1e-6), 1.0), u)
    return found


def _levels(
    connection: duckdb.DuckDBPyConnection, forms: str, kind: str
) -> dict[tuple[int, int], list[tuple[str, str, str]]]:
    """Pair of records → the level of each comparison that says something."""
    create(
        connection,
        "_identity_decided_levels",
        "pair_levels",
        pairs="_identity_decided",
        forms=forms,
        comparisons={kind: COMPARISONS[kind]},
    )
    found: dict[tuple[int, int], list[tuple[str, str, str]]] = {}
    for left, right, comparison, level in connection.execute(
        "select left_no, right_no, comparison, level from _identity_decided_levels "
        "order by all"
    ).fetchall():
        said = found.setdefault((left, right), [])
        if level is not None:
            said.append((kind, comparison, level))
    return found


def _loss(
    held_back: Sequence[tuple[Sequence[tuple[str, str, str]], bool]],
    weights: Weights,
    prior: float,
) -> float:
    """Mean logarithmic loss: of each answer minus the logarithm of its probability."""
    total = 0.0
    for levels, is_same in held_back:
        odds = math.log(prior / (1 - prior)) + sum(
            math.log(weights[key][0] / weights[key][1]) for key in levels
        )
        odds = max(-30.0, min(30.0, odds if is_same else -odds))
        total += math.log1p(math.exp(-odds))
    return total / max(1, len(held_back))

"""What a business decides about matching: the seeds, read and checked.

The rules and how sure they are, the weights of the comparisons, the thresholds, which
source's keys are unique, and what a person has decided about single pairs. They are
CSV files in `dbt_project/seeds`; here they become typed values, or a sentence that names
the row that makes no sense.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from pipeline.common.errors import ConfigurationError
from pipeline.identity.company_names import Vocabulary
from pipeline.identity.comparisons import AGREEMENTS, COMPARISONS
from pipeline.identity.normal import FORMS

CUSTOMER_TYPES: Final = ("company", "person")
# Columns that a rule or a block may name, beside the normal forms.
RECORD_COLUMNS: Final = ("birth_date",)


@dataclass(frozen=True)
class Rule:
    """A deterministic rule: two records with these keys in common are the same.

    Attributes:
        order: Rules are tried in this order; the first that holds is named.
        name: As it stands in `match_rule`.
        customer_type: company, person or any.
        keys: Normal forms that must be there and equal.
        agreement: What else must agree: a name of `comparisons.AGREEMENTS`.
        max_records: A value that more records share says nothing about them.
        confidence: How sure it is, between 0 and 1.
    """

    order: int
    name: str
    customer_type: str
    keys: tuple[str, ...]
    agreement: str
    max_records: int
    confidence: float


@dataclass(frozen=True)
class Block:
    """Records that share this are compared at all: (column, first n characters or 0)."""

    customer_type: str
    parts: tuple[tuple[str, int], ...]
    max_records: int


@dataclass(frozen=True)
class Thresholds:
    """Where a probability links, where a person is asked, and the guards.

    Attributes:
        link_probability: Linked at or above it.
        review_probability: Below `link_probability`, a person is asked from here on.
        prior: Probability that two compared records are the same before anything is
            compared.
        registration_distance: Two registration numbers that differ in more characters
            than a slip of the pen contradict each other.
        max_cluster: More records than this are not one customer.
    """

    link_probability: float
    review_probability: float
    prior: float
    registration_distance: int
    max_cluster: int


@dataclass(frozen=True)
class Policy:
    """Everything that decides about matching."""

    vocabulary: Vocabulary
    rules: Sequence[Rule]
    blocks: Sequence[Block]
    weights: Mapping[tuple[str, str, str], tuple[float, float]]
    thresholds: Mapping[str, Thresholds]
    unique_sources: frozenset[str]


def read(connection: duckdb.DuckDBPyConnection, schema: str) -> Policy:
    """The policy from the seed tables of a schema.

    Raises:
        ConfigurationError: A seed makes no sense; the message names seed and row.
    """

    def rows(seed: str, columns: str, optional: str = "") -> list[tuple[object, ...]]:
        return _rows(connection, f"{schema}.{seed}", columns, optional)

    def words(seed: str, column: str) -> frozenset[str]:
        return frozenset(str(value) for (value,) in rows(seed, column) if value)

    policy = Policy(
        vocabulary=Vocabulary(
            legal_forms=words("match_legal_forms", "legal_form"),
            places=words("match_places", "place"),
            free_mail=words("match_free_mail", "domain"),
        ),
        rules=[
            Rule(
                order=int(str(order)),
                name=str(name),
                customer_type=str(kind),
                keys=tuple(str(keys).split()),
                agreement=str(agreement or ""),
                max_records=int(str(most)),
                confidence=float(str(confidence)),
            )
            for order, name, kind, keys, agreement, most, confidence in rows(
                "match_rules",
                "rule_order, match_rule, customer_type, keys, agreement, max_records, "
                "confidence",
                optional="agreement",
            )
        ],
        blocks=[
            Block(str(kind), _parts(str(parts)), int(str(most)))
            for kind, parts, most in rows(
                "match_blocks", "customer_type, keys, max_records"
            )
        ],
        weights={
            (str(kind), str(comparison), str(level)): (float(str(m)), float(str(u)))
            for kind, comparison, level, m, u in rows(
                "match_weights",
                "customer_type, comparison, level, m_probability, u_probability",
            )
        },
        thresholds={
            str(kind): Thresholds(
                float(str(link)),
                float(str(review)),
                float(str(prior)),
                int(str(distance)),
                int(str(most)),
            )
            for kind, link, review, prior, distance, most in rows(
                "match_thresholds",
                "customer_type, link_probability, review_probability, prior, "
                "registration_distance, max_cluster",
            )
        },
        unique_sources=frozenset(
            str(source)
            for source, unique in rows(
                "source_trust", "source, keys_are_unique", optional="keys_are_unique"
            )
            if unique
        ),
    )
    _check(policy)
    return policy


def _rows(
    connection: duckdb.DuckDBPyConnection, table: str, columns: str, optional: str
) -> list[tuple[object, ...]]:
    """The rows of a seed, in whose columns only the optional ones may be empty."""
    names = columns.split(", ")
    found = connection.execute(f"select {columns} from {table} order by all").fetchall()
    for row in found:
        for name, value in zip(names, row, strict=True):
            if value is None and name not in optional.split(", "):
                cells = ", ".join("-" if cell is None else str(cell) for cell in row)
                seed = table.rpartition(".")[2]
                raise ConfigurationError(f"{seed}, row {cells}: {name} is empty.")
    return found


def _parts(text: str) -> tuple[tuple[str, int], ...]:
    return tuple(
        (name, int(length or 0))
        for name, _, length in (part.partition(":") for part in text.split())
    )


def _check(policy: Policy) -> None:
    columns = {*FORMS.names, *RECORD_COLUMNS}
    for rule in policy.rules:
        place = f"match_rules, row {rule.order} ({rule.name})"
        if unknown := set(rule.keys) - columns:
            raise ConfigurationError(f"{place}: unknown key {', '.join(unknown)}.")
        if rule.agreement not in AGREEMENTS:
            raise ConfigurationError(
                f"{place}: agreement {rule.agreement!r} is none of "
                f"{', '.join(filter(None, AGREEMENTS))}."
            )
        if not 0 < rule.confidence <= 1:
            raise ConfigurationError(f"{place}: confidence lies between 0 and 1.")
    for block in policy.blocks:
        if unknown := {name for name, _ in block.parts} - columns:
            raise ConfigurationError(f"match_blocks: unknown key {', '.join(unknown)}.")
    for kind in CUSTOMER_TYPES:
        if kind not in policy.thresholds:
            raise ConfigurationError(f"match_thresholds has no row for {kind}.")
        limits = policy.thresholds[kind]
        if not 0 < limits.review_probability <= limits.link_probability <= 1:
            raise ConfigurationError(
                f"match_thresholds, {kind}: review_probability must lie between 0 and "
                "link_probability, and that at most at 1."
            )
        for comparison in COMPARISONS[kind]:
            for level in [*comparison.levels, "else"]:
                m, u = policy.weights.get((kind, comparison.name, level), (0.0, 0.0))
                if not (0 < m <= 1 and 0 < u <= 1):
                    raise ConfigurationError(
                        f"match_weights has no row for {kind}, {comparison.name}, "
                        f"{level} with m and u between 0 and 1."
                    )

"""What a business decides about matching: the seeds, read and checked.

The rules and how sure they are, the weights of the comparisons, the thresholds, which
source's keys are unique, and the words of names. They are CSV files in
`dbt_project/seeds`; here they become typed values, or a sentence for every row that makes
no sense. Not here: what a person has decided about single pairs, which `resolve` joins.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, Literal, Self, TypeVar, get_args

import duckdb
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT
from pipeline.identity.comparisons import AGREEMENTS, COMPARISONS
from pipeline.identity.normal import FORMS
from pipeline.identity.vetoes import Veto, vetoes
from pipeline.identity.vocabulary import Vocabulary, legal_forms

CustomerType = Literal["company", "person"]
CUSTOMER_TYPES: Final = get_args(CustomerType)
# What a rule or a block may name: the normal forms, a column of the record, and what
# `shared` adds.
COLUMNS: Final = (
    *FORMS.names,
    "birth_date",
    "word_key",
    "word_guess",
    "acronym_key",
    "organisation_key",
    "both_names_key",
)


def _of_columns(name: str) -> str:
    if name not in COLUMNS:
        raise ValueError(f"unknown key {name}")
    return name


def _of_agreements(name: str) -> str:
    if name not in AGREEMENTS:
        raise ValueError(f"it is none of {', '.join(filter(None, AGREEMENTS))}")
    return name


def _words(cell: object) -> object:
    return cell.split() if isinstance(cell, str) else cell


def _prefixes(cell: object) -> object:
    """`name_core:3 phone_key`: each name with how many characters count, 0 for all."""
    if not isinstance(cell, str):
        return cell
    parts = (word.partition(":") for word in cell.split())
    return [(name, length or 0) for name, _, length in parts]


Column = Annotated[str, AfterValidator(_of_columns)]
Probability = Annotated[float, Field(gt=0, le=1)]

PRODUCT_WEIGHTS: Final = PROJECT_ROOT / "dbt_project" / "seeds" / "match_weights.csv"


class SeedRow(BaseModel):
    """A row of a seed; its fields are the columns, in whose order rows are read."""

    model_config = ConfigDict(frozen=True)


class Rule(SeedRow):
    """A row of `match_rules`: two records with these keys in common are the same.

    Attributes:
        rule_order: Rules are tried in this order; the first that holds is named.
        customer_type: company, person or any.
        keys: Normal forms that must be there and equal.
        agreement: What else must agree: a name of `comparisons.AGREEMENTS`.
        max_records: A value that more records share says nothing about them.
        confidence: How sure it is, between 0 and 1.
    """

    rule_order: int
    match_rule: str
    customer_type: CustomerType | Literal["any"]
    keys: Annotated[tuple[Column, ...], BeforeValidator(_words), Field(min_length=1)]
    agreement: Annotated[
        str,
        BeforeValidator(lambda cell: cell or ""),
        AfterValidator(_of_agreements),
    ]
    max_records: int
    confidence: Probability


class Block(SeedRow):
    """A row of `match_blocks`: records that share this are compared at all.

    Attributes:
        keys: (column, first n characters or 0).
        max_records: Of a larger block only neighbours in the order of names are compared.
    """

    customer_type: CustomerType
    keys: Annotated[
        tuple[tuple[Column, Annotated[int, Field(ge=0)]], ...],
        BeforeValidator(_prefixes),
        Field(min_length=1),
    ]
    max_records: int


class Weight(SeedRow):
    """A row of `match_weights`: how often records agree so far, of one customer and not."""

    customer_type: CustomerType
    comparison: str
    level: str
    m_probability: Probability
    u_probability: Probability


class Thresholds(SeedRow):
    """A row of `match_thresholds`.

    Attributes:
        link_probability: Linked at or above it.
        review_probability: Below `link_probability`, a person is asked from here on.
        prior: Probability that two compared records are the same before anything is
            compared.
        registration_distance: Two registration numbers that differ in more characters
            than a slip of the pen contradict each other.
        max_cluster: Beyond so many records a group grows by strong links only.
        most_names: A telephone number, mailbox, domain or door that more names carry is
            shared and says nothing; a name with more domains is common.
    """

    customer_type: CustomerType
    link_probability: Probability
    review_probability: Probability
    prior: float
    registration_distance: int
    max_cluster: int
    most_names: int = 5

    @model_validator(mode="after")
    def _reviews_below_links(self) -> Self:
        if self.review_probability > self.link_probability:
            raise ValueError("review_probability must not be above link_probability")
        return self


class Word(SeedRow):
    """A row of `match_words`: a word in the names of companies that needs to be known."""

    word: str
    kind: Literal[
        "abbreviation",
        "department",
        "department modifier",
        "filler",
        "known",
        "not a legal form",
        "department head",
        "country",
        "institution",
        "own body",
        "unit head",
        "unit end",
        "rendering",
        "general",
    ]
    meaning: str | None


class Placeholder(SeedRow):
    """A row of `match_placeholders`: a value that says nothing."""

    kind: Literal["email", "phone", "registration_number", "name", "birth_date"]
    value: str


class SourceKeys(SeedRow):
    """What `source_trust` says of a source's keys."""

    source: str
    keys_are_unique: bool | None


@dataclass(frozen=True)
class Policy:
    """Everything that decides about matching."""

    vocabulary: Vocabulary
    rules: Sequence[Rule]
    blocks: Sequence[Block]
    weights: Mapping[tuple[str, str, str], tuple[float, float]]
    thresholds: Mapping[str, Thresholds]
    unique_sources: frozenset[str]

    @property
    def vetoes(self) -> list[Veto]:
        """What keeps two records apart, with the seed's idea of a slip of the pen."""
        return vetoes(
            {
                kind: limits.registration_distance
                for kind, limits in self.thresholds.items()
            }
        )


Row = TypeVar("Row", bound=SeedRow)


def read(connection: duckdb.DuckDBPyConnection, schema: str) -> Policy:
    """The policy from the seed tables of a schema.

    Raises:
        ConfigurationError: A seed makes no sense; the message names every such row.
    """
    wrong: list[str] = []

    def rows(seed: str, kind: type[Row]) -> list[Row]:
        found, problems = _rows(connection, schema, seed, kind)
        wrong.extend(problems)
        return found

    def words(seed: str, column: str) -> frozenset[str]:
        fields: dict[str, Any] = {column: str}
        kind = create_model(seed, __base__=SeedRow, **fields)
        return frozenset(getattr(row, column) for row in rows(seed, kind))

    kinds: dict[str, dict[str, str]] = defaultdict(dict)
    for word in rows("match_words", Word):
        kinds[word.kind][word.word] = word.meaning or ""
    placeholders: dict[str, set[str]] = defaultdict(set)
    for held in rows("match_placeholders", Placeholder):
        placeholders[held.kind].add(held.value)
    policy = Policy(
        vocabulary=Vocabulary(
            legal_forms=legal_forms(
                words("match_legal_forms", "legal_form")
                | words("match_front_forms", "legal_form"),
                frozenset(kinds["not a legal form"]),
            ),
            front_forms=words("match_front_forms", "legal_form"),
            places=words("match_places", "place"),
            free_mail=words("match_free_mail", "domain"),
            role_mailboxes=words("match_role_mailboxes", "local_part"),
            placeholders={
                kind: frozenset(values) for kind, values in placeholders.items()
            },
            words=kinds,
        ),
        rules=rows("match_rules", Rule),
        blocks=rows("match_blocks", Block),
        weights={
            (row.customer_type, row.comparison, row.level): (
                row.m_probability,
                row.u_probability,
            )
            for row in [*_product_weights(), *rows("match_weights", Weight)]
        },
        thresholds={
            row.customer_type: row for row in rows("match_thresholds", Thresholds)
        },
        unique_sources=frozenset(
            row.source
            for row in rows("source_trust", SourceKeys)
            if row.keys_are_unique
        ),
    )
    # What is missing may be missing because its row cannot be read.
    if problems := wrong or list(_missing(policy)):
        raise ConfigurationError(" ".join(problems))
    return policy


def _rows(
    connection: duckdb.DuckDBPyConnection, schema: str, seed: str, kind: type[Row]
) -> tuple[list[Row], list[str]]:
    """The rows of a seed, and a sentence for each cell that cannot stand."""
    there = {
        name for name, *_ in connection.execute(f"describe {schema}.{seed}").fetchall()
    }
    # A seed of before a column with a default was added has what is meant without it.
    columns = [
        name
        for name, field in kind.model_fields.items()
        if name in there or field.is_required()
    ]
    rows: list[Row] = []
    wrong: list[str] = []
    for cells in connection.execute(
        f"select {', '.join(columns)} from {schema}.{seed} order by all"
    ).fetchall():
        row = dict(zip(columns, cells, strict=True))
        try:
            rows.append(kind.model_validate(row))
        except ValidationError as error:
            place = (
                f"{seed}, row {', '.join('-' if c is None else str(c) for c in cells)}"
            )
            for item in error.errors():
                reason = str(item.get("ctx", {}).get("error", item["msg"]))
                if item["loc"]:
                    column = str(item["loc"][0])
                    cell = row[column]
                    reason = (
                        f"{column} is empty"
                        if cell is None
                        else f"{column} is {cell!r}: {reason}"
                    )
                wrong.append(f"{place}: {reason}.")
    return rows, wrong


def optional_columns(seed: str) -> frozenset[str]:
    """The columns that a seed of an earlier version may lack: each has a default."""
    if seed != "match_thresholds":
        return frozenset()
    fields = Thresholds.model_fields.items()
    return frozenset(name for name, field in fields if not field.is_required())


@cache
def _product_weights() -> list[Weight]:
    """The product's own weights, for what a project's of an earlier version do not know."""
    with PRODUCT_WEIGHTS.open(encoding="utf-8", newline="") as file:
        return [Weight.model_validate(row) for row in csv.DictReader(file)]


def _missing(policy: Policy) -> Iterator[str]:
    """A sentence for each row that matching needs and the seeds do not have."""
    for kind in CUSTOMER_TYPES:
        if kind not in policy.thresholds:
            yield f"match_thresholds has no row for {kind}."
        for comparison in COMPARISONS[kind]:
            for level in [*comparison.levels, "else"]:
                if (kind, comparison.name, level) not in policy.weights:
                    yield f"match_weights has no row for {kind}, {comparison.name}, {level}."

"""The tables that a person edits in a spreadsheet, and the policies that they make.

A policy is six tables (dbt_project/seeds). A row is held to the types of its columns here,
whether it comes from a CSV file or from a table; each cell that is empty or of the wrong
kind is named with its line. Not here: whether the rows make sense together
(policy_checks).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, get_args

import duckdb
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FiniteFloat,
    ValidationError,
)

from pipeline.common import engine
from pipeline.common.errors import ConfigurationError
from pipeline.common.sql import literal
from pipeline.tiers.policy import Factor, Policy, Rule, Tier


def _as_boolean(cell: object) -> object:
    """A spreadsheet writes TRUE and false; `yes` and 1 are no booleans in a seed."""
    if isinstance(cell, str):
        return {"true": True, "false": False}[cell.lower()]
    return cell


def _as_date(cell: object) -> object:
    """Dates are ISO dates; a number is none."""
    return dt.date.fromisoformat(cell) if isinstance(cell, str) else cell


def _as_integer(cell: object) -> object:
    return int(cell) if isinstance(cell, str) else cell


# Validators raise ValueError where a cell is of another kind.
def _strictly(read: Callable[[object], object]) -> BeforeValidator:
    def validator(cell: object) -> object:
        try:
            return read(cell)
        except KeyError as error:
            raise ValueError(str(cell)) from error

    return BeforeValidator(validator)


Boolean = Annotated[bool, _strictly(_as_boolean)]
Date = Annotated[dt.date, _strictly(_as_date)]
Integer = Annotated[int, _strictly(_as_integer)]


class PolicyRow(BaseModel):
    """A row of one of the tables; a column that may be empty says what that means."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    policy_id: str


class PolicyHeader(PolicyRow):
    """A row of `policies`: what the policy is called, when it holds and how it weighs."""

    policy_name_en: str
    policy_name_zh: str
    valid_from: Date
    valid_to: Date | None
    is_published: Boolean
    value_weight: FiniteFloat
    potential_weight: FiniteFloat
    min_coverage: FiniteFloat


class TierRow(PolicyRow):
    """A row of `tiers`; without band, confirmations and grace a tier moves at once."""

    tier_code: str
    tier_rank: Integer
    tier_name_en: str
    tier_name_zh: str
    vip_class: str
    band: FiniteFloat | None
    confirmations: Integer | None
    grace: Integer | None


class RuleRow(PolicyRow):
    """A row of `tier_rules`; an empty condition asks for nothing."""

    rule_order: Integer
    tier_code: str
    has_purchased: Boolean | None
    min_value_score: FiniteFloat | None
    min_potential_score: FiniteFloat | None
    rule_en: str
    rule_zh: str


class RuleFactRow(PolicyRow):
    """A row of `tier_rule_facts`."""

    rule_order: Integer
    fact: str
    at_least: FiniteFloat


class FactorRow(PolicyRow):
    """A row of `score_factors`."""

    customer_type: str
    score: str
    factor: str
    weight: FiniteFloat
    is_lever: Boolean
    factor_name_en: str
    factor_name_zh: str


class AnchorRow(PolicyRow):
    """A row of `score_anchors`."""

    customer_type: str
    factor: str
    raw_value: FiniteFloat
    score: FiniteFloat


# `policies` first, because the others refer to it.
ROWS: Final[Mapping[str, type[PolicyRow]]] = {
    "policies": PolicyHeader,
    "tiers": TierRow,
    "tier_rules": RuleRow,
    "tier_rule_facts": RuleFactRow,
    "score_factors": FactorRow,
    "score_anchors": AnchorRow,
}

_KINDS: Final = {
    str: "varchar",
    int: "integer",
    float: "double",
    dt.date: "date",
    bool: "boolean",
}


def _kind(annotation: Any) -> str:
    """The SQL type of a column, whether it may be empty or not."""
    while annotation not in _KINDS:
        annotation = next(part for part in get_args(annotation) if part is not NoneType)
    return _KINDS[annotation]


# Table → its columns and their SQL types.
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    table: {name: _kind(info.annotation) for name, info in row.model_fields.items()}
    for table, row in ROWS.items()
}


def read_rows(
    table: str, cells: Iterable[Mapping[str, Any]], *, first_line: int = 1
) -> tuple[list[PolicyRow], list[str]]:
    """Rows of a table, held to its types.

    Args:
        table: A name of `TABLES`.
        cells: Column → cell; text is read, an empty one is nothing.
        first_line: The number of the first row, for what is wrong.

    Returns:
        The rows that can be read, and what is wrong with the others, cell by cell.
    """
    rows, wrong = [], []
    for line, row in enumerate(cells, first_line):
        read = {column: _cell(row.get(column)) for column in TABLES[table]}
        try:
            rows.append(ROWS[table].model_validate(read))
        except ValidationError as error:
            for item in error.errors():
                column = str(item["loc"][0])
                wrong.append(
                    f"line {line}: {column} is empty"
                    if read[column] is None
                    else f"line {line}: {column} is {read[column]!r}, which is no "
                    + TABLES[table][column]
                )
    return rows, list(dict.fromkeys(wrong))


def _cell(cell: Any) -> Any:
    return (cell.strip() or None) if isinstance(cell, str) else cell


def load(rows_of: Callable[[str], Iterable[Mapping[str, Any]]]) -> list[Policy]:
    """The policies of the tables.

    Args:
        rows_of: Gives the rows of a table of `TABLES`.

    Raises:
        ConfigurationError: Cells are empty or not of their column's type; all are named.
    """
    tables: dict[str, list[Any]] = {}
    problems = []
    for table in TABLES:
        tables[table], wrong = read_rows(table, rows_of(table))
        problems += [f"{table}, {item}" for item in wrong]
    if problems:
        raise ConfigurationError("; ".join(problems))
    return [_policy(header, tables) for header in tables["policies"]]


def _policy(header: PolicyHeader, tables: Mapping[str, Sequence[Any]]) -> Policy:
    def of(table: str) -> Iterator[Any]:
        return (row for row in tables[table] if row.policy_id == header.policy_id)

    facts: dict[int, list[tuple[str, float]]] = {}
    for fact in of("tier_rule_facts"):
        facts.setdefault(fact.rule_order, []).append((fact.fact, fact.at_least))
    anchors: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for anchor in of("score_anchors"):
        key = (anchor.customer_type, anchor.factor)
        anchors.setdefault(key, []).append((anchor.raw_value, anchor.score))
    return Policy(
        policy_id=header.policy_id,
        name_en=header.policy_name_en,
        name_zh=header.policy_name_zh,
        valid_from=header.valid_from,
        valid_to=header.valid_to,
        is_published=header.is_published,
        value_weight=header.value_weight,
        potential_weight=header.potential_weight,
        min_coverage=header.min_coverage,
        tiers=tuple(
            sorted(map(_tier, of("tiers")), key=lambda tier: tier.rank),
        ),
        rules=tuple(
            sorted(
                (_rule(row, facts.get(row.rule_order, ())) for row in of("tier_rules")),
                key=lambda rule: rule.order,
            )
        ),
        factors=tuple(map(_factor, of("score_factors"))),
        anchors={key: tuple(sorted(points)) for key, points in anchors.items()},
    )


def _tier(row: TierRow) -> Tier:
    return Tier(
        row.tier_code,
        row.tier_rank,
        row.tier_name_en,
        row.tier_name_zh,
        row.vip_class,
        row.band or 0.0,
        1 if row.confirmations is None else row.confirmations,
        1 if row.grace is None else row.grace,
    )


def _rule(row: RuleRow, facts: Iterable[tuple[str, float]]) -> Rule:
    return Rule(
        row.rule_order,
        row.tier_code,
        row.has_purchased,
        row.min_value_score,
        row.min_potential_score,
        row.rule_en,
        row.rule_zh,
        tuple(facts),
    )


def _factor(row: FactorRow) -> Factor:
    return Factor(
        row.customer_type,
        row.score,
        row.factor,
        row.weight,
        row.is_lever,
        row.factor_name_en,
        row.factor_name_zh,
    )


def seed_file(folder: Path, name: str) -> Path | None:
    """The CSV file of a seed, in whatever folder of the seeds it lies, as dbt finds it."""
    return min(folder.rglob(f"{name}.csv"), default=None)


def load_folder(folder: Path) -> list[Policy]:
    """The policies of a folder of CSV files, `policies.csv` and its companions.

    Raises:
        ConfigurationError: A file is missing or a cell is not of its column's type.
    """

    def rows_of(name: str) -> list[dict[str, Any]]:
        path = seed_file(folder, name)
        if path is None:
            path = folder / f"{name}.csv"
            raise ConfigurationError(
                f"{path} is missing: a policy consists of "
                + ", ".join(f"{table}.csv" for table in TABLES)
            )
        return read_table(path, name)

    return load(rows_of)


def read_table(path: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a CSV file with the columns of a table of `TABLES`, typed.

    Raises:
        ConfigurationError: The file cannot be read, lacks a column, or has cells that are
            empty or not of their column's type; all such cells are named.
    """
    with duckdb.connect(config=engine.config()) as connection:
        try:
            found = connection.execute(
                f"select * from read_csv({literal(path)}, header = true, "
                "all_varchar = true)"
            )
            names = [column[0] for column in found.description or []]
            cells = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except duckdb.Error as error:
            raise ConfigurationError(f"{path} cannot be read: {error}") from error
    if missing := [column for column in TABLES[name] if column not in names]:
        raise ConfigurationError(f"{path} has no column {', '.join(missing)}.")
    # The header is the first line of the file.
    rows, wrong = read_rows(name, cells, first_line=2)
    if wrong:
        raise ConfigurationError(f"{path}, " + "; ".join(wrong))
    return [row.model_dump() for row in rows]

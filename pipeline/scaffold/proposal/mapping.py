"""What a proposal consists of: canonical columns as SQL, each with evidence; data only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.common import sql
from pipeline.profiling.tables import Column, Profile, Table
from pipeline.scaffold.proposal.questions import Questions
from pipeline.scaffold.proposal.recognition import Recognised


def alias(table: Table) -> str:
    """What staging calls the newest rows of a table."""
    return f"latest_{table.name}"


@dataclass(frozen=True)
class Answer:
    """A canonical column: its SQL over staging's tables, how sure it is, and why."""

    sql: str
    confidence: float
    evidence: str
    columns: Sequence[str] = ()


@dataclass(frozen=True)
class Join:
    """Another table whose row belongs to each of ours."""

    table: Table
    on: str


@dataclass(frozen=True)
class OrderTotal:
    """What orders come to by themselves: the key and the amount in SQL over a table."""

    table: Table
    order: str
    amount: str


@dataclass
class Mapping:
    """One canonical entity, or a part of it, as one table gives it.

    Attributes:
        columns: Canonical column → its SQL.
        joins: The tables that are looked up, in order.
        where: SQL of the rows that are taken; all without it.
        newest_of: SQL of what there is one row of, where the table has several.
        order: SQL by which the newest of these comes first.
        amount: The money of a row for reconciliation, in SQL over the table alone.
        landed_where: `where` as sources.yaml can say it, where that differs.
        notes: What a person should know, one sentence each.
        order_total: Of lines: what their orders come to, where it is said apart.
    """

    entity: str
    recognised: Recognised
    columns: dict[str, Answer] = field(default_factory=dict)
    joins: list[Join] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    newest_of: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    amount: str | None = None
    landed_where: list[str] | None = None
    notes: list[str] = field(default_factory=list)
    order_total: OrderTotal | None = None

    @property
    def table(self) -> Table:
        """The table that gives it."""
        return self.recognised.table

    def add(self, name: str, answer: Answer | None) -> None:
        """Adds a canonical column, unless there is nothing for it."""
        if answer is not None:
            self.columns[name] = answer

    def join(self, join: Join) -> None:
        """Adds a table to look up, once."""
        if all(known.table is not join.table for known in self.joins):
            self.joins.append(join)

    def take_where(self, test: str) -> None:
        """Takes only rows of which the test holds, also where sources.yaml counts them."""
        self.where.append(test)
        if self.landed_where is not None:
            self.landed_where.append(test)

    def is_own(self, expression: str) -> bool:
        """Whether the SQL is over the table alone, row by row."""
        others = [alias(join.table) for join in self.joins]
        return " over (" not in expression and not any(
            f"{name}." in expression for name in others
        )

    def landed(self, expression: str) -> str:
        """The SQL as sources.yaml takes it, over the columns as they are landed."""
        return re.sub(rf"\b{alias(self.table)}\.", "landed.", expression)


@dataclass
class Draft:
    """A proposal in the making: what everything in it refers to.

    Attributes:
        source: What the source is called.
        declared: Table → column → type for sources.yaml.
        prefixes: Table of customers or products → what its keys are prefixed with.
        identities: Table of customers → the column that is the customer.
        replaced: Table → the column of orders of which only the newest file's rows count.
        left_out: Table → why nothing is made of it, though it was recognised.
    """

    profile: Profile
    found: dict[str, Recognised]
    source: str
    questions: Questions
    declared: dict[str, dict[str, str]] = field(default_factory=dict)
    prefixes: dict[str, str] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    mappings: list[Mapping] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)

    def of_role(self, role: str) -> list[Recognised]:
        """The tables of a role, in the order in which they were found."""
        return [item for item in self.found.values() if item.role == role]

    def declare(self, table: Table, column: Column) -> None:
        """Has the reader make the column what its values are."""
        if column.declared:
            self.declared.setdefault(table.name, {})[column.name] = column.declared


def of(table: Table, expression: str) -> str:
    """The SQL with the table's columns as those of its newest rows."""
    for name in sorted(table.columns, key=len, reverse=True):
        quoted = sql.quoted(name)
        expression = expression.replace(
            quoted, f"\x00{list(table.columns).index(name)}\x00"
        )
    for at, name in enumerate(table.columns):
        expression = expression.replace(
            f"\x00{at}\x00", f"{alias(table)}.{sql.quoted(name)}"
        )
    return expression

"""What is known of a table and its columns once they are measured; data, no work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.profiling.field_labels import Labels
from pipeline.sources import Entity, Source

Kind = Literal["text", "integer", "decimal", "boolean", "date", "timestamp"]

NUMBERS: frozenset[Kind] = frozenset({"integer", "decimal"})
MOMENTS: frozenset[Kind] = frozenset({"date", "timestamp"})


@dataclass
class Column:
    """One column, as it is read and as its values are.

    Attributes:
        landed: The DuckDB type in which the reader gives it.
        kind: What its values are, whatever they are written as.
        declared: How `columns` in sources.yaml makes the reader give that kind; None
            where it does so already, or where some values would be refused.
        reading: SQL of the value in its kind, over the column as it is landed.
        scale: What its numbers are multiplied by, where its name says so: 10,000 of 万元.
        rows, nulls, distinct: Counted over the sample; values that stand for nothing
            (`markers`) count as null.
        markers: Values that stand for nothing, such as `?`.
        unreadable: Values that are not of the kind, beside the markers.
        low, high: The least and the greatest value.
        shares: Pattern → share of the values that have it: `email`, `phone`, `url`,
            `currency`, `chinese`, `negative`, `fraction`.
        formats: Of text that is a day or time, each format that fits all values.
        span: How many months each of its days stands for, of which it is the first; 0 for
            days, and for weeks.
        parts: Of a column that is not landed, but made of others: these.
        given: SQL of its value before it is read as anything; empty where that is itself.
        is_nested: Its values are objects or lists.
        has_zone: Its times are those of the world, such as 10:00Z, and not of a clock.
        is_padded: Blanks stand around some of its texts, or some are empty.
        is_unique: Each row has a value, and within one file each another.
        examples: The most frequent values, most frequent first.
        prefix: What a system's exports put before its ids, and its API does not; it is
            no part of the value.
        standard: What the system calls the column in English, where metadata of the
            export says so and its own name is in another language.
        options: Word of a selection → what the system calls it, where metadata says so.
    """

    name: str
    landed: str
    kind: Kind = "text"
    declared: str | None = None
    reading: str = ""
    scale: int = 1
    rows: int = 0
    nulls: int = 0
    distinct: int = 0
    markers: Sequence[str] = ()
    unreadable: int = 0
    low: Any = None
    high: Any = None
    shares: dict[str, float] = field(default_factory=dict)
    formats: Sequence[str] = ()
    span: int = 0
    parts: Sequence[str] = ()
    given: str = ""
    is_nested: bool = False
    has_zone: bool = False
    is_padded: bool = False
    is_unique: bool = False
    examples: Sequence[str] = ()
    prefix: str = ""
    standard: str = ""
    options: dict[str, str] = field(default_factory=dict)

    @property
    def called(self) -> str:
        """Its name in the words of the system, as far as they are known."""
        return self.standard or self.name

    def said(self, word: str) -> str:
        """A word of a selection as the system says it, in lower case."""
        return self.options.get(word, word).lower()

    @property
    def words(self) -> list[str]:
        """Its most frequent values, and what metadata says that it may be besides."""
        return list(dict.fromkeys([*self.examples, *self.options]))

    @property
    def known(self) -> int:
        """How many rows have a value."""
        return self.rows - self.nulls

    @property
    def is_whole(self) -> bool:
        """Whether its values can be identifiers: whole numbers or texts."""
        return self.kind in {"integer", "text"} or (
            self.kind == "decimal" and self.shares.get("fraction", 1) == 0
        )

    def share(self, pattern: str) -> float:
        """The share of the values that have a pattern."""
        return self.shares.get(pattern, 0.0)


@dataclass(frozen=True)
class Reference:
    """A column whose values are those of another table's key."""

    table: str
    column: str
    to_table: str
    to_column: str
    containment: float
    is_declared: bool = False


@dataclass
class Wide:
    """How months or years stand in the columns of a table.

    Attributes:
        relation: The sample as it was read; the table's own is the long one.
        ids: The columns that are no months, and no sums of months.
        months: Column, year and month, the first one of a year; the year is None where
            the name has none.
        span: How many months a column stands for: 1, or 12.
        year: The year of months without one.
        year_column: The column that says the year of a row.
        is_year_of_file: Each file is another year, as its name says.
        day, value: What the columns of the long table are called.
        scale: What the amounts are multiplied by, as the names of the columns or of the
            table say.
        total_words: Column → words that mark a row as a sum of others.
        key: The columns that tell the landed rows apart; none where their place does.
    """

    relation: str
    ids: Sequence[str]
    months: Sequence[tuple[str, int | None, int]]
    span: int
    year: int | None
    year_column: str | None
    is_year_of_file: bool
    day: str
    value: str
    scale: int
    total_words: dict[str, list[str]]
    key: list[str]


@dataclass
class Table:
    """One table, and a sample of it in the profile's DuckDB.

    Attributes:
        name: As sources.yaml will call it.
        title: As a person calls it: the file, the sheet or the table.
        relation: The sample's table in DuckDB.
        source: A source that gives this table alone, as it would stand in sources.yaml.
        entity: How the table is read; its key is not known yet.
        rows: In the sample.
        is_whole: Whether the sample is all that there is.
        unread: Rows of the sample that could not be read.
        parts: The files or sheets that it is made of.
        encodings: Those that its bytes allow, where there are several, each with what
            comes of it; it is read in the first.
        keys: Combinations of columns that tell the rows apart, the best first.
        is_repeated: Whether a later part holds again most keys of an earlier one.
        scale: What a line above the table multiplies its amounts of money by.
        wide: How months or years stand in its columns, where they do; all else is then
            said of the long table, with a row for each of them.
    """

    name: str
    title: str
    relation: str
    source: Source
    entity: Entity
    columns: dict[str, Column] = field(default_factory=dict)
    rows: int = 0
    is_whole: bool = True
    unread: int = 0
    parts: Sequence[str] = ()
    encodings: Sequence[str] = ()
    keys: Sequence[Sequence[str]] = ()
    is_repeated: bool = False
    scale: int = 1
    wide: Wide | None = None

    @property
    def key(self) -> Sequence[str] | None:
        """The best key; None where nothing tells the rows apart."""
        return self.keys[0] if self.keys else None

    @property
    def numbered(self) -> list[str]:
        """The columns that were read under a name with a number behind it."""
        if self.entity.repeated_columns == "refuse":
            return []
        parts = {name: name.rpartition(" ") for name in self.columns}
        return [
            name
            for name, (first, _, number) in parts.items()
            if number.isdigit() and first in self.columns
        ]

    @property
    def sampled(self) -> str:
        """How much was measured, in words."""
        if self.is_whole:
            return f"all {self.rows:,} rows"
        return f"a sample of {self.rows:,} rows"


@dataclass
class Profile:
    """All tables of what was given, and the references between them.

    Attributes:
        what: What was given, as a person would write it, without a secret.
        url: The URL of a database as it was written, with `${NAME}` where that stood; it
            may hold a password.
        unread: Files that are no tables or cannot be read, each with why.
        labels: What metadata beside the files says of the fields of an export.
        notes: What a person should know of the tables, one sentence each.
    """

    what: str
    tables: dict[str, Table] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    labels: list[Labels] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    url: str | None = field(default=None, repr=False)

    def from_table(self, table: str) -> list[Reference]:
        """What a table refers to."""
        return [item for item in self.references if item.table == table]

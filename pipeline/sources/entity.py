"""What `sources.yaml` says of one entity of a source: a table, a sheet, a family of files.

Not here: the source that it belongs to, and the file as a whole (`config`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from pipeline.sources.columns import column_type

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]

# What landing writes beside the source's columns, and what `key: position` stands for.
POSITION = ("_source_file", "_row_number")

# The entities of the core; a source provides one by a model stg_<source>__<entity>.
CanonicalEntity = Literal[
    "customers",
    "customer_references",
    "contacts",
    "known_identities",
    "products",
    "order_lines",
    "service_tickets",
    "interactions",
    "payments",
    "campaigns",
    "survey_responses",
    "leads",
    "assessments",
    "factor_scores",
    "financial_statements",
    "fx_rates",
]


class Strict(BaseModel):
    """Refuses keys that it does not know, and changes to what was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Cursor(Strict):
    """The column by which a table is read in increments.

    `overlap` is read again each time, for rows that were committed late: a duration for
    times and days (`2 hours`, `3 days`), a number for counters. Landing and staging keep
    it from doubling anything.
    """

    column: str
    overlap: str = "1 day"


class DeletedWhen(Strict):
    """The flag by which a source marks a row as deleted."""

    column: str
    values: list[str | int | bool] = Field(min_length=1)


class DeletesTable(Strict):
    """A table in which a source notes the keys of rows that it deleted."""

    table: str
    key: list[str] = Field(min_length=1)
    cursor: str | None = None


class Personal(Strict):
    """Where an entity holds data of a customer, in the source's own column names.

    `customer-tiers forget` goes by it, and landing keeps those who were forgotten out by
    it for ever.

    Attributes:
        customer: The column with the key of the customer whom the row is about.
        source: The source whose key that is; this one when absent.
        rows: `drop` where a row is nothing but the customer (master data, contacts);
            `keep` where it is a fact that accounting needs (orders): the key then gives
            way to one that leads nowhere, and `columns` are emptied.
        columns: Columns with personal data. `forget` proves that their values are gone.
        common: Those of `columns` whose values prove nothing, because others have them
            too (a first name, a city) or because they are long texts.
        references: Further columns with a customer's key → the source whose key it is.
    """

    customer: str
    source: Name | None = None
    rows: Literal["keep", "drop"] = "keep"
    columns: list[str] = []
    common: list[str] = []
    references: dict[str, Name] = {}

    @model_validator(mode="after")
    def _fits(self) -> Personal:
        if unknown := sorted(set(self.common) - set(self.columns)):
            raise ValueError(f"common names {unknown[0]}, which columns does not")
        if {self.customer, *self.references} & set(self.columns):
            raise ValueError(
                "columns names a column of keys; those are replaced anyway"
            )
        return self


class Becomes(Strict):
    """What a landed entity's rows become: for reconciliation, which counts them itself.

    Everything is SQL over the source's own columns, and over as_of_date, known_until and
    time_zone of the refresh. Another table of the source is called as its entity is, and
    has its current rows: `order_no in (select order_no from orders where paid)`.

    Attributes:
        entity: The canonical entity.
        amount: The money of a row, as staging gives it; none when absent.
        each: What staging makes one row of; the key when absent.
        where: The rows that staging takes; all when absent.
    """

    entity: CanonicalEntity
    amount: str | None = None
    each: list[str] = []
    where: str | None = None


class Entity(Strict):
    """One table, sheet or family of files of a source.

    `load` says what a new extract means: `append` adds rows, and of rows with the same
    key the newest counts; `snapshot` is the whole entity, and rows that are no longer
    in it are gone.
    """

    name: Name = ""
    description: str = Field(
        default="",
        description="What it holds and what one row is, for the documentation of dbt.",
    )
    key: list[str] = Field(
        min_length=1,
        description="The columns that tell one row from another; `key: position` where "
        "none do: a row is then told by its file and its place in it.",
    )
    replace: list[str] = Field(
        default=[],
        description="Columns such as the number of an invoice: all rows with the same "
        "values come from the newest file that has any, and those of older files no "
        "longer count. So files may overlap by whole invoices. With `key: position` a "
        "file that comes again under its name takes its own place in any case.",
    )
    repeated_keys: Literal["refuse", "newest"] = Field(
        default="refuse",
        description="What the same key twice in one file, or in one reading of a table, "
        "means. refuse: the key does not tell the rows apart, and all but one would be "
        "lost; newest: the rows are versions, and the last one counts. In another file it "
        "is a correction in any case.",
    )
    load: Literal["append", "snapshot"] = Field(
        default="append",
        description="append: what is read adds rows, and of rows with the same key the "
        "newest counts; snapshot: it is the whole entity, and other rows are gone.",
    )
    max_quarantined: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="A batch with a larger share of unreadable rows is refused.",
    )
    becomes: list[Becomes] = Field(
        default=[],
        description="What the rows become, for reconciliation: the canonical `entity`, "
        "the `amount` of a row, `each` of what is one row and `where` a row is taken, in "
        "SQL over the columns as they are read.",
    )
    personal: Personal | Literal["none"] | None = Field(
        default=None,
        description="Where data of a customer stands, for `customer-tiers forget`: the "
        "column of the `customer`'s key (of another `source`, if so), `rows: drop` or "
        "`keep`, the `columns` to be emptied and looked for, those of them that are too "
        "`common` to look for, and `references`, further columns of keys with their "
        "source; `none` where nothing is a customer's.",
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="What columns must be; a row with a value that is not goes to the "
        "quarantine. Types are text, integer, decimal(p,s), number, boolean, date and "
        "timestamp; the last two take a format, as in `date %d.%m.%Y`, in which years of "
        "two digits are those from 1969 on unless it says `date %d.%m.%y from 1930`.",
    )
    leave_out: list[str] = Field(
        default=[],
        description="Columns that are not read: whatever stands in them does not matter.",
    )
    # database
    table: str | None = Field(
        default=None, description="The table or view, if not called as the entity."
    )
    cursor: Cursor | None = Field(
        default=None,
        description="Read in increments by `column`, which rises with each change; "
        "`overlap` is read again each time, as in `2 hours` or, for a counter, `1000`.",
    )
    deleted_when: list[DeletedWhen] = Field(
        default=[],
        description="The `column` and its `values` by which a row is marked as deleted; a "
        "list where any of several marks does.",
    )
    deletes: DeletesTable | None = Field(
        default=None,
        description="The `table` that notes the `key` of deleted rows, with its own "
        "`cursor` if it has one.",
    )
    sweep_days: int | None = Field(
        default=None,
        ge=1,
        description="All keys are listed so often, to find rows that vanished.",
    )
    # web services
    object: str | None = Field(
        default=None,
        description="What the service calls it, such as `AccountObj` or `Accounts`, if not "
        "as the entity is called.",
    )
    fields: list[str] = Field(
        default=[],
        description="The fields that are read; all that the service's metadata names when "
        "absent. One that the metadata does not name is a column without values.",
    )
    aliases: dict[str, str] = Field(
        default_factory=dict,
        description="Column → field of the service, for what each tenant calls otherwise, "
        "as in `ticket_status: field_0fS1n__c`; the column has the name on the left.",
    )
    parent: str | None = Field(
        default=None,
        description="The object whose records hold these as a subform, such as "
        "`Sales_Orders` of `Ordered_Items`, or as details, such as `SalesOrderObj` of "
        "`SalesOrderProductObj`.",
    )
    parent_key: str | None = Field(
        default=None,
        description="Of details that are records of their own: the column that names the "
        "record of `parent`, such as `order_id`. When that record changed, its details "
        "are listed, and those that are gone count no more.",
    )
    reads: Literal["records", "metadata"] = Field(
        default="records",
        description="metadata: instead of records the fields, types and options of the "
        "source's other objects, one row an option; the gate compares it with before.",
    )
    # files
    files: str | None = Field(
        default=None,
        description="Pattern of the files below the source's path, such as "
        "`orders_*.csv` or `**/*.xlsx`; each file, and each member of a zip, is a batch.",
    )
    format: Literal["csv", "tsv", "xlsx", "xls", "parquet", "json", "jsonl"] | None = (
        Field(
            default=None,
            description="What the files are, plain or packed as .gz or .zip; taken from the "
            "name when absent.",
        )
    )
    member: str | None = Field(
        default=None,
        description="Pattern of the members of a zip that are read, such as "
        "`data/*.csv`; without it all that are of a known format.",
    )
    header_row: int = Field(
        default=1,
        ge=1,
        description="The row that names the columns, counted from 1; what stands above "
        "it, such as a title, is skipped.",
    )
    repeated_columns: Literal["refuse", "number"] = Field(
        default="refuse",
        description="What several columns of one name mean, as in exports of Jira. refuse: "
        "nobody can tell which is which; number: the first keeps its name, the others "
        "are numbered, as in `Comment`, `Comment 2`.",
    )
    sheet: str | None = Field(
        default=None,
        description="The sheet of a workbook, or a pattern such as `2024*` of several "
        "with the same columns; the first that is not hidden when absent.",
    )
    delimiter: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="What parts the columns of a CSV; detected among , ; | and tab when "
        "absent, a tab in TSV.",
    )
    quote: str = Field(
        default='"',
        max_length=1,
        description="What encloses cells of a CSV; doubled, it is itself. Empty for none.",
    )
    encoding: str | None = Field(
        default=None,
        description="Encoding of text. Detected in CSV when absent: a byte order mark, "
        "then UTF-8, then GB18030 or Latin-1 where nothing else fits, else refused with "
        "the encodings that fit. JSON is UTF-8 when absent.",
    )
    decimal: Literal[".", ","] = Field(
        default=".",
        description="The decimal mark of declared numbers.",
    )
    thousands: str = Field(
        default="",
        max_length=1,
        description="What parts groups of three digits in declared numbers, such as "
        "`,` or a space; none when absent.",
    )
    settle_seconds: float = Field(
        default=5,
        ge=0,
        description="A file that changed less than this ago is being written, and left "
        "for the next time.",
    )
    max_unpacked_bytes: int = Field(
        default=20_000_000_000,
        ge=1,
        description="A .gz, a member of a .zip or a workbook that unpacks to more is "
        "refused.",
    )

    @field_validator("key", mode="before")
    @classmethod
    def _may_be_the_position(cls, key: Any) -> Any:
        return list(POSITION) if key == "position" else key

    @field_validator("deleted_when", mode="before")
    @classmethod
    def _may_be_one(cls, marks: Any) -> Any:
        if marks is None:
            return []
        return [marks] if isinstance(marks, dict) else marks

    @field_validator("columns")
    @classmethod
    def _are_types(cls, columns: dict[str, str]) -> dict[str, str]:
        for name, spelling in columns.items():
            try:
                column_type(spelling)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return columns

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str | None) -> str | None:
        try:
            "".encode(encoding or "utf-8")
        except (LookupError, ValueError):
            raise ValueError("no such encoding; give one such as gb18030") from None
        return encoding

    @field_validator("files")
    @classmethod
    def _is_below_the_path(cls, pattern: str | None) -> str | None:
        if pattern and Path(pattern).is_absolute():
            raise ValueError("give a pattern relative to the source's path")
        if pattern and os.path.normpath(pattern).startswith(".."):
            raise ValueError("the pattern leads out of the source's path by ..")
        return pattern

    @field_validator("thousands")
    @classmethod
    def _is_no_digit(cls, mark: str) -> str:
        if mark.isalnum() or mark in {"+", "-"}:
            raise ValueError("give the mark between groups of digits, such as ,")
        return mark

    @model_validator(mode="after")
    def _snapshots_need_no_deletes(self) -> Entity:
        if self.load == "snapshot" and (self.deletes or self.sweep_days):
            raise ValueError(
                "a snapshot is the whole entity, and what is not in it is gone; leave "
                "out deletes and sweep_days, or load it with append"
            )
        return self

    @model_validator(mode="after")
    def _positions_cannot_be_followed(self) -> Entity:
        if self.is_by_position and (
            self.cursor or self.deletes or self.sweep_days or self.deleted_when
        ):
            raise ValueError(
                "rows that only their position tells apart cannot be followed from one "
                "reading to the next; leave out cursor, deletes, sweep_days and "
                "deleted_when, or name a key"
            )
        return self

    @property
    def is_by_position(self) -> bool:
        """Whether only a row's place in its file tells it from others."""
        return tuple(self.key) == POSITION

    @property
    def has_several_sheets(self) -> bool:
        """Whether `sheet` is a pattern."""
        return bool(self.sheet) and bool(set("*?[") & set(self.sheet or ""))

    @property
    def replaced_by(self) -> list[str]:
        """The columns of whose values only the newest batch's rows count."""
        if self.replace or not self.is_by_position or self.load == "snapshot":
            return self.replace
        return ["_source_file"]

    @model_validator(mode="after")
    def _several_sheets_are_added(self) -> Entity:
        if self.has_several_sheets and self.load == "snapshot":
            raise ValueError(
                "sheet is a pattern, and of a snapshot only the last sheet would count; "
                "say load: append"
            )
        return self

    @model_validator(mode="after")
    def _rows_can_be_kept(self) -> Entity:
        if isinstance(self.personal, Personal) and self.personal.rows == "keep":
            needed = {*self.key}
            needed |= {self.cursor.column} if self.cursor else set()
            needed |= {mark.column for mark in self.deleted_when}
            if torn := sorted(needed & set(self.personal.columns)):
                raise ValueError(
                    f"personal would empty {torn[0]}, without which no row can be told "
                    "from another; say rows: drop"
                )
        return self

    @model_validator(mode="after")
    def _what_is_needed_is_read(self) -> Entity:
        needed = {*self.key, *self.replace, *self.columns}
        needed |= {self.cursor.column} if self.cursor else set()
        needed |= {mark.column for mark in self.deleted_when}
        if isinstance(self.personal, Personal):
            needed |= {self.personal.customer, *self.personal.references}
        if torn := sorted(needed & set(self.leave_out)):
            raise ValueError(f"leave_out names {torn[0]}, which is needed elsewhere")
        return self

    @model_validator(mode="after")
    def _details_name_their_parent(self) -> Entity:
        if self.parent_key and not self.parent:
            raise ValueError("parent_key needs parent, the object that it is a key of")
        return self

    @model_validator(mode="after")
    def _marks_differ(self) -> Entity:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same mark; give two")
        return self

"""`sources.yaml`: the one place that says where data comes from.

Parsed and checked here into plain objects; reading the data is the readers' work.
`${NAME}` is replaced from the environment that the settings carry, so that secrets
never stand in the file.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline import yaml_file
from pipeline.settings import Settings, is_time_zone
from pipeline.sources.columns import column_type

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]

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


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cursor(_Strict):
    """The column by which a table is read in increments.

    `overlap` is read again each time, for rows that were committed late: a duration for
    times and days (`2 hours`, `3 days`), a number for counters. Landing and staging keep
    it from doubling anything.
    """

    column: str
    overlap: str = "1 day"


class DeletedWhen(_Strict):
    """The flag by which a source marks a row as deleted."""

    column: str
    values: list[str | int | bool] = Field(min_length=1)


class DeletesTable(_Strict):
    """A table in which a source notes the keys of rows that it deleted."""

    table: str
    key: list[str] = Field(min_length=1)
    cursor: str | None = None


class Personal(_Strict):
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


class Becomes(_Strict):
    """What a landed entity's rows become: for reconciliation, which counts them itself.

    Everything is SQL over the source's own columns, and over as_of_date, known_until and
    time_zone of the refresh.

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


class Entity(_Strict):
    """One table, sheet or family of files of a source.

    `load` says what a new extract means: `append` adds rows, and of rows with the same
    key the newest counts; `snapshot` is the whole entity, and rows that are no longer
    in it are gone.
    """

    name: Name = ""
    key: list[str] = Field(
        min_length=1, description="The columns that tell one row from another."
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
        "timestamp; the last two take a format, as in `date %d.%m.%Y`.",
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
    deleted_when: DeletedWhen | None = Field(
        default=None,
        description="The `column` and its `values` by which a row is marked as deleted.",
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
    sheet: str | None = Field(
        default=None, description="The sheet of a workbook; the first when absent."
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
        "then UTF-8, then GB18030 or Latin-1 where the bytes prove it, else refused. "
        "JSON is UTF-8 when absent.",
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
    def _rows_can_be_kept(self) -> Entity:
        if isinstance(self.personal, Personal) and self.personal.rows == "keep":
            needed = {*self.key}
            needed |= {self.cursor.column} if self.cursor else set()
            needed |= {self.deleted_when.column} if self.deleted_when else set()
            if torn := sorted(needed & set(self.personal.columns)):
                raise ValueError(
                    f"personal would empty {torn[0]}, without which no row can be told "
                    "from another; say rows: drop"
                )
        return self

    @model_validator(mode="after")
    def _marks_differ(self) -> Entity:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same mark; give two")
        return self


class Retry(_Strict):
    """How often a source is read again after an error that may pass, and how soon.

    The wait doubles each time up to the longest, and is then cut by up to a half at
    random, so that many who wait for one server do not all come back at once.
    """

    tries: int = Field(
        default=4, ge=1, le=100, description="Times in all; 1 is never again."
    )
    first_seconds: float = Field(
        default=5, ge=0, description="The wait before the second time."
    )
    longest_seconds: float = Field(
        default=300, ge=0, description="No wait is longer than this."
    )


# What becomes of order lines whose customer no source gives.
UnknownCustomers = Literal["refuse", "unknown_customer", "leave_out"]


class Source(_Strict):
    """One system that we read from.

    `unknown_customers` says what becomes of its order lines whose customer no source
    gives: `refuse` stops the refresh and names the keys, `unknown_customer` puts them under
    one customer of that name, `leave_out` leaves them out and counts them.

    `retry` says how often it is read again after an error that may pass (a connection
    that broke, a lock); `limit_minutes` ends a reading that hangs, its retries counted in;
    0 is no limit, and without it that of the settings holds.
    """

    name: Name
    kind: Literal["files", "database"]
    url: str | None = Field(default=None, repr=False)
    path: Path | None = None
    entities: dict[Name, Entity]
    provides: list[CanonicalEntity]
    unknown_customers: UnknownCustomers = "refuse"
    retry: Retry = Retry()
    limit_minutes: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _reachable(self) -> Source:
        if self.kind == "database" and not self.url:
            raise ValueError("a database needs a url")
        if self.kind == "files" and not self.path:
            raise ValueError("files need a path, the folder in which they lie")
        for name, entity in self.entities.items():
            if entity.name not in {"", name}:
                raise ValueError(f"entity {name} takes its name from its own line")
            if self.kind == "files" and not entity.files:
                raise ValueError(f"entity {name} needs files, a pattern such as *.csv")
        return self


class Business(_Strict):
    """Facts of the business that every model needs.

    `as_of` is for a company whose data ends in the past, such as the demonstration;
    a living company leaves it out and gets yesterday.
    """

    time_zone: str = "UTC"
    reporting_currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    as_of: date | None = None

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, name: str) -> str:
        if not is_time_zone(name):
            raise ValueError("no time zone; give one such as Asia/Shanghai or UTC")
        return name


PersonalData = Literal[
    "name", "email", "phone", "address", "birth_date", "registration_number"
]


class Privacy(_Strict):
    """What of a person's data the releases hold at all.

    What is kept stands in `marts.customers_private`; everywhere else e-mail addresses,
    telephone numbers and the names of persons are masked. What is not kept is in no
    release; it is used for matching inside the candidate all the same.
    """

    keep: list[PersonalData] = ["name", "email", "phone", "address", "birth_date"]
    person_names: Literal["masked", "full"] = "masked"


class SourcesFile(_Strict):
    """The whole of `sources.yaml`.

    `dbt_project` and `expectations` are the project's own folders of models and suites;
    without them those of the settings are used.
    """

    version: Literal[1]
    demonstration: Path | None = None
    dbt_project: Path | None = None
    expectations: Path | None = None
    business: Business = Business()
    privacy: Privacy = Privacy()
    sources: list[Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_once(self) -> SourcesFile:
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {twice[0]}")
        return self

    @model_validator(mode="after")
    def _keys_are_of_known_sources(self) -> SourcesFile:
        names = {source.name for source in self.sources}
        for source in self.sources:
            for entity in source.entities.values():
                if isinstance(entity.personal, Personal):
                    told = {entity.personal.source or source.name}
                    told |= set(entity.personal.references.values())
                    if unknown := sorted(told - names):
                        raise ValueError(
                            f"{source.name}.{entity.name}: personal speaks of keys of "
                            f"{unknown[0]}, and there is no such source"
                        )
        return self

    def applied_to(self, settings: Settings) -> Settings:
        """The settings, with the folders that this file names."""
        return replace(
            settings,
            dbt_project=self.dbt_project or settings.dbt_project,
            expectations=self.expectations or settings.expectations,
        )

    def unknown_customers(self) -> dict[str, str]:
        """Source → what becomes of its lines of unknown customers, where it is said."""
        return {
            source.name: source.unknown_customers
            for source in self.sources
            if source.unknown_customers != "refuse"
        }

    def provides(self) -> dict[str, list[str]]:
        """Canonical entity → sources that provide it, in the order of the file."""
        result: dict[str, list[str]] = {}
        for source in self.sources:
            for entity in source.provides:
                result.setdefault(entity, []).append(source.name)
        return result


def load_sources(settings: Settings) -> SourcesFile:
    """Reads and checks the settings' `sources.yaml`.

    Paths in it are relative to the file.

    Raises:
        ConfigurationError: Names the file, the place in it and what is wrong.
    """
    path = settings.sources_file
    raw = yaml_file.read(
        path,
        settings.environment,
        otherwise="give --sources FILE or set CUSTOMER_TIERS_SOURCES",
    )
    _name_entities(raw)
    business = raw.setdefault("business", {})
    if isinstance(business, dict):
        business.setdefault("time_zone", settings.time_zone)
    try:
        parsed = SourcesFile.model_validate(raw)
    except ValidationError as error:
        raise yaml_file.refused(path, error) from None
    return _resolve_paths(parsed, path.parent)


def _name_entities(raw: dict[str, Any]) -> None:
    sources = raw.get("sources")
    for source in sources if isinstance(sources, list) else []:
        entities = source.get("entities") if isinstance(source, dict) else None
        for name, entity in entities.items() if isinstance(entities, dict) else []:
            if isinstance(entity, dict):
                entity.setdefault("name", name)


def _resolve_paths(parsed: SourcesFile, folder: Path) -> SourcesFile:
    sources = [
        source.model_copy(update={"path": (folder / source.path).resolve()})
        if source.path
        else source
        for source in parsed.sources
    ]
    folders = {
        name: (folder / path).resolve()
        for name in ("demonstration", "dbt_project", "expectations")
        if (path := getattr(parsed, name)) is not None
    }
    return parsed.model_copy(update={"sources": sources, **folders})

"""Who is to go: his keys and ids everywhere, and the values that prove he is gone.

A value proves something when nobody else has it. The e-mail address, the telephone and
the key of a customer are looked for everywhere; a name only where no other text of the
home holds it, because a company may be called as a product is. What others have too is
not looked for, and that is said. Nothing is changed here.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.common import sql
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.landing import batches as landing
from pipeline.landing.batches import OWN_COLUMNS, STATES, Batch
from pipeline.release import catalogue, duckdb_files
from pipeline.release.layout import WAREHOUSE
from pipeline.sources import Entity, Personal, SourcesFile
from pipeline.suppression.suppression_list import (
    Lookup,
    Suppression,
    key_text,
    new_pseudonym,
    rows_of,
)

# Shorter values turn up by chance, in text and in the bytes of a packed file.
LEAST_BYTES: Final = 6
# Longer ones are texts; what in them tells of somebody is not the whole of them.
MOST_CHARACTERS: Final = 200
# Digits by which a value is a number of somebody rather than a word: fewer where other
# characters stand among them, because a number alone may be the number of anything.
NUMBER_DIGITS: Final = 7
BARE_DIGITS: Final = 10
# Values of one column that are looked for; more are facts rather than a person's data.
MOST_VALUES: Final = 200
GONE: Final = "[forgotten]"
NAME: Final = "forgotten"

# Columns of a release with values of a customer, where it keeps them.
PRIVATE: Final = ("customer_name", "email", "phone", "street", "registration_number")
NORMAL: Final = ("email_key", "phone_key", "registration_key", "name_key")
# Tables whose text is about anybody, or about what went wrong.
DIAGNOSTIC: Final = (
    "check_results",
    "check_history",
    "acceptances",
    "refreshes",
    "quarantine",
)


@dataclass(frozen=True)
class Record:
    """One record of the customer in one source.

    Attributes:
        key: The source's key, as staging gives it.
        pseudonym: The random key in its place.
    """

    source: str
    key: str
    pseudonym: str
    customer_type: str


@dataclass(frozen=True)
class Value:
    """A value that is looked for, and what stands in its place where a text stays.

    Attributes:
        label: What it is, such as `erp.customers.email`; no personal data.
        text: The value.
        replacement: What is written in its place.
        is_number: It has the shape of an address or a number of somebody, so that it is
            taken out of any text; a word is taken out of his own rows only.
    """

    label: str
    text: str
    replacement: str
    is_number: bool

    def is_in(self, text: str) -> bool:
        """Whether a text holds the value, in whatever case."""
        return self.text.casefold() in text.casefold()


@dataclass(frozen=True)
class Unsought:
    """A value that would prove nothing, and why; without the value itself."""

    label: str
    why: str


@dataclass(frozen=True)
class Place:
    """What becomes of an entity's rows; `rows` are his, `texts` others that name him."""

    source: str
    entity: str
    action: str
    rows: int
    texts: int


@dataclass(frozen=True)
class Subject:
    """Everything that a forgetting needs, so that it can go on after a kill.

    Attributes:
        receipt: Its id, such as `f000001`.
        asked_at: When, ISO.
        reason: Why, without personal data.
        records: His records.
        ids: customer_id → the random one in its place.
        values: What is looked for and taken out, longest first.
        unsought: What is not looked for.
        personal: Source → entity → where it holds data of customers, or `none`.
        keys: Source → entity → the columns of its key.
        batches: Batch, as `source/entity/batch_id` → counts that its manifest gets.
        places: What becomes of the landed rows.
        sources_in_home: Files of sources that lie in the home; not ours to change.
    """

    receipt: str
    asked_at: str
    reason: str
    records: Sequence[Record]
    ids: Mapping[str, str]
    values: Sequence[Value]
    unsought: Sequence[Unsought]
    personal: Mapping[str, Mapping[str, Personal | None]]
    keys: Mapping[str, Mapping[str, Sequence[str]]]
    batches: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    places: Sequence[Place] = ()
    sources_in_home: Sequence[str] = ()

    @property
    def lookup(self) -> Lookup:
        """(source, key) → the key in its place, or None."""
        known = {
            (item.source, key_text(item.key)): item.pseudonym for item in self.records
        }
        return lambda source, key: known.get((source, key))

    @property
    def pattern(self) -> str | None:
        """A regular expression for RE2 that finds the values; None without any."""
        return "|".join(re.escape(value.text) for value in self.values) or None

    def as_json(self) -> dict[str, Any]:
        """As plain values, for the journal; holds personal data."""
        return {
            **asdict(self),
            "personal": {
                source: {
                    name: item.model_dump() if item else None
                    for name, item in entities.items()
                }
                for source, entities in self.personal.items()
            },
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Subject:
        """What `as_json` gave."""
        return cls(
            **{
                **told,
                "records": [Record(**item) for item in told["records"]],
                "values": [Value(**item) for item in told["values"]],
                "unsought": [Unsought(**item) for item in told["unsought"]],
                "places": [Place(**item) for item in told["places"]],
                "personal": {
                    source: {
                        name: Personal(**item) if item else None
                        for name, item in entities.items()
                    }
                    for source, entities in told["personal"].items()
                },
            }
        )


def find(
    home: Home,
    sources: SourcesFile,
    customer: str,
    *,
    reason: str,
    receipt: str,
    seeds: Path | None = None,
) -> Subject:
    """Finds everything that belongs to a customer; changes nothing.

    Args:
        customer: A customer_id, or `source:key in that source`.
        reason: Why he goes; is published in `meta.identity_log`.
        receipt: The id of this forgetting.
        seeds: The project's seeds, which must not name him: every release holds them.

    Raises:
        ConfigurationError: There is no such customer, sources.yaml does not say enough
            about where customers' data stands, or he cannot be taken out of it.
    """
    personal = declared(home, sources)
    keys = {
        source.name: {name: list(item.key) for name, item in source.entities.items()}
        for source in sources.sources
    }
    known, ids, kind = _resolve(home, sources, customer)
    records = [
        Record(
            source,
            key,
            new_pseudonym(key, unsigned=_unsigned(home, personal, source)),
            kind,
        )
        for source, key in known
    ]
    subject = Subject(
        receipt=receipt,
        asked_at=dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat(),
        reason=reason,
        records=records,
        ids={old: f"C{secrets.token_hex(6).upper()}" for old in ids},
        values=[],
        unsought=[],
        personal=personal,
        keys=keys,
        sources_in_home=sources_in_home(home, sources),
    )
    _check_columns_of_keys(home, subject)
    found, seen = _landed_values(home, subject)
    # Of a source that sources.yaml no longer describes, landing holds nothing.
    if missing := [
        item
        for item in records
        if item.source in personal and (item.source, key_text(item.key)) not in seen
    ]:
        raise ConfigurationError(
            f"No landed row has the key {missing[0].key} of {missing[0].source} in a "
            "column that sources.yaml declares as `personal: {customer: ...}`. Staging "
            "makes another key of it, or the column is the wrong one; nothing was changed."
        )
    found.update(_released_values(home, subject))
    values, unsought = _that_prove(home, subject, found)
    if any(value.is_in(reason) for value in values):
        raise ConfigurationError(
            "The reason names the customer, and it is published; give another."
        )
    subject = replace(subject, values=values, unsought=unsought)
    if seeds is not None:
        _not_in_seeds(seeds, subject)
    return subject


def _not_in_seeds(seeds: Path, subject: Subject) -> None:
    numbers = [value for value in subject.values if value.is_number]
    keys = {(item.source, item.key) for item in subject.records}
    for path in sorted(seeds.rglob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, cells in enumerate(csv.reader(file), start=1):
                named = any(value.is_in(cell) for value in numbers for cell in cells)
                if named or any({*key} <= {*cells} for key in keys):
                    raise ConfigurationError(
                        f"{path}, line {number} names the customer, and every release "
                        "holds the seeds. Take the line out first; nothing was changed."
                    )


def declared(home: Home, sources: SourcesFile) -> dict[str, dict[str, Personal | None]]:
    """Where each entity holds data of customers; None where it holds none.

    Raises:
        ConfigurationError: sources.yaml does not say it of an entity, or names a column
            that no batch has.
    """
    result: dict[str, dict[str, Personal | None]] = {}
    for source in sources.sources:
        for name, entity in source.entities.items():
            if entity.personal is None:
                raise ConfigurationError(
                    f"sources.yaml does not say where {source.name}.{name} holds data "
                    "of customers, and nobody is forgotten by half. Give the entity "
                    "`personal: {customer: <column of the key>, columns: [...]}`, or "
                    "`personal: none`."
                )
            _has_columns(home, source.name, entity)
            place = result.setdefault(source.name, {})
            place[name] = entity.personal if entity.personal != "none" else None
    for room in (home.landing, home.quarantine):
        for folder in sorted(room.glob("*/*")):
            if folder.name not in result.get(folder.parent.name, {}):
                raise ConfigurationError(
                    f"{folder} holds batches of an entity that sources.yaml no longer "
                    "describes. Describe it again, or remove the folder, so that nobody "
                    "is forgotten by half."
                )
    return result


def _has_columns(home: Home, source: str, entity: Entity) -> None:
    personal = entity.personal
    schemas = [
        set(batch.schema)
        for batch in landing.batches(home, source, entity.name, *STATES)
        if batch.content == "rows" and batch.schema
    ]
    if not isinstance(personal, Personal) or not schemas:
        return
    wanted = {personal.customer, *personal.columns, *personal.references}
    if unknown := sorted(wanted - {name for schema in schemas for name in schema}):
        raise ConfigurationError(
            f"{source}.{entity.name} has no column {unknown[0]}, which sources.yaml "
            "names under personal."
        )


def sources_in_home(home: Home, sources: SourcesFile) -> list[str]:
    """Files and folders of sources that lie in the home, relative to it."""
    root = home.root.resolve()
    paths = [source.path for source in sources.sources if source.path]
    paths += [
        Path(source.url.split("///", 1)[1].split("?")[0])
        for source in sources.sources
        if source.url and source.url.startswith("sqlite") and "///" in source.url
    ]
    if sources.demonstration is not None:
        paths.append(root / "demonstration")
    inside = {
        path.resolve().relative_to(root).as_posix()
        for path in paths
        if path.resolve().is_relative_to(root) and path.resolve() != root
    }
    return sorted(
        name
        for name in inside
        if not any(name.startswith(f"{other}/") for other in inside)
    )


def landed_files(
    home: Home, subject: Subject
) -> Iterator[tuple[str, str, Personal | None, Batch, Path]]:
    """Every file of rows of every entity, with its batch; one of them, for a pack.

    The batches of a pack hold the same columns and the same kind of content.
    """
    for source, entities in subject.personal.items():
        for name, personal in entities.items():
            seen = set()
            for batch in landing.batches(home, source, name, *STATES):
                path = landing.data_file(home, batch)
                if path not in seen and path.exists():
                    seen.add(path)
                    yield source, name, personal, batch, path


def _unsigned(
    home: Home, personal: Mapping[str, Mapping[str, Personal | None]], whose: str
) -> bool:
    """Whether a column with keys of the source cannot hold a negative number."""
    for source, entities in personal.items():
        for name, item in entities.items():
            if item is not None and (item.source or source) == whose:
                for batch in landing.batches(home, source, name, *STATES):
                    if batch.schema.get(item.customer, "").startswith("uint"):
                        return True
    return False


def _resolve(
    home: Home, sources: SourcesFile, customer: str
) -> tuple[list[tuple[str, str]], list[str], str]:
    """His keys, the ids that are his in any kept release, and his type."""
    suppression = Suppression.load(home)
    prefix, _, rest = customer.partition(":")
    names = {source.name for source in sources.sources}
    given = (prefix, rest.strip()) if rest and prefix in names else None
    if given is not None:
        entry = suppression.find(prefix, key_text(given[1]) or "")
        if entry is not None:
            raise ConfigurationError(
                f"{customer} was forgotten on {entry.forgotten_on}; "
                f"logs/forgotten/{entry.receipt}.json tells what was done."
            )
    # The current release first: it says who is one customer now.
    kept = sorted(catalogue.releases(home), key=lambda item: not item.is_current)
    for item in kept:
        if item.damage:
            raise ConfigurationError(
                f"{item.path} may hold the customer and cannot be read: {item.damage}. "
                "Take the release from a backup, or remove its folder, and ask again."
            )
    keys: set[tuple[str, str]] = set()
    for item in kept:
        with _opened(item.path) as connection:
            keys = _keys_of(connection, customer, given)
        if keys:
            break
    if not keys and given is not None:
        keys = {given}  # landed, and in no release
    if not keys:
        raise ConfigurationError(
            f"There is no customer {customer}. Give a customer_id of the current release, "
            "or a source with its key, such as erp:AW00012345. Nothing leads from the "
            "former id of a forgotten customer to the present one."
        )
    if any(key in suppression.pseudonyms(source) for source, key in keys):
        raise ConfigurationError(f"{customer} is a customer who was forgotten already.")
    ids: dict[str, bool] = {}
    kind = None
    for item in catalogue.releases(home):
        with _opened(item.path) as connection:
            for customer_id, all_keys in _ids_of(connection, keys).items():
                # An id that belongs to somebody else by now stays his.
                ids.setdefault(customer_id, all_keys <= keys)
            if kind is None:
                kind = _type_of(connection, [name for name, his in ids.items() if his])
    return (
        sorted(keys),
        sorted(name for name, his in ids.items() if his),
        kind or "person",
    )


def _opened(folder: Path) -> duckdb.DuckDBPyConnection:
    return duckdb_files.connect(folder / WAREHOUSE, read_only=True)


def tables(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """The tables of this name in marts and meta, with their schema."""
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where not internal and table_name = ? order by all",
        [name],
    ).fetchall()
    return [str(row[0]) for row in rows]


def registered(connection: duckdb.DuckDBPyConnection) -> str | None:
    """SQL of every (source, source_customer_id, customer_id) that a release knows."""
    there = [
        table
        for name in ("customer_registry", "customer_source_keys")
        for table in tables(connection, name)
    ]
    parts = [f"select source, source_customer_id, customer_id from {t}" for t in there]
    return " union ".join(parts) or None


def _keys_of(
    connection: duckdb.DuckDBPyConnection,
    customer: str,
    given: tuple[str, str] | None,
) -> set[tuple[str, str]]:
    query = registered(connection)
    if query is None:
        return set()
    wanted = "select ?"
    values: list[str] = [customer]
    if given is not None:
        wanted = (
            f"select customer_id from ({query}) "
            f"where source = ? and {_KEY_TEXT.format('source_customer_id')} = ?"
        )
        values = [given[0], key_text(given[1]) or ""]
    rows = connection.execute(
        f"select source, source_customer_id from ({query}) where customer_id in ({wanted})",
        values,
    ).fetchall()
    return {(str(source), str(key)) for source, key in rows}


def _ids_of(
    connection: duckdb.DuckDBPyConnection, keys: Iterable[tuple[str, str]]
) -> dict[str, set[tuple[str, str]]]:
    """The ids that any of the keys has in a release, with all keys that they have there."""
    query = registered(connection)
    if query is None:
        return {}
    connection.execute(
        "create or replace temp table _keys (source varchar, key varchar)"
    )
    connection.executemany(
        "insert into _keys values (?, ?)", [list(key) for key in keys]
    )
    rows = connection.execute(
        f"""
        with registry as ({query}),
        his as (
            select customer_id from registry
            inner join _keys on registry.source = _keys.source
                and registry.source_customer_id = _keys.key
        )
        select distinct customer_id, source, source_customer_id
        from registry where customer_id in (select customer_id from his)
        """
    ).fetchall()
    found: dict[str, set[tuple[str, str]]] = {}
    for customer_id, source, key in rows:
        found.setdefault(str(customer_id), set()).add((str(source), str(key)))
    return found


def ids_in(folder: Path, subject: Subject) -> set[str]:
    """The ids of a release that any of his keys has there, old or new."""
    keys = [(item.source, item.key) for item in subject.records]
    keys += [(item.source, item.pseudonym) for item in subject.records]
    with _opened(folder) as connection:
        return {*_ids_of(connection, keys)}


def _type_of(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> str | None:
    for table in tables(connection, "customers"):
        row = connection.execute(
            f"select any_value(customer_type) from {table} "
            "where list_contains(?, customer_id)",
            [list(ids)],
        ).fetchone()
        if row and row[0]:
            return str(row[0])
    return None


def _check_columns_of_keys(home: Home, subject: Subject) -> None:
    """Refuses a declaration by which no customer would ever be found.

    Raises:
        ConfigurationError: Of an entity's keys not one is known in the current release.
    """
    current = catalogue.current(home)
    if current is None:
        return
    files: dict[tuple[str, str], list[str]] = {}
    for source, name, personal, batch, path in landed_files(home, subject):
        if personal is not None and personal.customer in batch.schema:
            files.setdefault((source, name), []).append(str(path))
    with _opened(current.path) as connection:
        query = registered(connection)
        for (source, name), paths in files.items() if query else ():
            personal = subject.personal[source][name]
            assert personal is not None
            whose = personal.source or source
            row = connection.execute(
                f"""
                with landed as (
                    select distinct {
                    _KEY_TEXT.format(
                        f"cast({sql.quoted(personal.customer)} as varchar)"
                    )
                } as key
                    from read_parquet($paths, union_by_name = true)
                ),
                known as (
                    select {_KEY_TEXT.format("source_customer_id")} as key
                    from ({query}) where source = $source
                )
                select count(landed.key), count(known.key)
                from landed left join known using (key)
                """,
                {"paths": [_one_file(path) for path in paths], "source": whose},
            ).fetchone()
            if row and row[0] and not row[1]:
                raise ConfigurationError(
                    f"Of {source}.{name}.{personal.customer} no value is the key of a "
                    f"customer of {whose}: sources.yaml names the wrong column under "
                    "personal, or staging makes other keys of it. Nothing was changed."
                )


# key_text in SQL.
_KEY_TEXT: Final = "regexp_replace(trim({}), '^(-?[0-9]+)[.]0+$', '\\1')"


def _one_file(path: str) -> str:
    # DuckDB takes every name for a pattern, and a home may be called `data [old]`.
    return re.sub(r"([*?\[])", r"[\1]", path)


def _landed_values(
    home: Home, subject: Subject
) -> tuple[dict[tuple[str, str], None], set[tuple[str, str | None]]]:
    """(label, text) of his values in the landed rows, and which keys were met."""
    found: dict[tuple[str, str], None] = {}
    seen: set[tuple[str, str | None]] = set()
    for source, name, personal, batch, path in landed_files(home, subject):
        if personal is None or personal.customer not in batch.schema:
            continue
        whose = personal.source or source
        wanted = [item for item in personal.columns if item not in personal.common]
        columns = [
            personal.customer,
            *(item for item in wanted if item in batch.schema),
        ]
        for rows in pq.ParquetFile(path).iter_batches(columns=columns):
            his = rows.filter(rows_of(rows, personal, source, subject.lookup))
            if not his.num_rows:
                continue
            for key in his.column(personal.customer).unique().to_pylist():
                seen.add((whose, key_text(key)))
            for column in columns[1:]:
                for text in _texts(his.column(column)):
                    found[(f"{source}.{name}.{column}", text)] = None
    for item in subject.records:
        found[(f"{item.source}: key", item.key)] = None
    return found, seen


def _texts(column: pa.Array) -> list[str]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not is_text(column.type) and not pa.types.is_integer(column.type):
        return []
    texts = [str(value).strip() for value in column.drop_null().unique().to_pylist()]
    return [text for text in texts if text]


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of the type holds text."""
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
    )


def _released_values(home: Home, subject: Subject) -> dict[tuple[str, str], None]:
    """His values as the releases and identity/ hold them, and his ids."""
    from pipeline.identity import memory

    found: dict[tuple[str, str], None] = {
        ("customer_id", customer_id): None for customer_id in subject.ids
    }
    for item in catalogue.releases(home):
        with _opened(item.path) as connection:
            for table in [
                *tables(connection, "customers_private"),
                *tables(connection, "customers"),
            ]:
                there = _columns(connection, table)
                for column in PRIVATE:
                    if column in there:
                        rows = connection.execute(
                            f"select distinct {column} from {table} "
                            f"where list_contains(?, customer_id) and {column} is not null",
                            [list(subject.ids)],
                        ).fetchall()
                        # Initials are nobody's.
                        found |= {
                            (f"{table}.{column}", str(text).strip()): None
                            for (text,) in rows
                            if not re.fullmatch(r"(\S\.\s?)+", str(text))
                        }
    path = memory.folder(home) / "kept_forms.parquet"
    if path.exists():
        with duckdb.connect() as connection:
            for column in NORMAL:
                rows = connection.execute(
                    f"select distinct {column} from read_parquet(?) "
                    f"where {column} is not null and list_contains(?, "
                    "source || chr(31) || source_customer_id)",
                    [
                        str(path),
                        [f"{item.source}\x1f{item.key}" for item in subject.records],
                    ],
                ).fetchall()
                found |= {(f"identity.{column}", str(text)): None for (text,) in rows}
    return found


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    rows = connection.execute(f"select column_name from (describe {table})").fetchall()
    return {str(row[0]) for row in rows}


def _is_number(text: str, *, is_key: bool) -> bool:
    """Whether a text is an address or a number of somebody, wherever it stands."""
    digits = sum(character.isdigit() for character in text)
    if digits == len(text):
        return digits >= BARE_DIGITS
    least = 1 if is_key else NUMBER_DIGITS
    return digits >= least or bool(re.search(r"\S@\S+\.\S", text))


def _that_prove(
    home: Home, subject: Subject, found: Mapping[tuple[str, str], None]
) -> tuple[list[Value], list[Unsought]]:
    """Of what was found, the values that nobody else has; and why the others are none.

    Raises:
        ConfigurationError: A value stands where it cannot be taken out.
    """
    ours = {item.key: item.pseudonym for item in subject.records} | {**subject.ids}
    values: dict[bytes, Value] = {}
    unsought: list[Unsought] = []
    counts = Counter(label for label, _ in found)
    for label, text in found:
        if len(text.encode()) < LEAST_BYTES:
            where = "; looked for in columns of keys only" if text in ours else ""
            unsought.append(
                Unsought(label, f"too short to tell him from others{where}")
            )
        elif len(text) > MOST_CHARACTERS:
            unsought.append(Unsought(label, "a text rather than a value"))
        elif counts[label] > MOST_VALUES and text not in ours:
            unsought.append(Unsought(label, f"{counts[label]:,} different values"))
        else:
            is_number = text in subject.ids or _is_number(text, is_key=text in ours)
            # Of bytes, lower() is about A to Z only: the rest is looked for as it is.
            values.setdefault(
                text.encode().lower(),
                Value(label, text, ours.get(text, GONE), is_number),
            )
    longest_first = sorted(values.values(), key=lambda value: -len(value.text))
    others = _others(home, subject, longest_first)
    unsought += [
        Unsought(value.label, others[value])
        for value in longest_first
        if value in others
    ]
    return (
        [value for value in longest_first if value not in others],
        sorted(set(unsought), key=lambda item: (item.label, item.why)),
    )


def _others(home: Home, subject: Subject, values: Sequence[Value]) -> dict[Value, str]:
    """Value → where it stands as somebody else's, for those that prove nothing.

    Raises:
        ConfigurationError: A value stands in a column that tells rows apart.
    """
    counts: Counter[tuple[Value, str]] = Counter()
    for source, name, personal, _, path in landed_files(home, subject):
        theirs = {personal.customer, *personal.references} if personal else set()
        columns = theirs | ({*personal.columns} if personal else set())
        keys = {*subject.keys[source][name]} - columns
        file = pq.ParquetFile(path)
        wanted = [
            field.name
            for field in file.schema_arrow
            if field.name not in OWN_COLUMNS
            and (field.name in theirs or is_text(_value_type(field.type)))
        ]
        for rows in file.iter_batches(columns=wanted) if wanted else ():
            others = rows
            if personal is not None:
                his = rows_of(rows, personal, source, subject.lookup)
                others = rows.filter(pc.invert(his))
            for column in wanted:
                # In the key of a row that stays, his own too.
                stays = column in keys and (personal is None or personal.rows == "keep")
                looked_at = (rows if stays else others).column(column)
                for value, met in _met(looked_at, values):
                    if column in columns or not value.is_number:
                        counts[(value, f"{source}.{name}.{column}")] += met
                    elif column in keys:
                        raise ConfigurationError(
                            f"{source}.{name}.{column} tells rows apart and holds a "
                            f"value of the customer ({value.label}), so that it cannot "
                            "be taken out. Declare where the entity holds data of "
                            "customers (`personal`); nothing was changed."
                        )
    found: dict[Value, str] = {}
    for (value, place), met in counts.items():
        found.setdefault(value, f"others have it too ({place}, {met:,} times)")
    left = [value for value in values if value not in found]
    return found | _others_in_releases(home, subject, left)


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _met(column: pa.Array, values: Sequence[Value]) -> Iterator[tuple[Value, int]]:
    """Which values stand in the column, each with the number of rows."""
    if not is_text(column.type):
        column = column.cast(pa.string())
    pattern = "|".join(re.escape(value.text) for value in values)
    hits = pc.match_substring_regex(column, pattern, ignore_case=True)
    if not pattern or not pc.any(hits).as_py():
        return
    for met in column.filter(hits).value_counts().to_pylist():
        for value in values:
            if value.is_in(met["values"]):
                yield value, met["counts"]


def _others_in_releases(
    home: Home, subject: Subject, values: Sequence[Value]
) -> dict[Value, str]:
    """Values that the current release has of others, or in tables about nobody."""
    found: dict[Value, str] = {}
    current = catalogue.current(home)
    if current is None or not values:
        return found
    pattern = "|".join(re.escape(value.text) for value in values)
    with _opened(current.path) as connection:
        rows = connection.execute(
            """
            select schema_name || '.' || table_name as name,
                list(column_name) filter (data_type = 'VARCHAR') as texts,
                bool_or(column_name like '%customer_id') as is_about_customers
            from duckdb_columns() where not internal group by all
            """
        ).fetchall()
        for name, texts, is_about_customers in rows:
            private = str(name).endswith((".customers_private", ".customers"))
            if str(name).split(".")[-1] in DIAGNOSTIC or not texts:
                continue
            if is_about_customers and not private:
                continue
            for column in texts:
                given: dict[str, Any] = {"pattern": pattern}
                others = ""
                if private:
                    given["ids"] = list(subject.ids)
                    others = "and not list_contains($ids, customer_id)"
                met = connection.execute(
                    f"select distinct {sql.quoted(column)} from {name} where "
                    f"regexp_matches({sql.quoted(column)}, $pattern, 'i') {others}",
                    given,
                ).fetchall()
                for value in values:
                    if any(value.is_in(str(text)) for (text,) in met):
                        found.setdefault(value, f"others have it too ({name}.{column})")
    return found

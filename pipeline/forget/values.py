"""The values of a customer, and which of them prove that he is gone.

A value proves something when nobody else has it. The e-mail address, the telephone and
the key of a customer are searched for everywhere; a name only where no other text of the
home holds it, because a company may be called as a product is. What others have too is
not searched for, and the receipt says so. Nothing is changed here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.common import engine, sql
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.forget.personal_data import landed_files
from pipeline.forget.registry import tables
from pipeline.forget.subject import DIAGNOSTIC, GONE, Subject, Unsought, Value
from pipeline.identity import memory
from pipeline.landing.batches import OWN_COLUMNS
from pipeline.release import catalogue, duckdb_files
from pipeline.suppression.suppression_list import key_text, rows_of

# Shorter values turn up by chance, in text and in the bytes of a packed file.
LEAST_BYTES: Final = 6

# Longer ones are texts; what in them is about somebody is not the whole of them.
MOST_CHARACTERS: Final = 200

# Digits by which a value is a number of somebody rather than a word: fewer where other
# characters stand among them, because a number alone may be the number of anything.
NUMBER_DIGITS: Final = 7

BARE_DIGITS: Final = 10

# Values of one column that are searched for; more are facts rather than a person's data.
MOST_VALUES: Final = 200

# Columns of a release with values of a customer, where it keeps them.
PRIVATE: Final = ("customer_name", "email", "phone", "street", "registration_number")

NORMAL: Final = ("email_key", "phone_key", "registration_key", "name_key")


def landed_values(
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


def released_values(home: Home, subject: Subject) -> dict[tuple[str, str], None]:
    """His values as the releases and identity/ hold them, and his ids."""
    found: dict[tuple[str, str], None] = {
        ("customer_id", customer_id): None for customer_id in subject.ids
    }
    for item in catalogue.releases(home):
        with duckdb_files.open_release(item.path) as connection:
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
        with duckdb.connect(config=engine.config()) as connection:
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


def that_prove(
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
            # Of bytes, lower() is about A to Z only: the rest is searched for as it is.
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
                searched = (rows if stays else others).column(column)
                for value, met in _met(searched, values):
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
    with duckdb_files.open_release(current.path) as connection:
        rows = connection.execute(
            """
            select database_name || '.' || schema_name || '.' || table_name as name,
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

"""Reads a bounded sample of every table with the product's own readers into DuckDB."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.common import sql, yaml_file
from pipeline.common.errors import ConfigurationError, SourceUnavailable
from pipeline.common.secrets import REFERENCE
from pipeline.profiling import databases, field_labels, files, names
from pipeline.profiling.tables import Profile, Reference, Table
from pipeline.sources import Extract, StartOver, open_reader
from pipeline.sources.database.connection import parse_url

log = logging.getLogger("customer_tiers.profiling")

# So many rows of a table are measured: more change no answer, and cost minutes.
MOST_ROWS = 1_000_000
# Of a family of files, so many are read: the first, the last and some in between.
MOST_PARTS = 40
DATABASE_SUFFIXES = {".sqlite", ".sqlite3", ".db", ".duckdb"}


@contextmanager
def opened() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB for a profile, within bounded memory."""
    with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
        connection.execute("set enable_progress_bar = false")
        yield connection


def url_of(what: str, environment: Mapping[str, str]) -> str | None:
    """The URL of a database; None where a folder or a file was given.

    Args:
        what: What was given; `${NAME}` in a URL, or in its place, is of the environment.
        environment: What it may refer to.

    Raises:
        ConfigurationError: It refers to what is not set.
    """
    if "://" in what or REFERENCE.fullmatch(what):
        return yaml_file.expanded_url(what, environment, "--from")
    suffix = Path(what).suffix.lower()
    if suffix in DATABASE_SUFFIXES and Path(what).is_file():
        kind = "duckdb" if suffix == ".duckdb" else "sqlite"
        return f"{kind}:///{Path(what).resolve()}"
    return None


def displayed(what: str) -> str:
    """What was given, without a secret."""
    return databases.without_password(what, "PASSWORD") if "://" in what else what


def source_name(what: str, environment: Mapping[str, str]) -> str:
    """What the source is called where nobody says it: as its folder, file or database."""
    url = url_of(what, environment)
    if url is not None and "://" in url:
        database = str(parse_url(url, "--from").database or "database")
        return names.identifier(Path(database).name.split(".")[0])
    path = Path(what).resolve()
    return names.identifier(path.name.split(".")[0] or "data")


def take(
    connection: duckdb.DuckDBPyConnection, what: str, environment: Mapping[str, str]
) -> Profile:
    """Reads a sample of every table of a folder, a file or a database.

    Raises:
        ConfigurationError: There is nothing, or nothing that can be read.
        SourceUnavailable: The database cannot be reached.
    """
    url = url_of(what, environment)
    profile = (
        _of_database(connection, url, what) if url else _of_files(connection, what)
    )
    if not profile.tables:
        why = "".join(f"\n  {line}" for line in profile.unread)
        raise ConfigurationError(f"{what} holds no table with rows.{why}")
    return profile


def _of_files(connection: duckdb.DuckDBPyConnection, what: str) -> Profile:
    folder, found, unread = files.find(Path(what))
    profile = Profile(what, unread=unread, labels=list(_labels(Path(what))))
    for item in found:
        name = names.identifier(item.name, profile.tables)
        table = Table(
            name=name,
            title=item.title,
            relation=f"sample_{len(profile.tables)}",
            source=files.source_of(folder, item.entity),
            entity=item.entity,
            parts=item.parts,
            encodings=item.encodings,
            scale=item.scale,
        )
        _read(connection, table, profile)
    return profile


def _labels(what: Path) -> Iterator[field_labels.Labels]:
    """The metadata in a folder, or beside a file."""
    beside = what.parent.glob("*.json") if what.is_file() else what.rglob("*.json")
    for path in sorted(beside):
        if path.is_file() and (found := field_labels.read(path)) is not None:
            yield found


def _of_database(connection: duckdb.DuckDBPyConnection, url: str, what: str) -> Profile:
    is_file = "://" not in what and not REFERENCE.fullmatch(what)
    written = url if is_file else _from_anywhere(what)
    profile = Profile(databases.without_password(written, "PASSWORD"), url=written)
    found = databases.find(url)
    own = {item.title.removeprefix("table ").rpartition(".")[2]: item for item in found}
    for item in found:
        table = Table(
            name=item.name,
            title=item.title,
            relation=f"sample_{len(profile.tables)}",
            source=databases.source_of(url, item.entity),
            entity=item.entity.model_copy(update={"name": item.name}),
            keys=[item.key] if item.key else [],
            parts=[item.title],
        )
        _read(connection, table, profile)
        for column, referred, to_column in item.references:
            if referred in own:
                profile.references.append(
                    Reference(
                        item.name, column, own[referred].name, to_column, 1.0, True
                    )
                )
    there = set(profile.tables)
    profile.references = [
        item for item in profile.references if {item.table, item.to_table} <= there
    ]
    return profile


def _from_anywhere(url: str) -> str:
    """The URL of a file with its whole path: a project lies in a folder of its own."""
    found = re.fullmatch(r"((?:sqlite|duckdb)[^:]*:///)([^/$:][^?]*)(\?.*)?", url)
    if found is None:
        return url
    return f"{found[1]}{Path(found[2]).resolve()}{found[3] or ''}"


def _read(
    connection: duckdb.DuckDBPyConnection, table: Table, profile: Profile
) -> None:
    """Puts a sample of the table into DuckDB; what cannot be read is noted."""
    try:
        _fill(connection, table)
    except SourceUnavailable as error:
        profile.unread.append(files.reason(error))
        return
    if table.rows == 0:
        profile.unread.append(f"{table.title} has no rows.")
        return
    profile.tables[table.name] = table


def _fill(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    connection.execute(f"drop table if exists {sql.quoted(table.relation)}")
    is_database = table.source.kind == "database"
    with open_reader(table.source) as reader:
        extracts = list(
            reader.extracts(table.entity, limit=MOST_ROWS + 1 if is_database else None)
        )
        chosen = _chosen(extracts)
        table.is_whole = len(chosen) == len(extracts)
        share = max(1, MOST_ROWS // len(chosen))
        for extract in chosen:
            rows, is_whole = _append(connection, table, extract, share)
            table.rows += rows
            table.is_whole &= is_whole
            table.unread += len(extract.rejected)


def _chosen(extracts: Sequence[Extract]) -> list[Extract]:
    """The first, the last, and some in between."""
    if len(extracts) <= MOST_PARTS:
        return list(extracts)
    last = len(extracts) - 1
    places = {round(at * last / (MOST_PARTS - 1)) for at in range(MOST_PARTS)}
    return [extracts[at] for at in sorted(places)]


def _append(
    connection: duckdb.DuckDBPyConnection, table: Table, extract: Extract, most: int
) -> tuple[int, bool]:
    """Adds the first rows of an extract; says how many, and whether those are all."""
    for _ in range(2):
        batches: list[pa.RecordBatch] = []
        rows = 0
        is_whole = True
        stream = extract.batches()
        try:
            for batch in stream:
                batches.append(batch.slice(0, most - rows))
                rows += batches[-1].num_rows
                if rows >= most:
                    is_whole = rows == most and batch.num_rows == batches[-1].num_rows
                    is_whole = is_whole and next(iter(stream), None) is None
                    break
            break
        except StartOver:
            continue
    if not batches:
        return 0, True
    found = pa.Table.from_batches(batches)
    numbered = found.append_column("_row", pa.array(range(found.num_rows), pa.int64()))
    numbered = numbered.append_column(
        "_part", pa.array([extract.origin] * found.num_rows, pa.string())
    )
    connection.register("_batch", numbered)
    relation = sql.quoted(table.relation)
    there = connection.execute(
        "select count(*) from duckdb_tables() where table_name = ?", [table.relation]
    ).fetchone()
    if there == (0,):
        connection.execute(f"create table {relation} as from _batch")
    else:
        connection.execute(f"insert into {relation} by name from _batch")
    connection.unregister("_batch")
    return found.num_rows, is_whole

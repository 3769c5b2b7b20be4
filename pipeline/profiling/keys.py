"""Keys of a table, and references between tables: found in the values of the samples.

Single columns, pairs, and triples of what looks like identifiers. A reference is a column
whose values are those of another table's key; small whole numbers are values of anything,
so that for them the names must agree as well.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import duckdb

from pipeline.common import sql
from pipeline.profiling import names
from pipeline.profiling.columns import identity
from pipeline.profiling.tables import Column, Profile, Reference, Table

# Pairs are looked for among so many columns, those first that have most values.
MOST_COLUMNS = 10
MOST_IN_TRIPLES = 6
# Of the values of a column that refers to a table, so many are in it at the least: a
# record may be gone.
LEAST_CONTAINMENT = 0.9
# Whole numbers up to this are found in the key of any table by chance.
SMALL = 1_000_000

_ID_WORDS = {
    "id", "key", "no", "number", "nr", "code", "num", "guid", "uuid", "ref", "pk",
}  # fmt: skip
_IN_TABLES = {"dim", "fact", "table", "list", "data", "dataset", "tbl"}
_CHINESE_IDS = ("编号", "编码", "代码", "单号", "号码", "号")


def is_named_as_an_id(name: str) -> bool:
    """Whether the name says that it identifies something."""
    if names.is_chinese(name):
        return name.strip().endswith(_CHINESE_IDS) or "ID" in name.upper()
    found = names.words(name)
    return bool(found) and (found[-1] in _ID_WORDS or found[0] in _ID_WORDS)


def find_keys(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Fills the table's keys, unless the database declares one."""
    if table.keys:
        return
    usable = [
        column
        for column in table.columns.values()
        if column.nulls == 0
        and not column.parts
        and column.distinct > 1
        and column.kind != "boolean"
        and (column.is_whole or column.kind in {"date", "timestamp"})
    ]
    single = [column for column in usable if column.is_unique and column.is_whole]
    # What names itself an identifier comes first, then what stands first.
    single.sort(key=lambda column: not is_named_as_an_id(column.name))
    if single:
        table.keys = [[column.name] for column in single]
        return
    table.keys = list(_combinations(connection, table, usable))[:3]


def _combinations(
    connection: duckdb.DuckDBPyConnection, table: Table, usable: Sequence[Column]
) -> Iterator[list[str]]:
    ranked = sorted(
        usable,
        key=lambda column: (not is_named_as_an_id(column.name), -column.distinct),
    )[:MOST_COLUMNS]
    for pair in itertools.combinations(ranked, 2):
        if _is_distinct(connection, table, pair):
            yield [column.name for column in pair]
            return
    for triple in itertools.combinations(ranked[:MOST_IN_TRIPLES], 3):
        if _is_distinct(connection, table, triple):
            yield [column.name for column in triple]
            return


def _is_distinct(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[Column]
) -> bool:
    possible = max(1, len(table.parts))
    for column in columns:
        possible *= column.distinct
    if possible < table.rows:
        return False
    listed = sql.columns(column.name for column in columns)
    row = connection.execute(
        f"select count(distinct (_part, {listed})) from {sql.quoted(table.relation)}"
    ).fetchone()
    return row == (table.rows,)


def find_references(connection: duckdb.DuckDBPyConnection, profile: Profile) -> None:
    """Adds the references that the values show to those that are declared."""
    known = {(item.table, item.column) for item in profile.references}
    parents = [
        (table, table.columns[key[0]])
        for table in profile.tables.values()
        for key in table.keys
        if len(key) == 1 and key[0] in table.columns
    ]
    for table in profile.tables.values():
        for column in table.columns.values():
            if (table.name, column.name) in known or not _may_refer(column):
                continue
            found = [
                reference
                for parent, key in parents
                if parent.name != table.name
                and (reference := _reference(connection, table, column, parent, key))
            ]
            profile.references += sorted(
                found,
                key=lambda item: (
                    -affinity(item.column, item.to_table, item.to_column),
                    -item.containment,
                ),
            )


def _may_refer(column: Column) -> bool:
    return (
        column.known > 0
        and column.is_whole
        and column.share("length") <= 128
        and (column.distinct > 1 or is_named_as_an_id(column.name))
    )


def affinity(column: str, table: str, key: str) -> float:
    """How much the names say that a column refers to a table's key: 0 to 1.

    1 where both columns are called the same, 0.8 where the column's name holds a word of
    the table's, and more of the key's.
    """
    if column.lower() == key.lower():
        # A name such as `id` or 编号 says nothing of whose; 客户编号 does.
        says_nothing = key.strip() in _CHINESE_IDS or _ID_WORDS.issuperset(
            names.words(key)
        )
        return 0.1 if says_nothing else 1.0
    own, other = set(_stems(column)) - _ID_WORDS, set(_stems(table)) - _IN_TABLES
    keys = set(_stems(key)) - _ID_WORDS
    if keys and keys == own:
        return 0.9
    if other and other <= own:
        return 0.8
    if keys and keys <= own:
        return 0.7
    if any(
        word and (word in key or key in word) for word in own if names.is_chinese(word)
    ):
        return 0.8
    return 0.0


def _stems(name: str) -> list[str]:
    """The words, plurals as their singular."""
    return [
        word[:-3] + "y"
        if word.endswith("ies")
        else word[:-1]
        if word.endswith("s") and len(word) > 3
        else word
        for word in names.words(name)
    ]


def _reference(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    column: Column,
    parent: Table,
    key: Column,
) -> Reference | None:
    close = affinity(column.name, parent.name, key.name)
    is_named = is_named_as_an_id(column.name)
    if close < 0.5 and (_is_small(column) or not is_named or column.is_unique):
        return None
    if close < 0.9 and _is_small(column) and not is_named:
        return None
    # What tells the rows of a table apart refers to another only under the same name.
    if close < 1 and [column.name] in [list(key) for key in table.keys]:
        return None
    if _are_apart(column, key):
        return None
    row = connection.execute(
        f"""
        with child as (
            select distinct {identity(column)} as v from {sql.quoted(table.relation)}
            where {identity(column)} is not null
        ),
        parent as (
            select distinct {identity(key)} as v from {sql.quoted(parent.relation)}
        )
        select count(*), count(parent.v) from child left join parent using (v)
        """
    ).fetchone()
    if row is None or row[0] == 0:
        return None
    containment = row[1] / row[0]
    # Of a parent that was read in part, the rest may hold the others.
    least = LEAST_CONTAINMENT if parent.is_whole else LEAST_CONTAINMENT / 3
    if close >= 0.9:
        least = min(least, 0.5)
    if containment < least:
        return None
    return Reference(table.name, column.name, parent.name, key.name, containment)


def _are_apart(column: Column, key: Column) -> bool:
    """Whether their ranges show that no value of one is in the other."""
    if column.kind != key.kind or column.low is None or key.low is None:
        return False
    return bool(column.high < key.low or key.high < column.low)


def _is_small(column: Column) -> bool:
    if column.kind == "integer":
        return column.high is not None and int(column.high) <= SMALL
    return column.kind == "decimal" or column.share("length") < 3

"""Objects in the cells of a table, as JSON gives them: their members as columns.

`customer` with `{"id": 7, "name": "Firm"}` has `customer.id` and `customer.name` beside it;
an object within an object, and a list, stay what they are, and name nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb

from pipeline.common import sql
from pipeline.profiling.tables import Column, Table

# An object with more members than these is a table of its own.
MOST_MEMBERS = 40


def open_up(
    connection: duckdb.DuckDBPyConnection, table: Table
) -> Iterator[tuple[str, str, str]]:
    """Adds the members of objects to the sample, and marks what holds objects or lists.

    Returns:
        Of each member that is plain in every row: the column, the name that its own
        column has in the sample, and SQL of its value over what is landed.
    """
    relation = sql.quoted(table.relation)
    for column in list(table.columns.values()):
        if column.landed != "VARCHAR" or not _is_nested(column):
            continue
        column.is_nested = True
        cell = sql.quoted(column.name)
        found = connection.execute(
            f"select distinct unnest(json_keys({cell})) from {relation} "
            f"where json_valid({cell}) and json_type({cell}) = 'OBJECT' order by 1"
        ).fetchall()
        if len(found) > MOST_MEMBERS:
            continue
        for (member,) in found:
            # A quoted name in the path would be taken for a column's.
            if not re.fullmatch(r"\w+", member):
                continue
            path = sql.literal(f"$.{member}")
            name = f"{column.name}.{member}"
            text = f"json_extract_string({cell}, {path})"
            value = f"case when json_valid({cell}) then {text} end"
            row = connection.execute(
                f"select count(*) from {relation} where json_valid({cell}) "
                f"and json_type({cell}, {path}) in ('OBJECT', 'ARRAY')"
            ).fetchone()
            if row == (0,) and name not in table.columns:
                own = sql.quoted(name)
                connection.execute(f"alter table {relation} add column {own} varchar")
                connection.execute(f"update {relation} set {own} = {value}")
                yield column.name, name, value


def _is_nested(column: Column) -> bool:
    """Whether all that is seen of a column are objects or lists."""
    seen = [text.strip() for text in column.examples]
    return bool(seen) and all(
        text.startswith(("{", "[")) and text.endswith(("}", "]")) for text in seen
    )

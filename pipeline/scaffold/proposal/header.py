"""Tables that hold an order's header and its lines: which columns are the header's."""

from __future__ import annotations

import duckdb

from pipeline.common import sql
from pipeline.scaffold.proposal.recognition import Recognised


def of_the_header(connection: duckdb.DuckDBPyConnection, item: Recognised) -> set[str]:
    """The columns that an order has in one of its rows only, though they are of all.

    So it is where most orders of several rows have rows with and without a value, and
    never two values.
    """
    order = item.column("order_id")
    if order is None or order.is_unique:
        return set()
    found = set(item.preset.fill) if item.preset else set()
    for column in item.table.columns.values():
        if not column.nulls or not column.known or column.name == order.name:
            continue
        row = connection.execute(
            f"""
            select
                count(*) filter (where known > 0),
                count(*) filter (where known between 1 and times - 1),
                max(different)
            from (
                select
                    count(*) as times, count({column.reading}) as known,
                    count(distinct {column.reading}) as different
                from {sql.quoted(item.table.relation)}
                where {order.reading} is not null
                group by {order.reading}
                having count(*) > 1
            )
            """
        ).fetchone()
        if row is not None and row[0] and row[1] >= 0.8 * row[0] and row[2] == 1:
            found.add(column.name)
    return found

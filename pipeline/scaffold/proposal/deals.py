"""How deals ended: by the words of their stage, and what those that were won are worth.

Not here: what else a deal is (`service`), and whether it stands for a sale (`sales`).
"""

from __future__ import annotations

import re

import duckdb

from pipeline.common import sql
from pipeline.profiling.tables import Column
from pipeline.scaffold.proposal import values
from pipeline.scaffold.proposal.mapping import Draft, Mapping, of
from pipeline.scaffold.proposal.recognition import Recognised

# What may or will be won is not; so are 待成交 and 预计成交.
_WON = re.compile(
    r"(?<!to be )won(?!d)|gewonnen|gagn[ée]|ganad|vinta|受注(?!見込|予定)|赢单?"
    r"|(?<![未待将计没不])(?:成交|已签|成功)"
)
_LOST = re.compile(
    r"lost|dead|unqualified|verloren|perdu|perdid|失注|输|流失|失败|无效|丢单|未成交"
)
# A lead that became a deal is over, and nothing was sold by that.
_CONVERTED = re.compile(r"converted|已转换|已转化")


def outcome(item: Recognised) -> Column | None:
    """The column that says how a deal ended.

    Where one column says how far a deal is and another how it ended, that one counts.
    """
    return item.column("outcome") or item.column("stage")


def over(column: Column) -> list[str]:
    """Its words for deals that have ended."""
    patterns = (_WON, _LOST, _CONVERTED)
    return [
        word
        for word in column.words
        if any(pattern.search(column.said(word)) for pattern in patterns)
    ]


def won(column: Column | None) -> list[str]:
    """Its words for deals that were won; none where no column says how they ended."""
    if column is None:
        return []
    return [
        word
        for word in column.words
        if _WON.search(column.said(word)) and not _LOST.search(column.said(word))
    ]


def take_won(draft: Draft, mapping: Mapping) -> None:
    """Takes the deals alone that were won on a known day."""
    item = mapping.recognised
    column = outcome(item)
    assert column is not None  # without it no deal stands for a sale
    listed = ", ".join(map(sql.literal, won(column)))
    mapping.take_where(f"{of(item.table, values.text(column))} in ({listed})")
    closed = item.column("ordered_at")
    if closed is not None and closed.nulls:
        day = of(item.table, values.typed(draft, item.table, closed))
        mapping.take_where(f"{day} is not null")


def last_won(
    connection: duckdb.DuckDBPyConnection, item: Recognised, column: Column
) -> object:
    """The greatest value of a column among the deals that were won."""
    ended = outcome(item)
    assert ended is not None
    listed = ", ".join(map(sql.literal, won(ended)))
    row = connection.execute(
        f"select max({column.reading}) from {sql.quoted(item.table.relation)} "
        f"where {ended.reading} in ({listed})"
    ).fetchone()
    return row[0] if row else None

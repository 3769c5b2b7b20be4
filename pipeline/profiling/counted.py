"""Days and times that stand in numbers: seconds since 1970, Excel's days, months in digits.

And days in several columns, such as year and month. Numbers are taken for a moment only
where the column's name says one, because 202403 may as well be an order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb

from pipeline.common import sql
from pipeline.profiling import names
from pipeline.profiling.tables import MOMENTS, NUMBERS, Column, Kind, Table

_MOMENTS = {
    "date", "day", "time", "datetime", "timestamp", "ts", "dt", "at", "on", "created",
    "updated", "modified", "month", "period", "yearmonth", "ym", "yyyymm", "datum",
    "monat", "periode", "fecha", "mes", "periodo", "mois", "période",
}  # fmt: skip
# Also where words are written together.
_ENDS = ("date", "time", "timestamp", "month", "period")
_CHINESE = re.compile(r"日期|时间|月份|期间|年月|账期|日$|月$")

# From 1990 to 2100, in seconds since 1970; and from 1968 to 2064 in Excel's days.
_SECONDS = (631_152_000, 4_102_444_800)
_EXCEL_DAYS = (25_000, 60_000)
# Seconds, milliseconds and microseconds: how many make a second.
_UNITS = (1, 1_000, 1_000_000)
# What may be a day of Excel's: a column of times may hold the seconds of a day.
_DAYS = re.compile(r"(?i)date|day|datum|fecha|\bdt\b|日")

# The columns of a day in parts, by what they are called.
_PARTS = {
    "year": {"year", "jahr", "año", "année", "annee", "年", "年份", "年度"},
    "month": {
        "month", "monat", "mes", "mois", "月", "月份", "month name", "month number",
    },
    "day": {"day", "tag", "día", "dia", "jour", "日", "day of month"},
}  # fmt: skip


def apply(connection: duckdb.DuckDBPyConnection, table: Table, column: Column) -> bool:
    """Reads a column of numbers as days or times, where they can be nothing else.

    Returns:
        Whether it is one; its values then have to be counted anew.
    """
    if (
        column.kind not in NUMBERS
        or not column.known
        or not _names_a_moment(column.name)
    ):
        return False
    for kind, span, reading in _ways(column):
        row = connection.execute(
            f"select count({reading}) from {sql.quoted(table.relation)}"
        ).fetchone()
        if row == (column.known,):
            column.kind, column.span, column.reading = kind, span, reading
            column.has_zone = kind == "timestamp"
            column.declared = None
            column.shares = {}
            return True
    return False


def _names_a_moment(name: str) -> bool:
    if names.is_chinese(name):
        return _CHINESE.search(name) is not None
    words = names.words(name)
    return bool(_MOMENTS & {*words}) or any(word.endswith(_ENDS) for word in words)


def _ways(column: Column) -> Iterator[tuple[Kind, int, str]]:
    """Kind, months that a day stands for, and SQL, of what the range of values allows."""
    low, high = float(column.low), float(column.high)
    value = column.reading
    is_whole = column.kind == "integer" or column.share("fraction") == 0
    if is_whole and 190_001 <= low <= high <= 210_012:
        digits = f"cast(cast({value} as bigint) as varchar)"
        parsed = f"cast(try_strptime({digits}, '%Y%m') as date)"
        yield "date", 1, f"case when length({digits}) = 6 then {parsed} end"
    may_be_days = is_whole and _DAYS.search(column.name)
    if may_be_days and _EXCEL_DAYS[0] <= low <= high <= _EXCEL_DAYS[1]:
        yield "date", 0, f"date '1899-12-30' + cast({value} as integer)"
    for unit in _UNITS:
        if is_whole and _SECONDS[0] * unit <= low <= high <= _SECONDS[1] * unit:
            moment = f"make_timestamp(cast({value} as bigint) * {1_000_000 // unit})"
            # Staging says of a text itself that it is a time of the world.
            if column.landed != "VARCHAR":
                moment = f"({moment} at time zone 'UTC')"
            yield "timestamp", 0, moment


def join(connection: duckdb.DuckDBPyConnection, table: Table) -> Column | None:
    """The day that stands in columns of its year, month and day; a month without a day.

    Only where no other column holds a moment.

    Returns:
        A column of the sample that is not landed, to be counted; None without one.
    """
    if table.wide or any(column.kind in MOMENTS for column in table.columns.values()):
        return None
    found = {
        part: column
        for part, called in _PARTS.items()
        for column in table.columns.values()
        if " ".join(names.words(column.name)) in called
    }
    year, month, day = (found.get(part) for part in _PARTS)
    if year is None or month is None or year.kind != "integer":
        return None
    first = day.reading if day is not None and day.kind == "integer" else "1"
    for form in ("%Y-%m-%d",) if month.kind == "integer" else ("%Y-%B-%d", "%Y-%b-%d"):
        text = f"concat_ws('-', {year.reading}, {month.reading}, {first})"
        reading = f"cast(try_strptime({text}, '{form}') as date)"
        row = connection.execute(
            f"select count({reading}) from {sql.quoted(table.relation)}"
        ).fetchone()
        if row == (table.rows,):
            parts = [one.name for one in (year, month, day) if one is not None]
            name = " ".join(parts)
            relation = sql.quoted(table.relation)
            connection.execute(
                f"alter table {relation} add column {sql.quoted(name)} date"
            )
            connection.execute(f"update {relation} set {sql.quoted(name)} = {reading}")
            return Column(
                name,
                "DATE",
                kind="date",
                reading=reading,
                rows=table.rows,
                span=0 if first != "1" else 1,
                parts=parts,
                standard="Date",
            )
    return None

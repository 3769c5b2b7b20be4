"""Files as CRMs import them, each account by the system's own id.

Zoho CRM: CSV, `Record Id` and the API names of the fields. 纷享销客: a workbook, 唯一性ID
and Chinese heads. Which column goes into which field, a person says when it is imported.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pipeline.common import spreadsheets
from pipeline.serving.crm.accounts import Account, Target
from pipeline.serving.excel.workbook import MOST_ROWS
from pipeline.sources.writeback import System, Value

SUFFIXES: Final[Mapping[System, str]] = {"zoho": ".csv", "fxiaoke": ".xlsx"}
_ID: Final[Mapping[System, str]] = {"zoho": "Record Id", "fxiaoke": "唯一性ID"}
_ZH: Final[Mapping[Value, str]] = {
    "tier": "客户分级",
    "score": "客户得分",
    "verdict": "客户结论",
    "recommendation": "建议",
    "at_stake": "涉及金额",
    "next_action": "下一步行动",
    "next_action_due": "下一步行动日期",
}


def heads(target: Target, values: Sequence[Value]) -> list[str]:
    """The columns of a file."""
    if target.system == "zoho":
        return [_ID["zoho"], *(target.fields[value] for value in values)]
    return [_ID["fxiaoke"], *(_ZH[value] for value in values)]


def write(
    path: Path, target: Target, values: Sequence[Value], accounts: Iterable[Account]
) -> None:
    """Writes a file for the target's import, there whole or not at all."""
    rows = (
        [account.id, *(account.values[value] for value in values)]
        for account in accounts
    )
    if target.system == "zoho":
        spreadsheets.write(path, heads(target, values), rows)
    else:
        _workbook(path, heads(target, values), rows)


def room(system: System) -> int | None:
    """The most accounts of one file."""
    return MOST_ROWS - 1 if system == "fxiaoke" else None


def _workbook(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """One sheet, its first line the heads, as an import wants it: nothing else on it."""
    import xlsxwriter

    partial = path.with_name(f".{path.name}.partial")
    try:
        with xlsxwriter.Workbook(
            str(partial),
            {"constant_memory": True, "tmpdir": str(path.parent)},
        ) as book:
            text = book.add_format({"num_format": "@"})
            date = book.add_format({"num_format": "yyyy-mm-dd"})
            sheet = book.add_worksheet("客户")
            sheet.set_column(0, len(columns) - 1, 22)
            for row, cells in enumerate(_all(columns, rows)):
                for column, value in enumerate(cells):
                    if isinstance(value, str):
                        sheet.write_string(row, column, value, text)
                    elif isinstance(value, Decimal):
                        sheet.write_number(row, column, float(value))
                    elif isinstance(value, dt.date):
                        sheet.write_datetime(row, column, value, date)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _all(
    columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterable[Sequence[Any]]:
    yield columns
    yield from rows

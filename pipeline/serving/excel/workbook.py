"""A workbook that is written row by row: formats, heads, tables, and what is text.

Every text is written as text: XlsxWriter would make a formula of what begins with `=`
and a link of what looks like one. Rows go to the disk as they come, so that a million
customers take no memory. Not here: what stands in the sheets.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from pipeline.serving.excel.columns import Column, Kind, Lang

# A sheet has no more, the head included.
MOST_ROWS: Final = 1_048_576
# Nor a cell more characters.
MOST_CHARACTERS: Final = 32_767

_FORMATS: Mapping[Kind, str] = {
    "text": "@",
    "date": "yyyy-mm-dd",
    "money": "#,##0;[Red]-#,##0",
    "count": "#,##0",
    "share": "0.0%",
    "score": "0.0",
    "number": "#,##0.00",
}
_ALIGNED: Mapping[Kind, Mapping[str, Any]] = {
    kind: {"align": "left", "indent": 1}
    if kind in ("text", "date")
    else {"align": "right"}
    for kind in _FORMATS
}
# The fonts of both languages are on every machine that has Excel.
_FONTS: Mapping[Lang, str] = {"en": "Calibri", "zh": "Microsoft YaHei"}
INK: Final = "#1F3A5F"
# Told apart by people who do not see colours, too: they differ in lightness.
COLOURS: Final = ("#1F3A5F", "#3E7CB1", "#8FB8DE", "#C9CED6", "#E3A857", "#7A5C3E")


class Book:
    """A workbook in one language."""

    def __init__(self, path: Path, lang: Lang, title: str, folder: Path) -> None:
        """Opens it.

        Args:
            path: Where it is written; the file is there once `close` has ended.
            lang: The language of heads and formats.
            title: Of its properties.
            folder: For rows that wait to be put together.
        """
        self.lang = lang
        self.book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "tmpdir": str(folder),
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "default_date_format": _FORMATS["date"],
            },
        )
        self.book.set_properties({"title": title, "company": "", "author": ""})
        font = {"font_name": _FONTS[lang], "font_size": 10, "valign": "top"}
        self._formats = {
            kind: self.book.add_format({**font, **_ALIGNED[kind], "num_format": number})
            for kind, number in _FORMATS.items()
        }
        head = {
            **font,
            "bold": True,
            "font_color": "#FFFFFF",
            "bg_color": INK,
            "text_wrap": True,
            "valign": "vcenter",
        }
        self._heads = {
            kind: self.book.add_format({**head, **_ALIGNED[kind]}) for kind in _FORMATS
        }
        self.title_format = self.book.add_format(
            {**font, "bold": True, "font_size": 16, "font_color": INK}
        )
        self.heading_format = self.book.add_format(
            {**font, "bold": True, "font_size": 12, "font_color": INK}
        )
        self.note_format = self.book.add_format(
            {**font, "italic": True, "font_color": "#5F6B7A"}
        )

    def sheet(self, name: str) -> Any:
        """A new sheet, printed in landscape on A4, as wide as a page."""
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        sheet.set_footer("&L&F&C&A&R&P / &N")
        return sheet

    def cell(self, sheet: Any, row: int, column: int, value: Any, kind: Kind) -> None:
        """Writes a value; nothing where it is not known, which is not nought."""
        form = self._formats[kind]
        if value is None:
            return
        if isinstance(value, str):
            if len(value) > MOST_CHARACTERS:
                value = value[: MOST_CHARACTERS - 1] + "…"
            sheet.write_string(row, column, value, form)
        elif isinstance(value, bool):
            sheet.write_boolean(row, column, value, form)
        elif isinstance(value, (int, float, Decimal)):
            number = float(value)
            if math.isfinite(number):
                sheet.write_number(row, column, number, form)
        elif isinstance(value, dt.date):
            sheet.write_datetime(row, column, value, self._formats["date"])
        else:
            sheet.write_string(row, column, str(value), form)

    def heads(self, sheet: Any, row: int, heads: Iterable[tuple[str, Kind]]) -> None:
        """Writes the heads of a table, each as its values are aligned."""
        for column, (text, kind) in enumerate(heads):
            sheet.write_string(row, column, text, self._heads[kind])

    def table(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Any]],
        currency: str,
        frozen: int,
    ) -> int:
        """Writes a sheet that is one table, with a head that stays and a filter.

        Returns:
            How many rows there was room for.
        """
        sheet = self.sheet(name)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
        sheet.set_row(0, 45)
        heads = [(column.head(self.lang, currency), column.kind) for column in columns]
        self.heads(sheet, 0, heads)
        sheet.freeze_panes(1, frozen)
        sheet.repeat_rows(0)
        written = 0
        for values in rows:
            if written == MOST_ROWS - 1:
                break
            written += 1
            for place, (value, column) in enumerate(zip(values, columns, strict=True)):
                self.cell(sheet, written, place, value, column.kind)
        sheet.autofilter(0, 0, written, len(columns) - 1)
        return written

    def close(self) -> None:
        """Puts the file together."""
        self.book.close()

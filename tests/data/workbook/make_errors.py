"""Makes `errors.xls` and `locked.xlsx` anew, with xlwt and msoffcrypto-tool.

python tests/data/workbook/make_errors.py
"""

from __future__ import annotations

import io
from pathlib import Path

import msoffcrypto
import openpyxl
import xlwt

HERE = Path(__file__).parent

book = xlwt.Workbook()
hidden = book.add_sheet("_lookup")
hidden.visibility = 1
hidden.write(0, 0, "id")
hidden.write(1, 0, "hidden")
items = book.add_sheet("Items")
for column, name in enumerate(["id", "amount", "note"]):
    items.write(0, column, name)
# The codes of #N/A, #DIV/0! and #REF!.
for row, code in enumerate([None, 0x2A, 0x07, 0x17], 1):
    items.write(row, 0, f"A{row}")
    if code is None:
        items.write(row, 1, 10.5)
    else:
        items.row(row).set_cell_error(1, code)
    items.write(row, 2, "x")
items.write(5, 0, "A5")
items.write(5, 2, "y")
items.write_merge(6, 7, 2, 2, "merged")
for row in (6, 7):
    items.write(row, 0, f"A{row}")
    items.write(row, 1, row)
book.save(str(HERE / "errors.xls"))

workbook = openpyxl.Workbook()
workbook.active.append(["id"])
workbook.active.append([1])
plain = io.BytesIO()
workbook.save(plain)
plain.seek(0)
with (HERE / "locked.xlsx").open("wb") as locked:
    msoffcrypto.OfficeFile(plain).encrypt("hunter2", locked)

"""Makes `customers.xls` anew, with openpyxl and LibreOffice; see README.md.

python tests/data/workbook/make.py
"""

from __future__ import annotations

import datetime as dt
import shlex
import subprocess
import tempfile
from pathlib import Path

import openpyxl

HERE = Path(__file__).parent
HEADER = [
    "客户编号",
    "公司名称",
    "成立日期",
    "更新时间",
    "注册资本",
    "员工数",
    "重点",
    "备注",
]
DAY = dt.date(2004, 2, 29)
MOMENT = dt.datetime(2014, 1, 31, 23, 59, 58)
ROWS = [
    ["310101199001011234", "上海汽车", DAY, MOMENT, 1234.56, 1200, True, "A-1"],
    ["007", "Zürich AG", dt.date(2014, 12, 9), MOMENT, 0.1, 16777217, False, 8],
    [120000000000000000, "北京", DAY, MOMENT, 1, 1, True, None],
    [None] * 8,
    ["009", "李 & 王", None, None, "=E3*2", None, None, None],
    ["010", "一行\n两行", DAY, MOMENT, -5, 0, True, 120000000000000000],
]

with tempfile.TemporaryDirectory() as folder:
    book = openpyxl.Workbook()
    book.active.title = "说明"
    book.active.append(["以下各表的说明"])
    sheet = book.create_sheet("客户")
    sheet.append(["客户名录 2014"])
    sheet.merge_cells("A1:H1")
    for row in [HEADER, *ROWS]:
        sheet.append(row)
    sheet["E4"].number_format = "0.00%"
    book.save(Path(folder) / "customers.xlsx")
    command = 'soffice --headless --convert-to "xls:MS Excel 97" --outdir'
    subprocess.run(
        [*shlex.split(command), HERE, Path(folder) / "customers.xlsx"], check=True
    )

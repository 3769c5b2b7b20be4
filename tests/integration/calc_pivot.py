"""A pivot table of LibreOffice Calc on a PostgreSQL copy; run by LibreOffice's own Python.

    python3 calc_pivot.py PIPE FOLDER

What is to be done comes as JSON, a line each, on standard input, and what became of it
goes to standard output:

    {"do": "connect", "uri": "host=... dbname=...", "user": ..., "password": ...}
    {"do": "query", "sql": ...}
    {"do": "pivot", "table": "marts.x", "row": ..., "column": ..., "data": ...}
    {"do": "refresh"}       as the menu Data, Pivot Table, Refresh
    {"do": "save", "file": ...}

It uses no code of ours, as an analyst has none. The office listens on the pipe.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import uno  # type: ignore[import-not-found]
from com.sun.star.beans import PropertyValue  # type: ignore[import-not-found]
from com.sun.star.connection import (  # type: ignore[import-not-found]
    NoConnectException,
)
from com.sun.star.sheet.DataImportMode import TABLE  # type: ignore[import-not-found]
from com.sun.star.sheet.DataPilotFieldOrientation import (  # type: ignore[import-not-found]
    COLUMN,
    DATA,
    ROW,
)
from com.sun.star.sheet.GeneralFunction import SUM  # type: ignore[import-not-found]
from com.sun.star.table import CellAddress  # type: ignore[import-not-found]
from com.sun.star.uno import Exception as OfficeError  # type: ignore[import-not-found]

SOURCE = "customers"
PIVOT = "pivot"


def properties(**values: Any) -> tuple[Any, ...]:
    """Named values as the office wants them."""
    return tuple(PropertyValue(name, 0, value, 0) for name, value in values.items())


def office(pipe: str) -> Any:
    """The context of the office that listens on the pipe."""
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext(
        "com.sun.star.bridge.UnoUrlResolver", local
    )
    for _ in range(300):
        try:
            return resolver.resolve(
                f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext"
            )
        except NoConnectException:
            time.sleep(0.2)
    raise SystemExit("the office does not answer")


class Workbook:
    """A spreadsheet with one pivot table on a registered database."""

    def __init__(self, context: Any, folder: Path) -> None:
        self._make = context.ServiceManager.createInstanceWithContext
        self._context, self._folder = context, folder
        desktop = self._make("com.sun.star.frame.Desktop", context)
        self._document = desktop.loadComponentFromURL(
            "private:factory/scalc", "_blank", 0, properties(Hidden=True)
        )
        self._sheet = self._document.Sheets.getByIndex(0)

    def connect(self, uri: str, user: str, password: str) -> list[str]:
        """File, New, Database: a registered connection; the tables that it shows."""
        databases = self._make("com.sun.star.sdb.DatabaseContext", self._context)
        source = databases.createInstance()
        source.URL = f"sdbc:postgresql:{uri}"
        source.User, source.Password = user, password
        source.IsPasswordRequired = False
        file = (self._folder / "customers.odb").as_uri()
        source.DatabaseDocument.storeAsURL(file, ())
        databases.registerObject(SOURCE, source)
        self._connection = source.getConnection(user, password)
        return sorted(self._connection.Tables.ElementNames)

    def query(self, sql: str) -> str:
        """What the first column of the first row of a query holds."""
        rows = self._connection.createStatement().executeQuery(sql)
        rows.next()
        return str(rows.getString(1))

    def pivot(self, table: str, row: str, column: str, data: str) -> list[list[Any]]:
        """Insert, Pivot Table, data source registered in LibreOffice."""
        tables = self._sheet.DataPilotTables
        wanted = tables.createDataPilotDescriptor()
        wanted.ImportDescriptor = properties(
            DatabaseName=SOURCE, SourceType=TABLE, SourceObject=table
        )
        fields = wanted.DataPilotFields
        fields.getByName(row).Orientation = ROW
        fields.getByName(column).Orientation = COLUMN
        summed = fields.getByName(data)
        summed.Orientation = DATA
        summed.Function = SUM
        tables.insertNewByName(PIVOT, CellAddress(0, 0, 0), wanted)
        return self.cells()

    def refresh(self) -> list[list[Any]]:
        """Reads the database again."""
        self._sheet.DataPilotTables.getByName(PIVOT).refresh()
        return self.cells()

    def cells(self) -> list[list[Any]]:
        """What stands in the pivot table, as it is on the sheet."""
        place = self._sheet.DataPilotTables.getByName(PIVOT).OutputRange
        cells = self._sheet.getCellRangeByPosition(
            place.StartColumn, place.StartRow, place.EndColumn, place.EndRow
        )
        return [list(line) for line in cells.DataArray]

    def save(self, file: str) -> str:
        """Stores the workbook."""
        self._document.storeToURL(Path(file).as_uri(), ())
        return file

    def close(self) -> None:
        """Closes the workbook and its connection."""
        self._connection.close()
        self._document.close(True)


def main() -> None:
    """Does what it is told until there is nothing more."""
    pipe, folder = sys.argv[1], Path(sys.argv[2])
    workbook = Workbook(office(pipe), folder)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = {"found": getattr(workbook, asked.pop("do"))(**asked)}
        except OfficeError as error:
            said = {"refused": error.Message}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    workbook.close()


if __name__ == "__main__":
    main()

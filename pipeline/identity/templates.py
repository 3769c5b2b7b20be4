"""The SQL of matching, as the templates in `sql/` write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.common.sql import quoted
from pipeline.common.sql_templates import SqlTemplates

TEMPLATES: Final = SqlTemplates(Path(__file__).with_name("sql"))


def create(
    connection: duckdb.DuckDBPyConnection, table: str, template: str, /, **values: Any
) -> None:
    """Makes a temporary table of what a template finds."""
    connection.execute(
        f"create or replace temp table {quoted(table)} as "
        + TEMPLATES.render(template, **values)
    )

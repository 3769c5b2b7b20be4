"""The few words in which the suites are written; each is one expectation with a reason.

`why` is printed for the person who reads a failed check, so it says what the bound
protects, and its date where it was set by data. Regular expressions and type
checks of Great Expectations do not work on DuckDB: say such things with `no_rows`.

What is `acceptable` a person may accept for some days (`refresh --accept`): drift and
quality, of which one can know that it is right this time. A warning always is. What keeps
rows, keys and money whole never is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from pipeline.common.postponed import postpone

# Great Expectations imports them for two of its kinds; of every run it was a second.
postpone("scipy.stats", "altair")

import great_expectations.expectations as gxe  # noqa: E402

Severity = Literal["critical", "warning"]
Bound = int | float | date | None


def without_nulls(
    column: str,
    *,
    why: str,
    severity: Severity = "critical",
    acceptable: bool = False,
) -> Any:
    """No value of the column is null."""
    return gxe.ExpectColumnValuesToNotBeNull(
        column=column, description=why, severity=severity, meta=_meta(acceptable)
    )


def unique(
    *columns: str, why: str, severity: Severity = "critical", acceptable: bool = False
) -> Any:
    """No two rows share the values of the columns."""
    if len(columns) == 1:
        return gxe.ExpectColumnValuesToBeUnique(
            column=columns[0],
            description=why,
            severity=severity,
            meta=_meta(acceptable),
        )
    return gxe.ExpectCompoundColumnsToBeUnique(
        column_list=list(columns),
        description=why,
        severity=severity,
        meta=_meta(acceptable),
    )


def one_of(
    column: str,
    values: Sequence[Any],
    *,
    why: str,
    severity: Severity = "critical",
    acceptable: bool = False,
) -> Any:
    """Every value that is not null is one of these."""
    return gxe.ExpectColumnValuesToBeInSet(
        column=column,
        value_set=list(values),
        description=why,
        severity=severity,
        meta=_meta(acceptable),
    )


def between(
    column: str,
    least: Bound,
    most: Bound,
    *,
    why: str,
    severity: Severity = "critical",
    acceptable: bool = False,
) -> Any:
    """Every value that is not null lies within the bounds, both included."""
    return gxe.ExpectColumnValuesToBeBetween(
        column=column,
        min_value=least,
        max_value=most,
        description=why,
        severity=severity,
        meta=_meta(acceptable),
    )


def row_count(
    least: int,
    most: int | None = None,
    *,
    why: str,
    severity: Severity = "critical",
    acceptable: bool = False,
    needs: str | None = None,
) -> Any:
    """The table has that many rows.

    Args:
        needs: Asked only where a source provides this entity.
    """
    return gxe.ExpectTableRowCountToBeBetween(
        min_value=least,
        max_value=most,
        description=why,
        severity=severity,
        meta=_meta(acceptable, needs),
    )


def columns_present(columns: Sequence[str], *, why: str) -> Any:
    """The table has at least these columns; new ones are welcome."""
    return gxe.ExpectTableColumnsToMatchSet(
        column_set=list(columns),
        exact_match=False,
        description=why,
        severity="critical",
    )


def no_rows(
    name: str,
    query: str,
    *,
    why: str,
    severity: Severity = "critical",
    acceptable: bool = False,
) -> Any:
    """The query over `{batch}` finds nothing; what it finds is kept as the evidence.

    Args:
        acceptable: A person may accept what a critical check finds, with a reason and
            until a day. Of drift and quality only: integrity is not negotiable.
    """
    return gxe.UnexpectedRowsExpectation(
        unexpected_rows_query=query,
        description=why,
        severity=severity,
        meta={"name": name, **(_meta(acceptable) or {})},
    )


def _meta(acceptable: bool, needs: str | None = None) -> dict[str, Any] | None:
    meta: dict[str, Any] = {"acceptable": True} if acceptable else {}
    return meta | ({"needs": needs} if needs else {}) or None

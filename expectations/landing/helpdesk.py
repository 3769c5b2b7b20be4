"""What must hold for the exports of the help desk. Bounds were set on 2026-11-22."""

from __future__ import annotations

from typing import Any

from expectations.vocabulary import columns_present, no_rows, one_of

# Regular expressions of Great Expectations do not work on DuckDB, so it is said in SQL.
_TIMES = ("opened_at", "sys_updated_at", "resolved_at", "closed_at")


def incidents(sample: bool) -> list[Any]:
    """Events of incidents, several a ticket, all text; `?` stands for unknown."""
    return [
        columns_present(
            [
                "number",
                "sys_mod_count",
                "made_sla",
                "reopen_count",
                "priority",
                "account_number",
                *_TIMES,
            ],
            why="staging reads these columns",
        ),
        one_of("made_sla", ["true", "false"], why="the share of SLA met counts these"),
        one_of("priority", ["1", "2", "3", "4"], why="SLA targets are set by priority"),
        no_rows(
            "modification_count_is_a_number",
            "select number, sys_mod_count from {batch} "
            "where try_cast(sys_mod_count as integer) is null",
            why="the last event of a ticket is found by it",
        ),
        no_rows(
            "reopen_count_is_a_number",
            "select number, reopen_count from {batch} where reopen_count <> '?' "
            "and coalesce(try_cast(reopen_count as integer), -1) < 0",
            why="the share of reopened tickets counts these",
        ),
        no_rows(
            "ticket_numbers_look_like_one",
            "select distinct number from {batch} "
            "where not regexp_full_match(number, '[0-9]{{7}}')",
            why="seven digits; a shifted column would make tickets of words",
        ),
        no_rows(
            "times_are_day_first",
            "select number, sys_mod_count, "
            + ", ".join(_TIMES)
            + " from {batch} where "
            + " or ".join(
                f"({column} <> '?' and "
                f"try_strptime({column}, '%d/%m/%Y %H:%M') is null)"
                for column in _TIMES
            ),
            why="d/m/yyyy hh:mm; an export with the month first would shift tickets by "
            "months",
        ),
        no_rows(
            "opening_and_update_are_known",
            "select number, sys_mod_count from {batch} "
            "where opened_at = '?' or sys_updated_at = '?'",
            why="a ticket without a time belongs to no period",
        ),
    ]


SUITES = {"incidents": incidents}

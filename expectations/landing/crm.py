"""What must hold for the sheets of the CRM workbook. Bounds were set on 2026-11-22."""

from __future__ import annotations

from typing import Any

from expectations.vocabulary import between, columns_present, one_of, without_nulls


def leads(sample: bool) -> list[Any]:
    """Prospects in the sales process."""
    return [
        columns_present(
            ["lead_number", "stage", "amount", "probability", "expected_close_date"],
            why="staging reads these columns",
        ),
        one_of(
            "stage",
            ["New", "Contacted", "Qualified", "Proposal", "Lost"],
            why="the stages of the company's sales process",
        ),
        between("probability", 0, 1, why="a share, not a percentage"),
        between("amount", 0, 10_000_000, why="USD; a pipeline is not negative"),
    ]


def assessments(sample: bool) -> list[Any]:
    """What account managers think of their accounts."""
    return [
        between("market_influence", 0, 10, why="a mark from 0 to 10"),
        between("strategic_importance", 0, 10, why="a mark from 0 to 10"),
        one_of(
            "relationship_level",
            ["ordinary", "preferred", "partner", "strategic"],
            why="普通、优先、伙伴、战略",
        ),
        without_nulls("scorer", why="a mark without a name cannot be asked about"),
        without_nulls("scored_on", why="the newest mark counts"),
    ]


SUITES = {"leads": leads, "assessments": assessments}

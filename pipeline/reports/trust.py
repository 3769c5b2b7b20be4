"""What a model says that is worth less than its bound, and is therefore not shown."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final

import duckdb

from pipeline.reports import queries

# What is shown of a customer → the figure of meta.quality_checks on which it stands.
_STANDS_ON: Final[Mapping[str, str]] = {
    "no_purchase": "no_purchase auc",
    "health": "auc",
}


def withheld(connection: duckdb.DuckDBPyConnection) -> Set[tuple[str, str]]:
    """(what, customer type) that pages leave out, since it is worth less than its bound.

    A probability of no purchase that sorts customers no better than chance is as good as
    none, and worse, since it is believed; the same with health. The newest figure counts:
    the models are tried at several origins of the past, named in the subject.
    """
    if not queries.has(connection, "meta", "quality_checks", "outcome", "subject"):
        return frozenset()
    rows = queries.rows(
        connection,
        """
        select model, metric, subject, outcome
        from meta.quality_checks
        where metric in ('no_purchase auc', 'auc')
        """,
    )
    found: set[tuple[str, str]] = set()
    newest: dict[str, tuple[str, str]] = {}
    for row in rows:
        model, subject = row["model"], row["subject"]
        if row["metric"] == _STANDS_ON["health"] and model == "health":
            if row["outcome"] == "outside":
                found.add(("health", subject))
        elif row["metric"] == _STANDS_ON["no_purchase"]:
            kind = model.removeprefix("value of ")
            origin = subject.rsplit(" ", 1)[-1]
            newest[kind] = max(newest.get(kind, ("", "")), (origin, row["outcome"]))
    found |= {
        ("no_purchase", kind)
        for kind, (_, outcome) in newest.items()
        if outcome == "outside"
    }
    return frozenset(found)

"""What identity remembers from refresh to refresh, and where.

In the current release's own `meta` schema: the ids (`customer_registry`, `customer_ids`),
what happened to them (`identity_log`), the figures (`model_quality`, `drift_history`), and
what had to be said anew of published tiers (`tier_restatements`). So a refused refresh
leaves no trace, and a rollback takes its ids back too. Where the current release is damaged
or its link is lost, the newest whole one is asked.

In `identity/` of the home, as Parquet and private: normal forms, prints and scores of the
last refresh that passed its gates. They are pure functions of the records and only save
work; they may be deleted at any time.

In `forgotten/`: the keys that stand in place of those of forgotten customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from pipeline.common.files import sync_folder
from pipeline.common.home import Home
from pipeline.common.sql import literal
from pipeline.identity.normal import FORMS
from pipeline.release import layout
from pipeline.release.catalogue import Release
from pipeline.suppression.suppression_list import Suppression

# Table of `meta` → its columns, for the first refresh, when there is none.
REMEMBERED: Final = {
    "customer_registry": {
        "source": "varchar",
        "source_customer_id": "varchar",
        "customer_id": "varchar",
        "first_seen_in": "varchar",
        "last_seen_in": "varchar",
    },
    "customer_ids": {
        "customer_id": "varchar",
        "minted_no": "bigint",
        "minted_in": "varchar",
        "minted_on": "date",
    },
    "identity_log": {
        "refresh_id": "varchar",
        "as_of_date": "date",
        "event": "varchar",
        "customer_id": "varchar",
        "earlier_customer_id": "varchar",
        "records": "bigint",
        "source": "varchar",
        "source_customer_id": "varchar",
        "reason": "varchar",
    },
    "policy_prints": {"policy_id": "varchar", "policy_print": "varchar"},
    "tier_restatements": {
        "refresh_id": "varchar",
        "as_of_date": "date",
        "customer_id": "varchar",
        "first_month": "date",
        "last_month": "date",
        "months": "bigint",
        "published_tier_code": "varchar",
        "restated_tier_code": "varchar",
        "cause": "varchar",
    },
    "model_quality": {
        "refresh_id": "varchar",
        "as_of_date": "date",
        "model": "varchar",
        "metric": "varchar",
        "subject": "varchar",
        "value": "double",
    },
    "drift_history": {
        "refresh_id": "varchar",
        "as_of_date": "date",
        "mart": "varchar",
        "metric": "varchar",
        "subject": "varchar",
        "value": "double",
        "lower_bound": "double",
        "upper_bound": "double",
        "outcome": "varchar",
        "severity": "varchar",
    },
}


# Remembered table → its columns, and the query on the current release for them. What was
# published is compared with what the replay of the past says now.
PUBLISHED: Final = {
    "published_tiers": (
        {
            "customer_id": "varchar",
            "valid_from": "date",
            "valid_to": "date",
            "tier_code": "varchar",
            "policy_id": "varchar",
            "is_override": "boolean",
            "as_of_date": "date",
        },
        "select customer_id, valid_from, valid_to, tier_code, policy_id, is_override, "
        "(select max(as_of_date) from released.marts.customer_value) as as_of_date "
        "from released.marts.customer_tier_history",
    ),
    "published_forecasters": (
        {"customer_type": "varchar", "as_of_date": "date", "value_model": "varchar"},
        "select distinct customer_type, as_of_date, value_model "
        "from released.marts.customer_value_history where value_model is not null",
    ),
    "published_days": (
        {
            "entity": "varchar",
            "source": "varchar",
            "currency": "varchar",
            "event_day": "date",
            "events": "bigint",
            "source_amount": "decimal(28, 4)",
            "as_of_date": "date",
        },
        "select entity, source, currency, event_day, events, source_amount, "
        "(select max(as_of_date) from released.marts.customer_value) as as_of_date "
        "from released.meta.event_days",
    ),
}


# The table that the query reads: a release of an older version may not have it.
_FROM: Final = {
    "published_tiers": ("marts", "customer_tier_history"),
    "published_forecasters": ("marts", "customer_value_history"),
    "published_days": ("meta", "event_days"),
}


@dataclass(frozen=True)
class Kept:
    """A table that only saves work.

    Attributes:
        query: SQL that makes it in the candidate's work file.
        columns: Its columns, for the first refresh.
    """

    query: str
    columns: dict[str, str]


KEPT: Final = {
    "kept_forms": Kept(
        "select source, source_customer_id, input_print, made_by, "
        + ", ".join(FORMS.names)
        + " from core.core_customer_forms",
        {
            "source": "varchar",
            "source_customer_id": "varchar",
            "input_print": "ubigint",
            "made_by": "varchar",
        }
        | {
            name: "boolean" if kind == pa.bool_() else "varchar"
            for name, kind in zip(FORMS.names, FORMS.types, strict=True)
        },
    ),
    "kept_prints": Kept(
        "select source, source_customer_id, print from core.core_customer_prints",
        {"source": "varchar", "source_customer_id": "varchar", "print": "ubigint"},
    ),
    "kept_scores": Kept(
        """
        select
            l.source as left_source, l.source_customer_id as left_customer_id,
            l.print as left_print, r.source as right_source,
            r.source_customer_id as right_customer_id, r.print as right_print,
            links.score as probability
        from core.core_customer_links as links
        inner join core.core_customer_prints as l on links.left_no = l.record_no
        inner join core.core_customer_prints as r on links.right_no = r.record_no
        where links.score is not null
        """,
        {
            "left_source": "varchar",
            "left_customer_id": "varchar",
            "left_print": "ubigint",
            "right_source": "varchar",
            "right_customer_id": "varchar",
            "right_print": "ubigint",
            "probability": "double",
        },
    ),
}


FORGOTTEN: Final = pa.schema(
    [
        ("source", pa.string()),
        ("source_customer_id", pa.string()),
        ("customer_type", pa.string()),
        ("receipt", pa.string()),
        ("reason", pa.string()),
    ]
)


def folder(home: Home) -> Path:
    """Where the tables that only save work lie."""
    return home.root / "identity"


def recall(
    connection: duckdb.DuckDBPyConnection, home: Home, current: Release | None
) -> None:
    """Writes what is remembered into the schema `landing` of a candidate's work file.

    Args:
        connection: The work file, open for writing.
        home: Whose kept tables are read.
        current: The release to go on from, by `catalogue.newest_whole`.
    """
    there: set[tuple[str, str]] = set()
    if current is not None:
        connection.execute(
            f"attach {literal(current.path.resolve() / layout.WAREHOUSE)} as released "
            "(read_only)"
        )
        there = {
            (str(schema), str(name))
            for schema, name in connection.execute(
                "select schema_name, table_name from duckdb_tables() "
                "where database_name = 'released'"
            ).fetchall()
        }
    for name, columns in REMEMBERED.items():
        _empty(connection, name, columns)
        if ("meta", name) in there:
            connection.execute(
                f"insert into landing.refresh__{name} by name "
                f"select {', '.join(columns)} from released.meta.{name}"
            )
    for name, (columns, query) in PUBLISHED.items():
        _empty(connection, name, columns)
        if _FROM[name] in there:
            connection.execute(f"insert into landing.refresh__{name} by name {query}")
    if current is not None:
        connection.execute("detach released")
    forgotten = [
        {
            "source": entry.source,
            "source_customer_id": entry.pseudonym,
            "customer_type": entry.customer_type,
            "receipt": entry.receipt,
            "reason": entry.reason,
        }
        for entry in Suppression.load(home).entries
    ]
    connection.register("_forgotten", pa.Table.from_pylist(forgotten, FORGOTTEN))
    connection.execute(
        "create or replace table landing.refresh__forgotten as from _forgotten"
    )
    connection.unregister("_forgotten")
    for name, kept in KEPT.items():
        path = folder(home) / f"{name}.parquet"
        _empty(connection, name, kept.columns)
        if path.exists():
            try:
                connection.execute(
                    f"insert into landing.refresh__{name} by name "
                    f"select {', '.join(kept.columns)} "
                    f"from read_parquet({literal(path)})"
                )
            except duckdb.Error:
                # Of an older version, or damaged: the work is done again.
                _empty(connection, name, kept.columns)


def _empty(
    connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str]
) -> None:
    typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    connection.execute(f"create or replace table landing.refresh__{name} ({typed})")


def remember(home: Home, work_file: Path) -> None:
    """Keeps what the next refresh can use again; the candidate must be closed."""
    from pipeline.release.duckdb_files import connect

    there = folder(home)
    there.mkdir(mode=0o700, exist_ok=True)
    with connect(work_file, read_only=True) as connection:
        for name, kept in KEPT.items():
            path = there / f"{name}.parquet"
            partial = path.with_suffix(".partial")
            connection.execute(
                f"copy ({kept.query}) to {literal(partial)} "
                "(format parquet, compression zstd)"
            )
            partial.replace(path)
    sync_folder(there)

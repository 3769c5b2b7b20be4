"""Writes many of Dagster's events in one transaction, with the rows that Dagster writes.

Dagster writes each event in transactions of its own, and builds each statement anew. Of
a refresh, 1,500 of 1,700 events are of the few kinds here: what is planned, materialized,
observed and checked, and what is logged. Here their statements are made once and run
within the caller's transaction. The rows are Dagster's own, down to each column: the
tables and the methods that make the values are its, and
`tests/unit/orchestration/test_dagster_storage.py` compares whole files with those that
Dagster's own storage writes of the same run.

Not here: when they are written (`dagster_storage`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import dagster as dg
import sqlalchemy as sa
from dagster._core.errors import DagsterInvariantViolationError
from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    DagsterEvent,
    DagsterEventType,
)
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)

Row = dict[str, Any]
Stored = tuple[dg.EventLogEntry, Row]

# A message of a log has none.
MANY = frozenset(
    {
        None,
        DagsterEventType.ASSET_CHECK_EVALUATION,
        DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
        DagsterEventType.ASSET_MATERIALIZATION,
        DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        DagsterEventType.ASSET_OBSERVATION,
        DagsterEventType.STEP_OUTPUT,
    }
)

_INSERT_EVENT = SqlEventLogStorageTable.insert()
_INSERT_ASSET = AssetKeyTable.insert()
_UPDATE_ASSET = AssetKeyTable.update().where(
    AssetKeyTable.c.asset_key == sa.bindparam("which_asset")
)
_INSERT_CHECK = AssetCheckExecutionsTable.insert()
_UPDATE_CHECK = AssetCheckExecutionsTable.update().where(
    AssetCheckExecutionsTable.c.asset_key == sa.bindparam("which_asset"),
    AssetCheckExecutionsTable.c.check_name == sa.bindparam("which_check"),
    AssetCheckExecutionsTable.c.run_id == sa.bindparam("which_run"),
    AssetCheckExecutionsTable.c.partition.is_(None),
)


def is_one_of_many(event: dg.EventLogEntry) -> bool:
    """Whether it is of a kind that comes by hundreds, and of nothing rarer.

    Events without a run and those of partitions are left to Dagster.
    """
    found = event.dagster_event
    if not event.run_id or event.dagster_event_type not in MANY:
        return False
    if found is None:
        return True
    data = found.event_specific_data
    return found.partition is None and not getattr(data, "partitions_subset", None)


def is_indexed(event: dg.EventLogEntry) -> bool:
    """Whether the file of all runs knows of it too."""
    kind = event.dagster_event_type
    return kind in ASSET_EVENTS or kind in ASSET_CHECK_EVENTS


def write_to_run(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Writes events to the file of their run."""
    connection.execute(_INSERT_EVENT, rows)


def write_to_index(
    storage: SqliteEventLogStorage, connection: sa.Connection, events: Sequence[Stored]
) -> None:
    """Writes events to the file of all runs, and what they say of assets and checks.

    Raises:
        DagsterInvariantViolationError: A check was planned twice in one run.
    """
    # An asset's row says what the last of its events said.
    assets: dict[str, Row] = {}
    is_new = storage._has_asset_key_index_cols_on_connection(connection)
    for event, row in events:
        key: Any = connection.execute(_INSERT_EVENT, row).inserted_primary_key
        number = int(key[0])
        kind = event.dagster_event_type
        if kind in ASSET_EVENTS:
            storage._store_asset_event_tags(connection, [event], [number])
            values = storage._get_asset_entry_values(event, number, is_new)
            assets.setdefault(row["asset_key"], {}).update(values)
        elif kind == DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
            connection.execute(_INSERT_CHECK, _planned(event, row, number))
        else:
            _evaluated(connection, event, row, number)
    for name, values in assets.items():
        if not values:
            continue
        changed = connection.execute(_UPDATE_ASSET, {"which_asset": name, **values})
        if not changed.rowcount:
            connection.execute(_INSERT_ASSET, {"asset_key": name, **values})


def _planned(event: dg.EventLogEntry, row: Row, number: int) -> Row:
    data: Any = cast(DagsterEvent, event.dagster_event).event_specific_data
    return {
        "asset_key": data.asset_key.to_string(),
        "check_name": data.check_name,
        "partition": None,
        "run_id": event.run_id,
        "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": number,
    }


def _evaluated(
    connection: sa.Connection, event: dg.EventLogEntry, row: Row, number: int
) -> None:
    """What became of a check takes the place of its plan."""
    data: Any = cast(DagsterEvent, event.dagster_event).event_specific_data
    target = data.target_materialization_data
    status = (
        AssetCheckExecutionRecordStatus.SUCCEEDED
        if data.passed
        else AssetCheckExecutionRecordStatus.FAILED
    )
    values = {
        "execution_status": status.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": number,
        "materialization_event_storage_id": target.storage_id if target else None,
    }
    which = {
        "asset_key": data.asset_key.to_string(),
        "check_name": data.check_name,
        "run_id": event.run_id,
    }
    changed = connection.execute(
        _UPDATE_CHECK,
        {
            "which_asset": which["asset_key"],
            "which_check": which["check_name"],
            "which_run": which["run_id"],
            **values,
        },
    ).rowcount
    if changed > 1:
        raise DagsterInvariantViolationError(
            f"{changed} plans of the check {data.asset_check_key} in one run."
        )
    if not changed:
        connection.execute(_INSERT_CHECK, {**which, **values, "partition": None})

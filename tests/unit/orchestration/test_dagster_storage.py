"""Dagster's history: written without waiting, and whole whatever happens to the writer."""

from __future__ import annotations

import ast
import inspect
import re
import signal
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import (
    ConsolidatedSqliteEventLogStorage,
    SqliteEventLogStorage,
)

from pipeline.orchestration import dagster_events, dagster_storage
from tests.unit import support

# Writes one event a connection, as Dagster does, and dies without closing anything.
WRITER = """
    import os, signal, sys
    from pathlib import Path
    import sqlalchemy as sa
    from sqlalchemy.pool import NullPool
    from pipeline.orchestration import dagster_storage

    folder, events = Path(sys.argv[1]), int(sys.argv[2])
    dagster_storage.hold_open(folder)

    def engine(path):
        return sa.create_engine(f"sqlite:///{path}", poolclass=NullPool)

    with engine(folder / "runs" / "a.db").connect() as connection:
        connection.exec_driver_sql("pragma journal_mode = wal")
        connection.exec_driver_sql("create table events (no integer)")
        connection.commit()
    for number in range(events):
        with engine(folder / "runs" / "a.db").connect() as connection:
            connection.exec_driver_sql(f"insert into events values ({number})")
            connection.commit()
            (mode,) = connection.exec_driver_sql("pragma synchronous").fetchone()
    with engine(folder.parent / "other.db").connect() as connection:
        (other,) = connection.exec_driver_sql("pragma synchronous").fetchone()
    log = folder / "runs" / "a.db-wal"
    # Still there, so that no close folded it back.
    assert log.stat().st_size > 0
    assert (mode, other) == (1, 2), (mode, other)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_event_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    (tmp_path / "dagster" / "runs").mkdir(parents=True)
    code, _ = support.run(WRITER, tmp_path / "dagster", 200)
    assert code == -signal.SIGKILL
    path = tmp_path / "dagster" / "runs" / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        assert connection.execute(
            "select count(*), max(no) from events"
        ).fetchone() == (200, 199)


# Runs a job whose step dies in the middle, or not at all; with the storage of a refresh,
# or with Dagster's own.
RUN = """
    import os, signal, sys
    from pathlib import Path
    import dagster as dg
    from pipeline.orchestration import dagster_storage

    dies, runs, folders = sys.argv[1] == "dies", int(sys.argv[2]), sys.argv[3:]
    names = [f"a{number}" for number in range(8)]

    @dg.multi_asset(
        specs=[dg.AssetSpec(name) for name in names],
        check_specs=[
            dg.AssetCheckSpec(f"held{number}", asset=name)
            for name in names
            for number in range(3)
        ],
    )
    def tables(context):
        for number, name in enumerate(names):
            if dies and number == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            yield dg.MaterializeResult(
                asset_key=name, metadata={"number": number}, tags={"kind": "table"}
            )
            context.log.info(f"made {name}")
            yield dg.AssetObservation(name, metadata={"seen": number})
            for check in range(3):
                yield dg.AssetCheckResult(
                    asset_key=name, check_name=f"held{check}", passed=number != 3
                )

    jobs = [dg.define_asset_job("job")]
    definitions = dg.Definitions(assets=[tables], jobs=jobs)

    def run(folder):
        if folder.name == "held":
            dagster_storage.hold_open(folder)
            opened = dagster_storage.open_instance(folder)
        else:
            opened = dg.DagsterInstance.from_config(str(folder))
        with opened as instance:
            quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
            job = definitions.resolve_job_def("job")
            for _ in range(runs):
                assert job.execute_in_process(instance=instance, run_config=quiet).success

    # All but the last in processes of their own, which need not import Dagster again.
    *others, last = map(Path, folders)
    for folder in others:
        if (child := os.fork()) == 0:
            run(folder)
            sys.exit()
        assert os.waitpid(child, 0)[1] == 0
    run(last)
"""


@pytest.mark.slow
def test_dagster_reads_what_a_killed_refresh_wrote(tmp_path: Path) -> None:
    """The last half second may be lost; the rest is there, and both files agree."""
    folder = tmp_path / "held"
    folder.mkdir()
    code, _ = support.run(RUN, "dies", 1, folder)
    assert code == -signal.SIGKILL
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        (run,) = instance.get_runs()
        materialized = {
            entry.asset_materialization.asset_key
            for entry in instance.all_logs(run.run_id)
            if entry.asset_materialization is not None
        }
        # Each check reads what was materialized, so that all is written before it.
        assert materialized == {dg.AssetKey(f"a{number}") for number in range(4)}
        # The file of all runs knows them too.
        found = {
            key
            for key in (dg.AssetKey(f"a{number}") for number in range(8))
            if instance.get_latest_materialization_event(key) is not None
        }
        assert found == materialized


# What differs between two runs of the same: who ran, when, and how long.
_OF_THE_RUN = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # its id
    r"|\b[0-9a-f]{64}\b"  # data versions, which are made of it
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?"
    r'|"(?:timestamp|pid|duration_ms)": [\d.]+'
    r'|"text": "\d+"|pid: \d+|\b[\d.]+m?s\b'
    r'|"(?:log_key|file_key|external_std\w+_url)": (?:"\w*"|\[[^]]*\])'
)


def _rows(folder: Path) -> dict[str, list[tuple[str, ...]]]:
    """Everything in the files of Dagster's events, with their runs in their order."""
    history = folder / "history" / "runs"
    found: dict[str, list[tuple[str, ...]]] = {}
    files = sorted(history.glob("*.db"), key=lambda path: path.stat().st_ctime_ns)
    assert len(files) == 3  # two runs, and all of them
    for path in files:
        name = "index" if path.stem == "index" else "run"
        with closing(sqlite3.connect(path)) as connection:
            for (table,) in connection.execute(
                "select name from sqlite_master where type = 'table'"
            ).fetchall():
                rows = connection.execute(f"select * from {table}").fetchall()
                found.setdefault(f"{name}.{table}", []).extend(
                    tuple(_OF_THE_RUN.sub("…", str(value)) for value in row)
                    for row in rows
                )
    return {table: sorted(rows) for table, rows in found.items()}


@pytest.mark.slow
def test_each_row_is_what_dagster_itself_writes(tmp_path: Path) -> None:
    """A second run updates what the first has written."""
    folders = [tmp_path / "held", tmp_path / "dagster"]
    for folder in folders:
        folder.mkdir()
    code, _ = support.run(RUN, "lives", 2, *folders)
    assert code == 0
    ours, theirs = map(_rows, folders)
    assert len(ours["run.event_logs"]) > 2 * 8 * 9
    assert len(ours["index.asset_check_executions"]) == 2 * 8 * 3
    assert len(ours["index.asset_keys"]) == 8
    assert ours.keys() == theirs.keys()
    for table, rows in ours.items():
        assert rows == theirs[table], table


@pytest.mark.parametrize("count", [1, 40])
def test_events_are_written_within_a_second_though_nobody_asks(
    tmp_path: Path, count: int
) -> None:
    """Whoever looks from another process sees them while a long step runs."""
    with dagster_storage.open_instance(tmp_path) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, dagster_storage.HeldEventLog)
        run = instance.create_run_for_job(_job())
        instance.report_engine_event("begins", run)
        for number in range(count):
            instance.report_dagster_event(_materialized(number), run.run_id)
        written = threading.Event()
        deadline = time.monotonic() + 30
        path = storage.path_for_shard(run.run_id)
        while not written.wait(0.05) and time.monotonic() < deadline:
            with closing(sqlite3.connect(path)) as connection:
                (found,) = connection.execute(
                    "select count(*) from event_logs "
                    "where dagster_event_type = 'ASSET_MATERIALIZATION'"
                ).fetchone()
            if found == count:
                written.set()
        assert written.is_set()


def test_what_could_not_be_written_is_written_later_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as when the disk was full: the file of the run has them, that of all not."""
    with dagster_storage.open_instance(tmp_path) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, dagster_storage.HeldEventLog)
        run = instance.create_run_for_job(_job())
        path = Path(storage.path_for_shard("index"))
        instance.report_engine_event("begins", run)
        instance.report_dagster_event(_materialized(0), run.run_id)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(
                "create trigger full before insert on asset_keys "
                "begin select raise(abort, 'disk is full'); end"
            )
            connection.commit()
        with pytest.raises(sa.exc.DatabaseError, match="disk is full"):
            instance.all_logs(run.run_id)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("drop trigger full")
            connection.commit()
        kinds = [entry.dagster_event_type for entry in instance.all_logs(run.run_id)]
        assert kinds.count(dg.DagsterEventType.ASSET_MATERIALIZATION) == 1
        assert instance.get_latest_materialization_event(dg.AssetKey("a0")) is not None


def _job() -> dg.JobDefinition:
    @dg.job
    def nothing() -> None:
        """Does nothing."""

    return nothing


def _materialized(number: int) -> DagsterEvent:
    return DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        job_name="nothing",
        event_specific_data=StepMaterializationData(
            dg.AssetMaterialization(f"a{number}")
        ),
    )


def test_an_instance_with_another_storage_keeps_it(tmp_path: Path) -> None:
    with dagster_storage.open_instance(tmp_path) as instance:
        assert isinstance(instance.event_log_storage, dagster_storage.HeldEventLog)
    (tmp_path / "dagster.yaml").write_text(
        "event_log_storage:\n"
        "  module: dagster._core.storage.event_log\n"
        "  class: ConsolidatedSqliteEventLogStorage\n"
        f"  config: {{base_dir: {tmp_path / 'events'}}}\n"
    )
    with dagster_storage.open_instance(tmp_path) as instance:
        assert isinstance(instance.event_log_storage, ConsolidatedSqliteEventLogStorage)


def test_the_internals_of_dagster_that_are_used_are_there() -> None:
    """All that both modules name as not promised, and nothing else."""
    used = {
        f"{node.module}.{name.name}"
        for module in (dagster_storage, dagster_events)
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("dagster")
        for name in node.names
    }
    assert used == {
        "dagster._core.errors.DagsterInvariantViolationError",
        "dagster._core.events.ASSET_CHECK_EVENTS",
        "dagster._core.events.ASSET_EVENTS",
        "dagster._core.events.DagsterEvent",
        "dagster._core.events.DagsterEventType",
        "dagster._core.instance.ref.InstanceRef",
        "dagster._core.storage.asset_check_execution_record."
        "AssetCheckExecutionRecordStatus",
        "dagster._core.storage.event_log.SqliteEventLogStorage",
        "dagster._core.storage.event_log.schema.AssetCheckExecutionsTable",
        "dagster._core.storage.event_log.schema.AssetKeyTable",
        "dagster._core.storage.event_log.schema.SqlEventLogStorageTable",
    }

    def parameters(function: Any) -> list[str]:
        return list(inspect.signature(function).parameters)

    base = SqliteEventLogStorage
    assert parameters(base.__init__) == ["self", "base_dir", "inst_data"]
    assert parameters(base.from_config_value) == ["inst_data", "config_value"]
    assert parameters(base.run_connection) == ["self", "run_id"]
    assert parameters(base.index_connection) == ["self"]
    assert parameters(base.conn_string_for_shard) == ["self", "shard_name"]
    assert parameters(base._has_asset_key_col_on_connection) == [
        "self", "conn", "column_name",
    ]  # fmt: skip
    assert parameters(base.has_table) == ["self", "table_name"]
    assert parameters(base.has_secondary_index) == ["self", "name"]
    assert parameters(base.has_asset_key_col) == ["self", "column_name"]
    assert parameters(base._event_to_row) == ["self", "event"]
    assert parameters(base._has_asset_key_index_cols_on_connection) == ["self", "conn"]
    assert parameters(base._store_asset_event_tags) == [
        "self", "conn", "events", "event_ids",
    ]  # fmt: skip
    assert parameters(base._get_asset_entry_values) == [
        "self", "event", "event_id", "has_asset_key_index_cols",
    ]  # fmt: skip
    assert "overrides" in parameters(InstanceRef.from_dir)
    assert {"storage_data", "event_storage_data"} <= set(InstanceRef._fields)


def test_every_connection_of_a_refresh_is_one_that_is_held(tmp_path: Path) -> None:
    """Dagster asks its own two methods for each connection, so that ours are used."""
    with dagster_storage.open_instance(tmp_path) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, dagster_storage.HeldEventLog)
        opened: list[str] = []

        def note(connection: Any, _record: Any) -> None:
            row = connection.execute("pragma database_list").fetchone()
            opened.append(Path(row[2]).name)

        sa.event.listen(sa.engine.Engine, "connect", note)
        try:
            instance.report_runless_asset_event(dg.AssetMaterialization("a"))
            first = len(opened)
            for number in range(20):
                instance.report_runless_asset_event(
                    dg.AssetMaterialization("a", metadata={"number": number})
                )
        finally:
            sa.event.remove(sa.engine.Engine, "connect", note)
        assert opened[first:] == []

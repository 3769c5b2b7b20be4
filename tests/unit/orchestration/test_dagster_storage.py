"""Dagster's history: written without waiting, and whole whatever happens to the writer."""

from __future__ import annotations

import ast
import collections
import inspect
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import (
    ConsolidatedSqliteEventLogStorage,
    SqliteEventLogStorage,
)

from pipeline.orchestration import dagster_storage
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


# Runs a job whose step dies in the middle, or not at all.
RUN = """
    import os, signal, sys
    from pathlib import Path
    import dagster as dg
    from pipeline.orchestration import dagster_storage

    folder, dies = Path(sys.argv[1]), sys.argv[2] == "dies"
    names = [f"a{number}" for number in range(20)]

    @dg.multi_asset(
        specs=[dg.AssetSpec(name) for name in names],
        check_specs=[dg.AssetCheckSpec("held", asset=name) for name in names],
    )
    def tables():
        for number, name in enumerate(names):
            if dies and number == 10:
                os.kill(os.getpid(), signal.SIGKILL)
            yield dg.MaterializeResult(asset_key=name, metadata={"number": number})
            yield dg.AssetCheckResult(asset_key=name, check_name="held", passed=True)

    jobs = [dg.define_asset_job("job")]
    definitions = dg.Definitions(assets=[tables], jobs=jobs)
    dagster_storage.hold_open(folder)
    with dagster_storage.open_instance(folder) as instance:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        job = definitions.resolve_job_def("job")
        assert job.execute_in_process(instance=instance, run_config=quiet).success
"""


@pytest.mark.parametrize(("end", "materialized"), [("lives", 20), ("dies", 10)])
def test_dagster_reads_what_a_refresh_wrote(
    tmp_path: Path, end: str, materialized: int
) -> None:
    code, _ = support.run(RUN, tmp_path, end)
    assert code == (-signal.SIGKILL if end == "dies" else 0)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        (run,) = instance.get_runs()
        kinds = collections.Counter(
            entry.dagster_event.event_type_value
            for entry in instance.all_logs(run.run_id)
            if entry.dagster_event
        )
        assert kinds["ASSET_MATERIALIZATION"] == materialized
        assert kinds["ASSET_CHECK_EVALUATION"] == materialized
        assert kinds["PIPELINE_SUCCESS"] == (end == "lives")
        # The file of all runs knows them too.
        found = [
            instance.get_latest_materialization_event(dg.AssetKey(f"a{number}"))
            for number in range(20)
        ]
        assert [entry is not None for entry in found] == [
            number < materialized for number in range(20)
        ]


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
    """All that `dagster_storage` names as not promised, and nothing else."""
    tree = ast.parse(Path(dagster_storage.__file__).read_text())
    used = {
        f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("dagster")
        for name in node.names
    }
    assert used == {
        "dagster._core.instance.ref.InstanceRef",
        "dagster._core.storage.event_log.SqliteEventLogStorage",
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

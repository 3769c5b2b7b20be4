"""Runs the compiled nodes of a dbt project in the candidate's two files.

What `dbt build` does with a project is done here by fewer means: the same tables, types,
comments and tests, in the same order (a table's tests before anything is made of it), and
the same reasons to leave something out. dbt's own machinery takes 40 milliseconds a node
around SQL that takes two, so that a small company would wait for it alone. What of dbt the
product does not use is not known here; a project that uses it is run by dbt itself
(`nodes.why_dbt_itself`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import sql
from pipeline.release import duckdb_files, layout
from pipeline.release.layout import Candidate
from pipeline.transform import materialization
from pipeline.transform.compiled import Columns, Compiled
from pipeline.transform.materialization import cursor_of, is_seed
from pipeline.transform.nodes import Node, Result, Selection
from pipeline.transform.traces import Traces

log = logging.getLogger("customer_tiers.transform")


class Execution:
    """One run of all chosen nodes.

    Args:
        selection: What is built and tested.
        compiled: The SQL of it.
        candidate: In whose two files.
        threads: How many nodes at once; the engine uses all processors for each.
        on_result: Called with each result, by one thread at a time.
        stopped: Once it is set, nothing new is begun.
        traces: What each node was made of, and what the former tables were that lie in
            the work file.
        former: The release of the former tables; None where there are none.
    """

    def __init__(
        self,
        selection: Selection,
        compiled: Compiled,
        candidate: Candidate,
        threads: int,
        on_result: Callable[[Result], None],
        stopped: threading.Event,
        traces: Traces,
        former: Path | None = None,
    ) -> None:
        self._selection = selection
        self._compiled = compiled
        self._candidate = candidate
        self._threads = threads
        self._on_result = on_result
        self._lock = threading.Lock()
        self._is_stopped = stopped
        self._traces = traces
        self._former = former
        # Whether the candidate's files began as those of the former release.
        self._is_copied = False
        self._nodes = {**selection.tables, **selection.tests}
        self._results: dict[str, Result] = {}
        self._taken: set[str] = set()
        # What the tests look at that refused it, or could not be made.
        self._refused: list[set[str]] = []

    def run(self) -> list[Result]:
        """Builds and tests everything; errors are results, not exceptions."""
        self._compiled.prepare(self._nodes)
        with self._open_work() as connection, cursor_of(connection) as cursor:
            self._traces.landed(cursor)
        if self._former is not None:
            if self._traces.is_as_before:
                self._is_copied = materialization.copy_files(
                    self._former, self._candidate
                )
            with self._connect() as connection, cursor_of(connection) as cursor:
                materialization.drop_all_but(cursor, self._selection.tables.values())
        before = -1
        while before < len(self._results) < len(self._nodes):
            before = len(self._results)
            self._compile_what_changes()
            self._run_what_is_compiled()
        return list(self._results.values())

    def _compile_what_changes(self) -> None:
        """Compiles nodes that look at the database, where what they look at is built."""
        ready = [
            name
            for name in self._nodes
            if name not in self._results
            and not self._compiled.has(name)
            and all(parent in self._results for parent in self._selection.parents(name))
            and not self._reason_to_skip(name)
        ]
        if ready:
            with self._connect() as connection:
                columns = _columns_of_all(connection)
            self._compiled.compile(ready, columns)

    def _run_what_is_compiled(self) -> None:
        """Runs every node that can be, until nothing is left that is compiled."""
        with (
            self._connect() as connection,
            ThreadPoolExecutor(self._threads, "build") as pool,
        ):
            running: set[Future[None]] = set()
            begun: set[str] = set()
            try:
                while True:
                    for name in self._ready(begun):
                        begun.add(name)
                        running.add(pool.submit(self._unit, connection, name))
                    if not running:
                        return
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
            except BaseException:
                self._is_stopped.set()
                raise

    def _ready(self, begun: set[str]) -> Iterable[str]:
        """The nodes that can be begun, or left out, now.

        Nothing is begun before the tests of what it is made of are results.
        """
        if self._is_stopped.is_set():
            return []
        with self._lock:
            # Tests that had to wait until they were compiled; claimed at once, because the
            # unit of a table that is just done looks for its tests as well.
            tests = [
                name
                for name in self._selection.tests
                if name not in self._taken
                and self._compiled.has(name)
                and all(map(self._results.__contains__, self._selection.parents(name)))
            ]
            self._taken.update(tests)
            return tests + [
                name
                for name in self._selection.tables
                if name not in begun
                and name not in self._results
                and all(map(self._results.__contains__, self._selection.parents(name)))
                and all(map(self._is_tested, self._selection.reads(name)))
                and (self._compiled.has(name) or self._reason_to_skip(name))
            ]

    def _is_tested(self, name: str) -> bool:
        """Whether all tests of a table or source are done that wait for nothing else."""
        return all(
            test in self._results
            or not all(
                parent in self._results for parent in self._selection.parents(test)
            )
            for test in self._selection.tests_of.get(name, [])
        )

    def _unit(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Builds a table, then runs the tests that waited for it last."""
        cursor = cursor_of(connection)
        try:
            if name in self._selection.tables:
                self._do(cursor, name, materialization.build)
                for test in self._claim_tests(name):
                    self._do(cursor, test, materialization.test)
            else:
                self._do(cursor, name, materialization.test)
        finally:
            cursor.close()

    def _claim_tests(self, table: str) -> list[str]:
        with self._lock:
            claimed = [
                test
                for test in self._selection.tests_of.get(table, [])
                if test not in self._taken
                and (self._compiled.has(test) or self._reason_to_skip(test))
                and all(map(self._results.__contains__, self._selection.parents(test)))
            ]
            self._taken.update(claimed)
            return claimed

    def _do(
        self,
        cursor: duckdb.DuckDBPyConnection,
        name: str,
        run: Callable[[duckdb.DuckDBPyConnection, Node, str], dict[str, Any]],
    ) -> None:
        """Runs one node, or leaves it out, and notes what became of it."""
        node = self._nodes[name]
        begun = time.perf_counter()
        found: dict[str, Any]
        if self._reason_to_skip(name) or self._is_stopped.is_set():
            found = {"status": "skipped"}
        else:
            try:
                found = self._made(cursor, name, run)
            except Exception as error:
                log.debug("%s failed", name, exc_info=True)
                found = {"status": "error", "message": str(error)}
        result = Result(
            node=node,
            seconds=time.perf_counter() - begun,
            ended_at=time.time(),
            **found,
        )
        with self._lock:
            self._results[name] = result
            if name in self._selection.tests and result.status in {"fail", "error"}:
                self._refused.append(self._selection.reads(name))
            self._on_result(result)

    def _made(
        self,
        cursor: duckdb.DuckDBPyConnection,
        name: str,
        run: Callable[[duckdb.DuckDBPyConnection, Node, str], dict[str, Any]],
    ) -> dict[str, Any]:
        """Makes a table or a test, or takes over what came of the same before."""
        node = self._nodes[name]
        compiled = "" if is_seed(node) else self._compiled.sql(name)
        key = self._traces.key(name, compiled)
        former = self._traces.former(name, key, compiled)
        if name in self._selection.tests:
            if former is None:
                found = run(cursor, node, compiled)
            else:
                found = {"status": "pass", "failures": 0, "carried": True}
            if found["status"] == "pass":
                self._traces.note(name, key)
            return found
        if former is not None and materialization.take_over(
            cursor, node, is_copied=self._is_copied
        ):
            found = {"status": "success", "rows": former["rows"], "carried": True}
            content = former["content"]
        else:
            if node.get("language") != "python":
                materialization.drop(cursor, node)
            found = run(cursor, node, compiled)
            rows = found.get("rows")
            content = self._traces.content(cursor, name, key, compiled, rows)
        self._traces.note(name, key, content, found.get("rows"))
        return found

    def _reason_to_skip(self, name: str) -> bool:
        """Whether something is missing, or wrong, that the node would be made of."""
        if any(
            (result := self._results.get(parent)) is not None
            and result.status in {"error", "skipped"}
            for parent in self._selection.parents(name)
        ):
            return True
        if name in self._selection.tests:
            return False
        # As dbt has it: nothing is made of what a test of error severity refuses.
        made_of = self._selection.ancestors[name]
        return any(map(made_of.issuperset, self._refused))

    def _open_work(self) -> duckdb.DuckDBPyConnection:
        """The work file alone."""
        return duckdb.connect(
            str(self._candidate.work_file.resolve()),
            config=materialization.config(),
        )

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """The work file with the release's files beside it, and every schema in them."""
        connection = self._open_work()
        duckdb_files.attach(connection, self._candidate.databases, read_only=False)
        if self._former is not None:
            files = duckdb_files.databases(self._former)
            duckdb_files.attach(connection, files, prefix=materialization.FORMER)
            for name in layout.DATABASES.keys() - files.keys():
                # Of a release of before: there is nothing in it to take over.
                connection.execute(
                    "attach if not exists ':memory:' as "
                    + sql.quoted(f"{materialization.FORMER}{name}")
                )
        schemas = {
            node["relation_name"].rpartition(".")[0]
            for node in self._selection.tables.values()
            if node["relation_name"]
        }
        for schema in sorted(schemas):
            connection.execute(f"create schema if not exists {schema}")
        return connection


def _columns_of_all(connection: duckdb.DuckDBPyConnection) -> Columns:
    """The columns of every relation in the two files."""
    found: dict[str, list[list[str]]] = {}
    rows = connection.execute(
        "select database_name, schema_name, table_name, column_name, data_type "
        "from duckdb_columns() where not internal order by column_index"
    ).fetchall()
    for *relation, column, kind in rows:
        found.setdefault(".".join(map(sql.quoted, relation)), []).append([column, kind])
    return found

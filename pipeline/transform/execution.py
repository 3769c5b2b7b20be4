"""Runs the compiled nodes of a dbt project in the candidate's two files.

What `dbt build` does with a project is done here by fewer means: the same tables, types,
comments and tests, in the same order (a table's tests before anything is made of it), and
the same reasons to leave something out. dbt's own machinery takes 40 milliseconds a node
around SQL that takes two, so that a small company would wait for it alone. What of dbt the
product does not use is not known here; a project that uses it is run by dbt itself
(`nodes.why_dbt_itself`).
"""

from __future__ import annotations

import csv
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import sql
from pipeline.release.layout import Candidate
from pipeline.transform.compiled import Columns, Compiled
from pipeline.transform.nodes import Node, Result, Selection, Status

log = logging.getLogger("customer_tiers.transform")

# What DuckDB's files are opened with, here and by dbt. A time with a zone compared with
# one without is one in UTC, wherever this runs.
SETTINGS = {"TimeZone": "UTC"}
CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Tables have no order; keeping one costs memory.
    "preserve_insertion_order": "false",
}


class Execution:
    """One run of all chosen nodes.

    Args:
        selection: What is built and tested.
        compiled: The SQL of it.
        candidate: In whose two files.
        threads: How many nodes at once; the engine uses all processors for each.
        on_result: Called with each result, by one thread at a time.
        stopped: Once it is set, nothing new is begun.
    """

    def __init__(
        self,
        selection: Selection,
        compiled: Compiled,
        candidate: Candidate,
        threads: int,
        on_result: Callable[[Result], None],
        stopped: threading.Event,
    ) -> None:
        self._selection = selection
        self._compiled = compiled
        self._candidate = candidate
        self._threads = threads
        self._on_result = on_result
        self._lock = threading.Lock()
        self._is_stopped = stopped
        self._nodes = {**selection.tables, **selection.tests}
        self._results: dict[str, Result] = {}
        self._taken: set[str] = set()
        # What the tests look at that refused it, or could not be made.
        self._refused: list[set[str]] = []

    def run(self) -> list[Result]:
        """Builds and tests everything; errors are results, not exceptions."""
        self._compiled.prepare(self._nodes)
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
                and all(
                    parent in self._results and self._is_tested(parent)
                    for parent in self._selection.parents(name)
                )
                and (self._compiled.has(name) or self._reason_to_skip(name))
            ]

    def _is_tested(self, table: str) -> bool:
        """Whether all of a table's tests are done that wait for nothing else."""
        return all(
            test in self._results
            or not all(
                parent in self._results for parent in self._selection.parents(test)
            )
            for test in self._selection.tests_of.get(table, [])
        )

    def _unit(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Builds a table, then runs the tests that waited for it last."""
        cursor = _cursor(connection)
        try:
            if name in self._selection.tables:
                self._do(cursor, name, _build)
                for test in self._claim_tests(name):
                    self._do(cursor, test, _test)
            else:
                self._do(cursor, name, _test)
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
                compiled = "" if _is_seed(node) else self._compiled.sql(name)
                found = run(cursor, node, compiled)
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
                self._refused.append(set(self._selection.parents(name)))
            self._on_result(result)

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

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """The work file with the warehouse beside it, and every schema in them."""
        connection = duckdb.connect(
            str(self._candidate.work_file.resolve()), config=dict(CONFIG)
        )
        connection.execute(
            f"attach if not exists {sql.literal(self._candidate.warehouse_file.resolve())} "
            "as warehouse"
        )
        schemas = {
            node["relation_name"].rpartition(".")[0]
            for node in self._selection.tables.values()
            if node["relation_name"]
        }
        for schema in sorted(schemas):
            connection.execute(f"create schema if not exists {schema}")
        return connection


def _cursor(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the same files; settings belong to each."""
    cursor = connection.cursor()
    for setting, value in SETTINGS.items():
        cursor.execute(f"set {setting} = {sql.literal(value)}")
    return cursor


def _is_seed(node: Node) -> bool:
    return bool(node["resource_type"] == "seed")


def _build(
    cursor: duckdb.DuckDBPyConnection, node: Node, compiled: str
) -> dict[str, Any]:
    """Makes a table, a view or a seed, with its comments."""
    kind = node["config"]["materialized"]
    if kind == "ephemeral":
        return {"status": "success"}
    rows: int | None
    if node.get("language") == "python":
        rows = _run_python(cursor, node, compiled)
        _comment(cursor, node)
        return {"status": "success", "rows": rows}
    cursor.execute("begin")
    try:
        rows = None
        if _is_seed(node):
            rows = _load_seed(cursor, node)
        elif kind == "view":
            _check_contract(cursor, node, compiled)
            cursor.execute(f"create view {node['relation_name']} as ({compiled}\n)")
        else:
            _check_contract(cursor, node, compiled)
            rows = _create_table(cursor, node, compiled)
        _comment(cursor, node)
        cursor.execute("commit")
    except BaseException:
        with suppress(duckdb.Error):
            cursor.execute("rollback")
        raise
    return {"status": "success", "rows": rows}


def _create_table(cursor: duckdb.DuckDBPyConnection, node: Node, compiled: str) -> int:
    """Makes a table of a query, as its contract describes it; how many rows it has."""
    relation = node["relation_name"]
    if not node["contract"]["enforced"]:
        return _changed(cursor, f"create table {relation} as ({compiled}\n)")
    columns = node["columns"].values()
    cursor.execute(f"create table {relation} ({', '.join(map(_definition, columns))})")
    names = ", ".join(map(_name, columns))
    return _changed(
        cursor,
        f"insert into {relation} ({names}) "
        f"select {names} from ({compiled}\n) as model_subq",
    )


def _test(
    cursor: duckdb.DuckDBPyConnection, node: Node, compiled: str
) -> dict[str, Any]:
    """Counts the rows that a test finds."""
    (failures,) = (
        cursor.execute(f"select count(*) from ({compiled}\n) as found").fetchone() or ()
    )
    status: Status = "pass"
    message = ""
    if failures:
        warns = str(node["config"].get("severity")).lower() == "warn"
        status = "warn" if warns else "fail"
        message = f"Got {failures} result{'s' if failures != 1 else ''}, expected none"
    return {
        "status": status,
        "failures": failures,
        "message": message,
        "sql": compiled,
    }


def _changed(cursor: duckdb.DuckDBPyConnection, statement: str) -> int:
    """Runs a statement that writes rows; how many."""
    (rows,) = cursor.execute(statement).fetchone() or (0,)
    return int(rows)


def _name(column: Mapping[str, Any]) -> str:
    name = str(column["name"])
    return sql.quoted(name) if column.get("quote") else name


def _definition(column: Mapping[str, Any]) -> str:
    """A column of a table with a contract."""
    not_null = " not null" if column.get("constraints") else ""
    return f"{_name(column)} {column['data_type']}{not_null}"


def _check_contract(
    cursor: duckdb.DuckDBPyConnection, node: Node, compiled: str
) -> None:
    """That a model gives the columns and types that its contract says.

    Raises:
        duckdb.Error: The SQL cannot be run.
        ValueError: It gives something else.
    """
    if not node["contract"]["enforced"]:
        return
    given = _columns(cursor, f"select * from ({compiled}\n) as model_subq")
    described = node["columns"].values()
    agreed = _columns(
        cursor,
        "select "
        + ", ".join(
            f"cast(null as {column['data_type']}) as {_name(column)}"
            for column in described
        ),
    )
    if sorted(given) == sorted(agreed):
        return
    differing = [
        f"{name}: {there.get(name, 'missing')} in the model, "
        f"{wanted.get(name, 'missing')} in the contract"
        for there, wanted in [(dict(given), dict(agreed))]
        for name in sorted({**there, **wanted})
        if there.get(name) != wanted.get(name)
    ]
    raise ValueError(
        f"{node['original_file_path']} breaks its contract: {'; '.join(differing)}"
    )


def _columns(
    cursor: duckdb.DuckDBPyConnection, statement: str
) -> list[tuple[str, str]]:
    """The columns of a query in lower case, and their types, without running it."""
    described = cursor.execute(f"describe {statement}").fetchall()
    return [(str(name).lower(), str(kind)) for name, kind, *_ in described]


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


def _comment(cursor: duckdb.DuckDBPyConnection, node: Node) -> None:
    """Writes the descriptions to the table and its columns, where that is wanted."""
    wanted = node["config"].get("persist_docs") or {}
    relation = node["relation_name"]
    kind = "view" if node["config"]["materialized"] == "view" else "table"
    statements = []
    if wanted.get("relation") and node["description"]:
        statements.append(
            f"comment on {kind} {relation} is {sql.literal(node['description'])}"
        )
    if wanted.get("columns") and node["columns"]:
        there = {name for name, *_ in cursor.execute(f"describe {relation}").fetchall()}
        statements += [
            f"comment on column {relation}.{_name(column)} is "
            f"{sql.literal(column['description'])}"
            for name, column in node["columns"].items()
            if name in there
        ]
    if statements:
        cursor.execute("; ".join(statements))


def _load_seed(cursor: duckdb.DuckDBPyConnection, node: Node) -> int:
    """Loads a CSV file; columns without a declared type have the one dbt would infer."""
    path = Path(node["root_path"]) / node["original_file_path"]
    delimiter = node["config"].get("delimiter") or ","
    declared: Mapping[str, str] = node["config"].get("column_types") or {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=delimiter), [])
    types = dict(declared)
    if set(header) - declared.keys():
        types = {**_inferred(path, declared, delimiter), **declared}
    relation = node["relation_name"]
    definitions = ", ".join(f"{sql.quoted(name)} {types[name]}" for name in header)
    cursor.execute(f"create table {relation} ({definitions})")
    return _changed(
        cursor,
        f"copy {relation} from {sql.literal(path)} "
        f"(format csv, header true, delimiter {sql.literal(delimiter)})",
    )


def _inferred(
    path: Path, declared: Mapping[str, str], delimiter: str
) -> dict[str, str]:
    """The types that dbt infers for the columns of a seed."""
    from dbt.adapters.duckdb import DuckDBAdapter
    from dbt_common.clients.agate_helper import from_csv

    table = from_csv(path, text_columns=list(declared), delimiter=delimiter)
    return {
        name: str(DuckDBAdapter.convert_type(table, place))
        for place, name in enumerate(table.column_names)
    }


def _run_python(cursor: duckdb.DuckDBPyConnection, node: Node, compiled: str) -> int:
    """Runs a Python model as dbt-duckdb does, and keeps what it returns as a table."""
    namespace: dict[str, Any] = {"__name__": f"dbt_model_{node['name']}"}
    code = compile(compiled, node["original_file_path"], "exec")
    exec(code, namespace)
    dbt = namespace["dbtObj"](lambda table: cursor.query(f"select * from {table}"))
    frame = namespace["model"](dbt, cursor)
    # A relation may read tables of its cursor; rows that are read from the cursor as
    # they are written need another.
    is_relation = isinstance(frame, duckdb.DuckDBPyRelation)
    writer = cursor if is_relation else _cursor(cursor)
    name = f"__model_{node['alias']}"
    writer.register(name, frame)
    try:
        return _changed(
            writer, f"create table {node['relation_name']} as select * from {name}"
        )
    finally:
        writer.unregister(name)

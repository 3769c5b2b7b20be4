"""Makes the table, view or seed of one node, runs one test, or takes a table over.

As dbt does it, with the same types, comments and contracts. Not here: which nodes, in
which order, and what is the same as before (`execution`, `traces`).
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import engine, sql
from pipeline.common.files import copy_whole, read_json, sha256
from pipeline.release import duckdb_files
from pipeline.release.layout import DATABASES, Candidate, stated
from pipeline.transform.nodes import Node, Status

log = logging.getLogger("customer_tiers.transform")

# The catalog of the work file; what is before the names of those of the release before.
WORK, FORMER = "work", "former_"

# What DuckDB's files are opened with, here and by dbt. A time with a zone compared with
# one without is one in UTC, wherever this runs.
SETTINGS = {"TimeZone": "UTC"}


def config() -> dict[str, Any]:
    """How DuckDB opens the files, here and where dbt opens them."""
    # Tables have no order; keeping one costs memory.
    return {**engine.config(), "preserve_insertion_order": "false"}


@contextmanager
def log_kept() -> Iterator[None]:
    """Leaves the log of everybody as it was before dbt was imported.

    What dbt imports gives it a handler, which shows others' messages on the terminal.
    """
    root = logging.getLogger()
    handlers = [*root.handlers]
    try:
        yield
    finally:
        root.handlers = handlers


def cursor_of(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the same files; settings belong to each."""
    cursor = connection.cursor()
    for setting, value in SETTINGS.items():
        cursor.execute(f"set {setting} = {sql.literal(value)}")
    return cursor


def is_seed(node: Node) -> bool:
    """Whether the rows of a node stand in a file of the project."""
    return bool(node["resource_type"] == "seed")


def build(
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
        if is_seed(node):
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


def copy_files(release: Path, candidate: Candidate) -> bool:
    """Has a candidate's files begin as those of a release, where most of it will be the same.

    A copy of a file costs what it takes to read and write it, and on a file system that
    shares blocks nothing; a copy of its tables costs what it takes to make them out. Free
    blocks may hold rows of tables that were dropped, and none of anybody who was forgotten
    since: `forget` writes a release's files anew.

    Returns:
        False, and nothing is copied, where a file is not the one that was sealed.
    """
    try:
        sealed = stated(read_json(release / "release.json"))
        for name, path in duckdb_files.databases(release).items():
            target = candidate.databases[name]
            target.unlink(missing_ok=True)
            copy_whole(path, target)
            target.chmod(0o600)
            if sha256(target) not in {each["sha256"] for each in sealed[path.name]}:
                raise ValueError(f"{path} is not the file that was sealed")
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the files of %s are not gone on from: %s", release.name, error)
        for each in candidate.databases.values():
            each.unlink(missing_ok=True)
        return False
    return True


def take_over(
    cursor: duckdb.DuckDBPyConnection, node: Node, *, is_copied: bool = False
) -> bool:
    """Has the former table of a node stand where the node's own would be made.

    In the work file it lies there already, and so it does in the release's where these
    were copied whole. Otherwise these hold nothing of former ones: its table is copied,
    from the file in which it belongs.

    Returns:
        False where there is none to take over.
    """
    kind = node["config"]["materialized"]
    if kind == "ephemeral":
        return True
    if is_copied or node["database"] not in DATABASES:
        return _is_there(cursor, node)
    if kind == "view":
        return False
    cursor.execute("begin")
    try:
        former = sql.quoted(f"{FORMER}{node['database']}")
        relation = node["relation_name"].partition(".")[2]
        _create_table(cursor, node, f"select * from {former}.{relation}")
        _comment(cursor, node)
        cursor.execute("commit")
    except BaseException as error:
        with suppress(duckdb.Error):
            cursor.execute("rollback")
        if isinstance(error, duckdb.CatalogException):
            return False
        raise
    return True


def drop(cursor: duckdb.DuckDBPyConnection, node: Node) -> None:
    """Drops what is there of a node."""
    if relation := node["relation_name"]:
        try:
            cursor.execute(f"drop table if exists {relation}")
        except duckdb.CatalogException:  # it is a view
            cursor.execute(f"drop view {relation}")


def drop_all_but(cursor: duckdb.DuckDBPyConnection, nodes: Iterable[Node]) -> None:
    """Drops all tables and views of the candidate that are none of these or landed."""
    wanted = {node["relation_name"] for node in nodes}
    ours = [WORK, *DATABASES]
    there = cursor.execute(
        "select 'view' as kind, database_name, schema_name, view_name as name "
        "from duckdb_views() where not internal and schema_name <> 'landing' "
        "and database_name in (select unnest(?)) "
        "union all select 'table', database_name, schema_name, table_name "
        "from duckdb_tables() where schema_name <> 'landing' "
        "and database_name in (select unnest(?))",
        [ours, ours],
    ).fetchall()
    for kind, *place in there:
        relation = ".".join(map(sql.quoted, place))
        if relation not in wanted:
            cursor.execute(f"drop {kind} {relation}")


def _is_there(cursor: duckdb.DuckDBPyConnection, node: Node) -> bool:
    """Whether a table or a view stands where a node's own belongs, and can be read.

    The engine's list of tables would say so too; to make it takes the engine longer than
    many a node.
    """
    try:
        cursor.execute(f"select 1 from {node['relation_name']} limit 0")
    except (duckdb.BinderException, duckdb.CatalogException):
        return False
    return True


def _create_table(cursor: duckdb.DuckDBPyConnection, node: Node, compiled: str) -> int:
    """Makes a table of a query, as its contract describes it; how many rows it has."""
    relation = node["relation_name"]
    if not node.get("contract", {}).get("enforced"):  # a seed has none
        return _changed(cursor, f"create table {relation} as ({compiled}\n)")
    columns = node["columns"].values()
    cursor.execute(f"create table {relation} ({', '.join(map(_definition, columns))})")
    names = ", ".join(map(_name, columns))
    return _changed(
        cursor,
        f"insert into {relation} ({names}) "
        f"select {names} from ({compiled}\n) as model_subq",
    )


def test(
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
        types = {**inferred_types(path, declared, delimiter), **declared}
    relation = node["relation_name"]
    definitions = ", ".join(f"{sql.quoted(name)} {types[name]}" for name in header)
    cursor.execute(f"create table {relation} ({definitions})")
    return _changed(
        cursor,
        f"copy {relation} from {sql.literal(path)} "
        f"(format csv, header true, delimiter {sql.literal(delimiter)})",
    )


def inferred_types(
    path: Path, declared: Mapping[str, str], delimiter: str
) -> dict[str, str]:
    """The types that dbt infers for the columns of a seed."""
    with log_kept():
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
    writer = cursor if is_relation else cursor_of(cursor)
    name = f"__model_{node['alias']}"
    writer.register(name, frame)
    relation = node["relation_name"]
    schema, _, own = relation.rpartition(".")
    unfinished = f"{schema}.{sql.quoted(node['alias'] + '__unfinished')}"
    try:
        # The model may read its table of before (`dbt.this`) until it has ended.
        writer.execute(f"drop table if exists {unfinished}")
        rows = _changed(writer, f"create table {unfinished} as select * from {name}")
        drop(writer, node)
        writer.execute(f"alter table {unfinished} rename to {own}")
        return rows
    finally:
        writer.unregister(name)
        if writer is not cursor:
            writer.close()

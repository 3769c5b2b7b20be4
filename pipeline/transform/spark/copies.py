"""What a release takes of the tables on Spark: marts and meta, in the release's own files.

The copy is made before the gates, so that they judge what readers will read, and all that
is done with a release afterwards is done with its files as on DuckDB. Facts stay on Spark
but for those that are marts themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb

from pipeline.common import sql
from pipeline.release import duckdb_files
from pipeline.release.layout import DATABASES, Candidate
from pipeline.transform import materialization
from pipeline.transform.nodes import Node
from pipeline.transform.spark.python_models import Files, read

# Those of core that identity keeps for the next refresh (`identity.memory.KEPT`).
REMEMBERED = ("core_customer_forms", "core_customer_prints", "core_customer_links")


def copy(
    candidate: Candidate,
    nodes: Callable[[], Iterator[Node]],
    files: Files,
) -> dict[str, str]:
    """Copies what belongs into the candidate's files, with contracts and comments.

    Args:
        candidate: Whose work file has the schema `landing`, and whose other files have
            the schemas of a release.
        nodes: Gives all seeds and models that are built.
        files: Gives the Parquet files of each.

    Returns:
        Why a table could not be copied, by the unique id of its node: the rows break its
        contract, which Spark's own tables do not hold.
    """
    problems: dict[str, str] = {}
    with duckdb.connect(
        str(candidate.work_file.resolve()), config=materialization.config()
    ) as connection:
        duckdb_files.attach(connection, candidate.databases, read_only=False)
        with materialization.cursor_of(connection) as cursor:
            for node in nodes():
                if not _belongs(node):
                    continue
                schema = node["relation_name"].rpartition(".")[0]
                cursor.execute(f"create schema if not exists {schema}")
                materialization.drop(cursor, node)
                try:
                    _copy(cursor, node, files)
                except (duckdb.Error, ValueError) as error:
                    problems[node["unique_id"]] = str(error)
    return problems


def _belongs(node: Node) -> bool:
    return node["config"]["materialized"] != "ephemeral" and (
        node["database"] in DATABASES or node["name"] in REMEMBERED
    )


def _copy(cursor: duckdb.DuckDBPyConnection, node: Node, files: Files) -> None:
    if materialization.is_seed(node):
        materialization.build(cursor, node, "")
        return
    rows = read(cursor, files(node))
    columns = "*"
    if node["contract"]["enforced"]:
        columns = ", ".join(
            f"cast({sql.quoted(name)} as {column['data_type']}) as {sql.quoted(name)}"
            for name, column in node["columns"].items()
        )
    table = {
        **node,
        "language": "sql",
        "config": {**node["config"], "materialized": "table"},
    }
    materialization.build(cursor, table, f"select {columns} from {rows}")

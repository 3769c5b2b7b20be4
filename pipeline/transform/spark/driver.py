"""Holds a session of Spark's and does in it what it is told, line by line.

    python driver.py CONFIGURATION

A program of Spark's own environment: nothing of ours is imported, because it is not
installed there. CONFIGURATION is a JSON file, the settings of the session. Each line on
standard input is a command as JSON (`do`, and what it needs); each line on standard output
the answer to one: `{"answer": …}`, or `{"error": …}`. What Spark and dbt print goes to
standard error. It ends with its input, so that it never outlives who started it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import col, when
from pyspark.sql.types import StringType, TimestampNTZType


def main() -> None:
    """Answers until there are no more commands."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever is printed from here on is no answer
    configuration = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    builder = SparkSession.builder.appName("customer_tiers")
    for name, value in configuration.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    for line in sys.stdin:
        command = json.loads(line)
        try:
            found = {"answer": COMMANDS[command.pop("do")](spark, **command)}
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(found, default=str) + "\n")
        answers.flush()
    spark.stop()


def run(spark: SparkSession, query: str) -> list[list[Any]]:
    """The rows of a query; none of a statement."""
    return [list(row) for row in spark.sql(query).collect()]


def refuses(spark: SparkSession, query: str) -> bool:
    """Whether Spark does not run a query."""
    try:
        spark.sql(query).collect()
    except PySparkException:
        return True
    return False


def load_parquet(spark: SparkSession, table: str, files: Sequence[str]) -> None:
    """Makes a table of Parquet files.

    Times are in UTC, and of the one type that Spark reckons with.
    """
    rows = spark.read.parquet(*files)
    zoneless = {
        field.name
        for field in rows.schema.fields
        if isinstance(field.dataType, TimestampNTZType)
    }
    _save(
        rows.select(
            *(
                col(_name(name)).cast("timestamp")
                if name in zoneless
                else col(_name(name))
                for name in rows.columns
            )
        ),
        table,
    )


def load_csv(
    spark: SparkSession, table: str, file: str, columns: str, delimiter: str
) -> None:
    """Makes a table of a CSV file with one line of names.

    Args:
        spark: The session.
        table: What the table is called.
        file: The file.
        columns: Name and type of each column, as in `create table`.
        delimiter: What stands between values.
    """
    rows = (
        spark.read.schema(columns)
        .option("header", "true")
        .option("sep", delimiter)
        .option("quote", '"')
        .option("escape", '"')  # a quote in quotes is written twice
        .option("multiLine", "true")
        .option("mode", "FAILFAST")
        .csv(file)
    )
    # A text without a letter is none, in quotes too, as DuckDB has it.
    texts = {
        field.name for field in rows.schema.fields if field.dataType == StringType()
    }
    _save(
        rows.select(
            *(
                when(col(_name(name)) != "", col(_name(name))).alias(name)
                if name in texts
                else col(_name(name))
                for name in rows.columns
            )
        ).coalesce(1),
        table,
    )


def files(spark: SparkSession, table: str, scratch: str) -> list[str]:
    """The Parquet files of a table; of a view, which are written for it.

    Args:
        spark: The session.
        table: What it is called.
        scratch: The folder for the rows of a view.
    """
    rows = spark.table(table)
    kind = spark.catalog.getTable(table).tableType
    found = list(rows.inputFiles()) if kind in ("MANAGED", "EXTERNAL") else []
    if not found:
        rows.write.mode("overwrite").parquet(scratch)
        found = list(spark.read.parquet(scratch).inputFiles())
    return found


def dbt(spark: SparkSession, arguments: list[str]) -> list[dict[str, Any]]:
    """What became of each node of a command of dbt's, which finds the session itself."""
    done = dbtRunner().invoke(arguments)
    if done.exception is not None:
        raise done.exception
    return [
        {
            "unique_id": result.node.unique_id,
            "name": result.node.name,
            "status": str(result.status),
            "message": str(result.message or ""),
            "failures": result.failures,
            "seconds": result.execution_time,
            "ended_at": time.time(),
        }
        for result in done.result
    ]


def executors(spark: SparkSession) -> int:
    """How many executors there are; of those who hold blocks, the driver is one."""
    return int(spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size()) - 1


def _save(rows: DataFrame, table: str) -> None:
    rows.write.mode("overwrite").saveAsTable(table)


def _name(column: str) -> str:
    return f"`{column.replace('`', '``')}`"


COMMANDS: dict[str, Callable[..., Any]] = {
    "run": run,
    "refuses": refuses,
    "load_parquet": load_parquet,
    "load_csv": load_csv,
    "files": files,
    "dbt": dbt,
    "executors": executors,
}

if __name__ == "__main__":
    main()

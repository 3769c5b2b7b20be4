"""Builds the dbt project on Spark, as a program of Spark's own environment.

    python spark_driver.py PLAN

PLAN is JSON: `conf` of the session, `tables` to load first (schema, name, files, landed),
`dbt` the commands of dbt, `report` the file for what became of each node and for what
Spark said to `refused`. Nothing of ours is imported: it is not installed there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.functions import col
from pyspark.sql.types import TimestampNTZType

SCHEMAS = ("landing", "staging", "core", "marts", "meta")


def main() -> None:
    """Loads what is given, has dbt build the rest, and reports."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    builder = SparkSession.builder.appName("customer_tiers")
    for name, value in plan["conf"].items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    load(spark, plan["tables"])
    report = {
        "functions": sorted(row[0] for row in spark.sql("show functions").collect()),
        "accepted": [query for query in plan["refused"] if accepts(spark, query)],
        # dbt finds the session that is there, and builds with it.
        "nodes": [node for command in plan["dbt"] for node in built(command)],
        # Of those who hold blocks at the end, the driver is one.
        "executors": spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1,
    }
    Path(plan["report"]).write_text(json.dumps(report), encoding="utf-8")
    spark.stop()


def load(spark: SparkSession, tables: Iterable[Mapping[str, Any]]) -> None:
    """Makes tables of Parquet files.

    What landed keeps its types, times without a zone too, as staging expects them; all
    other times are in UTC, and of the one type that Spark reckons with.
    """
    for schema in SCHEMAS:
        spark.sql(f"create schema if not exists {schema}")
    for table in tables:
        rows = spark.read.option("mergeSchema", "true").parquet(*table["files"])
        if not table["landed"]:
            rows = rows.select(
                *(
                    col(f"`{field.name}`").cast("timestamp")
                    if isinstance(field.dataType, TimestampNTZType)
                    else col(f"`{field.name}`")
                    for field in rows.schema.fields
                )
            )
        rows.write.saveAsTable(f"{table['schema']}.{table['name']}")


def accepts(spark: SparkSession, query: str) -> bool:
    """Whether Spark runs a query."""
    try:
        spark.sql(query).collect()
    except PySparkException:
        return False
    return True


def built(arguments: list[str]) -> list[dict[str, Any]]:
    """What became of each node."""
    done = dbtRunner().invoke(arguments)
    if done.exception is not None:
        raise done.exception
    return [
        {
            "name": result.node.name,
            "status": str(result.status),
            "message": str(result.message or ""),
            "seconds": result.execution_time,
        }
        for result in done.result
    ]


if __name__ == "__main__":
    main()

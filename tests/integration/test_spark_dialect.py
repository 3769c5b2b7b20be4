"""What macros say to each engine means the same, where no company of the tests shows it.

Needs Spark (`make spark-env`) and Java; one session on this machine, without a cluster.
"""

from __future__ import annotations

import duckdb
import jinja2
import pytest

from pipeline.transform.package import PACKAGE
from pipeline.transform.spark import session as spark_session
from tests.integration import spark_cluster

pytestmark = pytest.mark.slow

# Around the nights on which clocks are changed, and a day without anything.
TIMES = [
    *("2023-10-29 01:47:00", "2023-10-29 02:00:00", "2023-10-29 02:47:00"),
    *("2023-10-29 03:00:00", "2023-03-26 01:59:00", "2023-03-26 02:30:00"),
    *("2023-03-26 03:00:00", "2023-07-01 12:00:00"),
]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Shanghai", "UTC"]


def test_an_hour_that_comes_twice_is_the_same_moment(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    spark = spark_cluster.installation()
    folder = tmp_path_factory.mktemp("spark")
    macros = (PACKAGE / "macros" / "dialect.sql").read_text(encoding="utf-8")
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])

    moments = [(time, zone) for time in TIMES for zone in ZONES]

    def expressions(engine: str) -> list[str]:
        said = environment.from_string(
            macros + f"{{{{ {engine}__local_to_utc(time, zone) }}}}"
        )
        return [
            said.render(time=f"timestamp '{time}'", zone=zone).strip()
            for time, zone in moments
        ]

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        seconds = ", ".join(f"epoch({each})::bigint" for each in expressions("default"))
        ours = connection.execute(f"select {seconds}").fetchone()
    with spark_session.opened(
        spark.python,
        spark.environment,
        spark_cluster.configuration("local[1]", folder),
        folder / "driver",
    ) as session:
        seconds = ", ".join(f"unix_timestamp({each})" for each in expressions("spark"))
        (theirs,) = session.run(f"select {seconds}")
    assert ours is not None
    assert dict(zip(moments, theirs, strict=True)) == dict(
        zip(moments, ours, strict=True)
    )

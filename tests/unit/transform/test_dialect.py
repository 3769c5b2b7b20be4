"""Macros of the dialect whose SQL meets values that no model of ours expects."""

from __future__ import annotations

from typing import Any

import duckdb
import jinja2
import pytest

from pipeline.transform.package import PACKAGE


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1234567.5", "1,234,568"),
        ("-1000.4", "-1,000"),
        ("cast(12 as decimal(18, 2))", "12"),
        # A bound of the drift test that was 1.15e19 once failed a whole refresh.
        ("1.15e19", "11,500,000,000,000,000,000"),
        ("cast('infinity' as double)", "inf"),
        ("null", None),
    ],
)
def test_a_number_of_any_size_is_written(value: str, said: str | None) -> None:
    text = (PACKAGE / "macros" / "dialect.sql").read_text(encoding="utf-8")
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    macros = environment.from_string(text).make_module()
    query = f"select {macros.default__thousands(value)}"  # type: ignore[attr-defined]
    assert duckdb.execute(query).fetchone() == (said,)


def test_spark_rounds_as_duckdb_does() -> None:
    """What Spark is given, in words that DuckDB knows too, beside DuckDB's own cast."""
    text = (PACKAGE / "macros" / "dialect.sql").read_text(encoding="utf-8")
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    macros: Any = environment.from_string(text).make_module()
    for kind in ("decimal(18, 4)", "decimal(12, 6)", "decimal(9, 1)"):
        ours = macros.default__rounded("value", kind)
        theirs = macros.spark__rounded("value", kind)
        differing = duckdb.execute(
            f"""
            with drawn as (
                select hash(n) % 1000000 / (1 + hash(-n) % 97) as part, n
                from range(30000) as numbers(n)
            )
            select value
            from (
                -- Amounts shared out, and values halfway between two decimals.
                select unnest([part, -part, round(part * 10) / 10 + 0.00005]) as value
                from drawn
            )
            where abs(value) < 1e5 and {ours} is distinct from {theirs}
            """
        ).fetchall()
        assert differing == []

"""Every model and every test of dbt's, compiled for Spark, is SQL that Spark understands.

Compiled by the real adapter, which needs neither Java nor Spark for it. That DuckDB
understands them is shown by every refresh; what a model says to either with other words
stands in dispatched macros, so a word of DuckDB's in what is compiled here is out of place.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.sources import load_sources
from pipeline.transform import project
from pipeline.transform.package import PACKAGE
from tests import dialects

# The adapter asks whether pyspark is there before it compiles, and uses none of it.
COMPILE = """
import importlib.util, sys, types
if importlib.util.find_spec("pyspark") is None:
    sys.modules["pyspark"] = types.ModuleType("pyspark")
from dbt.cli.main import cli
cli()
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The SQL of every node but the Python models, by the path of its file."""
    target = tmp_path_factory.mktemp("spark")
    settings = Settings.load(target / "home")
    folder = project.compose(load_sources(settings), settings)
    done = subprocess.run(
        [
            *(sys.executable, "-c", COMPILE, "compile", "--quiet", "--target", "spark"),
            *("--no-populate-cache", "--no-introspect", "--no-partial-parse"),
            # Python models only, and not the tests of them.
            *("--exclude", "file:*.py", "--indirect-selection", "empty"),
            *("--threads", "1", "--project-dir", folder, "--profiles-dir", PACKAGE),
            *("--target-path", target, "--log-path", target),
        ],
        cwd=target,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    base = target / "compiled" / "customer_tiers"
    return {
        str(path.relative_to(base)): path.read_text(encoding="utf-8")
        for path in sorted(base.rglob("*.sql"))
    }


def test_spark_understands_every_model_and_test(compiled: dict[str, str]) -> None:
    shipped = {
        path.stem
        for folder in ("models", "tests")
        for path in (PACKAGE / folder).rglob("*.sql")
        if path.parent.name != "generic"
    }
    assert shipped <= {Path(name).stem for name in compiled}
    found = {name: dialects.problems(text) for name, text in compiled.items()}
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_what_few_may_read_lies_in_a_schema_of_its_own(
    compiled: dict[str, str],
) -> None:
    read = [
        schema
        for text in compiled.values()
        for schema in re.findall(r"\b(\w+)\.customers_private\b", text)
    ]
    assert set(read) == {"private_marts"}


# What the lint is for: queries that DuckDB runs and Spark refuses; test_spark shows that.
REFUSED = {
    "select cast(1 as varchar) as one": "varchar",
    "select cast(1 as hugeint) as one": "hugeint",
    "select arg_max(a, b) as a from (select 1 as a, 2 as b) as t": "arg_max()",
    "select list_value(1, 2) as numbers": "list_value()",
    "select strftime(date '2026-11-30', '%Y') as year": "strftime()",
    "select epoch(timestamp '2026-11-30 12:00:00') as seconds": "epoch()",
    "select 7 // 2 as three": "//",
    "select list_transform([1], lambda x: x) as numbers": "list_transform()",
    "select sum(a) over w - a as others from (select 1 as a) as t window w as (order by a)": (
        "over w -"
    ),
    "select * exclude (a) from (select 1 as a, 2 as b) as t": "exclude",
    "select a from (select 'B' as a) as t where a ~ 'B.*'": "~",
}
# Queries that both run, Spark as something else.
MISREAD = {
    'select "a" from (select 1 as a) as t': '"a"',
    "select * from (select 1 as a) as t asof join (select 1 as b) as u on a >= b": "asof",
}


@pytest.mark.parametrize(("sql", "word"), [*REFUSED.items(), *MISREAD.items()])
def test_a_word_of_duckdb_is_found(sql: str, word: str) -> None:
    assert duckdb.execute(sql).fetchone()
    assert dialects.problems(sql), word


@pytest.mark.parametrize(
    "sql",
    [
        "select cast(a as decimal(18, 4)) as a from t",
        "with a as (select 1 as b), c as (select * from a) select count(*) from c",
        "select sum(a) over (partition by b order by c desc nulls last) as d from t",
        "select max(case when a in ('x', 'y') then b end) as c from t where not (a = 'z')",
        "select a from t where exists (select 1 from u where (u.a = t.a) and (u.b > 0))",
        "select (sum(a) over w) - a as others from t window w as (order by a)",
        "select last_value(a, true) over w as b from t window w as (order by c)",
    ],
)
def test_what_both_understand_is_none_of_them(sql: str) -> None:
    assert dialects.problems(sql) == []


def macros() -> Iterator[tuple[str, str]]:
    """The macros of the package: what engine each is for, and its name."""
    for path in sorted((PACKAGE / "macros").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        yield from re.findall(r"macro (default|spark)__(\w+)\(", text)


def test_what_one_engine_says_the_other_says_too() -> None:
    said = {
        engine: {name for each, name in macros() if each == engine}
        for engine in ("default", "spark")
    }
    # dbt's own macros, which DuckDB needs no other of.
    of_dbt = set(
        re.findall(
            r"macro spark__(\w+)\(",
            (PACKAGE / "macros" / "spark.sql").read_text(encoding="utf-8"),
        )
    )
    assert said["default"] == said["spark"] - of_dbt
    text = "".join(
        path.read_text(encoding="utf-8") for path in (PACKAGE / "macros").glob("*.sql")
    )
    dispatched = set(
        re.findall(r'adapter\.dispatch\("(\w+)", "customer_tiers"\)', text)
    )
    dispatched |= set(re.findall(r'adapter\.dispatch\("(\w+)"\)', text))
    assert dispatched == said["default"]


def test_the_page_names_every_macro() -> None:
    page = (PROJECT_ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert named == {name for _, name in macros()}

"""What becomes of each node of a small dbt project, run by us and by dbt itself."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.files import read_json, write_text
from pipeline.common.settings import PROJECT_ROOT
from pipeline.release.layout import Candidate
from pipeline.transform import dbt as transform
from pipeline.transform import dbt_runner
from pipeline.transform.compiled import Compiled
from pipeline.transform.execution import Execution
from pipeline.transform.nodes import Result, Selection, why_dbt_itself
from pipeline.transform.traces import Traces

PROJECT = """
name: customer_tiers
version: "1.0.0"
profile: customer_tiers
flags: {send_anonymous_usage_stats: false}
models:
  customer_tiers:
    staging: {+materialized: view, +schema: staging}
    core: {+materialized: table, +schema: core}
    marts: {+materialized: table, +database: warehouse, +schema: marts}
seeds:
  customer_tiers: {+database: warehouse, +schema: meta}
"""
SCHEMAS = """
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
"""
# A profile for the parser, which opens no database and takes the name of one from it.
PARSING = """
customer_tiers:
  target: candidate
  outputs:
    candidate: {type: duckdb, path: work.duckdb, threads: 1}
"""
# What dbt keeps of a project with nothing but macros, by its dbt_project.yml: those of dbt
# itself, which take two seconds, are parsed once.
PARSED: dict[str, bytes] = {}
KEPT = "partial_parse.msgpack"
# What the marts below are made of.
FILES = {
    "dbt_project.yml": PROJECT,
    "macros/schemas.sql": SCHEMAS,
    "seeds/rates.csv": "code,rate,since,note\nA,1.5,2024-01-31,\nB,2,2024-02-29,x\n",
    "models/staging/given.sql": "select 1 as id, 'A' as code union all select 2, 'B'",
    "models/core/priced.sql": (
        "select given.id, rates.rate from {{ ref('given') }} as given "
        "inner join {{ ref('rates') }} as rates on given.code = rates.code"
    ),
    "models/marts/prices.sql": "select id, rate from {{ ref('priced') }}",
    "models/marts/others.sql": "select 1 as id",
}


def traces_of(
    project: transform.Project, root: Path = Path("/"), former: Mapping[str, Any] = {}
) -> Traces:
    manifest = project.manifest_json
    read = {**manifest["sources"], **manifest["nodes"]}
    return Traces(project.folder, read, root, former)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy(source, target)


def _parsed(bare: Path) -> bytes:
    """What dbt keeps of a project, parsed where nobody has yet."""
    described = (bare / "dbt_project.yml").read_text()
    if described not in PARSED:
        dbt_runner.parse(bare)
        PARSED[described] = (bare / "parsed" / KEPT).read_bytes()
    return PARSED[described]


@dataclass
class Small:
    """A dbt project in a folder, and a candidate to build it in."""

    folder: Path
    candidate: Candidate

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.folder / "project" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def parse(self) -> transform.Project:
        project = self.folder / "project"
        parsed = project / "parsed"
        # What dbt keeps of a parse holds for one text of the profile and of the project.
        write_text(project / "profiles.yml", PARSING)
        if not parsed.exists():
            parsed.mkdir()
            bare = self.folder / "bare"
            for name in ("dbt_project.yml", "profiles.yml", "macros"):
                _copy(project / name, bare / name)
            (parsed / KEPT).write_bytes(_parsed(bare))
        manifest = dbt_runner.parse(project)
        write_text(project / "profiles.yml", dbt_runner.profile(self.candidate, 1))
        return transform.Project(
            read_json(project / "parsed" / "manifest.json"), project, manifest
        )

    def run(
        self, project: transform.Project, *, by_dbt: bool = False
    ) -> dict[str, Result]:
        """Every node's result by its name, in files that are made anew."""
        for path in (self.candidate.work_file, *self.candidate.databases.values()):
            path.unlink(missing_ok=True)
            duckdb.connect(str(path)).close()
        return self.run_again(project, by_dbt=by_dbt)

    def run_again(
        self, project: transform.Project, *, by_dbt: bool = False
    ) -> dict[str, Result]:
        """The same, in files that hold what was built before."""
        if by_dbt:
            found = dbt_runner.build(
                project.manifest_json["nodes"],
                project.manifest(),
                project.folder,
                project.folder,
                lambda _: None,
            )
        else:
            found = Execution(
                Selection(project.manifest_json),
                transform.compiled(project, project.folder),
                self.candidate,
                2,
                lambda _: None,
                threading.Event(),
                traces_of(project),
            ).run()
        return {result.node["name"]: result for result in found}

    def both(self, **files: str) -> Mapping[str, Result]:
        """Our results, which are dbt's in whatever is not a sentence."""
        self.write(**files)
        project = self.parse()
        theirs = self.run(project, by_dbt=True)
        ours = self.run(project)
        assert {name: (each.status, each.failures) for name, each in ours.items()} == {
            name: (each.status, each.failures) for name, each in theirs.items()
        }
        return ours

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.candidate.warehouse_file)) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every test has its project, so that dbt need not parse its own macros again."""
    return tmp_path_factory.mktemp("small")


@pytest.fixture
def small(place: Path, tmp_path: Path) -> Small:
    for path in sorted(place.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.name != KEPT:
            path.unlink()
    made = new_small(place, tmp_path)
    made.write(**FILES)
    return made


def new_small(folder: Path, beside: Path | None = None) -> Small:
    """A project without a file, and an empty candidate; in a folder of its own if given."""
    candidate = Candidate(
        path=(beside or folder) / "candidate",
        refresh_id="r000001-20240229",
        run_id="run",
        as_of_date=dt.date(2024, 2, 29),
        time_zone="UTC",
        reporting_currency="EUR",
        opened_at="2024-03-01T00:00:00Z",
    )
    candidate.warehouse_file.parent.mkdir(parents=True)
    return Small(folder, candidate)


def statuses(results: Mapping[str, Result]) -> dict[str, str]:
    return {name: result.status for name, result in results.items()}


def test_seeds_views_and_tables(small: Small) -> None:
    assert set(statuses(small.both()).values()) == {"success"}
    assert small.ask("from marts.prices order by id") == [(1, 1.5), (2, 2.0)]
    assert [kind for _, kind, *_ in small.ask("describe meta.rates")] == [
        "VARCHAR",
        "DOUBLE",
        "DATE",
        "VARCHAR",
    ]


@pytest.mark.parametrize(
    ("severity", "below"), [("error", "skipped"), ("warn", "success")]
)
def test_nothing_is_made_of_what_a_test_refuses(
    small: Small, severity: str, below: str
) -> None:
    found = small.both(
        **{
            "tests/rates_are_one.sql": (
                f"{{{{ config(severity='{severity}') }}}} "
                "select * from {{ ref('priced') }} where rate <> 1"
            )
        }
    )
    assert found["rates_are_one"].failures == 2
    assert found["prices"].status == below
    assert found["others"].status == "success"


@pytest.mark.parametrize(
    ("severity", "below"), [("error", "skipped"), ("warn", "success")]
)
def test_a_test_that_looks_at_sources_alone_is_run(
    small: Small, severity: str, below: str
) -> None:
    """Of a source that nothing reads, and that no mart needs, it is left alone."""
    found = small.both(
        **{
            "models/staging/sources.yml": (
                "sources: [{name: engine, database: system, "
                "schema: information_schema, tables: "
                "[{name: schemata}, {name: columns}]}]"
            ),
            "models/marts/read.sql": (
                "select count(*) as rows from {{ source('engine', 'schemata') }}"
            ),
            "tests/source_alone.sql": (
                f"{{{{ config(severity='{severity}') }}}} "
                "select 1 as one from {{ source('engine', 'schemata') }} limit 1"
            ),
            "tests/nobodys_source.sql": (
                "select 1 as one from {{ source('engine', 'columns') }} limit 1"
            ),
        }
    )
    assert found["source_alone"].failures == 1
    assert found["read"].status == below
    assert found["prices"].status == "success"
    assert "nobodys_source" not in found


def test_a_test_over_two_tables_stops_what_is_made_of_both(small: Small) -> None:
    found = small.both(
        **{
            "tests/two.sql": (
                "select 1 from {{ ref('priced') }} cross join {{ ref('others') }}"
            ),
            "models/marts/of_both.sql": (
                "select 1 as id from {{ ref('priced') }} cross join {{ ref('others') }}"
            ),
        }
    )
    assert statuses(found)["two"] == "fail"
    assert statuses(found)["of_both"] == "skipped"
    assert statuses(found)["prices"] == "success"


def test_a_model_that_does_not_work(small: Small) -> None:
    found = small.both(
        **{
            "models/core/priced.sql": "select no_such_column from {{ ref('given') }}",
            "models/marts/prices.yml": (
                "models: [{name: prices, columns: "
                "[{name: id, data_tests: [not_null]}]}]"
            ),
        }
    )
    assert "no_such_column" in found["priced"].message
    assert found["prices"].status == "skipped"
    assert found["not_null_prices_id"].status == "skipped"


CONTRACT = """
models:
  - name: prices
    description: Prices; it's one row an id.
    config: {{contract: {{enforced: true}}, persist_docs: {{relation: true, columns: true}}}}
    columns:
      - {{name: rate, data_type: {kind}, description: The rate's}}
      - {{name: id, data_type: integer, constraints: [{{type: not_null}}]}}
"""


def test_a_contract_that_is_kept(small: Small) -> None:
    found = small.both(**{"models/marts/prices.yml": CONTRACT.format(kind="float8")})
    assert found["prices"].rows == 2
    assert small.ask("from marts.prices order by id") == [(1.5, 1), (2.0, 2)]
    assert small.ask(
        "select column_name, is_nullable, comment from duckdb_columns() "
        "where table_name = 'prices' order by column_index"
    ) == [("rate", True, "The rate's"), ("id", False, "")]
    assert small.ask(
        "select comment from duckdb_tables() where table_name = 'prices'"
    ) == [("Prices; it's one row an id.",)]


def test_a_contract_that_is_broken(small: Small) -> None:
    found = small.both(**{"models/marts/prices.yml": CONTRACT.format(kind="date")})
    message = found["prices"].message
    assert "models/marts/prices.sql breaks its contract" in message
    assert "rate: DOUBLE in the model, DATE in the contract" in message
    assert transform.outcome_of_build([message]) == "crashed"


def test_a_null_where_none_may_be_is_bad_data(small: Small) -> None:
    found = small.both(
        **{
            "models/marts/prices.yml": CONTRACT.format(kind="double"),
            "models/marts/prices.sql": (
                "select nullif(id, 1) as id, rate from {{ ref('priced') }}"
            ),
        }
    )
    assert transform.outcome_of_build([found["prices"].message]) == "failed"


def test_columns_are_asked_for_again_when_they_are_others(small: Small) -> None:
    asking = (
        "select {% for column in adapter.get_columns_in_relation(ref('given')) %}"
        "{{ column.name }}, {% endfor %} 0 as last from {{ ref('given') }}"
    )
    small.both(**{"models/marts/prices.sql": asking})
    assert small.ask("select * from marts.prices order by id limit 1") == [(1, "A", 0)]

    project = small.parse()
    calls: list[list[str]] = []

    def counted(names: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        calls.append(list(names))
        return dict.fromkeys(calls[-1], "select 1"), {}

    kept = Compiled(project.folder, project.manifest_json, counted)
    columns = [["id", "INTEGER"], ["code", "VARCHAR"]]
    models = [f"model.customer_tiers.{name}" for name in ("given", "prices")]
    kept.prepare(models)
    kept.compile(models[1:], {'"work"."staging"."given"': columns})

    assert calls == [], "all of it is kept"
    kept.compile(models[1:], {'"work"."staging"."given"': columns[:1]})
    assert calls == [models[1:]]


def test_what_the_database_is_asked_is_asked_each_time(small: Small) -> None:
    small.both(
        **{
            "models/marts/prices.sql": (
                "select {{ run_query('select count(*) from ' ~ ref('priced'))"
                ".columns[0].values()[0] if execute }} as id from {{ ref('priced') }}"
            )
        }
    )
    assert small.ask("select distinct id from marts.prices") == [(2,)]


def test_python_models(small: Small) -> None:
    found = small.both(
        **{
            "models/core/priced.sql": "select 1 as id, 2 as rate",
            "models/marts/summed.py": (
                "def model(dbt, session):\n"
                "    return dbt.ref('priced').aggregate('sum(rate) as rate')\n"
            ),
            "models/marts/taken.py": (
                "def model(dbt, session):\n    return dbt.ref('priced').arrow()\n"
            ),
        }
    )
    assert found["summed"].rows == 1
    assert small.ask("from marts.summed") == [(2,)]
    assert small.ask("from marts.taken") == [(1, 2)]


def test_a_python_model_may_read_its_table_of_before(small: Small) -> None:
    """Until it has ended, and however it ends nothing of it is left beside the new one."""
    small.write(
        **{
            "models/core/counted.py": (
                "def model(dbt, session):\n"
                "    dbt.ref('priced')\n"
                "    there = session.sql(\n"
                "        \"select 1 from duckdb_tables() where table_name = 'counted'\"\n"
                "    ).fetchall()\n"
                "    before = f'select max(runs) from {dbt.this}' if there else 'select 0'\n"
                "    return session.sql(f'select ({before}) + 1 as runs')\n"
            ),
            "models/marts/prices.sql": "select * from {{ ref('counted') }}",
        }
    )
    project = small.parse()
    assert small.run(project)["counted"].status == "success"
    for runs in (2, 3):
        small.run_again(project)
        with duckdb.connect(str(small.candidate.work_file)) as connection:
            assert connection.execute("from core.counted").fetchall() == [(runs,)]
            assert connection.execute(
                "select table_name from duckdb_tables() where table_name like 'counted%'"
            ).fetchall() == [("counted",)]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("materialized='incremental'", "the materialization incremental"),
        ("post_hook='select 1'", "the option post-hook"),
        ("indexes=[{'columns': ['id']}]", "the option indexes"),
    ],
)
def test_what_we_do_not_know_is_left_to_dbt(
    small: Small, config: str, reason: str
) -> None:
    small.write(
        **{"models/marts/others.sql": f"{{{{ config({config}) }}}} select 1 as id"}
    )
    manifest = small.parse().manifest_json
    assert why_dbt_itself(manifest, Selection(manifest)).endswith(reason)


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        (
            "constraints: [{type: not_null, columns: [id]}], columns: "
            "[{name: id, data_type: integer}]",
            "constraints of the whole table",
        ),
        (
            "columns: [{name: id, data_type: integer, constraints: [{type: unique}]}]",
            "the constraint unique",
        ),
    ],
)
def test_constraints_that_we_do_not_write_are_left_to_dbt(
    small: Small, described: str, reason: str
) -> None:
    small.write(
        **{
            "models/marts/others.yml": "models: [{name: others, config: {contract: "
            "{enforced: true}}, " + described + "}]"
        }
    )
    manifest = small.parse().manifest_json
    assert why_dbt_itself(manifest, Selection(manifest)).endswith(reason)


def test_a_test_is_run_by_one_alone(small: Small) -> None:
    """Also when the table is done that it looks at, and its unit not yet at its tests."""
    small.write(**{"tests/none.sql": "select 1 from {{ ref('others') }} where false"})
    project = small.parse()
    execution = Execution(
        Selection(project.manifest_json),
        transform.compiled(project, project.folder),
        small.candidate,
        2,
        lambda _: None,
        threading.Event(),
        traces_of(project),
    )
    table, test = "model.customer_tiers.others", "test.customer_tiers.none"
    execution._compiled.prepare([table, test])
    node = project.manifest_json["nodes"][table]
    execution._results[table] = Result(node=node, status="success")
    assert test in execution._ready(set())
    assert execution._claim_tests(table) == []
    assert test not in execution._ready(set())


def test_the_product_needs_nothing_that_we_do_not_know() -> None:
    from tests.models import parsed

    manifest = parsed().manifest_json
    assert why_dbt_itself(manifest, Selection(manifest)) == ""


def test_dbt_leaves_the_log_of_others_as_it_is(small: Small) -> None:
    """In a process that has not imported it yet."""
    write_text(
        small.folder / "project" / "profiles.yml",
        dbt_runner.profile(small.candidate, 1),
    )
    script = f"""
        import logging, pathlib
        from pipeline.transform import dbt_runner
        dbt_runner.parse(pathlib.Path({str(small.folder / "project")!r}))
        assert logging.getLogger().handlers == [], logging.getLogger().handlers
        logging.getLogger("somebody").info("nobody should read this")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_begun_once_it_is_stopped(small: Small) -> None:
    project = small.parse()
    stopped = threading.Event()
    stopped.set()
    duckdb.connect(str(small.candidate.work_file)).close()
    found = Execution(
        Selection(project.manifest_json),
        transform.compiled(project, project.folder),
        small.candidate,
        1,
        lambda _: None,
        stopped,
        traces_of(project),
    ).run()
    assert found == []

"""Runs expectation suites inside DuckDB: one check an expectation.

Great Expectations is imported where a suite runs and nowhere else: it takes longer to
import than Dagster. What must hold stands in `expectations/`; here is only how it is
asked, and the three outcomes: passed, failed, crashed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from pipeline.common import sql
from pipeline.gates import screening
from pipeline.gates.in_chinese import demand_zh, reason_zh
from pipeline.gates.screening import Held
from pipeline.gates.suite import Suite, is_acceptable, named, severity_of
from pipeline.journal.evidence import (
    EXAMPLES_KEPT,
    Check,
)
from pipeline.release import duckdb_files

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

log = logging.getLogger("customer_tiers.gates")


def run_suites(gate: str, database: Path, suites: Sequence[Suite]) -> list[Check]:
    """Runs each suite on its table in the DuckDB file, read-only.

    Great Expectations is asked what does not hold beyond doubt (`screening`).

    Returns:
        One check an expectation, crashed ones included.
    """
    names: dict[int, list[str]] = {}
    for suite, name, _ in named(suites):
        names.setdefault(id(suite), []).append(name)
    held = screening.held(database, suites)
    doubtful = [
        replace(
            suite,
            expectations=[
                item
                for item, holds in zip(suite.expectations, of_suite, strict=True)
                if holds is None
            ],
        )
        for suite, of_suite in zip(suites, held, strict=True)
    ]
    asked = [suite for suite in doubtful if suite.expectations]
    results = iter(_evaluate(database, asked))
    checks: list[Check] = []
    for suite, of_suite in zip(suites, held, strict=True):
        for name, item, holds in zip(
            names.get(id(suite), []), suite.expectations, of_suite, strict=True
        ):
            checks.append(
                _check(gate, suite, name, item, *next(results))
                if holds is None
                else _passed(gate, suite, name, item, holds)
            )
    return _with_rows(database, suites, checks)


def _evaluate(
    database: Path, suites: Sequence[Suite]
) -> list[tuple[ExpectationValidationResult | None, str]]:
    """What Great Expectations finds, an expectation after the other.

    Returns:
        Each with its result, or why there is none.
    """
    if not suites:
        return []
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    from pipeline.gates import gx_duckdb

    gx_duckdb.register()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(
        globally=False, metric_calculations=False
    )
    try:
        batches = _batches(context, database, suites)
        return [
            result
            for suite, batch in zip(suites, batches, strict=True)
            for result in _run_suite(context, suite, batch)
        ]
    finally:
        gx_duckdb.close_connections()


def _batches(context: Any, database: Path, suites: Sequence[Suite]) -> list[Any]:
    """What each suite checks.

    One data source a schema, made with all its tables: each that is added alone makes
    Great Expectations write down everything that there is.
    """
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.datasource.fluent.sql_datasource import (
        SQLDatasource,
        TableAsset,
    )

    from pipeline.gates import gx_duckdb

    sources = {
        schema: context.add_datasource(
            datasource=SQLDatasource(
                name=schema,
                connection_string=gx_duckdb.url(database, schema),
                assets=[
                    TableAsset(
                        name=suite.table,
                        table_name=suite.table,
                        batch_definitions=[BatchDefinition(name="all")],
                    )
                    for suite in suites
                    if suite.schema == schema
                ],
            )
        )
        for schema in dict.fromkeys(suite.schema for suite in suites)
    }
    return [
        sources[suite.schema].get_asset(suite.table).get_batch_definition("all")
        for suite in suites
    ]


def _run_suite(
    context: Any, suite: Suite, batch: Any
) -> list[tuple[ExpectationValidationResult | None, str]]:
    """One result an expectation, in their order, whatever Great Expectations gives back."""
    import great_expectations as gx

    name = f"{suite.subject} {suite.schema}.{suite.table}"
    results: dict[str, ExpectationValidationResult] = {}
    problem = "Great Expectations gave no result for it"
    try:
        definition = gx.ValidationDefinition(
            name=name,
            data=batch,
            suite=gx.ExpectationSuite(name=name, expectations=list(suite.expectations)),
        )
        # Gives each expectation the id by which its result is known again.
        context.suites.add(definition.suite)
        found = context.validation_definitions.add(definition).run(
            result_format={
                "result_format": "SUMMARY",
                "unexpected_index_column_names": list(suite.key),
                "partial_unexpected_count": EXAMPLES_KEPT,
            }
        )
        results = {str(item.expectation_config.id): item for item in found.results}
    except Exception as error:
        # `run` does not raise for an expectation that crashes, but it does for a table
        # that is not there. None of the suite was evaluated then.
        log.debug("suite %s could not be run", suite.subject, exc_info=True)
        problem = f"{type(error).__name__}: {error}"
    return [(results.get(str(item.id)), problem) for item in suite.expectations]


def _check(
    gate: str,
    suite: Suite,
    name: str,
    item: Expectation,
    result: ExpectationValidationResult | None,
    problem: str,
) -> Check:
    """What became of the expectation; without a result that says so, it crashed."""
    crash = problem if result is None else _crash(result.exception_info or {})
    found = (result.result if result is not None else None) or {}
    examples = found.get("partial_unexpected_index_list") or []
    count = found.get("unexpected_count")
    observed = found.get("observed_value")
    if item.configuration.type == "unexpected_rows_expectation":
        count, observed = observed, None
    if not crash and result is not None and not isinstance(result.success, bool):
        crash = f"Great Expectations says neither yes nor no, but {result.success!r}"
    passed = result is not None and result.success is True and not crash
    return Check(
        gate=gate,
        subject=suite.subject,
        name=name,
        severity=severity_of(item),
        outcome="crashed" if crash else "passed" if passed else "failed",
        expected=item.description or "",
        expected_zh=reason_zh(item),
        observed=crash or ("" if observed is None else str(observed)[:500]),
        failing_rows=None if crash else count,
        examples=[_plain(row) for row in list(examples)[:EXAMPLES_KEPT]],
        demand=_demand_of(suite, item),
        demand_zh=demand_zh(suite, item),
        rows=None if crash else found.get("element_count"),
        acceptable=is_acceptable(item),
    )


def _passed(gate: str, suite: Suite, name: str, item: Expectation, held: Held) -> Check:
    """The check of an expectation that holds beyond doubt."""
    return Check(
        gate=gate,
        subject=suite.subject,
        name=name,
        severity=severity_of(item),
        outcome="passed",
        expected=item.description or "",
        expected_zh=reason_zh(item),
        observed="" if held.observed is None else str(held.observed),
        failing_rows=held.unexpected,
        examples=[],
        demand=_demand_of(suite, item),
        demand_zh=demand_zh(suite, item),
        rows=held.rows,
        acceptable=is_acceptable(item),
    )


def _demand_of(suite: Suite, item: Expectation) -> str:
    return _demand(item).replace("{batch}", f"{suite.schema}.{suite.table}")


def _with_rows(
    database: Path, suites: Sequence[Suite], checks: Sequence[Check]
) -> list[Check]:
    """The checks, with the first rows of each query that should have found none.

    Great Expectations shows them only in its most talkative format, which would also
    fetch every failing row of all the other expectations.
    """
    queries = {
        (suite.subject, name): item.unexpected_rows_query.format(
            batch=f"{sql.quoted(suite.schema)}.{sql.quoted(suite.table)}"
        )
        for suite, name, item in named(suites)
        if hasattr(item, "unexpected_rows_query")
    }
    result = []
    for check in checks:
        query = queries.get((check.subject, check.name))
        if query is None or check.outcome != "failed":
            result.append(check)
            continue
        with duckdb_files.connect(database, read_only=True) as connection:
            found = connection.execute(f"select * from ({query}) limit {EXAMPLES_KEPT}")
            names = [column[0] for column in found.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        result.append(replace(check, examples=[_plain(row) for row in rows]))
    return result


def _demand(item: Expectation) -> str:
    """What must hold, in the words of Great Expectations' own renderer.

    Its pages show the description instead where there is one, which is our `why`.
    """
    from great_expectations.expectations.registry import get_renderer_impl

    config = item.configuration
    implementation = get_renderer_impl(config.type, "renderer.prescriptive")
    if implementation is None:
        return str(config.type)
    said = []
    for block in implementation[1](configuration=config):
        sentence = getattr(block, "string_template", None) or {}
        values = {
            name: str(value) for name, value in (sentence.get("params") or {}).items()
        }
        said.append(Template(sentence.get("template", "")).safe_substitute(values))
    return " ".join(" ".join(said).split())


def _crash(info: Mapping[str, Any]) -> str:
    """The first exception in what Great Expectations says, or nothing.

    It stands either at the top or one level down, by the id of the metric.
    """
    levels = [info, *(value for value in info.values() if isinstance(value, dict))]
    for level in levels:
        if level.get("raised_exception"):
            return str(level.get("exception_message") or "crashed without a message")
    return ""


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(key): value if isinstance(value, int | float | bool | None) else str(value)
        for key, value in row.items()
    }

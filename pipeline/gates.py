"""Runs expectation suites inside DuckDB and turns the results into evidence.

Great Expectations is imported where a suite runs and nowhere else: it takes longer to
import than Dagster. What must hold stands in `expectations/`; here is only how it is
asked, and the three outcomes: passed, failed, crashed.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import landing, sql, warehouse
from pipeline.errors import ConfigurationError
from pipeline.evidence import EXAMPLES_KEPT, Check, Evidence, Severity
from pipeline.forget.suppression import Suppression
from pipeline.home import Home, sha256
from pipeline.landing import Batch
from pipeline.release import Candidate
from pipeline.sources import Entity, Personal, Source

if TYPE_CHECKING:
    import duckdb
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

log = logging.getLogger("customer_tiers.gates")


@dataclass(frozen=True)
class Suite:
    """The expectations of one table.

    `key` are the columns by which a person finds a failing row again.
    """

    subject: str
    schema: str
    table: str
    expectations: Sequence[Expectation]
    key: Sequence[str] = field(default_factory=list)


def gate_in(
    home: Home,
    candidate: Candidate,
    source: Source,
    expectations: Path,
    *,
    full: bool = False,
) -> Evidence:
    """Looks at the source's pending batches and accepts or refuses each entity's.

    An entity with a failing critical check has its pending batches refused; the others
    are accepted. The accounting of rows covers every batch in force, new or not.

    Args:
        full: Everything was read again on request: the columns are what they are now,
            and those that are gone or of another type are told only.
    """
    pending = {
        name: landing.batches(home, source.name, name, "pending")
        for name in source.entities
    }
    database = candidate.path / f"gate.in.{source.name}.duckdb"
    database.unlink(missing_ok=True)
    suites = [*_accounting(home, database, source, pending)]
    suites += _columns(home, database, source, pending, full=full)
    suites += _landed(home, database, source, pending, expectations)
    gate = f"in.{source.name}"
    checks = run_suites(gate, database, suites)
    evidence = Evidence(
        gate=gate,
        refresh_id=candidate.refresh_id,
        planned=sum(len(suite.expectations) for suite in suites),
        checks=checks,
    )
    refused = {check.subject for check in checks if check.blocks}
    for name, batches in pending.items():
        for batch in batches:
            if subject_of(source.name, name) in refused:
                landing.refuse(home, batch)
            else:
                landing.accept(home, batch)
    database.unlink(missing_ok=True)
    return evidence


def gate_out(candidate: Candidate, expectations: Path) -> Evidence:
    """Looks at the marts of the candidate, and binds what it found to the file's hash."""
    suites = _load_module(expectations / "marts.py").suites()
    return Evidence(
        gate="out",
        refresh_id=candidate.refresh_id,
        planned=sum(len(suite.expectations) for suite in suites),
        checks=run_suites("out", candidate.warehouse_file, suites),
        warehouse_sha256=sha256(candidate.warehouse_file),
    )


def subject_of(source: str, entity: str) -> str:
    """How a landed entity is called in evidence and in Dagster."""
    return f"landing/{source}/{entity}"


def landing_expectations(
    folder: Path, source: str, entity: str, *, sample: bool
) -> list[Expectation]:
    """What `expectations/landing/<source>.py` demands of the entity; empty without one.

    Args:
        folder: The folder of the suites.
        source: The source, as sources.yaml calls it.
        entity: Its entity.
        sample: Leave out what only the whole entity can meet, such as row counts.
    """
    path = folder / "landing" / f"{source}.py"
    if not path.exists():
        return []
    suites: Mapping[str, Callable[[bool], list[Expectation]]]
    suites = _load_module(path).SUITES
    return suites[entity](sample) if entity in suites else []


def entity_suite(source: str, entity: Entity, folder: Path, *, sample: bool) -> Suite:
    """The suite of an entity: its key first, then what its source's file demands."""
    from expectations.vocabulary import unique, without_nulls

    why = "sources.yaml names it as the key"
    return Suite(
        subject=subject_of(source, entity.name),
        schema="landing",
        table=entity.name,
        key=[*entity.key, "_row_number"],
        expectations=[
            *(without_nulls(column, why=why) for column in entity.key),
            # The same key again is a correction, and the newest counts; a person
            # should know, though.
            unique(*entity.key, why=why, severity="warning"),
            *landing_expectations(folder, source, entity.name, sample=sample),
        ],
    )


def run_suites(gate: str, database: Path, suites: Sequence[Suite]) -> list[Check]:
    """Runs each suite on its table in the DuckDB file, read-only.

    Returns:
        One check an expectation, crashed ones included.
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    from pipeline import gx_duckdb

    gx_duckdb.register()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(
        globally=False, metric_calculations=False
    )
    checks: list[Check] = []
    try:
        for suite in suites:
            checks.extend(_run_suite(gate, context, database, suite))
    finally:
        gx_duckdb.close_connections()
    return _with_rows(database, suites, checks)


def _run_suite(gate: str, context: Any, database: Path, suite: Suite) -> list[Check]:
    import great_expectations as gx

    from pipeline import gx_duckdb

    name = f"{suite.schema}.{suite.table}"
    try:
        datasource = context.data_sources.add_sql(
            name=name, connection_string=gx_duckdb.url(database, suite.schema)
        )
        asset = datasource.add_table_asset(name, table_name=suite.table)
        definition = gx.ValidationDefinition(
            name=name,
            data=asset.add_batch_definition_whole_table("all"),
            suite=gx.ExpectationSuite(name=name, expectations=list(suite.expectations)),
        )
        context.suites.add(definition.suite)
        result = context.validation_definitions.add(definition).run(
            result_format={
                "result_format": "SUMMARY",
                "unexpected_index_column_names": list(suite.key),
                "partial_unexpected_count": EXAMPLES_KEPT,
            }
        )
    except Exception as error:
        # `run` does not raise for an expectation that crashes, but it does for a table
        # that is not there. None of the suite was evaluated then.
        log.debug("suite %s could not be run", suite.subject, exc_info=True)
        return [
            Check(
                gate=gate,
                subject=suite.subject,
                name=_expectation_name(item),
                severity=_severity(item),
                outcome="crashed",
                expected=item.description or "",
                observed=f"{type(error).__name__}: {error}",
            )
            for item in suite.expectations
        ]
    return [_check(gate, suite, item) for item in result.results]


def _check(gate: str, suite: Suite, result: ExpectationValidationResult) -> Check:
    config = result.expectation_config
    assert config is not None
    found = result.result or {}
    crash = _crash(result.exception_info or {})
    examples = found.get("partial_unexpected_index_list") or []
    count = found.get("unexpected_count")
    observed = found.get("observed_value")
    if config.type == "unexpected_rows_expectation":
        count, observed = observed, None
    return Check(
        gate=gate,
        subject=suite.subject,
        name=_name(config.type, config.kwargs, config.meta),
        severity=_severity(config),
        outcome="crashed" if crash else "passed" if result.success else "failed",
        expected=config.description or "",
        observed=crash or ("" if observed is None else str(observed)[:500]),
        failing_rows=None if crash else count,
        examples=[_plain(row) for row in list(examples)[:EXAMPLES_KEPT]],
    )


def _with_rows(
    database: Path, suites: Sequence[Suite], checks: Sequence[Check]
) -> list[Check]:
    """The checks, with the first rows of each query that should have found none.

    Great Expectations shows them only in its most talkative format, which would also
    fetch every failing row of all the other expectations.
    """
    queries = {
        (suite.subject, _expectation_name(item)): item.unexpected_rows_query.format(
            batch=f"{sql.quoted(suite.schema)}.{sql.quoted(suite.table)}"
        )
        for suite in suites
        for item in suite.expectations
        if hasattr(item, "unexpected_rows_query")
    }
    result = []
    for check in checks:
        query = queries.get((check.subject, check.name))
        if query is None or check.outcome != "failed":
            result.append(check)
            continue
        with warehouse.connect(database, read_only=True) as connection:
            found = connection.execute(f"select * from ({query}) limit {EXAMPLES_KEPT}")
            names = [column[0] for column in found.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        result.append(replace(check, examples=[_plain(row) for row in rows]))
    return result


def _expectation_name(item: Expectation) -> str:
    config = item.configuration
    return _name(config.type, config.kwargs, config.meta)


def _crash(info: Mapping[str, Any]) -> str:
    """The first exception in what Great Expectations says, or nothing.

    It stands either at the top or one level down, by the id of the metric.
    """
    levels = [info, *(value for value in info.values() if isinstance(value, dict))]
    for level in levels:
        if level.get("raised_exception"):
            return str(level.get("exception_message") or "crashed without a message")
    return ""


def _name(
    kind: str, kwargs: Mapping[str, Any], meta: Mapping[str, Any] | None = None
) -> str:
    if meta and meta.get("name"):
        return str(meta["name"])
    columns = kwargs.get("column") or ", ".join(kwargs.get("column_list") or [])
    name = kind.removeprefix("expect_").removesuffix("_expectation")
    return f"{name}({columns})" if columns else name


def _severity(item: Any) -> Severity:
    text = str(getattr(item.severity, "value", item.severity)).lower()
    return "critical" if text == "critical" else "warning"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(key): value if isinstance(value, int | float | bool | None) else str(value)
        for key, value in row.items()
    }


def _landed(
    home: Home,
    database: Path,
    source: Source,
    pending: Mapping[str, Sequence[Batch]],
    expectations: Path,
) -> list[Suite]:
    suites = []
    with warehouse.connect(database) as connection:
        for name, batches in pending.items():
            rows = [batch for batch in batches if batch.content == "rows"]
            entity = source.entities[name]
            relation = landing.relation(home, entity, rows)
            if relation is None:
                continue
            # What is deleted or forgotten need not meet anything any more.
            connection.execute(
                f"create view landing.{sql.quoted(name)} as "
                f"select * from {relation} "
                f"where not _deleted{_nor_forgotten(home, source.name, entity)}"
            )
            suites.append(entity_suite(source.name, entity, expectations, sample=False))
    return suites


def _nor_forgotten(home: Home, source: str, entity: Entity) -> str:
    """SQL that leaves out rows whose personal columns were emptied."""
    personal = entity.personal
    if not isinstance(personal, Personal) or not personal.columns:
        return ""
    whose = personal.source or source
    pseudonyms = Suppression.load(home).pseudonyms(whose)
    if not pseudonyms:
        return ""
    column = sql.quoted(personal.customer)
    listed = ", ".join(sql.literal(item) for item in pseudonyms)
    return f" and coalesce(cast({column} as varchar) not in ({listed}), true)"


def _columns(
    home: Home,
    database: Path,
    source: Source,
    pending: Mapping[str, Sequence[Batch]],
    *,
    full: bool,
) -> list[Suite]:
    """Columns of new batches against those landed last: missing and retyped ones stop."""
    from expectations.vocabulary import no_rows

    severity: Severity = "warning" if full else "critical"
    suites = []
    with warehouse.connect(database) as connection:
        for name, entity in source.entities.items():
            before = landing.schema_in_force(home, source.name, entity)
            rows = [batch for batch in pending[name] if batch.content == "rows"]
            if not before or not rows:
                continue
            facts = [
                (batch.origin, column, before.get(column), batch.schema.get(column))
                for batch in rows
                for column in {**before, **batch.schema}
            ]
            suites.append(
                _suite_of_facts(
                    connection,
                    subject_of(source.name, name),
                    f"_columns_{name}",
                    "file varchar, column_name varchar, was varchar, is_now varchar",
                    facts,
                    [
                        no_rows(
                            "no_column_is_missing",
                            "select file, column_name from {batch} where is_now is null",
                            why="staging reads the columns that came before; bring the "
                            "column back, or change staging and ask for --full",
                            severity=severity,
                        ),
                        no_rows(
                            "no_column_changed_its_type",
                            "select file, column_name, was, is_now from {batch} "
                            "where was is not null and is_now is not null "
                            f"and {_RETYPED}",
                            why="the same name means something else now; mend the "
                            "source, or declare the column's type in sources.yaml; "
                            "where the change is meant, ask for --full",
                            severity=severity,
                        ),
                        no_rows(
                            "no_column_is_new",
                            "select file, column_name, is_now from {batch} "
                            "where was is null",
                            why="it is landed and kept; nothing reads it until staging "
                            "does",
                            severity="warning",
                        ),
                    ],
                )
            )
    return suites


# Whole numbers may become fractions and decimals grow; a column that is empty in one file
# has no type there.
_NUMBER = "'^(u?int|float|double|decimal)'"
_RETYPED = (
    "was <> is_now and was <> 'null' and is_now <> 'null' and not "
    f"(regexp_matches(was, {_NUMBER}) and regexp_matches(is_now, {_NUMBER}))"
)


def _accounting(
    home: Home,
    database: Path,
    source: Source,
    pending: Mapping[str, Sequence[Batch]],
) -> list[Suite]:
    """Rows read = landed + quarantined + forgotten, for every batch that counts."""
    from expectations.vocabulary import no_rows

    suites = []
    with warehouse.connect(database) as connection:
        connection.execute("create schema landing")
        for name, entity in source.entities.items():
            batches = [*landing.in_force(home, source.name, entity), *pending[name]]
            facts = [
                (
                    batch.batch_id,
                    batch.rows_read,
                    batch.rows_landed,
                    batch.rows_quarantined,
                    batch.rows_forgotten,
                    *landing.counted_rows(home, batch),
                    batch in pending[name],
                )
                for batch in batches
            ]
            suites.append(
                _suite_of_facts(
                    connection,
                    subject_of(source.name, name),
                    f"_batches_{name}",
                    "batch_id varchar, rows_read bigint, rows_landed bigint, "
                    "rows_quarantined bigint, rows_forgotten bigint, rows_in_file bigint, "
                    "rows_in_quarantine bigint, is_new boolean",
                    facts,
                    [
                        no_rows(
                            "rows_read_are_landed_or_quarantined",
                            "select batch_id, rows_read, rows_landed, rows_quarantined, "
                            "rows_forgotten from {batch} where rows_read != rows_landed "
                            "+ rows_quarantined + rows_forgotten "
                            "or rows_landed != rows_in_file "
                            "or rows_quarantined != rows_in_quarantine",
                            why="nothing is lost: every row read is in the batch's "
                            "file or in the quarantine, or was a forgotten customer's",
                        ),
                        no_rows(
                            "quarantine_within_limit",
                            "select batch_id, rows_read, rows_quarantined "
                            "from {batch} where is_new and rows_quarantined > "
                            f"{entity.max_quarantined} * rows_read",
                            why=f"more than {entity.max_quarantined:.1%} of unreadable "
                            "rows is a broken file, not a broken row; mend the file, "
                            "or raise max_quarantined in sources.yaml",
                        ),
                    ],
                )
            )
    return suites


def _suite_of_facts(
    connection: duckdb.DuckDBPyConnection,
    subject: str,
    table: str,
    columns: str,
    facts: Sequence[Sequence[Any]],
    expectations: Sequence[Expectation],
) -> Suite:
    """A suite on facts about batches, written into a table of their own beside them."""
    name = f"landing.{sql.quoted(table)}"
    connection.execute(f"create table {name} ({columns})")
    if facts:
        places = ", ".join("?" for _ in facts[0])
        connection.executemany(f"insert into {name} values ({places})", facts)
    return Suite(subject, "landing", table, expectations)


def _load_module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(
        f"expectations_{path.parent.name}_{path.stem}", path
    )
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} is no Python module.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

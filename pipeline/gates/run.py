"""Runs expectation suites inside DuckDB and turns the results into evidence.

Great Expectations is imported where a suite runs and nowhere else: it takes longer to
import than Dagster. What must hold stands in `expectations/`; here is only how it is
asked, and the three outcomes: passed, failed, crashed. What a person accepted is said in
`acceptances`; here the checks only get to know it.
"""

from __future__ import annotations

import importlib.util
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from pipeline.common import sql
from pipeline.common.errors import ConfigurationError
from pipeline.common.files import sha256
from pipeline.common.home import Home
from pipeline.journal import acceptances
from pipeline.journal.evidence import (
    EXAMPLES_KEPT,
    Accepted,
    Check,
    Declared,
    Evidence,
    Severity,
    with_acceptances,
)
from pipeline.landing.batches import Batch
from pipeline.landing.entity import LandedEntity
from pipeline.release import duckdb_files
from pipeline.release.layout import Candidate
from pipeline.sources import Entity, Personal, Source
from pipeline.suppression.suppression_list import Suppression

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
    entities = {
        name: LandedEntity(home, source.name, entity)
        for name, entity in source.entities.items()
    }
    pending = {name: landed.batches("pending") for name, landed in entities.items()}
    database = candidate.path / f"gate.in.{source.name}.duckdb"
    database.unlink(missing_ok=True)
    suites = [*_accounting(database, entities)]
    suites += _columns(database, entities, full=full)
    suites += _landed(database, entities, expectations)
    gate = f"in.{source.name}"
    checks = with_acceptances(
        run_suites(gate, database, suites), acceptances.held(home)
    )
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
                entities[name].refuse(batch)
            else:
                entities[name].accept(batch)
    database.unlink(missing_ok=True)
    return evidence


def gate_out(
    candidate: Candidate,
    expectations: Path,
    held: Mapping[str, Accepted] | None = None,
) -> Evidence:
    """Looks at the marts of the candidate, and binds what it found to the file's hash.

    Args:
        candidate: What is looked at.
        expectations: The folder of the suites.
        held: The acceptances that hold.
    """
    suites = _suites_of_marts(expectations)
    checks = run_suites("out", candidate.warehouse_file, suites)
    return Evidence(
        gate="out",
        refresh_id=candidate.refresh_id,
        planned=sum(len(suite.expectations) for suite in suites),
        checks=with_acceptances(checks, held or {}),
        warehouse_sha256=sha256(candidate.warehouse_file),
    )


def declared(
    sources: Sequence[Source], expectations: Path, *, full: bool = False
) -> dict[str, Declared]:
    """What the suites say of every check that the gates in and out may make, by its id.

    Args:
        sources: The sources in force.
        expectations: The folder of the suites.
        full: As in `gate_in`.
    """
    suites = _suites_of_marts(expectations)
    for source in sources:
        for entity in source.entities.values():
            subject = subject_of(source.name, entity.name)
            suites += [
                Suite(subject, "landing", entity.name, _accounting_demands(entity)),
                Suite(subject, "landing", entity.name, _column_demands(full=full)),
                entity_suite(source.name, entity, expectations, sample=False),
            ]
    return {
        f"{suite.subject}:{name}": Declared(_severity(item), _acceptable(item))
        for suite, name, item in _named(suites)
    }


def always_made(expectations: Path) -> dict[str, set[str]]:
    """Gate → the checks that it makes in every refresh, by id; of the gate out, all."""
    return {
        "out": {
            f"{suite.subject}:{name}"
            for suite, name, _ in _named(_suites_of_marts(expectations))
        }
    }


def _suites_of_marts(expectations: Path) -> list[Suite]:
    return list(_load_module(expectations / "marts.py").suites())


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

    from pipeline.gates import gx_duckdb

    gx_duckdb.register()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(
        globally=False, metric_calculations=False
    )
    names: dict[int, list[str]] = {}
    for suite, name, _ in _named(suites):
        names.setdefault(id(suite), []).append(name)
    checks: list[Check] = []
    try:
        for suite, batch in zip(
            suites, _batches(context, database, suites), strict=True
        ):
            planned = names.get(id(suite), [])
            checks.extend(_run_suite(gate, context, suite, batch, planned))
    finally:
        gx_duckdb.close_connections()
    return _with_rows(database, suites, checks)


def _batches(context: Any, database: Path, suites: Sequence[Suite]) -> list[Any]:
    """What each suite looks at.

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
    gate: str, context: Any, suite: Suite, batch: Any, names: Sequence[str]
) -> list[Check]:
    """One check an expectation, in their order, whatever Great Expectations gives back."""
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
    return [
        _check(gate, suite, name, item, results.get(str(item.id)), problem)
        for name, item in zip(names, suite.expectations, strict=True)
    ]


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
        severity=_severity(item),
        outcome="crashed" if crash else "passed" if passed else "failed",
        expected=item.description or "",
        observed=crash or ("" if observed is None else str(observed)[:500]),
        failing_rows=None if crash else count,
        examples=[_plain(row) for row in list(examples)[:EXAMPLES_KEPT]],
        demand=_demand(item).replace("{batch}", f"{suite.schema}.{suite.table}"),
        rows=None if crash else found.get("element_count"),
        acceptable=_acceptable(item),
    )


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
        for suite, name, item in _named(suites)
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


def _named(suites: Sequence[Suite]) -> Iterator[tuple[Suite, str, Expectation]]:
    """Every expectation with its name; one that stands twice in a subject is numbered."""
    seen: Counter[tuple[str, str]] = Counter()
    for suite in suites:
        for item in suite.expectations:
            name = _expectation_name(item)
            seen[suite.subject, name] += 1
            number = seen[suite.subject, name]
            yield suite, name if number == 1 else f"{name} #{number}", item


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
        told = getattr(block, "string_template", None) or {}
        values = {
            name: str(value) for name, value in (told.get("params") or {}).items()
        }
        said.append(Template(told.get("template", "")).safe_substitute(values))
    return " ".join(" ".join(said).split())


def _expectation_name(item: Expectation) -> str:
    config = item.configuration
    return _name(config.type, config.kwargs, config.meta)


def _acceptable(item: Expectation) -> bool:
    return bool((item.meta or {}).get("acceptable"))


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
    database: Path, entities: Mapping[str, LandedEntity], expectations: Path
) -> list[Suite]:
    suites = []
    with duckdb_files.connect(database) as connection:
        for name, landed in entities.items():
            entity = landed.entity
            relation = landed.relation(_new_rows(landed))
            if relation is None:
                continue
            # What is deleted or forgotten need not meet anything any more.
            connection.execute(
                f"create view landing.{sql.quoted(name)} as "
                f"select * from {relation} "
                f"where not _deleted{_nor_forgotten(landed)}"
            )
            suites.append(
                entity_suite(landed.source, entity, expectations, sample=False)
            )
    return suites


def _new_rows(landed: LandedEntity) -> list[Batch]:
    """The pending batches that hold rows rather than markers of deleted ones."""
    return [batch for batch in landed.batches("pending") if batch.content == "rows"]


def _nor_forgotten(landed: LandedEntity) -> str:
    """SQL that leaves out rows whose personal columns were emptied."""
    personal = landed.entity.personal
    if not isinstance(personal, Personal) or not personal.columns:
        return ""
    whose = personal.source or landed.source
    pseudonyms = Suppression.load(landed.home).pseudonyms(whose)
    if not pseudonyms:
        return ""
    column = sql.quoted(personal.customer)
    listed = ", ".join(sql.literal(item) for item in pseudonyms)
    return f" and coalesce(cast({column} as varchar) not in ({listed}), true)"


def _columns(
    database: Path, entities: Mapping[str, LandedEntity], *, full: bool
) -> list[Suite]:
    """Columns of new batches against those landed last: missing and retyped ones stop."""
    suites = []
    with duckdb_files.connect(database) as connection:
        for name, landed in entities.items():
            before = landed.schema_in_force()
            rows = _new_rows(landed)
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
                    subject_of(landed.source, name),
                    f"_columns_{name}",
                    "file varchar, column_name varchar, was varchar, is_now varchar",
                    facts,
                    _column_demands(full=full),
                )
            )
    return suites


def _column_demands(*, full: bool) -> list[Expectation]:
    from expectations.vocabulary import no_rows

    severity: Severity = "warning" if full else "critical"
    return [
        no_rows(
            "no_column_is_missing",
            "select file, column_name from {batch} where is_now is null",
            why="staging reads the columns that came before; bring the column back, or "
            "change staging and ask for --full",
            severity=severity,
        ),
        no_rows(
            "no_column_changed_its_type",
            "select file, column_name, was, is_now from {batch} "
            f"where was is not null and is_now is not null and {_RETYPED}",
            why="the same name means something else now; mend the source, or declare the "
            "column's type in sources.yaml; where the change is meant, ask for --full",
            severity=severity,
        ),
        no_rows(
            "no_column_is_new",
            "select file, column_name, is_now from {batch} where was is null",
            why="it is landed and kept; nothing reads it until staging does",
            severity="warning",
        ),
    ]


# Whole numbers may become fractions and decimals grow; a column that is empty in one file
# has no type there.
_NUMBER = "'^(u?int|float|double|decimal)'"
_RETYPED = (
    "was <> is_now and was <> 'null' and is_now <> 'null' and not "
    f"(regexp_matches(was, {_NUMBER}) and regexp_matches(is_now, {_NUMBER}))"
)


def _accounting(database: Path, entities: Mapping[str, LandedEntity]) -> list[Suite]:
    """Rows read = landed + quarantined + forgotten, for every batch that counts."""
    suites = []
    with duckdb_files.connect(database) as connection:
        connection.execute("create schema landing")
        for name, landed in entities.items():
            pending = landed.batches("pending")
            facts = [
                (
                    batch.batch_id,
                    batch.rows_read,
                    batch.rows_landed,
                    batch.rows_quarantined,
                    batch.rows_forgotten,
                    *landed.counted_rows(batch),
                    batch in pending,
                )
                for batch in [*landed.in_force(), *pending]
            ]
            suites.append(
                _suite_of_facts(
                    connection,
                    subject_of(landed.source, name),
                    f"_batches_{name}",
                    "batch_id varchar, rows_read bigint, rows_landed bigint, "
                    "rows_quarantined bigint, rows_forgotten bigint, rows_in_file bigint, "
                    "rows_in_quarantine bigint, is_new boolean",
                    facts,
                    _accounting_demands(landed.entity),
                )
            )
    return suites


def _accounting_demands(entity: Entity) -> list[Expectation]:
    from expectations.vocabulary import no_rows

    return [
        no_rows(
            "rows_read_are_landed_or_quarantined",
            "select batch_id, rows_read, rows_landed, rows_quarantined, rows_forgotten "
            "from {batch} where rows_read != rows_landed + rows_quarantined "
            "+ rows_forgotten or rows_landed != rows_in_file "
            "or rows_quarantined != rows_in_quarantine",
            why="nothing is lost: every row read is in the batch's file or in the "
            "quarantine, or was a forgotten customer's",
        ),
        no_rows(
            "quarantine_within_limit",
            "select batch_id, rows_read, rows_quarantined from {batch} "
            f"where is_new and rows_quarantined > {entity.max_quarantined} * rows_read",
            why=f"more than {entity.max_quarantined:.1%} of unreadable rows is a broken "
            "file, not a broken row; mend the file, or raise max_quarantined in "
            "sources.yaml",
        ),
    ]


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

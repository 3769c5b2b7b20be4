"""Tries the sources out: connects, reads a sample of every entity, checks the sample.

What is read lands in a home of its own, so that everything that comes after meets it as
it would in a refresh; the project's own home is read and never changed. Not here: what
staging makes of the samples (`project_trial`).
"""

from __future__ import annotations

import datetime as dt
import glob
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.common import sql
from pipeline.common.errors import (
    ConfigurationError,
    CustomerTiersError,
    GateRefused,
    SourceUnavailable,
)
from pipeline.common.home import Home
from pipeline.common.language import joined, said
from pipeline.gates import incoming, metadata_drift, source_findings
from pipeline.gates.run import run_suites
from pipeline.gates.source_findings import Reading
from pipeline.gates.suite import Suite, entity_suite, subject_of
from pipeline.gates.trial_findings import Declaration, Finding, listed
from pipeline.journal.evidence import Check
from pipeline.landing.batches import Batch
from pipeline.landing.entity import LandedEntity
from pipeline.landing.write import BatchWriter
from pipeline.release import duckdb_files
from pipeline.sources import Entity, Extract, Source, open_reader
from pipeline.suppression.suppression_list import Suppression

# Rows read of a file, and of a table, which somebody else's server has to give. A file of
# text takes about a second.
SAMPLE_ROWS = 100_000
TABLE_ROWS = 20_000
# Of a web service, where each call counts against a day's allowance.
SERVICE_ROWS = 1_000
# Of an entity of many files; then only the first rows of each further one.
MOST_ROWS = 500_000
FEW_ROWS = 1_000


@dataclass
class Tried:
    """What came of one entity.

    Attributes:
        rows: Rows of the sample.
        is_whole: The sample is all that there is.
        rejected: Rows that could not be read.
        columns: The columns of the files, or of the table.
        problem: Why it could not be read, or nothing.
        unsettled: Files that are still being written and are not in the sample, each
            with why that seems so.
        checks: What the sample's suite found.
        findings: Everything that a person should know, the problem and the failed
            checks among it.
    """

    source: str
    entity: str
    rows: int = 0
    is_whole: bool = True
    rejected: int = 0
    columns: Sequence[str] = ()
    problem: str = ""
    unsettled: Sequence[str] = ()
    checks: list[Check] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def failed(self) -> list[Check]:
        """The checks that would stop a refresh."""
        return [check for check in self.checks if check.blocks]


@dataclass
class Samples:
    """What was read of all entities, and where it landed.

    Attributes:
        home: The home of the trial.
        tried: What came of each entity.
        landed: The entities that have rows, or at least columns, in that home.
        findings: What is about a whole source, such as a server that does not answer.
    """

    home: Home
    tried: list[Tried] = field(default_factory=list)
    landed: list[LandedEntity] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def try_source(
    source: Source, expectations: Path, declaration: Declaration | None = None
) -> list[Tried]:
    """Reads a sample of each entity of the source and runs its suite on the sample."""
    from pipeline.common.yaml_places import Places

    with tempfile.TemporaryDirectory(prefix="customer-tiers-") as folder:
        samples = Samples(Home.open(Path(folder)))
        nowhere = Declaration(Places(Path("sources.yaml"), None), [source.name])
        sample(source, samples, expectations, declaration or nowhere, home=None)
    return samples.tried


def sample(
    source: Source,
    samples: Samples,
    expectations: Path,
    declaration: Declaration,
    *,
    home: Home | None,
) -> None:
    """Lands a sample of each entity in the home of the trial, and checks it.

    Args:
        source: What is read.
        samples: Takes what came of it.
        expectations: The folder of the project's suites.
        declaration: Where sources.yaml says what.
        home: The project's own: what landed there says which columns there were, and
            who was forgotten. None where there is none yet.
    """
    suppression = Suppression.load(home) if home else Suppression("00", [])
    tried = [Tried(source.name, name) for name in source.entities]
    samples.tried += tried
    readable: list[tuple[Tried, LandedEntity]] = []
    try:
        with open_reader(source, home or samples.home) as reader:
            for result in tried:
                entity = source.entities[result.entity]
                landed = LandedEntity(samples.home, source.name, entity)
                landed.folder.mkdir(mode=0o700, parents=True)
                try:
                    writer = BatchWriter(
                        landed,
                        suppression.guard(source.name, entity),
                        dt.datetime.now(dt.UTC),
                    )
                except ConfigurationError as error:
                    result.findings.append(
                        declaration.finding(
                            str(error), 2, source.name, "entities", entity.name
                        )
                    )
                    continue
                _read(Reading(source, entity, reader, writer, declaration), result)
                if landed.every_row(landed.in_force()) is not None:
                    readable.append((result, landed))
    except SourceUnavailable as error:
        # One server that does not answer is one finding, however many tables it has.
        keys = {"database": "url", "files": "path"}.get(
            # The credentials of zoho_crm and zoho_desk stand under zoho.
            source.kind,
            source.kind.partition("_")[0],
        )
        samples.findings.append(
            declaration.finding(str(error), error.exit_code, source.name, keys)
        )
        for result in tried:
            result.problem = str(error)
    samples.landed += [landed for _, landed in readable]
    _check(source, readable, expectations, declaration, home)


def _read(reading: Reading, result: Tried) -> None:
    """Lands the first rows of each file, or of the table, as accepted batches."""
    source, entity = reading.source, reading.entity
    # Asked first: a file that settles meanwhile is in the sample.
    result.unsettled = _unsettled(source, entity)
    problems: dict[str, list[str]] = {}
    batches: list[Batch] = []
    for origin, read_as in _one_by_one(reading, problems):
        try:
            for extract in reading.reader.extracts(
                read_as, limit=_limit(source, result)
            ):
                if extract.content != "rows":
                    _exhaust(extract)
                    continue
                limit = _limit(source, result)
                batch = reading.writer.write(
                    extract, len(batches) + 1, state="accepted"
                )
                batches.append(batch)
                result.rows += batch.rows_read - batch.rows_quarantined
                result.rejected += batch.rows_quarantined
                result.is_whole &= batch.rows_read < limit
                if (
                    few := source_findings.too_many_rejected(reading, batch, extract)
                ) is not None:
                    result.findings.append(few)
        except SourceUnavailable as error:
            text = str(error)
            # Of many files with one fault, one sentence; the names differ.
            name = origin or next(iter(re.findall(r"line \d+", text)), "\0")
            problems.setdefault(text.replace(name, "\0"), []).append(name)
    _report(reading, result, problems, batches)


def _limit(source: Source, result: Tried) -> int:
    if source.kind == "database":
        return TABLE_ROWS
    if source.kind != "files":
        return SERVICE_ROWS
    return SAMPLE_ROWS if result.rows < MOST_ROWS else FEW_ROWS


def _one_by_one(
    reading: Reading, problems: dict[str, list[str]]
) -> Iterator[tuple[str, Entity]]:
    """The entity, for each of its files alone: one that is broken hides no other."""
    from pipeline.sources.files.parts import printable
    from pipeline.sources.files.reader import FilesReader

    reader, entity = reading.reader, reading.entity
    if not isinstance(reader, FilesReader) or entity.load == "snapshot":
        yield "", entity
        return
    try:
        paths = reader.files(entity)
    except SourceUnavailable as error:
        problems[str(error)] = [""]
        return
    assert reading.source.path is not None
    for path in paths:
        name = path.relative_to(reading.source.path).as_posix()
        alone = entity.model_copy(update={"files": glob.escape(name)})
        yield printable(path.name), alone


def _exhaust(extract: Extract) -> None:
    """Reads keys of deleted rows, which no sample needs, to see that it can be done."""
    for _ in extract.batches():
        pass


def _unsettled(source: Source, entity: Entity) -> Sequence[str]:
    """The entity's files that are still being written, each with why that seems so."""
    if source.kind != "files":
        return ()
    from pipeline.sources.files import arrivals

    alone = source.model_copy(update={"entities": {entity.name: entity}})
    return arrivals.scan(alone).unsettled


def _report(
    reading: Reading,
    result: Tried,
    problems: Mapping[str, Sequence[str]],
    batches: Sequence[Batch],
) -> None:
    """Says what could not be read, a sentence a cause, and which columns are missing."""
    for text, names in problems.items():
        message = text.replace("\0", names[0])
        if len(names) > 1:
            others = said("The same holds for {names}.", names=listed(names[1:]))
            message = joined([message, others])
        option = _option(message, reading.source)
        result.findings.append(reading.finding(message, 5, option))
    rows = [batch for batch in batches if batch.content == "rows"]
    result.columns = list(dict.fromkeys(name for one in rows for name in one.columns))
    if not problems and not any(one.rows_read or one.columns for one in rows):
        result.findings.append(source_findings.nothing(reading, result.unsettled, rows))
    # Of a row of a database or of JSON, what is null in all rows is a column as well.
    with_columns = [batch for batch in rows if batch.columns]
    for option, names in source_findings.needed(reading.entity).items():
        for name in names:
            result.findings += source_findings.missing(
                reading, option, name, with_columns
            )
    result.findings += source_findings.differing(reading, with_columns)
    result.problem = "; ".join(
        finding.message for finding in result.findings if finding.exit_code == 5
    )


def _option(message: str, source: Source) -> str:
    """The option of sources.yaml that a message of a reader is about."""
    named: list[str] = re.findall(r"`(\w+)[`:]", message)
    known = [name for name in named if name in Entity.model_fields]
    if known:
        return known[0]
    if source.kind not in {"files", "database"}:
        return "object"
    return "encoding" if "encoding" in message else "files"


def _of_suite(error: CustomerTiersError, source: Source, expectations: Path) -> Finding:
    """An error in a suite of the project's own."""
    line = re.search(r", line (\d+): ", str(error))
    return Finding(
        str(error),
        error.exit_code,
        source.name,
        expectations / "landing" / f"{source.name}.py",
        int(line[1]) if line else None,
    )


def _check(
    source: Source,
    readable: Sequence[tuple[Tried, LandedEntity]],
    expectations: Path,
    declaration: Declaration,
    home: Home | None,
) -> None:
    """Runs the suites on what landed, and says which checks would stop a refresh."""
    suites: list[Suite] = []
    with tempfile.TemporaryDirectory(prefix="customer-tiers-") as folder:
        database = Path(folder) / "sample.duckdb"
        with duckdb_files.connect(database) as connection:
            connection.execute("create schema landing")
            for result, landed in readable:
                relation = landed.relation(landed.in_force())
                lacks_key = any(finding.exit_code for finding in result.findings)
                if relation is None or lacks_key:
                    continue
                view = f"landing.{sql.quoted(landed.name)}"
                connection.execute(
                    f"create view {view} as select * from {relation} where not _deleted"
                )
                before = (
                    LandedEntity(home, source.name, landed.entity) if home else None
                )
                is_first = before is None or not before.batches("accepted")
                try:
                    suites.append(
                        entity_suite(
                            source.name,
                            landed.entity,
                            expectations,
                            sample=not (result.is_whole and is_first),
                        )
                    )
                except CustomerTiersError as error:
                    result.findings.append(_of_suite(error, source, expectations))
                    continue
                if before is not None and not is_first:
                    suites += incoming.columns_against(connection, landed, before)
                    suites += metadata_drift.against(
                        connection, landed, before, landed.in_force()
                    )
        checks = run_suites(f"in.{source.name}", database, suites)
    for result, _ in readable:
        subject = subject_of(result.source, result.entity)
        result.checks = [check for check in checks if check.subject == subject]
        result.findings += [
            declaration.finding(
                said(
                    "{source}.{entity}: {finding}",
                    source=result.source,
                    entity=result.entity,
                    finding=check.sentence(),
                ),
                GateRefused.exit_code,
                source.name,
                "entities",
                result.entity,
                "key",
            )
            for check in result.failed
        ]

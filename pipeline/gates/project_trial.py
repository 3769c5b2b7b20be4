"""Tries a project out on samples: the dbt project, its staging and its policy.

As a refresh would, but for the core and the marts: `sources.yaml` and the home are held
together, the dbt project is parsed, each staging model is compiled and run on what was
sampled, the policy is read. Nothing in the project's home changes. Not here: reading the
samples (`source_trial`), and what staging made of them (`staged_trial`).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import calendar, sql
from pipeline.common.errors import (
    ConfigurationError,
    CustomerTiersError,
    SourceUnavailable,
)
from pipeline.common.home import Home
from pipeline.common.language import said
from pipeline.common.settings import Settings
from pipeline.common.yaml_places import Places
from pipeline.gates import policy_trial, source_trial, staged_trial
from pipeline.gates.source_trial import Samples, Tried
from pipeline.gates.trial_findings import Declaration, Finding, line_with, once
from pipeline.landing.entity import LandedEntity, refuse_foreign
from pipeline.release import duckdb_files
from pipeline.release.duckdb_files import connect
from pipeline.release.layout import Candidate
from pipeline.sources import Source, SourcesFile
from pipeline.transform import dbt, foundation, project, trial

# How dbt says in which file it stopped.
_FILE = re.compile(r"\(((?:models|seeds|macros|tests|snapshots|analyses)/[^()\s]+)\)")
# What an error of the engine is about, in its own words.
_NAMED = (
    re.compile(r'Referenced (?:column|table) "([^"]+)"'),
    re.compile(r'does not have a column named "([^"]+)"'),
    re.compile(r"Table with name (\S+) does not exist"),
    re.compile(r"(?:Scalar|Table|Aggregate) Function with name (\S+) does not exist"),
    re.compile(r'syntax error at or near "([^"]+)"'),
)


@dataclasses.dataclass(frozen=True)
class Trial:
    """What a trial found.

    Attributes:
        tried: What came of each entity.
        findings: Everything that a person should know, what stops a refresh first.
    """

    tried: Sequence[Tried]
    findings: Sequence[Finding]


def run(
    sources: SourcesFile, settings: Settings, incomplete: Collection[str] = ()
) -> Trial:
    """Tries everything out that a refresh of this project would need.

    Args:
        sources: What `sources.yaml` says.
        settings: The settings; the home need not be there.
        incomplete: Staging models of which it is said already what they lack; what they
            give is not judged.
    """
    settings = sources.applied_to(settings)
    places = Places.of(settings.sources_file)
    declaration = Declaration(places, [source.name for source in sources.sources])
    home = Home(settings.home)
    findings = list(_before_anything(sources, home, places))
    with tempfile.TemporaryDirectory(prefix="customer-tiers-") as folder:
        samples = Samples(Home.open(Path(folder).resolve() / "home"))
        for source in sources.sources:
            source_trial.sample(
                source,
                samples,
                settings.expectations,
                declaration,
                home=home if home.landing.is_dir() else None,
            )
        findings += samples.findings
        findings += [item for tried in samples.tried for item in tried.findings]
        candidate = _candidate(Path(folder).resolve() / "candidate", sources)
        usable = _prepare(sources, samples, candidate, declaration, findings)
        project_there = _Project(sources, settings, candidate, places, incomplete)
        findings += _of_the_project(project_there, samples, usable)
    return Trial(samples.tried, once(findings))


def _before_anything(
    sources: SourcesFile, home: Home, places: Places
) -> Iterator[Finding]:
    """What a refresh refuses before it reads anything."""
    business = sources.business
    try:
        if business.as_of is not None:
            calendar.refuse_future(business.as_of, business.time_zone)
    except ConfigurationError as error:
        line = places.line("business", "as_of")
        yield Finding(str(error), error.exit_code, "business", places.file, line)
    try:
        if home.landing.is_dir():
            refuse_foreign(home, sources.sources)
    except ConfigurationError as error:
        yield Finding(str(error), error.exit_code, "home")


def as_of_date(sources: SourcesFile) -> dt.date:
    """The last day that a refresh of today would know of."""
    business = sources.business
    return business.as_of or calendar.default_as_of(business.time_zone)


def _candidate(folder: Path, sources: SourcesFile) -> Candidate:
    day = as_of_date(sources)
    candidate = Candidate(
        path=folder,
        refresh_id=f"r000001-{day:%Y%m%d}",
        run_id="trial",
        as_of_date=day,
        time_zone=sources.business.time_zone,
        reporting_currency=sources.business.reporting_currency,
        opened_at="",
    )
    candidate.release_folder.mkdir(mode=0o700, parents=True)
    return candidate


def _prepare(
    sources: SourcesFile,
    samples: Samples,
    candidate: Candidate,
    declaration: Declaration,
    findings: list[Finding],
) -> set[tuple[str, str]]:
    """Makes the candidate's files over the samples, as a refresh does over what landed.

    Returns:
        The landed tables that are there.
    """
    usable: set[tuple[str, str]] = set()
    stopped = {
        (item.source, item.entity)
        for item in samples.tried
        if item.problem or any(finding.exit_code for finding in item.findings)
    }
    foundation.prepare(samples.home, candidate, [])
    with connect(candidate.work_file) as connection:
        for landed in samples.landed:
            named = (landed.source, landed.name)
            try:
                foundation.create_view(connection, landed)
                usable.add(named)
            except (SourceUnavailable, ConfigurationError, duckdb.Error) as error:
                if named not in stopped:
                    place = (landed.source, "entities", landed.name)
                    code = getattr(error, "exit_code", 1)
                    findings.append(declaration.finding(str(error), code, *place))
        # Once all are there: what one becomes may depend on another.
        is_whole = len(usable) == len(samples.tried)
        there = [one for one in samples.landed if (one.source, one.name) in usable]
        for landed in samples.landed:
            if (landed.source, landed.name) in usable:
                found = _becomes(connection, landed, candidate, declaration, there)
                findings += [item for item in found if is_whole or not _follows(item)]
    return usable


def _becomes(
    connection: duckdb.DuckDBPyConnection,
    landed: LandedEntity,
    candidate: Candidate,
    declaration: Declaration,
    tables: Sequence[LandedEntity],
) -> Iterator[Finding]:
    """What sources.yaml says that an entity becomes, and cannot be counted."""
    for place, item in enumerate(landed.entity.becomes):
        alone = landed.entity.model_copy(update={"becomes": [item]})
        problem = trial.try_becomes(
            connection, landed, alone, candidate.time_zone, tables
        )
        if problem is not None:
            keys = ("entities", landed.name, "becomes", place)
            yield declaration.finding(problem, 2, landed.source, *keys)


def _follows(finding: Finding) -> bool:
    """Whether a table is missing, which may be one that could not be read."""
    return "Table with name" in finding.message


@dataclasses.dataclass(frozen=True)
class _Project:
    """The project that is tried, and on which candidate."""

    sources: SourcesFile
    settings: Settings
    candidate: Candidate
    places: Places
    incomplete: Collection[str]


def _of_the_project(
    tried: _Project, samples: Samples, usable: set[tuple[str, str]]
) -> list[Finding]:
    """What is wrong with the dbt project: what it is made of, its staging, its policy."""
    settings, candidate = tried.settings, tried.candidate
    try:
        sources = _with_models(tried.sources, settings)
        seeds = project.seeds(sources, settings)
    except CustomerTiersError as error:
        return [Finding(str(error), error.exit_code, "dbt_project")]
    findings = list(
        policy_trial.of_the_policy(seeds, candidate.as_of_date, tried.places)
    )
    try:
        parsed = dbt.parse(sources, settings)
    except CustomerTiersError as error:
        return [*findings, _of_dbt(str(error), seeds.parent)]
    if not findings:
        changed = policy_trial.changed_seeds(seeds)
        findings += [
            policy_trial.of_seed(seeds, name, problem)
            for name, problem in trial.try_seeds(parsed, candidate, settings, changed)
        ]
    views, problems = _stage(sources.sources, parsed, settings, candidate, usable)
    findings += problems
    complete = {
        (source, entity): view
        for (source, entity), view in views.items()
        if f"stg_{source}__{entity}" not in tried.incomplete
    }
    findings += staged_trial.judge(
        sources,
        candidate,
        samples.tried,
        complete,
        parsed.manifest_json,
        tried.places,
        parsed.folder,
    )
    return findings


def _with_models(sources: SourcesFile, settings: Settings) -> SourcesFile:
    """The sources with the entities for which there is a staging model.

    One that is not there is said elsewhere; the others are tried all the same.
    """
    models = project.models(sources, settings)
    described = []
    for source in sources.sources:
        there = [
            entity
            for entity in source.provides
            if f"stg_{source.name}__{entity}" in models
        ]
        described.append(source.model_copy(update={"provides": there}))
    return sources.model_copy(update={"sources": described})


def _of_dbt(text: str, folder: Path) -> Finding:
    """An error of dbt's, with the file that a person edits instead of its link."""
    found = _FILE.search(text)
    file = (folder / found[1]).resolve() if found else None
    line = policy_trial.LINE.search(text)
    words = " ".join(text.split())
    named = re.search(r"depends on a (?:node|source) named '(?:\w+\.)?(\w+)'", text)
    number = int(line[1]) if line else None
    if named and file is not None:
        number = line_with(file, named[1])
    return Finding(
        words, ConfigurationError.exit_code, file.stem if file else "dbt", file, number
    )


def _stage(
    sources: Sequence[Source],
    parsed: dbt.Project,
    settings: Settings,
    candidate: Candidate,
    usable: set[tuple[str, str]],
) -> tuple[dict[tuple[str, str], str], list[Finding]]:
    """Compiles the staging models and makes views of them over the samples.

    Returns:
        (source, entity) → the view, of those that are there; and what is wrong with the
        others. A model over an entity that could not be read says nothing.
    """
    nodes = parsed.manifest_json["nodes"]
    wanted: dict[tuple[str, str], str] = {
        (source.name, entity): f"model.customer_tiers.stg_{source.name}__{entity}"
        for source in sources
        for entity in source.provides
    }
    order = [
        node for node in _with_ancestors(nodes, wanted.values()) if _can_be_run(node)
    ]
    landed = {f"source.customer_tiers.{source}.{name}" for source, name in usable}
    try:
        compiled = trial.compile_models(
            parsed, candidate, settings, [node["unique_id"] for node in order]
        )
    except CustomerTiersError as error:
        return {}, [_of_dbt(str(error), parsed.folder)]
    by_name = {item.name: item for item in compiled}
    made: set[str] = set()
    findings = []
    with connect(candidate.work_file) as connection:
        duckdb_files.attach(connection, candidate.databases, read_only=False)
        for node in order:
            item = by_name.get(node["name"])
            needed = {
                parent
                for parent in node["depends_on"]["nodes"]
                if not parent.startswith("source.customer_tiers.refresh.")
            }
            if item is None or not needed <= landed | made:
                continue
            problem = item.problem or _create(connection, item)
            if problem:
                findings.append(_of_model(item, problem))
            else:
                made.add(node["unique_id"])
    views = {
        key: f"{sql.quoted(nodes[unique_id]['schema'])}."
        f"{sql.quoted(nodes[unique_id]['name'])}"
        for key, unique_id in wanted.items()
        if unique_id in made
    }
    return views, findings


def _with_ancestors(
    nodes: Mapping[str, Any], wanted: Iterable[str]
) -> list[Mapping[str, Any]]:
    """The models and the models that they are made of, those first."""
    order: dict[str, Mapping[str, Any]] = {}

    def visit(unique_id: str) -> None:
        node = nodes.get(unique_id)
        if node is None or unique_id in order or node["resource_type"] != "model":
            return
        for parent in node["depends_on"]["nodes"]:
            visit(parent)
        order[unique_id] = node

    for unique_id in wanted:
        visit(unique_id)
    return list(order.values())


def _can_be_run(node: Mapping[str, Any]) -> bool:
    """Whether a model is SQL that stands on its own."""
    return (
        node["language"] == "sql"
        and node["config"]["materialized"] != "ephemeral"
        and str(node["original_file_path"]).startswith("models/staging/")
    )


def _create(connection: duckdb.DuckDBPyConnection, item: trial.Compiled) -> str:
    """Makes the model a view; why that cannot be done, or nothing."""
    try:
        connection.execute(f"create schema if not exists {sql.quoted(item.schema)}")
        connection.execute(
            f"create or replace view {sql.quoted(item.schema)}.{sql.quoted(item.name)} "
            f"as (\n{item.sql}\n)"
        )
    except duckdb.Error as error:
        return str(error)
    return ""


def _of_model(item: trial.Compiled, problem: str) -> Finding:
    """An error of the engine or of a macro, with the line that it is about."""
    named = next((found[1] for one in _NAMED if (found := one.search(problem))), "")
    # Of what the engine says, its own listing of the line is of the compiled text.
    words = " ".join(re.split(r"\n\s*LINE \d+:", problem)[0].split())
    line = line_with(item.file, named) or _same_line(item, problem)
    return Finding(
        said("{model} does not work: {problem}", model=item.name, problem=words),
        ConfigurationError.exit_code,
        item.name,
        item.file,
        line,
    )


def _same_line(item: trial.Compiled, problem: str) -> int | None:
    """The line of the file that reads as the compiled one that the engine names."""
    found = re.search(r"\n\s*LINE \d+:(.*)", problem)
    text = found[1].strip() if found else ""
    lines = item.file.read_text(encoding="utf-8").splitlines()
    return next((n for n, line in enumerate(lines, 1) if text and text in line), None)

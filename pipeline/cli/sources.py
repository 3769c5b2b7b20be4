"""Sources before a refresh and after it: `check-sources` and `quarantine`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.options import (
    entity_options,
    home_option,
    json_option,
    language_option,
    sources_option,
)
from pipeline.cli.output import out, print_json
from pipeline.cli.rendering import sources as rendering
from pipeline.common.home import Home
from pipeline.common.settings import Settings


@click.command("check-sources")
@sources_option
@language_option
@home_option
@json_option
def check_sources(
    sources: Path | None, lang: str, home: Path | None, as_json: bool
) -> None:
    """Tries everything that a refresh needs on a sample of your data; changes nothing.

    Connects to every source, reads the first rows of each entity, checks them, runs the
    staging models on them and reads the policy. What would stop a refresh is listed, each
    with the file and the line to edit.
    """
    from pipeline.gates import project_trial, trial_findings
    from pipeline.scaffold import demonstration, new_project
    from pipeline.sources import load_sources

    settings = Settings.load(home, sources)
    described = load_sources(settings)
    settings = described.applied_to(settings)
    if described.demonstration is not None:
        at = Home.open(settings.home)
        demonstration.build_database(
            described.demonstration, at.root / "demonstration" / "erp.sqlite"
        )
    lacking = new_project.lacks(described, settings)
    incomplete = {finding.subject for finding in lacking}
    trial = project_trial.run(described, settings, incomplete)
    findings = trial_findings.once([*trial.findings, *lacking])
    if as_json:
        print_json(
            {
                "entities": [asdict(item) for item in trial.tried],
                "findings": [asdict(item) for item in findings],
            }
        )
    else:
        rendering.trials(trial.tried, findings, out, lang)
    if problem := trial_findings.worst(findings):
        raise problem


@click.group()
def quarantine() -> None:
    """The rows that could not be read."""


@quarantine.command("list")
@entity_options
@language_option
@sources_option
@home_option
@json_option
def quarantine_list(
    source: str | None,
    entity: str | None,
    lang: str,
    sources: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Lists the rows, each with its place and why it could not be read."""
    from pipeline.landing import quarantine as quarantining
    from pipeline.sources import load_sources

    settings = Settings.load(home, sources)
    described = load_sources(settings).sources
    found = quarantining.held(
        Home.open(settings.home), described, source=source, entity=entity
    )
    if as_json:
        print_json([asdict(item) for item in found])
        return
    rendering.quarantined(found, out, lang)


@quarantine.command("retry")
@entity_options
@language_option
@sources_option
@home_option
@json_option
def quarantine_retry(
    source: str | None,
    entity: str | None,
    lang: str,
    sources: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Has the next refresh read the files or tables with unread rows again.

    Mend the source, or how sources.yaml says it is read, first. What is landed stays in
    force until what replaces it has passed the gate.
    """
    from pipeline.landing import quarantine as quarantining
    from pipeline.sources import load_sources

    settings = Settings.load(home, sources)
    described = load_sources(settings).sources
    chosen = quarantining.retry(
        Home.open(settings.home), described, source=source, entity=entity
    )
    if as_json:
        print_json([asdict(batch) for batch in chosen])
    else:
        rendering.read_again(chosen, out, lang)

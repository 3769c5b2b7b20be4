"""`init --from`: reads what somebody brings, asks where it is unsure, writes a project."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from pathlib import Path

import click

from pipeline.cli.output import out
from pipeline.common.errors import ConfigurationError
from pipeline.scaffold.proposal.project import Proposal
from pipeline.scaffold.proposal.questions import Question


def init_from(
    folder: Path, source: str | None, what: str, system: str | None = None
) -> None:
    """Makes a project of the data in `what` and says what is next.

    Args:
        folder: The new project's.
        source: What the source is called; by what is given when absent.
        what: A folder, a file or the URL of a database.
        system: The system of which these must be exports; the source is called so.

    Raises:
        ConfigurationError: The folder is not empty, there is nothing that can be read, or
            nothing of it is an export of the system.
        SourceUnavailable: The database cannot be reached.
    """
    from pipeline.common.settings import Settings
    from pipeline.profiling import profile, sample
    from pipeline.scaffold.proposal import project, writing

    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(
            f"{folder} is not empty; give a new folder, so that nothing is overwritten."
        )
    # Of the settings nothing else matters here: there is no project yet.
    environment = Settings.load().environment
    with sample.opened() as connection:
        out.print(f"Reading a sample of {sample.displayed(what)} ...", markup=False)
        found = profile.profile(connection, what, environment)
        proposal = project.propose(
            connection,
            found,
            source or system or sample.source_name(what, environment),
            _ask if sys.stdin.isatty() else None,
            dt.date.today(),
        )
        if system is not None and not any(
            item.preset and item.preset.file.startswith(f"{system}_")
            for item in proposal.draft.found.values()
        ):
            raise ConfigurationError(
                f"No table in {sample.displayed(what)} has the columns of an export of "
                f"{system}. Leave out --preset for files of another origin; of an export in "
                f"another language put the metadata beside it (docs/connect-{system}.md)."
            )
        written = writing.write(connection, proposal, folder)
    _report(proposal, folder, written)


def _ask(question: Question) -> str:
    """Asks on the terminal; the proposed answer is taken by pressing return."""
    click.echo(f"\n{question.text}\n  ({question.why})")
    names = list(question.options)
    for number, name in enumerate(names, 1):
        meaning = question.options[name]
        click.echo(f"  {number}. {name}" + (f": {meaning}" if meaning else ""))
    if question.is_free:
        click.echo("  or another value")
    while True:
        answer = str(click.prompt("Your answer", default=question.chosen)).strip()
        if answer.isdigit() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        if answer in names or question.is_free:
            return answer
        click.echo(f"Give one of the {len(names)} answers or its number.")


def _report(proposal: Proposal, folder: Path, written: list[Path]) -> None:
    for mapping in proposal.mappings:
        item = mapping.recognised
        out.print(
            f"{mapping.entity}: {item.table.title}, confidence {item.confidence:.0%}",
            soft_wrap=True,
            markup=False,
        )
    for line in (*proposal.draft.left_out.values(), *proposal.draft.profile.unread):
        out.print(f"Left out: {line.rstrip('.')}.", soft_wrap=True, markup=False)
    for line in proposal.draft.profile.notes:
        out.print(line, soft_wrap=True, markup=False)
    for table in proposal.draft.profile.tables.values():
        if table.numbered:
            out.print(
                f"{table.title} has several columns of one name; the first keeps it, the "
                f"others are numbered, such as {table.numbered[0]}.",
                soft_wrap=True,
                markup=False,
            )
    for path in written[:2]:
        out.print(str(path), soft_wrap=True, markup=False)
    still_open = proposal.draft.questions.open
    if still_open:
        out.print(f"\n{len(still_open)} open questions, with the answers taken:")
        for question in still_open:
            out.print(
                f"- {question.text} {question.chosen}", soft_wrap=True, markup=False
            )
    where = shlex.quote(str(folder))
    out.print(
        f"\nRead {folder / 'MAPPING.md'}, then:\n"
        f"cd {where} && customer-tiers check-sources && customer-tiers refresh",
        soft_wrap=True,
        markup=False,
    )

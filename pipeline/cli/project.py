"""A project and its web page: `init`, `upgrade`, `dbt-project` and `ui`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from pipeline.cli.options import home_option, sources_option
from pipeline.cli.output import out
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT, Settings


def _init_preset(folder: Path, preset: str, what: str | None) -> None:
    """A project for the API of a system, or for what its pages exported."""
    from pipeline.scaffold import ready_project

    if what is not None:
        from pipeline.cli import proposing

        ready_project.check(preset)
        proposing.init_from(folder, None, what, preset)
        return
    for path in ready_project.init(folder, preset):
        out.print(str(path), soft_wrap=True, markup=False)
    asked = ", ".join(ready_project.variables(preset))
    out.print(
        f"\nSet {asked} in the environment and begin with {folder / 'README.md'}.",
        soft_wrap=True,
        markup=False,
    )


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--source",
    help="What the first source is called; taken from --from, else my_source.",
)
@click.option(
    "--from",
    "what",
    metavar="WHAT",
    help="Your data: a folder of files, a file, an Excel workbook or a database's URL. "
    "The project is made to fit.",
)
@click.option(
    "--preset",
    metavar="SYSTEM",
    help="A system that is read through its API, such as fxiaoke; the project needs "
    "credentials only. With --from it reads files that the system exported.",
)
def init(
    folder: Path, source: str | None, what: str | None, preset: str | None
) -> None:
    """Writes a ready project for your own data into a new folder.

    With --from it reads a sample of your tables, works out what they are, and writes a
    project that can be refreshed, with MAPPING.md that says what was made of them. With
    --preset it writes one for a system such as a CRM, read through its API.
    """
    if preset is not None:
        if source is not None:
            raise ConfigurationError(
                "--preset brings its sources with their names; leave out --source."
            )
        _init_preset(folder, preset, what)
        return
    from pipeline.scaffold import new_project

    if source is not None and not re.fullmatch(r"[a-z][a-z0-9_]*", source):
        raise ConfigurationError(
            f"--source is {source!r}; give lower-case letters, digits and underscores."
        )
    if what is not None:
        from pipeline.cli import proposing

        proposing.init_from(folder, source, what)
        return
    for path in new_project.init(folder, source or "my_source"):
        out.print(str(path), soft_wrap=True, markup=False)
    out.print(f"\nBegin with {folder / 'README.md'}.", soft_wrap=True)


@click.command()
@click.argument(
    "folder",
    default=".",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
)
def upgrade(folder: Path) -> None:
    """Takes the product's own files out of a project that holds a copy of them.

    FOLDER is the one with sources.yaml. What is yours stays, and what was there before is
    moved into before-upgrade (docs/upgrading.md).
    """
    from pipeline.scaffold import upgrade as upgrading

    done = upgrading.upgrade(folder.resolve())
    for sentence in done.sentences:
        out.print(sentence, soft_wrap=True, markup=False)
    out.print(
        f"{len(done.own)} files are yours and stay; the project as it was lies in "
        f"{done.aside}.",
        soft_wrap=True,
        markup=False,
    )


@click.command("dbt-project")
@sources_option
@home_option
def dbt_project(sources: Path | None, home: Path | None) -> None:
    """Prints the folder in which dbt can be run by hand (docs/upgrading.md)."""
    from pipeline.sources import load_sources
    from pipeline.transform import project

    settings = Settings.load(home, sources)
    click.echo(project.compose(load_sources(settings), settings))


_port = click.IntRange(1, 65535)


@click.command()
@click.option(
    "--port",
    type=_port,
    default=3000,
    show_default=True,
    help="Port of Dagster on this machine.",
)
@click.option(
    "--pages-port",
    type=_port,
    help="Port of report, Data Docs and dictionary [the one after Dagster's].",
)
@sources_option
@home_option
def ui(
    port: int, pages_port: int | None, sources: Path | None, home: Path | None
) -> None:
    """Opens Dagster's web page with its daemon, for this machine only.

    Beside it report, Data Docs, data dictionary and dbt's docs are served, read only.
    Ends with Ctrl-C or SIGTERM.
    """
    from pipeline.operations import pages
    from pipeline.orchestration import web_page
    from pipeline.sources import load_sources

    settings = Settings.load(home, sources)
    load_sources(settings)  # What Dagster says of a project that is none is long.
    at = Home.open(settings.home)
    made = PROJECT_ROOT / "dbt_project" / "target" / "static_index.html"
    served = pages.Pages(at, [at.dbt_docs, made])  # the other is that of `make docs`
    beside = web_page.Ports(port, pages_port or port % 65535 + 1)
    sys.exit(web_page.run(settings, at, served, beside, started=click.echo))

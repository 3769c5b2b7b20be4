"""A project and its web page: `init` and `ui`."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import click

from pipeline.cli.options import home_option, sources_option
from pipeline.cli.output import out
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT, Settings

WORKSPACE = PROJECT_ROOT / "workspace.yaml"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--source", default="my_source", help="What the first source is called.")
def init(folder: Path, source: str) -> None:
    """Writes a ready project for your own data into a new folder."""
    from pipeline.scaffold import new_project

    if not re.fullmatch(r"[a-z][a-z0-9_]*", source):
        raise ConfigurationError(
            f"--source is {source!r}; give lower-case letters, digits and underscores."
        )
    for path in new_project.init(folder, source):
        out.print(str(path), soft_wrap=True, markup=False)
    out.print(f"\nBegin with {folder / 'README.md'}.", soft_wrap=True)


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port on this machine.")
@sources_option
@home_option
def ui(port: int, sources: Path | None, home: Path | None) -> None:
    """Opens Dagster's web page with its daemon, for this machine only."""
    settings = Settings.load(home, sources)
    at = Home.open(settings.home)
    out.print(f"Dagster on http://127.0.0.1:{port} (stop with Ctrl-C)")
    sys.stdout.flush()
    dagster = [sys.executable, "-m", "dagster", "dev", "--workspace", str(WORKSPACE)]
    os.execve(
        sys.executable,
        [*dagster, "--host", "127.0.0.1", "--port", str(port)],
        {**settings.child_environment(), "DAGSTER_HOME": str(at.dagster)},
    )

"""Options that several commands share; each is a decorator of a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.common.language import LANGUAGES
from pipeline.common.settings import spoken


def given(context: click.Context) -> dict[str, Path]:
    """The home and the sources that the command line named, in whichever command."""
    found = {name: context.meta.get(_key(name)) for name in ("home", "sources")}
    return {name: path for name, path in found.items() if path is not None}


def _key(name: str) -> str:
    return f"{__name__}.{name}"


def _remember(
    context: click.Context, option: click.Parameter, path: Path | None
) -> Path | None:
    context.meta[_key(str(option.name))] = path
    return path


def home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--home`, the folder that is worked in."""
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        callback=_remember,
        help="Folder of landing, candidates and releases [CUSTOMER_TIERS_HOME or the "
        "project's data].",
    )(command)


def sources_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--sources`, the `sources.yaml` in force."""
    return click.option(
        "--sources",
        type=click.Path(path_type=Path, dir_okay=False),
        callback=_remember,
        help="Where the data comes from [CUSTOMER_TIERS_SOURCES or the sources.yaml of this "
        "folder or the nearest one above].",
    )(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json`, passed to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def release_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--release`, passed to the command as `release_id`."""
    return click.option(
        "--release", "release_id", help="A kept release [the current one]."
    )(command)


def language_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--lang`, the language of what is printed; JSON is the same in both."""
    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        callback=_spoken,
        # Before others speak of what they were given.
        is_eager=True,
        help="Language of what is printed [CUSTOMER_TIERS_LANGUAGE or en].",
    )(command)


def _spoken(context: click.Context, option: click.Parameter, given: str | None) -> str:
    chosen = given or spoken()
    context.meta[_key(str(option.name))] = chosen
    return chosen


def language_of(context: click.Context) -> str:
    """The language in which the command that was given speaks."""
    return str(context.meta.get(_key("lang"), "en"))


def entity_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--source` and `--entity`, which narrow what is listed."""
    command = click.option("--entity", help="Only this entity.")(command)
    return click.option("--source", help="Only this source.")(command)

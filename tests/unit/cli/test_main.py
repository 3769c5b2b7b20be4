"""How commands end: errors, closed pipes, and commands that can be pasted."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pipeline.cli.main import PIPE_CLOSED, Commands, main
from pipeline.cli.output import pastable
from pipeline.common.files import write_json
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.journal import attempts
from tests.conftest import environment
from tests.unit.gates.test_advice import DRIFTED, refused
from tests.unit.release.test_release import published


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "a home")


def said(*arguments: str) -> str:
    """What the command prints, on both streams."""
    return CliRunner().invoke(main, arguments).output


def commands_in(text: str) -> list[list[str]]:
    """Every command of ours in a text, in backticks or at the end of a line."""
    found = re.findall(r"`(customer-tiers [^`]+)`", text)
    found += re.findall(r"(?<!`)(customer-tiers [^`\n]+?)\.?$", text, re.MULTILINE)
    return [shlex.split(command)[1:] for command in found]


def assert_all_can_be_pasted(text: str, home: Home, least: int) -> None:
    found = commands_in(text)
    assert len(found) >= least, text
    for arguments in found:
        assert arguments[arguments.index("--home") + 1] == str(home.root)
        # Unknown commands and options are refused before help is given.
        result = CliRunner().invoke(main, [*arguments, "--help"])
        assert result.exit_code == 0, (arguments, result.output)


def test_commands_of_status_can_be_pasted(home: Home) -> None:
    """With the home that was asked about, quoted, on one line."""
    where = ["--home", str(home.root)]
    assert_all_can_be_pasted(said("status", *where), home, least=1)
    assert_all_can_be_pasted(said("releases", *where), home, least=1)
    home.forgotten.mkdir()
    write_json(home.forgotten / "f000001.json", {})
    published(home, 1)
    home.current.unlink()
    text = said("status", *where)
    assert "Readers find no whole release" in text
    assert_all_can_be_pasted(text, home, least=3)


def test_a_refused_refresh_is_tried_again_with_its_own_sources(home: Home) -> None:
    """Else what is pasted would refresh the sources of somebody else."""
    refused(home, DRIFTED)
    (attempt,) = attempts.history(home)
    where = ["status", "--home", str(home.root)]
    assert "--sources" not in said(*where)
    own = replace(attempt, sources_file="/a shop/sources.yaml")
    attempts._save(home, own)
    assert f"refresh --home '{home.root}' --sources '/a shop/sources.yaml'" in said(
        *where
    )


def test_commands_of_an_error_can_be_pasted(home: Home) -> None:
    text = said("explain", "somebody", "--home", str(home.root))
    assert text.startswith("ConfigurationError: There is no release yet")
    assert_all_can_be_pasted(text, home, least=1)


def test_only_commands_of_ours_get_the_options() -> None:
    text = "See `customer-tiers prune --dry-run`, `ls` and customer-tiers."
    with click.Context(main):
        assert pastable(text, {"home": Path("it's here")}) == (
            "See `customer-tiers prune --dry-run --home 'it'\"'\"'s here'`, `ls` and "
            "customer-tiers."
        )
        assert pastable(text, {}) == text


def test_a_command_gets_the_options_that_it_knows() -> None:
    named = {"home": Path("h"), "sources": Path("s")}
    both = "--home h --sources s"
    with click.Context(main):
        for command, options in (
            ("refresh", f" {both}"),
            ("quarantine list", f" {both}"),
            ("rollback", " --home h"),
            ("init", ""),
            ("upgrade shop", ""),
        ):
            text = f"Say `customer-tiers {command}`."
            assert pastable(text, named) == f"Say `customer-tiers {command}{options}`."


@pytest.mark.parametrize("as_json", [True, False])
def test_a_closed_pipe_ends_it_quietly(
    home: Home, tmp_path: Path, as_json: bool
) -> None:
    """As `customer-tiers releases | head -0` does: no word, and no file."""
    published(home, 1)
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ["releases", "--home", str(home.root), *["--json"] * as_json]
    traces = tmp_path / "traces"
    traces.mkdir()
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=PROJECT_ROOT,
        env=environment(TMPDIR=str(traces)),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (PIPE_CLOSED, "")
    assert list(traces.iterdir()) == []


def test_a_refresh_goes_on_when_nobody_reads_its_progress() -> None:
    code = """
        import logging
        from pipeline.cli.rendering.progress import progress

        with progress():
            for _ in range(10):
                logging.getLogger("customer_tiers.test").info("a line")
        print("done")
    """
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-c", re.sub("^ {8}", "", code, flags=re.MULTILINE)],
        cwd=PROJECT_ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=writing,
        text=True,
        check=False,
        timeout=120,
    )
    os.close(writing)
    assert ended.stdout == "done\n"


def test_another_broken_pipe_is_a_defect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket of a source, say; the traceback is kept."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    @click.group(cls=Commands)
    def group() -> None:
        pass

    @group.command()
    def breaks() -> None:
        raise BrokenPipeError(32, "a socket")

    result = CliRunner().invoke(group, ["breaks"])
    assert result.exit_code == 1
    assert "it is a defect of ours" in " ".join(result.stderr.split())
    (trace,) = tmp_path.iterdir()
    assert "a socket" in trace.read_text()

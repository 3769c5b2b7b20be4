"""Refreshes as processes that start at once, because their parent has imported everything.

A refresh of the small company takes less time than importing what it uses. The parent
imports once and forks; each child is a process like any other, which can be killed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMPORTED = (
    "dagster",
    "dagster_dbt",
    "dbt.cli.main",
    "great_expectations",
    "great_expectations.expectations",
    "pandas",
    "splink",
    "pipeline.cli.main",
    "pipeline.orchestration.definitions",
    "pipeline.gates.gx_duckdb",
    "pipeline.orchestration.refresh",
)


def import_everything() -> None:
    """Imports what a refresh uses."""
    for name in IMPORTED:
        importlib.import_module(name)


@dataclass
class Child:
    """A command that runs in a process of its own."""

    pid: int
    output: Path
    code: int | None = None

    def poll(self) -> int | None:
        """The exit code, or None while it runs; negative for a signal."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self, timeout: float = 240) -> int:
        """The exit code; a child that hangs is killed and told."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(f"{self.said()}\nhung for {timeout} s")
            time.sleep(0.005)
        assert self.code is not None
        return self.code

    def kill(self) -> int:
        """Ends it as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def said(self) -> str:
        """What it printed."""
        return self.output.read_text(errors="replace")


def start(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    output: Path,
    prepare: Callable[[], None] | None = None,
) -> Child:
    """Starts `customer-tiers` with these arguments.

    Args:
        prepare: Is called in the child before the command.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return Child(pid, output)
    code = 1
    try:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.environ.update(variables)
        from pipeline.cli import main

        if prepare is not None:
            prepare()
        try:
            main.main(list(arguments), standalone_mode=True)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else int(bool(error.code))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(arguments: Sequence[str], variables: Mapping[str, str], output: Path) -> Child:
    """Runs `customer-tiers` to its end."""
    child = start(arguments, variables, output)
    child.wait()
    return child


def printed(child: Child) -> Any:
    """The JSON that a command printed last."""
    text = child.said()
    return json.loads(text[text.index("{\n") :])


def largest_file(size: int) -> Callable[[], None]:
    """No file may grow beyond so many bytes: writing fails as on a full disk."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def die_at(moment: int, folder: Path) -> Callable[[], None]:
    """Kills the process before its n-th step that changes something below the folder."""

    def prepare() -> None:
        seen = 0

        def hook(event: str, arguments: Any) -> None:
            nonlocal seen
            if event == "open":
                if not arguments[2] & (os.O_WRONLY | os.O_RDWR):
                    return
            elif event not in {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}:
                return
            if str(arguments[0]).startswith(str(folder)):
                seen += 1
                if seen == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)

    return prepare

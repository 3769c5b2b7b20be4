"""`customer-tiers` in a process forked from one that has imported everything already.

A refresh spends some seven seconds of processor time on imports, and the tests make dozens.
What runs is a process of its own all the same, with its own environment, folder, lock
and exit code, which can be killed like any other.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

NOWHERE = Path(os.devnull)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.warm_imports"])
    return context


class Running:
    """A command that runs: waited for, killed and asked as one of `subprocess` is.

    Args:
        arguments: Of the command line, without the program's name.
        folder: The working folder.
        environment: The whole environment.
        out: The file that takes what it prints; thrown away without one.
        err: The same for what it says beside.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        out: Path = NOWHERE,
        err: Path = NOWHERE,
    ) -> None:
        self._process = _context().Process(
            target=_child, args=(list(arguments), folder, dict(environment), out, err)
        )
        self._process.start()
        self.pid: int = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """The exit code, or None while it runs; negative for a signal."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """As `returncode`."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code.

        Raises:
            TimeoutError: It runs on.
        """
        self._process.join(timeout)
        if self.returncode is None:
            raise TimeoutError(f"process {self.pid} runs after {timeout} s")
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends it a signal, if it has not ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout: float,
    started: Callable[[int], None] = lambda pid: None,
) -> subprocess.CompletedProcess[str]:
    """Runs `customer-tiers`, and returns what it said and how it ended.

    Args:
        arguments: Of the command line, without the program's name.
        folder: The working folder.
        environment: The whole environment.
        timeout: Seconds after which the process is ended.
        started: Is told the number of the process.

    Raises:
        subprocess.TimeoutExpired: It took longer.
    """
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place, "out"), Path(place, "err")
        process = Running(
            arguments, folder=folder, environment=environment, out=out, err=err
        )
        try:
            started(process.pid)
            code = process.wait(timeout)
        except TimeoutError:
            # Where it stands, so that a test that hangs once in a hundred says why.
            process.send_signal(signal.SIGUSR2)
            with contextlib.suppress(TimeoutError):
                process.wait(2)
            stood = err.read_text("utf-8") if err.exists() else ""
            raise subprocess.TimeoutExpired([*arguments], timeout, stderr=stood) from (
                RuntimeError(stood)
            )
        finally:
            process.kill()
            process.wait()
        said = [path.read_text("utf-8") if path.exists() else "" for path in (out, err)]
    return subprocess.CompletedProcess(["customer-tiers", *arguments], code, *said)


def _child(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    out: Path,
    err: Path,
) -> None:
    """Becomes `customer-tiers`: what a new process has and a fork has not is set here."""
    for number, path in ((0, Path(os.devnull)), (1, out), (2, err)):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    faulthandler.enable(file=2)
    faulthandler.register(signal.SIGUSR2, file=2, all_threads=True)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.umask(0o022)
    sys.argv = ["customer-tiers", *arguments]
    # What was imported gave the log a handler; a new process has none yet.
    logging.getLogger().handlers.clear()
    # Of what cannot be imported beforehand the fork server says nothing.
    if "tests.warm_imports" not in sys.modules:
        sys.exit("tests/warm_imports.py could not be imported: run it to see why.")
    from pipeline.cli.main import main

    code: str | int | None = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # as the interpreter does at the end of a program
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.exit(code)

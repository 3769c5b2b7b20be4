"""`customer-tiers` in a process forked from one that has imported everything already.

A refresh spends some seven seconds of processor time on imports, and the tests make dozens.
What runs is a process of its own all the same, with its own environment, folder, lock
and exit code. Not here: what a test kills or lets run in the background (`conftest.start`).
"""

from __future__ import annotations

import atexit
import faulthandler
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.warm_imports"])
    return context


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout: float,
) -> subprocess.CompletedProcess[str]:
    """Runs `customer-tiers`, and returns what it said and how it ended.

    Args:
        arguments: Of the command line, without the program's name.
        folder: The working folder.
        environment: The whole environment.
        timeout: Seconds after which the process is ended.

    Raises:
        subprocess.TimeoutExpired: It took longer.
    """
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place, "out"), Path(place, "err")
        process = _context().Process(
            target=_child, args=(list(arguments), folder, dict(environment), out, err)
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            # Where it stands, so that a test that hangs once in a hundred says why.
            os.kill(process.pid or 0, signal.SIGUSR2)
            process.join(2)
            process.kill()
            process.join()
            stood = err.read_text("utf-8") if err.exists() else ""
            raise subprocess.TimeoutExpired([*arguments], timeout, stderr=stood) from (
                RuntimeError(stood)
            )
        code = process.exitcode
        process.close()
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
    faulthandler.register(signal.SIGUSR2, file=2, all_threads=True)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.umask(0o022)
    sys.argv = ["customer-tiers", *arguments]
    # What was imported gave the log a handler; a new process has none yet.
    logging.getLogger().handlers.clear()
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

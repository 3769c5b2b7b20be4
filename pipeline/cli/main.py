"""The command line: its commands, and how an error ends one.

Results go to standard output, progress and errors to standard error. Nothing is worked
out in this room; each command calls one function of another room and prints what it
returns. Each command is in the file of its subject, how they are printed in `rendering`.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from pipeline.cli import (
    acceptances,
    alerts,
    docs,
    export,
    matching,
    operations,
    policy,
    privacy,
    project,
    refresh,
    releases,
    sources,
    status,
)
from pipeline.cli.options import given, language_of
from pipeline.cli.output import err, pastable
from pipeline.common.errors import CustomerTiersError
from pipeline.common.language import in_language
from pipeline.common.secrets import cleared

# What a shell reports of a program that SIGPIPE ended.
PIPE_CLOSED = 128 + signal.SIGPIPE


class Commands(click.Group):
    """Turns our errors into a sentence and an exit code; others into a file."""

    def invoke(self, context: click.Context) -> Any:
        """Runs the command."""
        try:
            try:
                return super().invoke(context)
            finally:
                sys.stdout.flush()
        except CustomerTiersError as error:
            # A sentence of ours is the argument itself; `str` would forget what it knows.
            worded = error.args[0] if error.args else str(error)
            text = in_language(worded, language_of(context))
            text = pastable(cleared(text), given(context))
            err.print(f"[red]{type(error).__name__}[/red]: ", end="")
            err.print(text, markup=False, soft_wrap=True)
            sys.exit(error.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            err.print("Interrupted; readers see what they saw before.")
            sys.exit(1)
        except Exception as error:
            if isinstance(error, BrokenPipeError) and (closed := _closed_pipes()):
                _end_quietly(closed)
            with tempfile.NamedTemporaryFile(
                "w", prefix="customer-tiers-", suffix=".txt", delete=False
            ) as file:
                file.write(cleared(traceback.format_exc()))
            err.print(f"[red]Unexpected error[/red]: {type(error).__name__}: ", end="")
            err.print(cleared(str(error)), markup=False, soft_wrap=True)
            err.print(f"The traceback is in {file.name}; it is a defect of ours.")
            sys.exit(1)


def _closed_pipes() -> list[int]:
    """Those of standard output and error whose reader has gone, such as `head`."""
    found = []
    for descriptor in (1, 2):
        poll = select.poll()
        poll.register(descriptor, 0)  # errors are always reported
        if any(event & select.POLLERR for _, event in poll.poll(0)):
            found.append(descriptor)
    return found


def _end_quietly(closed: Sequence[int]) -> NoReturn:
    """Ends as a program does that SIGPIPE ended; what is still buffered goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in closed:
        os.dup2(nowhere, descriptor)
    sys.exit(PIPE_CLOSED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="customer-tiers")
def main() -> None:
    """Customer value and customer tiers, every day, in a warehouse that you can trust.

    Exit codes: 0 done, 1 unexpected error, 2 wrong usage or configuration, 3 a gate
    refused (nothing changed), 4 another refresh is running, 5 a source could not be
    reached or read.
    """


for _command in (
    refresh.refresh,
    status.status,
    acceptances.acceptances_command,
    status.logs,
    alerts.alerts,
    releases.releases,
    releases.rollback,
    sources.check_sources,
    sources.quarantine,
    releases.report,
    docs.docs,
    export.export,
    policy.explain,
    policy.what_if,
    policy.calibrate,
    matching.match,
    operations.prune,
    operations.backup,
    operations.restore,
    privacy.forget,
    project.init,
    project.upgrade,
    project.dbt_project,
    project.ui,
):
    main.add_command(_command)

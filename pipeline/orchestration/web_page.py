"""`ui`: Dagster's web page and daemon, and the pages of the home beside it, as one.

Both ports are had before anything starts. Dagster is a child in a session of its own, so
that whatever ends us ends it too: a terminal's Ctrl-C, SIGTERM of a service, or a shell
that started us in the background and has taken SIGINT away, with which Dagster would not
hear SIGTERM either.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.operations import pages

WORKSPACE = PROJECT_ROOT / "workspace.yaml"
# Dagster gives its own children a minute and a quarter.
_PATIENCE_SECONDS = 90
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Ports:
    """Where Dagster answers, and where the pages are."""

    dagster: int
    pages: int


def run(
    settings: Settings,
    home: Home,
    served: pages.Pages,
    ports: Ports,
    *,
    started: Callable[[str], None],
) -> int:
    """Runs both until one of them ends or somebody ends us.

    Args:
        started: Is told what answers where.

    Returns:
        The exit code: 0 where it was asked to end.

    Raises:
        ConfigurationError: A port is not free; nothing was started.
    """
    if ports.dagster == ports.pages:
        raise ConfigurationError("--port and --pages-port are the same; give two.")
    _check_is_free(ports.dagster)
    server = pages.serve(served, ports.pages)
    at = f"http://{pages.ADDRESS}:{ports.pages}"
    # Runs that are started on Dagster's page link to the pages.
    known = settings.child_environment()
    known.setdefault("CUSTOMER_TIERS_PAGES_URL", at)
    threading.Thread(target=server.serve_forever, name="pages", daemon=True).start()
    try:
        with _Child(_command(ports.dagster), known, home) as child:
            started(
                f"Dagster on http://{pages.ADDRESS}:{ports.dagster}, report, Data Docs "
                f"and dictionary on {at} (stop with Ctrl-C)"
            )
            sys.stdout.flush()
            return child.wait()
    finally:
        server.shutdown()
        server.server_close()


def _check_is_free(port: int) -> None:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((pages.ADDRESS, port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} on {pages.ADDRESS} cannot be had for Dagster "
                f"({error.strerror}); give another with --port."
            ) from error


def _command(port: int) -> Sequence[str]:
    # A wheel brings no workspace file; the module's own name is as good.
    what = ["--workspace", str(WORKSPACE)]
    if not WORKSPACE.exists():
        what = ["--module-name", "pipeline.orchestration.definitions"]
    where = ["--host", pages.ADDRESS, "--port", str(port)]
    return [sys.executable, "-m", "dagster", "dev", *what, *where]


class _Child:
    """Dagster, with its own children, as long as the block lasts."""

    def __init__(
        self, command: Sequence[str], environment: dict[str, str], home: Home
    ) -> None:
        self._command = command
        self._environment = {**environment, "DAGSTER_HOME": str(home.dagster)}
        self._asked = False

    def __enter__(self) -> _Child:
        for number in _SIGNALS:
            signal.signal(number, self._ask)
        self._process = subprocess.Popen(
            self._command, env=self._environment, start_new_session=True
        )
        if self._asked:  # between the two lines above
            self._process.send_signal(signal.SIGTERM)
        return self

    def wait(self) -> int:
        """Waits for its end, which somebody asked for or which came by itself."""
        code = self._process.wait()
        return 0 if self._asked else code or 1

    def __exit__(self, *_: object) -> None:
        with suppress(subprocess.TimeoutExpired):
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
            self._process.wait(_PATIENCE_SECONDS)
        # Whoever of the session is left: the session is ours, and so are all in it.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        """Asks it to end; asked twice it has no choice."""
        if not hasattr(self, "_process"):
            self._asked = True
            return
        if self._asked:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            return
        self._asked = True
        self._process.send_signal(signal.SIGTERM)

"""A project that `init --preset` wrote, run as a person runs it who has the credentials.

Not here: what a person fills in, which is each test's own, and the services.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common.settings import PROJECT_ROOT
from tests import warm
from tests.conftest import environment
from tests.standins import fxiaoke
from tests.standins.zoho_crm import CREDENTIALS
from tests.standins.zoho_desk import ORG_ID

# What the stand-ins let in.
SECRETS = {
    "ZOHO_CLIENT_ID": CREDENTIALS["client_id"],
    "ZOHO_CLIENT_SECRET": CREDENTIALS["client_secret"],
    "ZOHO_REFRESH_TOKEN": CREDENTIALS["refresh_token"],
    "ZOHO_DESK_ORG_ID": ORG_ID,
    "FXIAOKE_APP_ID": fxiaoke.APP_ID,
    "FXIAOKE_APP_SECRET": fxiaoke.APP_SECRET,
    "FXIAOKE_PERMANENT_CODE": fxiaoke.PERMANENT_CODE,
    "FXIAOKE_USER_ID": fxiaoke.USER_ID,
}


@dataclass
class PresetProject:
    """The folder of a project, with its home in `data`."""

    folder: Path

    def init(self, preset: str) -> str:
        """Has the project written; what was said."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        made = self.run("init", str(self.folder), "--preset", preset, at=PROJECT_ROOT)
        assert made.returncode == 0, made.stderr
        return made.stdout

    def run(
        self,
        *arguments: str,
        at: Path | None = None,
        started: Callable[[int], None] = lambda pid: None,
    ) -> subprocess.CompletedProcess[str]:
        """A command in the project's folder, or another.

        Args:
            started: Is told the number of the process.
        """
        return warm.run(
            arguments,
            folder=at or self.folder,
            environment=environment(**SECRETS),
            timeout=600,
            started=started,
        )

    def refresh(self, as_of: str) -> None:
        """Refreshes, which has to end well."""
        done = self.run("refresh", "--as-of", as_of)
        assert done.returncode == 0, done.stdout + done.stderr

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """Rows of the current release."""
        path = (self.folder / "data" / "current" / "warehouse.duckdb").resolve()
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(text).fetchall()

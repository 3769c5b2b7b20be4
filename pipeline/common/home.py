"""The layout of a home on disk: every folder's name below `CUSTOMER_TIERS_HOME`.

Paths only. What is in the folders is the business of `landing`, `journal` and `release`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.errors import ConfigurationError
from pipeline.common.files import write_text

DAGSTER_YAML = """\
# Written by customer-tiers when it is not there; yours to change afterwards.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  # One run at a time; a second one waits in the queue. The lock in the home is what
  # protects against runs that do not go through Dagster's queue.
  runs:
    max_concurrent_runs: 1
  pools:
    granularity: run
    default_limit: 1
run_retries:
  enabled: false
python_logs:
  managed_python_loggers: [customer_tiers]
  python_log_level: DEBUG
"""


@dataclass(frozen=True)
class Home:
    """The folders below `root`; `open` makes them."""

    root: Path

    @property
    def landing(self) -> Path:
        """Batches as they came, one folder a source and entity."""
        return self.root / "landing"

    @property
    def quarantine(self) -> Path:
        """Rows that could not be read, in the same folders."""
        return self.root / "quarantine"

    @property
    def candidates(self) -> Path:
        """Releases in the making; nobody reads them."""
        return self.root / "candidates"

    @property
    def releases(self) -> Path:
        """The published releases, one folder each."""
        return self.root / "releases"

    @property
    def current(self) -> Path:
        """The symlink to the release that readers see."""
        return self.root / "current"

    @property
    def dagster(self) -> Path:
        """The Dagster instance: runs, events, schedules."""
        return self.root / "dagster"

    @property
    def logs(self) -> Path:
        """What happened."""
        return self.root / "logs"

    @property
    def attempts(self) -> Path:
        """The journal, one file an attempt at a refresh."""
        return self.logs / "attempts"

    @property
    def evidence(self) -> Path:
        """What gates found in refused candidates that are gone, one file a refresh."""
        return self.logs / "evidence"

    @property
    def data_docs(self) -> Path:
        """A link a refresh to the pages of what its gates found."""
        return self.root / "data_docs"

    @property
    def refresh_logs(self) -> Path:
        """What each refresh did, one file of JSON lines each."""
        return self.logs / "refreshes"

    @property
    def alerts(self) -> Path:
        """Who was notified of what, and what is still to be sent."""
        return self.root / "alerts"

    @property
    def calls(self) -> Path:
        """How many calls of web services were made, one folder a source."""
        return self.root / "calls"

    @property
    def metrics(self) -> Path:
        """The figures for a monitoring system."""
        return self.root / "metrics"

    @property
    def forgotten(self) -> Path:
        """Who must not come back, and forgettings that are not finished."""
        return self.root / "forgotten"

    @property
    def receipts(self) -> Path:
        """What was done for each customer that was forgotten; without personal data."""
        return self.logs / "forgotten"

    @property
    def exports(self) -> Path:
        """Files made from a release, to be made again at any time."""
        return self.root / "exports"

    @property
    def dbt_docs(self) -> Path:
        """Dbt's own pages of the project, where somebody had them made."""
        return self.exports / "dbt.html"

    @classmethod
    def open(cls, root: Path) -> Home:
        """Makes what is missing of the home, readable by its owner only.

        Sets the umask of this process: whatever is written from here on is private.

        Raises:
            ConfigurationError: The folder cannot be made or written to.
        """
        os.umask(0o077)
        home = cls(root)
        try:
            for folder in (
                home.landing,
                home.quarantine,
                home.candidates,
                home.releases,
                home.dagster,
                home.attempts,
            ):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (config := home.dagster / "dagster.yaml").exists():
                # Under a name of this process's own: another may open the home now.
                own = config.with_name(f"dagster.{os.getpid()}.yaml")
                write_text(own, DAGSTER_YAML)
                own.replace(config)
        except OSError as error:
            raise ConfigurationError(
                f"The home {root} cannot be used: {error.strerror} "
                f"({error.filename}). Choose another with --home."
            ) from error
        return home

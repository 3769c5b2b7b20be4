"""What a run was asked for, and the lock that it holds; a Dagster resource.

The fields can be set in the launchpad of the web page and are set by the command line.
"""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from pipeline.common import limits
from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.common.settings import Settings
from pipeline.forget import run as forgetting
from pipeline.journal import attempts
from pipeline.operations.watch import watched
from pipeline.orchestration import runs


def limit(
    home: Home, run_id: str, minutes: float, error: CustomerTiersError
) -> AbstractContextManager[limits.Limit]:
    """A limit of time for a part of the run, reported in the journal and to Dagster."""

    def at_limit() -> None:
        attempt = attempts.of_run(home, run_id)
        if attempt is not None:
            reason = f"{attempt.stage}: {error}"
            attempts.end(
                home, attempt.refresh_id, "failed", reason, exit_code=error.exit_code
            )

    return limits.limit(
        60 * minutes,
        error,
        at_limit=at_limit,
        last_resort=lambda: runs.report_failed(home, run_id, str(error)),
    )


class RefreshRequest(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One refresh as somebody asked for it; holds the home's lock while the run lasts.

    It also keeps the log of the run and notifies the outside when it is over.

    Attributes:
        home: The folder of landing, candidates and releases.
        as_of: The last business day to know of, `YYYY-MM-DD`; empty for the default of
            `sources.yaml`, or yesterday.
        full: Ignore cursors and read everything again.
        wait_minutes: How long to wait while another refresh holds the lock.
        limit_minutes: After so long the refresh ends as failed; 0 is no limit.
    """

    home: str
    as_of: str = ""
    full: bool = False
    wait_minutes: float = 0
    limit_minutes: float = 0
    _stack: ExitStack = PrivateAttr(default_factory=ExitStack)
    _limit: limits.Limit | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Takes the lock; a run that cannot have it fails before it does anything."""
        self._stack = ExitStack()
        home = self.open_home()
        run_id = context.run.run_id if context.run else ""
        try:
            self._stack.enter_context(watched(Settings.load(self.home), home, run_id))
            self._stack.enter_context(
                refresh_lock(home, wait_seconds=60 * self.wait_minutes)
            )
            self._limit = self._stack.enter_context(
                limit(
                    home,
                    run_id,
                    self.limit_minutes,
                    limits.TimeLimit(
                        "The refresh took longer than "
                        f"{limits.format_minutes(self.limit_minutes)} "
                        "(CUSTOMER_TIERS_REFRESH_MINUTES) and was ended; readers see "
                        "what they saw before. The log says where it stood."
                    ),
                )
            )
            forgetting.go_on(home)
        except BaseException:
            with self._stack:
                raise

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Lets the lock go; then metrics are written and alerts are sent."""
        self._stack.close()

    def before_publishing(self) -> None:
        """From here on no limit of time ends the run: what is published is published."""
        if self._limit is not None:
            self._limit.cancel()

    def open_home(self) -> Home:
        """The home, made if it is not there."""
        return Home.open(Path(self.home))

    def as_of_date(self) -> dt.date | None:
        """The day that was asked for, if one was."""
        if not self.as_of:
            return None
        try:
            return dt.date.fromisoformat(self.as_of)
        except ValueError as error:
            raise ConfigurationError(
                f"as-of is {self.as_of!r}; give a day such as 2014-01-31."
            ) from error

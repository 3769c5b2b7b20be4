"""What a run was asked for, and the lock that it holds; a Dagster resource.

The fields can be set in the launchpad of the web page and are set by the command line.
"""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from pipeline.errors import ConfigurationError
from pipeline.forget import run as forgetting
from pipeline.home import Home, refresh_lock
from pipeline.settings import Settings
from pipeline.watch import watched


class RefreshRequest(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One refresh as somebody asked for it; holds the home's lock while the run lasts.

    It also keeps the log of the run and tells the outside when it is over.

    Attributes:
        home: The folder of landing, candidates and releases.
        as_of: The last business day to know of, `YYYY-MM-DD`; empty for the default of
            `sources.yaml`, or yesterday.
        full: Ignore cursors and read everything again.
    """

    home: str
    as_of: str = ""
    full: bool = False
    _stack: ExitStack = PrivateAttr(default_factory=ExitStack)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Takes the lock; a run that cannot have it fails before it does anything."""
        self._stack = ExitStack()
        home = self.open_home()
        try:
            self._stack.enter_context(
                watched(Settings.load(self.home), home, context.run_id or "")
            )
            self._stack.enter_context(refresh_lock(home))
            forgetting.go_on(home)
        except BaseException:
            with self._stack:
                raise

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Lets the lock go; then metrics are written and alerts are sent."""
        self._stack.close()

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

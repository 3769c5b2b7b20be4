"""What happens around every run, whoever launched it: its log, and afterwards the outside.

`watched` wraps the command line's refresh and, inside it, the run of Dagster; the outer
one counts. Afterwards metrics are written and alerts are sent. Neither may change how a
refresh ends: whatever goes wrong here is said in the log and nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.common.discretion import secrets_in
from pipeline.common.errors import RefreshRunning
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.journal import refresh_log
from pipeline.operations import freshness, metrics

log = logging.getLogger("customer_tiers.watch")


@contextmanager
def watched(settings: Settings, home: Home, run_id: str) -> Iterator[None]:
    """Records the block in the log of its refresh; then notifies the outside, once."""
    from pipeline.operations.alerts import config

    files = [settings.sources_file, config.path_of(settings)]
    secrets = secrets_in(files, settings.environment)
    with refresh_log.recording(home, run_id, secrets) as is_outermost:
        is_ours = True
        try:
            yield
        except RefreshRunning:
            is_ours = False  # the run that holds the lock will notify
            raise
        finally:
            if is_outermost and is_ours:
                notify(settings, home)


def notify(settings: Settings, home: Home) -> None:
    """Sends alerts and writes metrics; never raises, and never says a secret."""
    from pipeline.operations.alerts import run as alerting

    try:
        seen = freshness.assess(settings, home)
        alerting.dispatch(settings, home, seen)
    except Exception as error:
        log.warning("alerts: not sent, tried again at the next dispatch: %s", error)
    try:
        metrics.write(settings, home)
    except Exception as error:
        log.warning("metrics: not written: %s", error)

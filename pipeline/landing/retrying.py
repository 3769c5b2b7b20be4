"""Reads a source, and reads it again after an error that may pass.

The whole source is read again, over a new connection: all its entities are of one moment,
or none is. Batches of the try before are still pending then, and landing removes them
before it reads, so a row cannot land twice. Which errors may pass is known to the sources
(`pipeline.sources.passing`); nothing else of a refresh is tried again.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable

import tenacity

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.landing.entity import landed_entities
from pipeline.landing.load import Landed, land
from pipeline.sources import Reader, Source, open_reader
from pipeline.sources.access import wait_between
from pipeline.sources.passing import may_pass

log = logging.getLogger("customer_tiers.retrying")


def land_source(
    home: Home,
    source: Source,
    *,
    now: dt.datetime,
    full: bool = False,
    before_retry: Callable[[int], None] = lambda tried: None,
    sleep: Callable[[float], None] = time.sleep,
    opened: Callable[[Source], Reader] | None = None,
) -> dict[str, Landed]:
    """Lands all entities of a source, as pending batches.

    Args:
        home: Where it lands.
        source: What is read.
        now: The moment of landing; aware.
        full: Ignore where the last load ended.
        before_retry: Called before each further try with the number of tries so far.
        sleep: Waits.
        opened: Gives a reader of the source; that of its kind when absent.

    Raises:
        SourceUnavailable: The source cannot be read, and has been tried as often as
            sources.yaml says if the error may pass; the message says how often.
    """

    def land_all() -> dict[str, Landed]:
        reading = opened(source) if opened else open_reader(source, home)
        with reading as reader:
            landed = {}
            for entity in landed_entities(home, [source]):
                log.debug("read %s.%s", entity.source, entity.name)
                landed[entity.name] = land(entity, reader, now=now, full=full)
            return landed

    def before_sleep(state: tenacity.RetryCallState) -> None:
        assert state.outcome is not None
        assert state.next_action is not None
        log.warning(
            "%s: %s; try %d of %d in %.0f s",
            source.name,
            state.outcome.exception(),
            state.attempt_number + 1,
            source.retry.tries,
            state.next_action.sleep,
        )
        before_retry(state.attempt_number)

    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_worth_a_retry),
        stop=tenacity.stop_after_attempt(source.retry.tries),
        wait=wait_between(source.retry),
        sleep=sleep,
        before_sleep=before_sleep,
        reraise=True,
    )
    try:
        return attempts(land_all)
    except Exception as error:
        tried = int(attempts.statistics["attempt_number"])
        if may_pass(error):
            raise SourceUnavailable(_times(error, tried), may_pass=True) from error
        if tried == 1 or not isinstance(error, SourceUnavailable):
            raise
        raise SourceUnavailable(_times(error, tried)) from error


def _is_worth_a_retry(error: BaseException) -> bool:
    return isinstance(error, Exception) and may_pass(error)


def _times(error: Exception, tried: int) -> str:
    times = "once" if tried == 1 else f"{tried} times"
    return f"{str(error).rstrip('.')}. It was tried {times}."

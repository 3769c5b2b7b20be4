"""Reads a source, and reads it again after an error that may pass.

The whole source is read again, over a new connection: all its entities are of one moment,
or none is. Batches of the try before are still pending then, and landing removes them
before it reads, so a row cannot land twice. Which errors may pass is known to the sources
(`pipeline.sources.passing`); nothing else of a refresh is tried again.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
from collections.abc import Callable

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.landing import batches as landing
from pipeline.landing.batches import Landed
from pipeline.sources import Reader, Retry, Source, open_reader
from pipeline.sources.passing import may_pass

log = logging.getLogger("customer_tiers.retrying")


def wait_before(retry: Retry, tried: int, luck: float) -> float:
    """Seconds to wait after so many tries.

    Args:
        luck: From 0 to 1; how much of the half that is left to chance is taken off.
    """
    # Not 2 ** tried without a bound: a hundred tries make it a number of 30 digits.
    whole = min(retry.first_seconds * 2.0 ** min(tried - 1, 60), retry.longest_seconds)
    return whole * (1 - luck / 2)


def land_source(
    home: Home,
    source: Source,
    *,
    now: dt.datetime,
    full: bool = False,
    before_retry: Callable[[int], None] = lambda tried: None,
    sleep: Callable[[float], None] = time.sleep,
    opened: Callable[[Source], Reader] = open_reader,
) -> dict[str, Landed]:
    """Lands all entities of a source, as pending batches.

    Args:
        before_retry: Called before each further try with the number of tries so far.
        sleep: Waits.
        opened: Gives a reader of the source.

    Raises:
        SourceUnavailable: The source cannot be read, and has been tried as often as
            sources.yaml says if the error may pass; the message says how often.
    """
    chance = random.Random()
    tried = 0
    while True:
        tried += 1
        try:
            with opened(source) as reader:
                landed = {}
                for name, entity in source.entities.items():
                    log.debug("read %s.%s", source.name, name)
                    landed[name] = landing.land(
                        home, source.name, entity, reader, now=now, full=full
                    )
                return landed
        except Exception as error:
            if not may_pass(error):
                if tried == 1 or not isinstance(error, SourceUnavailable):
                    raise
                raise SourceUnavailable(_times(error, tried)) from error
            if tried >= source.retry.tries:
                raise SourceUnavailable(_times(error, tried), may_pass=True) from error
            seconds = wait_before(source.retry, tried, chance.random())
            log.warning(
                "%s: %s; try %d of %d in %.0f s",
                source.name,
                error,
                tried + 1,
                source.retry.tries,
                seconds,
            )
        before_retry(tried)
        sleep(seconds)


def _times(error: Exception, tried: int) -> str:
    times = "once" if tried == 1 else f"{tried} times"
    return f"{str(error).rstrip('.')}. It was tried {times}."

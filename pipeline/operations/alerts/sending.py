"""How a sending can fail, and how often it is tried within one dispatch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.common.secrets import GONE

log = logging.getLogger("customer_tiers.alerts")


class NotSent(Exception):
    """A message that the channel did not take.

    Attributes:
        again: Trying again soon may help.
        is_uncertain: It may have arrived all the same.
        wait: Seconds that the channel asked us to wait.
    """

    def __init__(
        self,
        reason: str,
        *,
        again: bool = False,
        is_uncertain: bool = False,
        wait: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.again = again
        self.is_uncertain = is_uncertain
        self.wait = wait


@dataclass(frozen=True)
class Patience:
    """How long one dispatch bothers with one message.

    A refresh waits for this at its end, so it is short; the next dispatch goes on.
    """

    tries: int = 3
    first_pause: float = 1
    longest_pause: float = 10


@dataclass
class Try:
    """How the tries so far went; the caller keeps it."""

    count: int = 0
    is_uncertain: bool = False


def insist(
    send: Callable[[bool], str | None], patience: Patience, tried: Try
) -> str | None:
    """Sends, and tries again with growing pauses where that may help.

    Args:
        send: Sends the message once; is given whether it may be a repeat.
        patience: How often, and how long between.
        tried: Counts the tries, and whether one may have arrived.

    Returns:
        What was not done for everybody, if anything.

    Raises:
        NotSent: The last failure; `wait` is more than a dispatch may wait.
    """
    pause = patience.first_pause
    while True:
        tried.count += 1
        try:
            return send(tried.is_uncertain)
        except NotSent as failure:
            tried.is_uncertain |= failure.is_uncertain
            wait = pause if failure.wait is None else failure.wait
            is_last = tried.count >= patience.tries
            if is_last or not failure.again or wait > patience.longest_pause:
                raise
            time.sleep(wait)
            pause = min(pause * 3, patience.longest_pause)


def without(text: str, secrets: Iterable[str], most: int = 300) -> str:
    """The text of an error without these secrets, on one line."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, GONE)
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"

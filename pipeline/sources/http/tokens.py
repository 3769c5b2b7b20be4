"""Access tokens: fetched once by whoever comes first, kept in memory, never written.

A service counts the tokens that it gives, so all readers of one process that have the
same credentials share one. Not here: how a token is asked for, and what it is put into.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.common import secrets
from pipeline.sources.http.clock import SYSTEM_CLOCK, Clock

# A token is given up so long before its end: a call may take its time, and the service's
# clock may go otherwise than ours.
SKEW_SECONDS = 60.0


@dataclass(frozen=True)
class Token:
    """What a service gave.

    Attributes:
        value: The token.
        seconds: How long it holds, from when it was asked for.
        facts: What came with it, such as the address to call.
    """

    value: str
    seconds: float
    facts: tuple[tuple[str, str], ...] = ()


class TokenCache:
    """One token, and how long it holds.

    That is measured by the monotonic clock from before it was asked for: a machine whose
    clock is wrong, or is set meanwhile, does not use one that has ended.
    """

    def __init__(
        self, *, clock: Clock = SYSTEM_CLOCK, skew_seconds: float = SKEW_SECONDS
    ) -> None:
        self.clock = clock
        self._skew_seconds = skew_seconds
        self._token: Token | None = None
        self._ends = 0.0
        self._lock = threading.Lock()

    def current(self, fetch: Callable[[], Token]) -> Token:
        """A token that holds; many who ask at once cause one request.

        Args:
            fetch: Asks the service for a token.

        Raises:
            SourceUnavailable: From `fetch`; who waited asks for themselves then.
        """
        with self._lock:
            if self._token is None or self.clock.monotonic() >= self._ends:
                asked = self.clock.monotonic()
                token = fetch()
                # One that holds for less than the skew is used for half of its time.
                skew = min(self._skew_seconds, token.seconds / 2)
                if len(token.value) >= secrets.SHORTEST:
                    secrets.remember({token.value})
                self._token, self._ends = token, asked + token.seconds - skew
            return self._token

    def reject(self, token: Token) -> None:
        """Gives up a token that the service refused, unless another is there by now."""
        with self._lock:
            if self._token is not None and self._token.value == token.value:
                self._token = None


_CACHES: dict[str, TokenCache] = {}
_CACHES_LOCK = threading.Lock()


def shared_cache(
    credentials: Sequence[str], *, clock: Clock = SYSTEM_CLOCK
) -> TokenCache:
    """The process's cache for these credentials.

    Args:
        credentials: Address and secrets, in a fixed order; kept as a hash only.
        clock: Where the time comes from; a cache of another clock is none of ours.
    """
    key = hashlib.sha256("\0".join(credentials).encode()).hexdigest()
    with _CACHES_LOCK:
        cache = _CACHES.get(key)
        if cache is None or cache.clock is not clock:
            cache = _CACHES[key] = TokenCache(clock=clock)
        return cache

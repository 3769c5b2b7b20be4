"""A service that kills the process that asks it: at a request, and at a moment of it.

Not here: the process, and what is to be the same afterwards (each test).
"""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from tests.standins.base import Asked, Reply, Standin

Moment = Literal["before", "in the middle", "after"]
MOMENTS: Sequence[Moment] = ("before", "in the middle", "after")


class Killer:
    """Counts the requests of some services together, and kills at one of them.

    Attributes:
        asked: The requests since it was armed last, in the order in which they came.
    """

    def __init__(self, standins: Sequence[Standin]) -> None:
        self.asked: list[Asked] = []
        self._at: int | None = None
        self._moment: Moment = "before"
        self._pids: queue.SimpleQueue[int] = queue.SimpleQueue()
        for standin in standins:
            standin.faults.append(self._fault_of(standin))

    def arm(
        self, at: int | None = None, moment: Moment = "before"
    ) -> Callable[[int], None]:
        """Kills at that request; returns what is to be told the number of the process.

        Args:
            at: The request, counted from 0 and from now; none when absent.
            moment: Before it is answered, in the middle of the answer, or after it.
        """
        self.asked.clear()
        self._at, self._moment = at, moment
        self._pids = queue.SimpleQueue()
        return self._pids.put

    def _kill(self) -> None:
        os.kill(self._pids.get(timeout=10), signal.SIGKILL)

    def _fault_of(self, standin: Standin) -> Callable[[Asked], Reply | None]:
        def fault(asked: Asked) -> Reply | None:
            self.asked.append(asked)
            if len(self.asked) - 1 != self._at:
                return None
            if self._moment == "before":
                self._kill()
                return standin.answer(asked)
            reply = replace(standin.answer(asked), then=self._kill)
            if self._moment == "in the middle":
                reply = replace(reply, cut_after=len(reply.body) // 2)
            return reply

        return fault

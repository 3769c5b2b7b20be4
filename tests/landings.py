"""Landings as processes of their own that can be killed, a tenth of a second each.

A small parent imports what a landing needs and forks for each of them, so that the process
that is killed is a real one, and a hundred of them take seconds. What is landed is accepted
at once, without a gate. Not here: who kills, and when (each test), and whole refreshes
(`tests.warm`).

Run as a program it is that parent: each line that comes is a landing, and is answered by
two lines, the number of its process and, once it has ended, its exit code.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.landing import retrying
from pipeline.landing.entity import landed_entities
from pipeline.sources import Reader, Source
from pipeline.sources.fxiaoke import reader as fxiaoke_reader
from pipeline.sources.fxiaoke.reader import FxiaokeReader
from pipeline.sources.http import Clock, session
from pipeline.sources.zoho import crm as zoho_crm
from pipeline.sources.zoho import desk as zoho_desk
from pipeline.sources.zoho import paging
from pipeline.sources.zoho.crm import ZohoCrmReader
from pipeline.sources.zoho.desk import ZohoDeskReader
from tests.faults.processes import die_at

# What a landing imports when it comes to it.
_LATER = ("_strptime", "anyio", "certifi", "h11", "httpcore", "pandas", "pytz")

# With pages of a few records a reading of a few records makes all kinds of requests.
BULK_FROM = 6
_SMALL: list[tuple[Any, str, int]] = [
    (paging, "COQL_FIRST_ROWS", 3),
    (paging, "COQL_ROWS", 4),
    (paging, "COQL_KEYS", 2),
    (paging, "PAGE_ROWS", 3),
    (zoho_crm, "PAGE_ROWS", 3),
    (zoho_desk, "PAGE_ROWS", 8),
    (fxiaoke_reader, "PAGE_ROWS", 4),
]


class Landings:
    """The parent of all landings. Use as a context manager."""

    def __enter__(self) -> Landings:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.landings"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT_ROOT,
        )
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait()

    def run(
        self,
        source: Source,
        home: Path,
        now: dt.datetime,
        *,
        started: Callable[[int], None] = lambda pid: None,
        die_at_step: int | None = None,
        parts: Sequence[Literal["land", "accept"]] = ("land", "accept"),
    ) -> int:
        """Lands the source once; its exit code, which is negative for a signal.

        Args:
            started: Is told the number of the process, which may be at work already.
            die_at_step: Before so many steps that change files it is killed.
            parts: What it does: landing, and accepting what is landed.
        """
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        job = {
            "source": source.model_dump(mode="json", exclude_defaults=True),
            "home": str(home),
            "now": now.isoformat(),
            "die_at_step": die_at_step,
            "parts": parts,
        }
        self._parent.stdin.write(json.dumps(job) + "\n")
        self._parent.stdin.flush()
        started(int(self._parent.stdout.readline()))
        return int(self._parent.stdout.readline())


def main() -> None:
    """Forks for each line until there is none any more."""
    for name in _LATER:
        importlib.import_module(name)
    session._context_of_the_system()
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            code = 1
            try:
                _land(json.loads(line))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _say(pid)
        _, status = os.waitpid(pid, 0)
        _say(os.waitstatus_to_exitcode(status))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _land(job: dict[str, Any]) -> None:
    source = Source.model_validate(job["source"])
    now = dt.datetime.fromisoformat(job["now"])
    home = Home.open(Path(job["home"]))
    if job["die_at_step"] is not None:
        die_at(job["die_at_step"], home.root)()
    for module, name, value in _SMALL:
        setattr(module, name, value)
    clock = Clock(now=lambda: now, monotonic=time.monotonic, sleep=time.sleep)
    if "land" in job["parts"]:
        retrying.land_source(
            home, source, now=now, opened=lambda source: _reader(source, home, clock)
        )
    if "accept" in job["parts"]:
        for store in landed_entities(home, [source]):
            store.accept_all(store.batches("pending"))


def _reader(source: Source, home: Home, clock: Clock) -> Reader:
    if source.kind == "fxiaoke":
        return FxiaokeReader(source, home, clock=clock)
    if source.kind == "zoho_desk":
        return ZohoDeskReader(source, home, clock=clock)
    return ZohoCrmReader(source, home, clock=clock, bulk_from=BULK_FROM)


@contextlib.contextmanager
def landings() -> Iterator[Landings]:
    """A parent for as long as the block lasts."""
    with Landings() as parent:
        yield parent


if __name__ == "__main__":
    main()

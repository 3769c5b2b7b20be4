"""Limits of time: whatever waits, for whatever, ends; and what is in time is left alone."""

from __future__ import annotations

import signal
import threading

import pytest

from pipeline.common import limits
from pipeline.common.errors import SourceUnavailable
from tests.unit import support

# Runs `block()` under a limit of a tenth of a second, in a process of its own.
FRAME = """
import sys, threading, time
from pipeline.common import limits

called = []

def limited(block, grace=60.0):
    with limits.limit(
        0.1,
        limits.SourceTimeLimit("it took too long"),
        at_limit=lambda: called.append("journal"),
        last_resort=lambda: print('"last resort"', flush=True),
        grace=grace,
    ):
        block()
"""


def run(code: str) -> tuple[int, object]:
    return support.run(FRAME + code)


@pytest.mark.parametrize(
    "block",
    [
        "time.sleep(3600)",
        "threading.Event().wait()",
        "[None for _ in iter(int, 1)]",
        "duckdb.sql('select count(*) from range(10000000) a, range(10000000) b').fetchall()",
        "socket.create_server(('127.0.0.1', 0)).accept()",
        "queue.Queue().get()",
    ],
)
def test_what_waits_in_the_main_thread_is_interrupted(block: str) -> None:
    code = f"""
import duckdb, json, queue, socket
try:
    limited(lambda: {block})
except limits.SourceTimeLimit as error:
    print(json.dumps([str(error), called]))
except BaseException as error:  # an engine may wrap it
    print(json.dumps(["it took too long" if called else repr(error), called]))
"""
    assert run(code) == (0, ["it took too long", ["journal"]])


def test_what_does_not_end_is_ended() -> None:
    """With the exit code of the error: a source that cannot be read."""
    code = """
def swallow():
    while True:
        try:
            time.sleep(3600)
        except Exception:
            pass

limited(swallow, grace=0.1)
"""
    assert run(code) == (SourceUnavailable.exit_code, "last resort")


def test_it_is_ended_from_another_thread_too() -> None:
    """Where no error can be raised from outside."""
    code = """
thread = threading.Thread(target=lambda: limited(lambda: time.sleep(3600), grace=0.1))
thread.start()
thread.join()
"""
    assert run(code) == (SourceUnavailable.exit_code, "last resort")


def test_a_journal_that_cannot_be_written_stops_nothing() -> None:
    code = """
def broken():
    raise OSError("the disk is full")

try:
    with limits.limit(
        0.1, limits.TimeLimit("too long"), at_limit=broken, last_resort=broken
    ):
        time.sleep(3600)
except limits.TimeLimit:
    print("true")
"""
    assert run(code) == (0, True)


def test_the_inner_limit_ends_the_inner_block() -> None:
    code = """
import json
seen = []
def limit(seconds, name):
    return limits.limit(
        seconds, limits.TimeLimit(name), at_limit=lambda: None, last_resort=lambda: None
    )
with limit(3600, "outer"):
    try:
        with limit(0.1, "inner"):
            time.sleep(3600)
    except limits.TimeLimit as error:
        seen.append(str(error))
try:
    with limit(0.1, "outer"), limit(3600, "inner"):
        time.sleep(3600)
except limits.TimeLimit as error:
    seen.append(str(error))
print(json.dumps(seen))
"""
    assert run(code) == (0, ["inner", "outer"])


def test_what_is_in_time_is_left_alone() -> None:
    called: list[str] = []
    before = signal.getsignal(signal.SIGUSR2)
    for seconds in (0, 0.2, 3600):
        with limits.limit(
            seconds,
            limits.TimeLimit("too long"),
            at_limit=lambda: called.append("at limit"),
            last_resort=lambda: called.append("last resort"),
            grace=0,
        ) as running:
            running.cancel()
            threading.Event().wait(0.4)
    threading.Event().wait(0.4)
    assert called == []
    assert signal.getsignal(signal.SIGUSR2) == before


def test_limits_are_said_as_people_do() -> None:
    assert limits.format_minutes(1) == "1 minute"
    assert limits.format_minutes(90) == "90 minutes"
    assert limits.format_minutes(0.5) == "0.5 minutes"

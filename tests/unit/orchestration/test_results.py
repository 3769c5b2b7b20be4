"""What Dagster hears of a build while it goes on."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import hypothesis
import hypothesis.strategies as st
import pytest

from pipeline.orchestration.assets import transform
from pipeline.transform.nodes import Result


def result(kind: str, number: int = 0) -> Result:
    node = {"resource_type": kind, "name": f"{kind}_{number}"}
    return Result(node, "pass" if kind == "test" else "success")


def as_they_come(*results: Result | None) -> Iterator[Result]:
    waiting: queue.Queue[Result | None] = queue.Queue()
    for each in results:
        waiting.put(each)
    return transform._as_they_come(waiting)


@hypothesis.given(st.lists(st.sampled_from(["model", "seed", "test"])))
def test_each_is_heard_of_once_and_in_its_order(kinds: list[str]) -> None:
    results = [result(kind, number) for number, kind in enumerate(kinds)]
    heard = list(as_they_come(*results, None))
    assert sorted(map(id, heard)) == sorted(map(id, results))
    for is_test in (True, False):
        assert [
            each for each in heard if is_test == (each.node["resource_type"] == "test")
        ] == [
            each
            for each in results
            if is_test == (each.node["resource_type"] == "test")
        ]


def test_a_table_does_not_wait_for_the_tests_before_it() -> None:
    table, check = result("model"), result("test")
    assert list(as_they_come(check, table, None)) == [table, check]


def test_a_test_does_not_wait_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing comes any more, and where tables come without a pause."""
    monkeypatch.setattr(transform, "LONGEST_HELD", 0.05)
    check, later = result("test"), result("model")
    waiting: queue.Queue[Result | None] = queue.Queue()
    waiting.put(check)
    # A second is long beside what a test is held, and then it ends whatever happens.
    for seconds, each in ((1.0, later), (1.1, None)):
        threading.Timer(seconds, waiting.put, [each]).start()
    assert list(transform._as_they_come(waiting)) == [check, later]

    waiting.put(check)
    stopped = threading.Event()

    def build() -> None:
        while not stopped.is_set():
            waiting.put(result("model"))
            time.sleep(0.001)

    builder = threading.Thread(target=build)
    builder.start()
    try:
        heard = transform._as_they_come(waiting)
        assert any(next(heard) is check for _ in range(5_000))
    finally:
        stopped.set()
        builder.join()

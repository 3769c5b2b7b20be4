"""`ui` as a process: both ports, the pages of the release, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from pipeline.common.settings import PROJECT_ROOT
from tests.conftest import environment, invoke


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two ports that are free."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]


def is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def read(address: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def test_a_port_that_is_taken_is_named_before_anything_starts(
    published_home: Path, ports: tuple[int, int]
) -> None:
    dagster, pages = ports
    for taken, option in ((dagster, "--port"), (pages, "--pages-port")):
        with socket.create_server(("127.0.0.1", taken)):
            said = invoke(
                *("ui", "--home", published_home, "--port", str(dagster)),
                *("--pages-port", str(pages)),
            )
        assert said.returncode == 2
        assert f"Port {taken} on 127.0.0.1 cannot be had" in said.stderr
        assert option in said.stderr
    same = ("--port", str(dagster), "--pages-port", str(dagster))
    said = invoke("ui", "--home", published_home, *same)
    assert said.returncode == 2
    assert "are the same" in said.stderr


@pytest.fixture
def ui(home: Path, ports: tuple[int, int]) -> Iterator[subprocess.Popen[str]]:
    """As a script starts it in the background: no terminal, and SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pipeline", "ui", "--home", str(home)),
                *("--port", str(ports[0]), "--pages-port", str(ports[1])),
            ],
            cwd=PROJECT_ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def children(process: int) -> set[int]:
    """The processes that it started, and they in turn."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found: set[int] = set()
    waiting = {process}
    while waiting:
        parent = waiting.pop()
        more = {pid for pid, its in pairs if its == parent} - found
        found |= more
        waiting |= more
    return found


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return state != "Z"


@pytest.mark.slow
def test_it_serves_both_and_ends_when_it_is_told_to(
    ui: subprocess.Popen[str], home: Path, ports: tuple[int, int]
) -> None:
    assert ui.stdout is not None
    assert f"http://127.0.0.1:{ports[1]}" in ui.stdout.readline()
    release = (home / "current").resolve().name
    pages = f"http://127.0.0.1:{ports[1]}"
    assert release in read(f"{pages}/")
    report = (home / "current" / "reports" / "index.html").read_text()
    assert read(f"{pages}/report/") == report
    assert "<html" in read(f"{pages}/data_docs/{release}/")
    while True:
        assert ui.poll() is None
        try:
            assert "dagster" in read(f"http://127.0.0.1:{ports[0]}/server_info")
        except OSError:
            time.sleep(0.5)  # Dagster has not begun to listen
        else:
            break
    started = children(ui.pid)
    assert len(started) >= 3  # Dagster, its page, its daemon
    ui.send_signal(signal.SIGTERM)
    assert ui.wait(120) == 0
    assert [each for each in started if is_there(each)] == []
    assert is_free(ports[0])
    assert is_free(ports[1])


def test_a_run_says_which_release_it_made(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        (run,) = instance.get_runs()
    assert run.tags["customer_tiers/release"] == (home / "current").resolve().name

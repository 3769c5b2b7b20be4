"""A standalone cluster of Spark for the tests: one master and two workers on loopback.

Of the pyspark package in an environment of its own (`make spark-env`), which brings Spark
whole; Java is the machine's.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.common.settings import PROJECT_ROOT

WORKERS = 2
# Of the driver, and of each worker's executor.
MEMORY = "1g"


@dataclass(frozen=True)
class Installation:
    """Where Spark is.

    Attributes:
        python: The Python of its environment.
        home: The folder that Spark calls its home.
    """

    python: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What its processes know: nothing of a developer's own Spark, and loopback alone."""
        return {
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "512m",
            "PYSPARK_PYTHON": str(self.python),
            **{key: os.environ[key] for key in ("JAVA_HOME",) if key in os.environ},
        }


def installation() -> Installation:
    """Where Spark is; skips the test where there is none, or no Java."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java; Spark needs version 17 or later")
    folder = Path(os.environ.get("SPARK_VENV", PROJECT_ROOT / ".spark-venv"))
    python = folder / "bin" / "python"
    if not python.exists():
        pytest.skip(
            f"no Spark in {folder}; `make spark-env` installs it, or SPARK_VENV names a "
            "folder that has it"
        )
    found = subprocess.run(
        [python, "-c", "import pyspark; print(pyspark.__path__[0])"],
        capture_output=True,
        text=True,
        check=True,
    )
    return Installation(python, Path(found.stdout.strip()))


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes:
        address: Of its master.
        workers: Their processes.
    """

    address: str
    workers: list[subprocess.Popen[bytes]]

    def kill_a_worker(self) -> None:
        """Kills a worker with all that runs on it, as when its machine is lost."""
        worker = self.workers[0]
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(60)


@contextmanager
def running(spark: Installation, folder: Path) -> Iterator[Cluster]:
    """A cluster whose workers have all come.

    Args:
        spark: Whose.
        folder: For its logs and for what its workers spill.
    """
    port, page = _free_port(), _free_port()
    address = f"spark://127.0.0.1:{port}"
    started = [
        _start(
            spark,
            folder / "master",
            *("master.Master", "--port", str(port), "--webui-port", str(page)),
        )
    ]
    try:
        for number in range(1, WORKERS + 1):
            place = folder / f"worker_{number}"
            started.append(
                _start(
                    spark,
                    place,
                    *("worker.Worker", "--cores", "1", "--memory", MEMORY),
                    *("--work-dir", str(place), "--webui-port", "0", address),
                )
            )
        _until_all_are_there(page, started, folder)
        yield Cluster(address, started[1:])
    finally:
        for process in reversed(started):
            process.terminate()  # nothing, where it has ended
        for process in started:
            process.wait(60)


def configuration(address: str, folder: Path) -> dict[str, str]:
    """The session of a driver on a cluster; tables lie in the folder `tables`."""
    return {
        "spark.master": address,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": MEMORY,
        "spark.executor.memory": MEMORY,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.warehouse.dir": str(folder / "tables"),
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _start(
    spark: Installation, place: Path, kind: str, *options: str
) -> subprocess.Popen[bytes]:
    """A process of the cluster. `spark-class` makes itself into Java: one process each."""
    place.mkdir(parents=True)
    with (place / "log").open("wb") as log:
        return subprocess.Popen(
            [
                spark.home / "bin" / "spark-class",
                f"org.apache.spark.deploy.{kind}",
                *("--host", "127.0.0.1", *options),
            ],
            env={**spark.environment, "HOME": str(place)},
            cwd=place,
            stdout=log,
            stderr=log,
            start_new_session=True,  # its executors are of its group
        )


def _until_all_are_there(
    page: int, started: list[subprocess.Popen[bytes]], folder: Path
) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        if any(process.poll() is not None for process in started):
            break
        with (
            suppress(OSError, ValueError),
            opener.open(f"http://127.0.0.1:{page}/json/", timeout=5) as answer,
        ):
            if json.load(answer)["aliveworkers"] == WORKERS:
                return
        with suppress(subprocess.TimeoutExpired):
            started[0].wait(0.2)
    logs = "\n".join(path.read_text()[-1500:] for path in folder.glob("*/log"))
    pytest.fail(f"The cluster does not come up:\n{logs}")

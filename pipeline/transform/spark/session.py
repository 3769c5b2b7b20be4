"""This side of Spark's session: what `driver` is told, and what it answers.

The session is in a process of Spark's own environment, which ends with ours.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.common.errors import CustomerTiersError

DRIVER: Final = Path(__file__).with_name("driver.py")
LOG: Final = "driver.log"

# What every session needs for the figures to be DuckDB's, whatever else is set.
CONFIGURATION: Final[Mapping[str, str]] = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
}


class SparkFailed(CustomerTiersError):
    """Spark refused a command, or its driver has ended."""


@dataclass(frozen=True)
class Session:
    """A driver of Spark's that waits for commands.

    Attributes:
        process: The driver.
        folder: For what passes between the two, and for the log.
    """

    process: subprocess.Popen[str]
    folder: Path

    def do(self, command: str, **values: Any) -> Any:
        """Has the driver do something.

        Args:
            command: A name of `driver.COMMANDS`.
            values: What the command takes.

        Raises:
            SparkFailed: It could not be done.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"do": command, **values}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.process.wait()
            log = (self.folder / LOG).read_text(encoding="utf-8", errors="replace")
            raise SparkFailed(
                f"The driver of Spark ended with {self.process.returncode} while it was "
                f"to `{command}`:\n{log[-3000:]}"
            )
        found = json.loads(line)
        if "error" in found:
            raise SparkFailed(f"Spark, {command}: {found['error'][:3000]}")
        return found["answer"]

    def kill(self) -> None:
        """Ends the driver in the middle of whatever it does."""
        self.process.kill()

    def run(self, query: str) -> list[list[Any]]:
        """The rows of a query.

        Raises:
            SparkFailed: Spark does not run it.
        """
        rows: list[list[Any]] = self.do("run", query=query)
        return rows


@contextmanager
def opened(
    python: Path,
    environment: Mapping[str, str],
    configuration: Mapping[str, str],
    folder: Path,
) -> Iterator[Session]:
    """A session of Spark's for as long as the block runs.

    Args:
        python: The Python of Spark's environment.
        environment: What its processes know.
        configuration: Of the session: the address of the master and what else it needs;
            what the figures depend on stands in `CONFIGURATION`.
        folder: For what passes between the two, and for the log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "session.json"
    file.write_text(
        json.dumps({**configuration, **CONFIGURATION}, indent=1), encoding="utf-8"
    )
    with (folder / LOG).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [python, DRIVER, file],
            env={**environment, "HOME": str(folder)},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield Session(process, folder)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(120)
        finally:
            process.kill()
            process.wait(60)

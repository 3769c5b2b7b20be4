"""Where the time of a refresh of the demonstration goes: the fixed parts and the work.

    .venv/bin/python benchmarks/start_up.py

Each fixed part is timed in a process of its own, best of three, because the first start
after an installation reads everything from the disk. A refresh is timed as a whole.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMPORTS = {
    "python alone": "pass",
    "dagster": "import dagster",
    "dagster and dagster_dbt": "import dagster, dagster_dbt",
    "the same and pipeline.orchestration.definitions": (
        "import dagster, dagster_dbt, pipeline.orchestration.definitions"
    ),
    "dbt's command": "import dbt.cli.main",
    "great_expectations": "import great_expectations",
}
PARSE = """
import time
from pipeline.common.settings import Settings
from pipeline.sources import load_sources
from pipeline.transform import dbt as transform
import dbt.cli.main
settings = Settings.load()
sources = load_sources(settings)
begun = time.perf_counter()
transform.parse(sources, settings)
print(time.perf_counter() - begun)
"""
INSTANCE = """
import sys, time, dagster
from pathlib import Path
from pipeline.common.home import Home
home = Home.open(Path(sys.argv[1]))
begun = time.perf_counter()
dagster.DagsterInstance.from_config(str(home.dagster)).dispose()
print(time.perf_counter() - begun)
"""


def seconds(code: str) -> float:
    """Wall time of a process that runs the code, best of three."""
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        best = min(best, time.perf_counter() - begun)
    return best


def told(code: str, *arguments: str) -> float:
    """What the code prints as its own measurement."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def main() -> None:
    """Prints the table."""
    for name, code in IMPORTS.items():
        print(f"{seconds(code):6.2f} s  import: {name}")
    told(PARSE)
    print(f"{told(PARSE):6.2f} s  dbt: check of the cached parse (nothing changed)")
    with tempfile.TemporaryDirectory() as folder:
        home = str(Path(folder) / "home")
        print(f"{told(INSTANCE, home):6.2f} s  dagster: a new instance")
        print(f"{told(INSTANCE, home):6.2f} s  dagster: the same instance again")
        for what in ("first refresh", "second refresh, nothing new"):
            begun = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "pipeline", "refresh", "--home", home],
                check=True,
                capture_output=True,
                text=True,
            )
            print(f"{time.perf_counter() - begun:6.2f} s  {what}, of it:")
            print(done.stderr)


if __name__ == "__main__":
    main()

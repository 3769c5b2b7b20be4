"""A thousand publishes while four processes read: every read is whole, none fails."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path

import duckdb
import pytest

from pipeline.common.home import Home
from pipeline.journal import attempts, evidence
from pipeline.journal.evidence import Check, Evidence
from pipeline.release import (
    candidates,
    catalogue,
    promotion,
    pruning,
    sealing,
    verification,
)
from tests.unit import support

TABLES = 4
KEPT = 14

# Connects anew for each look. Two resolve the link first, as a BI tool's start script
# does, two give DuckDB the path through the link.
READER = f"""
    import json, os, sys, time
    from pathlib import Path
    import duckdb

    test = os.getppid()  # who is killed takes its readers with it
    current, resolves, stop = Path(sys.argv[1]), sys.argv[2] == "1", Path(sys.argv[3])
    print("ready", flush=True)
    reads, mixed, failed, seen, backwards = 0, [], [], 0, 0
    while not stop.exists() and os.getppid() == test:
        path = current / "warehouse.duckdb"
        try:
            with duckdb.connect(
                str(path.resolve(strict=True) if resolves else path), read_only=True
            ) as connection:
                values = []
                for table in range({TABLES}):
                    (value,) = connection.execute(
                        f"select any_value(value) from marts.t{{table}}"
                    ).fetchone()
                    values.append(value)
                    time.sleep(0.001)
        except Exception as error:
            failed.append(f"{{type(error).__name__}}: {{error}}")
            continue
        reads += 1
        if len(set(values)) != 1:
            mixed.append(values)
        backwards += values[0] < seen
        seen = values[0]
    print(json.dumps([reads, mixed[:3], failed[:3], backwards, seen]))
"""


def publish(home: Home, number: int) -> None:
    """A release whose tables all hold its number, sealed and promoted as in a refresh."""
    candidate = candidates.open_candidate(
        home,
        run_id=f"run-{number}",
        as_of_date=dt.date(2014, 1, 1) + dt.timedelta(days=number),
        time_zone="UTC",
        reporting_currency="USD",
    )
    with duckdb.connect(str(candidate.warehouse_file)) as connection:
        connection.execute("create schema marts")
        for table in range(TABLES):
            connection.execute(
                f"create table marts.t{table} as "
                f"select {number} as value from range({100 + number % 50})"
            )
    gates = evidence.required_gates([])
    for gate in gates:
        check = Check(
            gate=gate, subject="marts.t0", name="n", severity="critical",
            outcome="passed",
        )  # fmt: skip
        evidence.save(
            candidate.evidence_folder,
            Evidence(
                gate=gate,
                refresh_id=candidate.refresh_id,
                planned=1,
                checks=[check],
                files=verification.hashes(candidate),
            ),
        )
    assert verification.judge(candidate, gates) == []
    sealing.seal(candidate, gates)
    promotion.promote(home, candidate.refresh_id, gates)
    attempts.end(home, candidate.refresh_id, "published")
    pruning.prune(home, keep_releases=KEPT, keep_candidates=1)


@pytest.mark.parametrize(
    "publishes",
    [
        pytest.param(100, marks=pytest.mark.slow),
        pytest.param(1000, marks=pytest.mark.campaign),
    ],
)
def test_readers_see_whole_releases_only(tmp_path: Path, publishes: int) -> None:
    home = Home.open(tmp_path / "home")
    stop = tmp_path / "stop"
    publish(home, 1)
    readers = [
        support.start(READER, home.current, reader % 2, stop) for reader in range(4)
    ]
    for number in range(2, publishes + 1):
        publish(home, number)
    time.sleep(0.5)
    stop.touch()
    total = 0
    for reader in readers:
        told, _ = reader.communicate(timeout=60)
        reads, mixed, failed, backwards, seen = json.loads(told)
        assert (mixed, failed, backwards, seen) == ([], [], 0, publishes)
        total += reads
    assert total > publishes
    assert len(catalogue.releases(home)) == KEPT

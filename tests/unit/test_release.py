"""Sealing, verifying, promoting and rolling back, with a kill at every step."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import attempts, evidence, release
from pipeline.errors import ConfigurationError, GateRefused
from pipeline.evidence import Check, Evidence
from pipeline.home import Home, read_json, refresh_lock, sha256, write_json
from pipeline.release import Candidate
from tests.conftest import environment

GATES = evidence.required_gates(["erp"])
DAY = dt.date(2014, 1, 31)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def candidate_with(
    home: Home, value: int, *, as_of: dt.date = DAY, gates: Sequence[str] = GATES
) -> Candidate:
    """A candidate whose one table holds `value`, with good evidence of the gates."""
    candidate = release.open_candidate(
        home,
        run_id=f"run-{value}",
        as_of_date=as_of,
        time_zone="UTC",
        reporting_currency="USD",
    )
    with duckdb.connect(str(candidate.warehouse_file)) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.t as select {value} as value")
    for gate in gates:
        evidence.save(candidate.evidence_folder, looked_at(candidate, gate))
    return candidate


def looked_at(candidate: Candidate, gate: str, **changes: Any) -> Evidence:
    check = Check(
        gate=gate, subject="marts.t", name="n", severity="critical", outcome="passed"
    )
    return Evidence(
        gate=gate,
        refresh_id=candidate.refresh_id,
        planned=1,
        checks=[replace(check, **changes)],
        warehouse_sha256=sha256(candidate.warehouse_file),
    )


def published(home: Home, value: int, *, as_of: dt.date = DAY) -> Candidate:
    candidate = candidate_with(home, value, as_of=as_of)
    assert release.judge(candidate, GATES) == []
    release.seal(candidate, GATES)
    release.promote(home, candidate.refresh_id, GATES)
    attempts.end(home, candidate.refresh_id, "published")
    return candidate


def value_seen(home: Home) -> int:
    path = (home.current / release.WAREHOUSE).resolve(strict=True)
    with duckdb.connect(str(path), read_only=True) as connection:
        row = connection.execute("select value from marts.t").fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def test_ids_count_up_and_carry_the_day(home: Home) -> None:
    first = candidate_with(home, 1)
    second = candidate_with(home, 2, as_of=dt.date(2014, 2, 1))
    assert (first.refresh_id, second.refresh_id) == (
        "r000001-20140131",
        "r000002-20140201",
    )
    assert release.latest_candidate(home) == second


def test_an_id_is_never_used_again(home: Home) -> None:
    published(home, 1)
    for path in home.releases.iterdir():
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    assert candidate_with(home, 2).refresh_id == "r000002-20140131"


def test_publishing_and_going_back(home: Home) -> None:
    for value in (1, 2, 3):
        published(home, value)
        assert value_seen(home) == value
    assert release.rollback(home).refresh_id == "r000002-20140131"
    assert value_seen(home) == 2
    assert release.rollback(home).refresh_id == "r000001-20140131"
    with pytest.raises(ConfigurationError, match="no older release"):
        release.rollback(home)
    assert release.rollback(home, "r000003-20140131").is_current
    assert value_seen(home) == 3


def test_rollback_waits_for_nobody(home: Home) -> None:
    published(home, 1)
    published(home, 2)
    script = f"""
        from pathlib import Path
        from pipeline import release
        from pipeline.errors import RefreshRunning
        from pipeline.home import Home
        try:
            release.rollback(Home(Path({str(home.root)!r})))
        except RefreshRunning:
            raise SystemExit(4)
    """
    with refresh_lock(home):
        ended = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)], check=False
        )
    assert ended.returncode == 4
    assert value_seen(home) == 2


@pytest.mark.parametrize("gate", GATES)
def test_every_gate_must_have_looked(home: Home, gate: str) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2, gates=[item for item in GATES if item != gate])
    release.seal(candidate, GATES)
    with pytest.raises(GateRefused, match=f"gate {gate} left no evidence"):
        release.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1


@pytest.mark.parametrize("outcome", ["failed", "crashed"])
def test_a_critical_check_that_did_not_pass_blocks(home: Home, outcome: str) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2)
    evidence.save(
        candidate.evidence_folder,
        looked_at(candidate, "out", outcome=outcome, failing_rows=7),
    )
    assert any("7 rows" in problem for problem in release.judge(candidate, GATES))
    release.seal(candidate, GATES)
    with pytest.raises(GateRefused, match=outcome):
        release.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1


def test_a_warning_does_not_block(home: Home) -> None:
    candidate = candidate_with(home, 1)
    evidence.save(
        candidate.evidence_folder,
        looked_at(candidate, "out", outcome="failed", severity="warning"),
    )
    release.seal(candidate, GATES)
    release.promote(home, candidate.refresh_id, GATES)
    assert release.releases(home)[0].warnings == 1


def test_a_gate_that_stopped_half_way_blocks(home: Home) -> None:
    candidate = candidate_with(home, 1)
    half = replace(looked_at(candidate, "out"), planned=2)
    evidence.save(candidate.evidence_folder, half)
    release.seal(candidate, GATES)
    with pytest.raises(GateRefused, match="2 checks were planned and 1 were made"):
        release.promote(home, candidate.refresh_id, GATES)


def test_evidence_of_another_refresh_does_not_count(home: Home) -> None:
    first, second = candidate_with(home, 1), candidate_with(home, 2)
    evidence.save(second.evidence_folder, looked_at(first, "out"))
    release.seal(second, GATES)
    with pytest.raises(GateRefused, match="is of r000001"):
        release.promote(home, second.refresh_id, GATES)


def test_the_gate_must_have_seen_this_very_file(home: Home) -> None:
    candidate = candidate_with(home, 1)
    with duckdb.connect(str(candidate.warehouse_file)) as connection:
        connection.execute("update marts.t set value = 2")
    assert any("not the file" in item for item in release.judge(candidate, GATES))


def test_a_sealed_file_that_changed_is_not_published(home: Home) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2)
    release.seal(candidate, GATES)
    with duckdb.connect(str(candidate.warehouse_file)) as connection:
        connection.execute("update marts.t set value = 3")
    with pytest.raises(GateRefused, match="not the file that was sealed"):
        release.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1


@pytest.mark.parametrize(
    "damage", ["missing", "truncated", "not an object", "without a hash"]
)
def test_a_damaged_release_json_is_refused(home: Home, damage: str) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2)
    path = release.seal(candidate, GATES)
    whole = path.read_text()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_text(whole[: len(whole) // 2])
    elif damage == "not an object":
        path.write_text("[]")
    else:
        record = json.loads(whole)
        del record["file"]["sha256"]
        write_json(path, record)
    with pytest.raises(GateRefused, match="missing or damaged"):
        release.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1


def test_a_leftover_wal_is_refused(home: Home) -> None:
    candidate = candidate_with(home, 1)
    release.seal(candidate, GATES)
    (candidate.release_folder / "warehouse.duckdb.wal").write_bytes(b"")
    with pytest.raises(GateRefused, match="was not closed"):
        release.promote(home, candidate.refresh_id, GATES)


@pytest.mark.parametrize("case", ["sequence", "day"])
def test_an_older_candidate_does_not_replace_a_newer_release(
    home: Home, case: str
) -> None:
    if case == "sequence":
        old = candidate_with(home, 1)
        release.seal(old, GATES)
        published(home, 2)
    else:
        published(home, 2)
        old = candidate_with(home, 1, as_of=dt.date(2014, 1, 30))
        release.seal(old, GATES)
    with pytest.raises(GateRefused, match="older"):
        release.promote(home, old.refresh_id, GATES)
    assert value_seen(home) == 2


def test_promoting_twice_is_promoting_once(home: Home) -> None:
    candidate = published(home, 1)
    release.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1


def test_prune_keeps_the_current_release_and_the_newest(home: Home) -> None:
    for value in range(1, 6):
        published(home, value)
    release.rollback(home, "r000001-20140131")
    waiting = [candidate_with(home, value) for value in (6, 7, 8)]
    release.prune(home, keep_releases=2, keep_candidates=1)
    assert [item.refresh_id for item in release.releases(home)] == [
        "r000005-20140131",
        "r000004-20140131",
        "r000001-20140131",
    ]
    assert value_seen(home) == 1
    assert list(home.candidates.iterdir()) == [waiting[-1].path]


KILLER = """
    import os, signal, sys
    from pathlib import Path
    from pipeline import release
    from pipeline.home import Home

    root, candidate_id, moment = sys.argv[1], sys.argv[2], int(sys.argv[3])
    gates = sys.argv[4:]
    home = Home(Path(root))
    seen = 0

    def kill(event, arguments):
        global seen
        changes = event in {"os.rename", "os.symlink", "os.remove", "os.rmdir"}
        opens = event == "open" and set(arguments[1] or "") & set("wax")
        if changes or opens:
            seen += 1
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    candidate = release.latest_candidate(home)
    sys.addaudithook(kill)
    if not release.is_sealed(home, candidate):
        release.seal(candidate, gates)
    release.promote(home, candidate_id, gates)
"""


def test_a_kill_at_every_step_of_publishing(home: Home) -> None:
    """Readers see the old release or the new one, whole, and a second try completes."""
    published(home, 1)
    killed = 0
    for moment in range(1, 200):
        value = moment + 1
        candidate = candidate_with(home, value)
        arguments = [str(home.root), candidate.refresh_id, str(moment), *GATES]
        before = value_seen(home)
        process = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(KILLER), *arguments],
            env=environment(),
            check=False,
        )
        assert process.returncode in {0, -signal.SIGKILL}
        assert value_seen(home) in {before, value}
        assert release.releases(home)[-1].refresh_id == "r000001-20140131"
        if candidate.path.exists():
            if not release.is_sealed(home, candidate):
                release.seal(candidate, GATES)
            release.promote(home, candidate.refresh_id, GATES)
        assert value_seen(home) == value
        assert not list(home.root.rglob("*.partial"))
        if process.returncode == 0:
            break
        killed += 1
    assert killed >= 10
    assert process.returncode == 0


def test_readers_never_see_a_mixture(home: Home, tmp_path: Path) -> None:
    """Four processes read while releases are published: each sees whole ones only."""
    published(home, 1)
    reader = """
        import sys, duckdb
        from pathlib import Path
        link, stop, out = map(Path, sys.argv[1:])
        seen = []
        while not stop.exists() or len(seen) < 5:
            path = link.resolve(strict=True) / "warehouse.duckdb"
            with duckdb.connect(str(path), read_only=True) as connection:
                first = connection.execute("select value from marts.t").fetchone()[0]
                again = connection.execute("select value from marts.t").fetchone()[0]
            assert first == again
            seen.append(first)
        path = link.resolve() / "warehouse.duckdb"
        with duckdb.connect(str(path), read_only=True) as connection:
            seen.append(connection.execute("select value from marts.t").fetchone()[0])
        out.write_text(",".join(map(str, seen)))
    """
    script = textwrap.dedent(reader)
    stop = tmp_path / "stop"
    outs = [tmp_path / f"seen-{i}" for i in range(4)]
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(home.current), str(stop), str(out)]
        )
        for out in outs
    ]
    for value in range(2, 42):
        published(home, value)
    stop.touch()
    assert [process.wait(timeout=60) for process in readers] == [0, 0, 0, 0]
    for out in outs:
        values = [int(text) for text in out.read_text().split(",")]
        assert values == sorted(values)
        assert values[-1] == 41


def test_status_of_what_died(home: Home) -> None:
    candidate = candidate_with(home, 1)
    assert attempts.history(home)[0].state == "died"
    with refresh_lock(home):
        assert attempts.history(home)[0].state == "running"
    attempts.end(home, candidate.refresh_id, "failed", "because", exit_code=5)
    ended = attempts.history(home)[0]
    assert (ended.state, ended.reason, ended.exit_code) == ("failed", "because", 5)


def test_candidate_facts_survive_a_round_trip(home: Home) -> None:
    candidate = candidate_with(home, 1)
    facts = read_json(candidate.path / "candidate.json")
    assert facts["as_of_date"] == "2014-01-31"
    assert release.latest_candidate(home) == candidate
    assert candidate.path.stat().st_mode & 0o077 == 0


def test_a_clock_that_was_set_back_changes_no_order(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids count up, the newest is the last one made, and nothing young goes by age."""
    years = iter([2030, 2026, 2020])
    moments: dict[str, dt.datetime] = {}
    for value in range(3):
        moment = dt.datetime(next(years), 1, 1, tzinfo=dt.UTC)
        monkeypatch.setattr(attempts, "now", lambda moment=moment: moment)
        moments[published(home, value).refresh_id] = moment
    assert list(moments) == [f"r00000{n}-20140131" for n in (1, 2, 3)]
    found = release.releases(home)
    assert [item.refresh_id for item in found] == list(reversed(moments))
    assert [item.sealed_at for item in found] == list(reversed(moments.values()))
    assert found[0].is_current
    assert value_seen(home) == 2
    assert [item.refresh_id for item in attempts.history(home)] == list(
        reversed(moments)
    )
    assert release.prune(home, keep_releases=2, keep_candidates=0) == [
        home.releases / "r000001-20140131"
    ]


def test_an_older_day_is_told_what_to_do(home: Home) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2, as_of=DAY - dt.timedelta(days=1))
    release.seal(candidate, GATES)
    with pytest.raises(GateRefused, match="--no-publish"):
        release.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1

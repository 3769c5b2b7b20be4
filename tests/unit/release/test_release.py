"""Sealing, verifying, promoting and rolling back, with a kill at every step."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.errors import ConfigurationError, GateRefused
from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.journal import attempts, evidence
from pipeline.journal.acceptances import Use
from pipeline.journal.evidence import Accepted, Check, Declared, Evidence, Terms
from pipeline.release import (
    candidates,
    catalogue,
    duckdb_files,
    kept,
    layout,
    promotion,
    pruning,
    sealing,
    verification,
)
from pipeline.release.layout import Candidate
from tests.conftest import environment

GATES = evidence.required_gates(["erp"])
DAY = dt.date(2014, 1, 31)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def candidate_with(
    home: Home, value: int, *, as_of: dt.date = DAY, gates: Sequence[str] = GATES
) -> Candidate:
    """A candidate whose two files hold `value`, with good evidence of the gates."""
    candidate = candidates.open_candidate(
        home,
        run_id=f"run-{value}",
        as_of_date=as_of,
        time_zone="UTC",
        reporting_currency="USD",
    )
    for file in candidate.databases.values():
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema marts")
            connection.execute(f"create table marts.t as select {value} as value")
    for gate in gates:
        evidence.save(candidate.evidence_folder, judged(candidate, gate))
    return candidate


def test_a_day_in_the_future_opens_no_candidate(home: Home) -> None:
    """The journal tells of it, and the next day is refreshed as ever."""
    with pytest.raises(ConfigurationError, match="2999-01-01 lies in the future"):
        candidate_with(home, 1, as_of=dt.date(2999, 1, 1))
    (attempt,) = attempts.history(home)
    assert (attempt.state, attempt.exit_code) == ("failed", 2)
    assert attempt.reason is not None
    assert "lies in the future" in attempt.reason
    assert not any(home.candidates.iterdir())
    assert published(home, 2).refresh_id == "r000002-20140131"


def judged(candidate: Candidate, gate: str, **changes: Any) -> Evidence:
    check = Check(
        gate=gate, subject="marts.t", name="n", severity="critical", outcome="passed"
    )
    return Evidence(
        gate=gate,
        refresh_id=candidate.refresh_id,
        planned=1,
        checks=[replace(check, **changes)],
        files=verification.hashes(candidate),
    )


def published(home: Home, value: int, *, as_of: dt.date = DAY) -> Candidate:
    candidate = candidate_with(home, value, as_of=as_of)
    assert verification.judge(candidate, GATES) == []
    sealing.seal(candidate, GATES)
    promotion.promote(home, candidate.refresh_id, GATES)
    attempts.end(home, candidate.refresh_id, "published")
    return candidate


def value_seen(home: Home) -> int:
    with duckdb_files.open_release(home.current.resolve(strict=True)) as connection:
        row = connection.execute("select value from marts.t").fetchone()
        private = connection.execute("select value from private.marts.t").fetchone()
    assert row is not None
    assert row == private
    assert isinstance(row[0], int)
    return row[0]


def test_ids_count_up_and_carry_the_day(home: Home) -> None:
    first = candidate_with(home, 1)
    second = candidate_with(home, 2, as_of=dt.date(2014, 2, 1))
    assert (first.refresh_id, second.refresh_id) == (
        "r000001-20140131",
        "r000002-20140201",
    )
    assert candidates.latest_candidate(home) == second


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
    assert promotion.rollback(home).refresh_id == "r000002-20140131"
    assert value_seen(home) == 2
    assert promotion.rollback(home).refresh_id == "r000001-20140131"
    with pytest.raises(ConfigurationError, match="no older release"):
        promotion.rollback(home)
    assert promotion.rollback(home, "r000003-20140131").is_current
    assert value_seen(home) == 3


def test_rollback_waits_for_nobody(home: Home) -> None:
    published(home, 1)
    published(home, 2)
    script = f"""
        from pathlib import Path
        from pipeline.release import promotion
        from pipeline.common.errors import RefreshRunning
        from pipeline.common.home import Home
        try:
            promotion.rollback(Home(Path({str(home.root)!r})))
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
def test_every_gate_must_have_judged(home: Home, gate: str) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2, gates=[item for item in GATES if item != gate])
    sealing.seal(candidate, GATES)
    with pytest.raises(GateRefused, match=f"gate {gate} left no evidence"):
        promotion.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1


@pytest.mark.parametrize("outcome", ["failed", "crashed"])
def test_a_critical_check_that_did_not_pass_blocks(home: Home, outcome: str) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2)
    evidence.save(
        candidate.evidence_folder,
        judged(candidate, "out", outcome=outcome, failing_rows=7),
    )
    assert any("7 rows" in problem for problem in verification.judge(candidate, GATES))
    sealing.seal(candidate, GATES)
    with pytest.raises(GateRefused, match=outcome):
        promotion.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1


def test_a_warning_does_not_block(home: Home) -> None:
    candidate = candidate_with(home, 1)
    evidence.save(
        candidate.evidence_folder,
        judged(candidate, "out", outcome="failed", severity="warning"),
    )
    sealing.seal(candidate, GATES)
    promotion.promote(home, candidate.refresh_id, GATES)
    assert catalogue.releases(home)[0].warnings == 1


WORD = Accepted("anna", "2026-11-20T08:00:00+00:00", "the fair", "2026-11-30")


def terms(severity: evidence.Severity = "critical", **more: Any) -> Terms:
    """What `publish` knows of the one check that every gate here makes."""
    acceptable = more.pop("acceptable", False)
    return Terms(declared={"marts.t:n": Declared(severity, acceptable)}, **more)


def refused(home: Home, candidate: Candidate, known: Terms) -> list[str]:
    """Why the candidate is not published: before it is sealed, and from its record."""
    before = verification.judge(candidate, GATES, known)
    sealing.seal(candidate, GATES)
    assert verification.verify(candidate.release_folder, GATES, known) == before
    if not before:
        promotion.promote(home, candidate.refresh_id, GATES, known)
        return []
    with pytest.raises(GateRefused):
        promotion.promote(home, candidate.refresh_id, GATES, known)
    return before


@pytest.mark.parametrize("written", ["warning", "Warning", "info", ""])
def test_a_severity_that_was_edited_changes_nothing(home: Home, written: str) -> None:
    """How bad a failure is, the suite says and not the file."""
    candidate = candidate_with(home, 1)
    evidence.save(
        candidate.evidence_folder,
        judged(candidate, "out", outcome="failed", severity=written),
    )
    assert refused(home, candidate, terms())


@pytest.mark.parametrize("outcome", ["failed", "crashed", "Passed", "", "skipped"])
def test_only_passed_is_passed(home: Home, outcome: str) -> None:
    candidate = candidate_with(home, 1)
    found = judged(candidate, "out", outcome=outcome)
    assert found.problems()
    evidence.save(candidate.evidence_folder, found)
    assert refused(home, candidate, terms())


def test_an_accepted_check_is_published_and_on_the_record(home: Home) -> None:
    candidate = candidate_with(home, 1)
    evidence.save(
        candidate.evidence_folder,
        judged(candidate, "out", outcome="failed", acceptable=True, accepted=WORD),
    )
    known = terms(acceptable=True, held={"marts.t:n": WORD})
    assert verification.judge(candidate, GATES, known) == []
    use = Use("marts.t:n", WORD, "used")
    sealing.seal(candidate, GATES, [use])
    folder = promotion.promote(home, candidate.refresh_id, GATES, known)
    record = read_json(folder / "release.json")
    assert record["acceptances"] == [
        {
            "check": "marts.t:n",
            "accepted": {
                "by": "anna",
                "at": "2026-11-20T08:00:00+00:00",
                "reason": "the fair",
                "until": "2026-11-30",
            },
            "state": "used",
        }
    ]
    (found,) = catalogue.releases(home)
    assert (found.accepted, found.warnings, found.acceptances) == (1, 0, [use])
    # Its day will be over, and the release is as good as it was.
    assert verification.verify(folder, GATES) == []


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        # The file says that the check is acceptable, or only a warning; no suite does.
        ({"acceptable": True}, terms(held={"marts.t:n": WORD})),
        ({"severity": "warning"}, terms(held={"marts.t:n": WORD})),
        # The journal holds nothing: never accepted, withdrawn, or the day is over.
        ({"acceptable": True}, terms(acceptable=True)),
        # The journal holds another word than the file.
        (
            {"acceptable": True},
            terms(
                acceptable=True, held={"marts.t:n": replace(WORD, until="2026-12-30")}
            ),
        ),
        # A crash, which nobody can accept.
        (
            {"acceptable": True, "outcome": "crashed"},
            terms(acceptable=True, held={"marts.t:n": WORD}),
        ),
        # A check that no suite knows.
        (
            {"acceptable": True, "name": "other"},
            terms(acceptable=True, held={"marts.t:other": WORD}),
        ),
    ],
    ids=["declared", "severity", "not held", "another word", "crash", "unknown"],
)
def test_an_acceptance_that_was_smuggled_in_changes_nothing(
    home: Home, changes: dict[str, Any], known: Terms
) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2)
    found = {"outcome": "failed", "accepted": WORD, **changes}
    evidence.save(candidate.evidence_folder, judged(candidate, "out", **found))
    assert refused(home, candidate, known)
    assert value_seen(home) == 1


def test_a_check_that_was_taken_out_of_the_evidence_is_missed(home: Home) -> None:
    candidate = candidate_with(home, 1)
    evidence.save(
        candidate.evidence_folder,
        replace(judged(candidate, "out"), planned=0, checks=[]),
    )
    assert verification.judge(candidate, GATES) == []
    known = terms(always={"out": {"marts.t:n"}})
    assert refused(home, candidate, known) == ["gate out: marts.t:n was not checked"]


@pytest.mark.parametrize("content", ["{", "[]", '{"gate": "out"}', '{"checks": 7}'])
def test_damaged_evidence_refuses(home: Home, content: str) -> None:
    candidate = candidate_with(home, 1)
    (candidate.evidence_folder / "out.json").write_text(content)
    (problem,) = verification.judge(candidate, GATES)
    assert "is damaged" in problem


def test_evidence_of_an_older_version_can_be_read(home: Home) -> None:
    """Kept releases have none of the newer fields."""
    candidate = published(home, 1)
    path = home.releases / candidate.refresh_id / "release.json"
    record = read_json(path)
    del record["acceptances"]
    for item in record["evidence"]:
        for check in item["checks"]:
            for name in ("demand", "rows", "acceptable", "accepted", "seconds"):
                del check[name]
    write_json(path, record)
    assert verification.verify(path.parent, GATES) == []
    assert catalogue.releases(home)[0].accepted == 0


def test_what_was_found_outlives_the_candidate_until_a_release_records_it(
    home: Home,
) -> None:
    published(home, 1)
    gone = candidate_with(home, 2)
    candidate_with(home, 3)
    pruning.prune(home, keep_releases=5, keep_candidates=1)
    kept = home.evidence / f"{gone.refresh_id}.json"
    assert not gone.path.exists()
    assert {item["gate"] for item in read_json(kept)["evidence"]} == set(GATES)
    assert read_json(kept)["opened_at"] == gone.opened_at
    published(home, 4)
    pruning.prune(home, keep_releases=5, keep_candidates=1)
    assert not kept.exists()


def test_a_candidate_goes_also_where_nothing_can_be_kept_of_it(home: Home) -> None:
    """A file stands where the folder should be, as a full disk would have it."""
    candidate_with(home, 1)
    home.evidence.write_text("in the way")
    shutil.rmtree(home.data_docs, ignore_errors=True)
    home.data_docs.write_text("in the way")
    pruning.prune(home, keep_releases=2, keep_candidates=0)
    assert list(home.candidates.iterdir()) == []


def test_data_docs_keep_their_address_when_the_candidate_becomes_a_release(
    home: Home,
) -> None:
    candidate = candidate_with(home, 1)
    candidate.data_docs.mkdir(parents=True)
    (candidate.data_docs / "index.html").write_text("pages")
    refused_one = candidate_with(home, 2)
    refused_one.data_docs.mkdir(parents=True)
    pruning.link_data_docs(home)
    page = home.data_docs / candidate.refresh_id / "index.html"
    assert page.read_text() == "pages"
    sealing.seal(candidate, GATES)
    promotion.promote(home, candidate.refresh_id, GATES)
    pruning.prune(home, keep_releases=5, keep_candidates=5)
    assert page.read_text() == "pages"
    assert (home.current / layout.DATA_DOCS / "index.html").samefile(page)
    pruning.prune(home, keep_releases=5, keep_candidates=0)
    assert [path.name for path in home.data_docs.iterdir()] == [candidate.refresh_id]


def test_a_gate_that_stopped_half_way_blocks(home: Home) -> None:
    candidate = candidate_with(home, 1)
    half = replace(judged(candidate, "out"), planned=2)
    evidence.save(candidate.evidence_folder, half)
    sealing.seal(candidate, GATES)
    with pytest.raises(GateRefused, match="2 checks were planned and 1 were made"):
        promotion.promote(home, candidate.refresh_id, GATES)


def test_evidence_of_another_refresh_does_not_count(home: Home) -> None:
    first, second = candidate_with(home, 1), candidate_with(home, 2)
    evidence.save(second.evidence_folder, judged(first, "out"))
    sealing.seal(second, GATES)
    with pytest.raises(GateRefused, match="is of r000001"):
        promotion.promote(home, second.refresh_id, GATES)


def another_value(candidate: Candidate, database: str) -> None:
    with duckdb.connect(str(candidate.databases[database])) as connection:
        connection.execute("update marts.t set value = 0")


def gone(candidate: Candidate, database: str) -> None:
    candidate.databases[database].unlink()


@pytest.mark.parametrize("change", [another_value, gone])
@pytest.mark.parametrize("database", layout.DATABASES)
def test_the_gate_must_have_seen_these_very_files(
    home: Home, database: str, change: Callable[[Candidate, str], None]
) -> None:
    candidate = candidate_with(home, 1)
    change(candidate, database)
    (problem,) = verification.judge(candidate, GATES)
    assert problem == (
        f"{candidate.databases[database]} is not the file that the gate looked at"
    )


@pytest.mark.parametrize("change", [another_value, gone])
@pytest.mark.parametrize("database", layout.DATABASES)
def test_a_sealed_file_that_changed_is_not_published(
    home: Home, database: str, change: Callable[[Candidate, str], None]
) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2)
    sealing.seal(candidate, GATES)
    change(candidate, database)
    with pytest.raises(GateRefused, match=re.escape(layout.DATABASES[database])):
        promotion.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1


def test_a_private_file_that_nobody_sealed_is_not_published(home: Home) -> None:
    candidate = candidate_with(home, 1)
    aside = candidate.path / "aside"
    candidate.private_file.rename(aside)
    for gate in GATES:
        evidence.save(candidate.evidence_folder, judged(candidate, gate))
    sealing.seal(candidate, GATES)
    assert verification.verify(candidate.release_folder, GATES) == []
    aside.rename(candidate.private_file)
    with pytest.raises(GateRefused, match=r"private\.duckdb was not sealed"):
        promotion.promote(home, candidate.refresh_id, GATES)


@pytest.mark.parametrize("database", layout.DATABASES)
@pytest.mark.parametrize("damage", ["missing", "another size", "another bit", "wal"])
def test_damage_of_either_file_is_known(home: Home, database: str, damage: str) -> None:
    """By its size at once, by its hash before anything is built on it."""
    published(home, 1)
    published(home, 2)
    path = home.current.resolve() / layout.DATABASES[database]
    content = bytearray(path.read_bytes())
    path.chmod(0o600)
    if damage == "missing":
        path.unlink()
    elif damage == "wal":
        path.with_name(f"{path.name}.wal").touch()
    elif damage == "another size":
        path.write_bytes(content[:-1])
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    (newest, _) = catalogue.releases(home)
    assert bool(newest.damage) == (damage in {"missing", "another size"})
    assert path.name in newest.damage or not newest.damage
    found = catalogue.newest_whole(home)
    assert found is not None
    assert found.refresh_id == "r000001-20140131"
    assert any(path.name in item for item in verification.verify(path.parent, GATES))


def test_a_release_of_before_there_was_a_private_file(home: Home) -> None:
    """It is one file, and can be read, verified, rewritten and gone back to."""
    candidate = published(home, 1)
    folder = home.releases / candidate.refresh_id
    (folder / layout.PRIVATE).unlink()
    record = read_json(folder / "release.json")
    (file, _) = record.pop("files")
    for item in record["evidence"]:
        item["warehouse_sha256"] = item.pop("files")[layout.WAREHOUSE]
    write_json(folder / "release.json", {**record, "format": 1, "file": file})
    assert verification.verify(folder, GATES) == []
    (found,) = catalogue.releases(home)
    assert (found.damage, found.checks) == ("", len(GATES))
    assert catalogue.newest_whole(home) == found
    published(home, 2)
    assert promotion.rollback(home).refresh_id == candidate.refresh_id
    with duckdb_files.open_release(folder) as connection:
        assert connection.execute("from marts.t").fetchall() == [(1,)]
    # Between the renames of a version that knew one file only.
    half = {**record, "file": {**file, "sha256": "of before"}, "incoming": file}
    write_json(folder / "release.json", half)
    assert verification.verify(folder, GATES) == []
    new = folder / ".warehouse.duckdb.partial"
    with duckdb.connect(str(new)) as connection:
        connection.execute("create schema marts; create table marts.t as select 3")
    sealing.replace_files(
        folder, {layout.WAREHOUSE: new}, lambda value: value, {"receipt": "f1"}
    )
    assert verification.verify(folder, GATES) == []
    record = read_json(folder / "release.json")
    assert not {"file", "incoming"} & record.keys()
    assert [entry["name"] for entry in record["files"]] == [layout.WAREHOUSE]


@pytest.mark.parametrize(
    "damage", ["missing", "truncated", "not an object", "without a hash"]
)
def test_a_damaged_release_json_is_refused(home: Home, damage: str) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2)
    path = sealing.seal(candidate, GATES)
    whole = path.read_text()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_text(whole[: len(whole) // 2])
    elif damage == "not an object":
        path.write_text("[]")
    else:
        record = json.loads(whole)
        del record["files"][0]["sha256"]
        write_json(path, record)
    with pytest.raises(GateRefused, match="missing or damaged"):
        promotion.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1


def test_a_leftover_wal_is_refused(home: Home) -> None:
    candidate = candidate_with(home, 1)
    sealing.seal(candidate, GATES)
    (candidate.release_folder / "warehouse.duckdb.wal").write_bytes(b"")
    with pytest.raises(GateRefused, match="was not closed"):
        promotion.promote(home, candidate.refresh_id, GATES)


@pytest.mark.parametrize("case", ["sequence", "day"])
def test_an_older_candidate_does_not_replace_a_newer_release(
    home: Home, case: str
) -> None:
    if case == "sequence":
        old = candidate_with(home, 1)
        sealing.seal(old, GATES)
        published(home, 2)
    else:
        published(home, 2)
        old = candidate_with(home, 1, as_of=dt.date(2014, 1, 30))
        sealing.seal(old, GATES)
    with pytest.raises(GateRefused, match="older"):
        promotion.promote(home, old.refresh_id, GATES)
    assert value_seen(home) == 2


def test_promoting_twice_is_promoting_once(home: Home) -> None:
    candidate = published(home, 1)
    promotion.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1


def test_prune_keeps_the_current_release_and_the_newest(home: Home) -> None:
    for value in range(1, 6):
        published(home, value)
    promotion.rollback(home, "r000001-20140131")
    waiting = [candidate_with(home, value) for value in (6, 7, 8)]
    pruning.prune(home, keep_releases=2, keep_candidates=1)
    assert [item.refresh_id for item in catalogue.releases(home)] == [
        "r000005-20140131",
        "r000004-20140131",
        "r000001-20140131",
    ]
    assert value_seen(home) == 1
    assert list(home.candidates.iterdir()) == [waiting[-1].path]


KILLER = """
    import os, signal, sys
    from pathlib import Path
    from pipeline.release import candidates, promotion, sealing
    from pipeline.common.home import Home

    root, candidate_id, moment = sys.argv[1], sys.argv[2], int(sys.argv[3])
    gates = sys.argv[4:]
    home = Home(Path(root))
    seen = 0

    def kill(event, arguments):
        global seen
        changes = event in {
            "os.chmod", "os.chown", "os.rename", "os.symlink", "os.remove", "os.rmdir"
        }
        opens = event == "open" and set(arguments[1] or "") & set("wax")
        if changes or opens:
            seen += 1
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    candidate = candidates.latest_candidate(home)
    sys.addaudithook(kill)
    if not sealing.is_sealed(home, candidate):
        sealing.seal(candidate, gates)
    promotion.promote(home, candidate_id, gates)
"""


def test_a_kill_at_every_step_of_publishing(home: Home) -> None:
    """Readers see the old release or the new one, whole, and a second try completes."""
    published(home, 1)
    killed = 0
    for moment in range(1, 200):
        value = moment + 1
        candidate = candidate_with(home, value)
        candidate.work_file.touch()
        kept.note(candidate, {"value": value})
        arguments = [str(home.root), candidate.refresh_id, str(moment), *GATES]
        before = value_seen(home)
        process = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(KILLER), *arguments],
            env=environment(),
            check=False,
        )
        assert process.returncode in {0, -signal.SIGKILL}
        assert value_seen(home) in {before, value}
        assert catalogue.releases(home)[-1].refresh_id == "r000001-20140131"
        if candidate.path.exists():
            if not sealing.is_sealed(home, candidate):
                sealing.seal(candidate, GATES)
            promotion.promote(home, candidate.refresh_id, GATES)
        assert value_seen(home) == value
        assert not list(home.root.rglob("*.partial"))
        # What is gone on from is that of this very release, wherever the kill came.
        noted = kept.folder(home) / kept.NODES
        if noted.exists():
            assert read_json(noted)["nodes"] == {"value": value}
        if process.returncode == 0:
            assert noted.exists()
            break
        killed += 1
    assert killed >= 10
    assert process.returncode == 0


def test_readers_never_see_a_mixture(home: Home, tmp_path: Path) -> None:
    """Four processes read while releases are published: each sees whole ones only."""
    published(home, 1)
    reader = """
        import os, sys, duckdb
        from pathlib import Path
        link, stop, out = map(Path, sys.argv[1:])
        seen = []
        test = os.getppid()
        while os.getppid() == test and (not stop.exists() or len(seen) < 5):
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
    assert candidates.latest_candidate(home) == candidate
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
    found = catalogue.releases(home)
    assert [item.refresh_id for item in found] == list(reversed(moments))
    assert [item.sealed_at for item in found] == list(reversed(moments.values()))
    assert found[0].is_current
    assert value_seen(home) == 2
    assert [item.refresh_id for item in attempts.history(home)] == list(
        reversed(moments)
    )
    assert pruning.prune(home, keep_releases=2, keep_candidates=0) == [
        home.releases / "r000001-20140131"
    ]


def test_an_older_day_is_refused_with_what_to_do(home: Home) -> None:
    published(home, 1)
    candidate = candidate_with(home, 2, as_of=DAY - dt.timedelta(days=1))
    sealing.seal(candidate, GATES)
    with pytest.raises(GateRefused, match="--no-publish"):
        promotion.promote(home, candidate.refresh_id, GATES)
    assert value_seen(home) == 1

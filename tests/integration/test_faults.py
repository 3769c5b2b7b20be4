"""Planted faults: after each, readers see what they saw, and the next refresh works."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipeline.common.files import sha256
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.release import catalogue, duckdb_files
from tests import warm
from tests.conftest import command, invoke, own_project, publish_alone, start
from tests.faults.company import FIRST_DAY, Company

FIRST = Path("releases/r000001-20140131")
DAYS = 15

# Added to the suites of the small company.
PLANTED = """

from expectations.vocabulary import row_count

whole = suites


def suites():
    found = whole()
    (customers,) = (suite for suite in found if suite.table == "customers")
    customers.expectations.insert(0, row_count(1, 3, why="broken on purpose"))
    return found
"""


def seen(home: Path) -> tuple[Path, str, int]:
    """What a reader sees: the release, the hash of its file, and its customers."""
    path = home / "current" / "warehouse.duckdb"
    with duckdb.connect(str(path.resolve()), read_only=True) as connection:
        row = connection.execute("select count(*) from marts.customers").fetchone()
    assert row is not None
    return (home / "current").readlink(), sha256(path), row[0]


@pytest.fixture(scope="module")
def first_release(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company of some seventy customers with one release; look, do not touch."""
    made = Company(tmp_path_factory.mktemp("company") / "company", seed=7)
    for _ in range(DAYS):
        made.next_day()
    result = command(*made.refresh(), **made.variables)
    assert result.returncode == 0, result.stderr
    return made


@pytest.fixture
def company(first_release: Company, tmp_path: Path) -> Company:
    """A copy of it, to break at will."""
    return first_release.copied_to(tmp_path / "company")


def refresh_id(company: Company, number: int) -> str:
    return f"r{number:06d}-{company.day:%Y%m%d}"


def attempts(home: Path) -> list[dict[str, Any]]:
    """The last attempts, newest first, as `status` tells them."""
    result = invoke("status", "--home", home, "--json")
    assert result.returncode == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)["attempts"]
    return found


def own_sources(folder: Path, **replaced: str) -> Path:
    """A sources.yaml in `folder` whose sources read from the given paths instead."""
    described = yaml.safe_load((PROJECT_ROOT / "sources.yaml").read_text())
    described["demonstration"] = str(PROJECT_ROOT / described["demonstration"])
    for source in described["sources"]:
        if "path" in source:
            source["path"] = str(PROJECT_ROOT / source["path"])
        if source["name"] in replaced:
            source["path"] = replaced[source["name"]]
    path = folder / "sources.yaml"
    path.write_text(yaml.safe_dump(described, allow_unicode=True))
    return path


def rewrite(path: Path, content: bytes) -> None:
    """Writes the file as if a while ago: one that is still being written is left out."""
    path.write_bytes(content)
    os.utime(path, (0, 0))


def wait_until(condition: Callable[[], bool], process: warm.Running) -> None:
    """Polls closely until the condition holds; fails if the process ends first."""
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, "the refresh ended before the moment came"
        assert time.monotonic() < deadline
        time.sleep(0.001)


def size_of(path: Path) -> int:
    """The bytes of a file; none where there is no file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def stage_of(home: Path, refresh_id: str) -> str:
    """Where the attempt stands, from its file; empty before it has begun."""
    path = home / "logs" / "attempts" / f"{refresh_id}.json"
    if not path.exists():
        return ""
    stage: str = json.loads(path.read_text())["stage"]
    return stage


def test_a_broken_expectation_refuses_and_goes_on_refusing(company: Company) -> None:
    home = company.home
    before = seen(home)
    suites = company.folder / "expectations" / "marts.py"
    suites.write_text(suites.read_text() + PLANTED)
    result = command(*company.refresh(), **company.variables)
    assert result.returncode == 3, result.stderr
    (finding,) = json.loads(result.stdout)["refusal"]["findings"]
    assert finding["check"].startswith("marts.customers:table_row_count")
    assert finding["observed"] == str(before[2])
    assert seen(home) == before
    (refused, *_) = attempts(home)
    assert refused["state"] == "refused"
    assert "gate out" in refused["reason"]

    # Dagster's blocking check held for that run only; the evidence holds on.
    again = publish_alone(home, **company.variables)
    assert again.returncode == 1, again.stderr
    assert "table_row_count_to_be_between failed" in again.stderr
    assert seen(home) == before
    assert attempts(home)[0]["state"] == "refused"


@pytest.mark.slow
def test_a_policy_that_is_not_whole_is_refused_by_its_rows(
    home: Path, tmp_path: Path
) -> None:
    """A gap in the rules: without the last one, some customers have no tier."""
    before = seen(home)
    project = own_project(
        tmp_path / "dbt_project",
        "seeds/tier_rules.csv",
        lambda text: re.sub(r".*,standard,.*\n", "", text),
    )
    result = command("refresh", "--home", home, CUSTOMER_TIERS_DBT_PROJECT=str(project))
    assert result.returncode == 3, result.stderr
    assert "policies_are_whole failed" in result.stderr
    assert "tier_rules (base-2010): a gap: customers who have bought" in result.stderr
    assert "tiers (base-2010, standard): no rule leads to this tier" in result.stderr
    assert seen(home) == before


def test_a_missing_source_file(home: Path, tmp_path: Path) -> None:
    before = seen(home)
    empty = tmp_path / "helpdesk"
    empty.mkdir()
    sources = own_sources(tmp_path, helpdesk=str(empty))
    result = command("refresh", "--home", home, "--sources", sources)
    assert result.returncode == 5, result.stderr
    assert "incidents_*.csv.gz" in result.stderr
    assert str(empty) in result.stderr
    assert "Traceback" not in result.stderr
    assert seen(home) == before
    assert attempts(home)[0]["state"] == "failed"
    assert (
        command("check-sources", "--home", home, "--sources", sources).returncode == 5
    )


@pytest.mark.slow
def test_a_broken_row_is_quarantined_told_and_counted(
    whole_copy: Path, tmp_path: Path
) -> None:
    home = whole_copy
    exports = tmp_path / "helpdesk"
    shutil.copytree(PROJECT_ROOT / "sample_data" / "helpdesk", exports)
    rows = gzip.decompress((exports / "incidents_2013_10.csv.gz").read_bytes())
    broken = b"9999999,New,true\n"
    rewrite(exports / "incidents_2013_10.csv.gz", gzip.compress(rows + broken))
    sources = own_sources(tmp_path, helpdesk=str(exports))
    result = command("refresh", "--home", home, "--sources", sources)
    assert result.returncode == 0, result.stderr
    assert "1 quarantined" in result.stderr
    with duckdb_files.open_release((home / "current").resolve()) as connection:
        (kept,) = connection.execute(
            "select source, entity, source_file, line, text from meta.quarantine "
            "inner join private.meta.quarantined_lines "
            "using (source, entity, batch_id, source_file, line)"
        ).fetchall()
        assert kept == (
            "helpdesk",
            "incidents",
            "incidents_2013_10.csv.gz",
            rows.count(b"\n") + 1,
            "9999999,New,true",
        )
        assert connection.execute(
            """
            select rows_read - rows_landed, rows_quarantined
            from meta.source_freshness where entity = 'incidents'
            """
        ).fetchone() == (1, 1)
        assert connection.execute(
            "select count(*) from marts.service_tickets"
        ).fetchone() == (24_918,)
    listed = invoke(
        "quarantine", "list", "--home", home, "--sources", sources, "--json"
    )
    (held,) = json.loads(listed.stdout)
    assert held["batch"]["origin"] == "incidents_2013_10.csv.gz"
    assert [row["text"] for row in held["rows"]] == ["9999999,New,true"]
    asked = invoke("quarantine", "retry", "--home", home, "--sources", sources)
    assert asked.returncode == 0
    assert "incidents_2013_10.csv.gz" in asked.stdout
    wrong = invoke("quarantine", "list", "--home", home, "--entity", "nothing")
    assert (wrong.returncode, "incidents" in wrong.stderr) == (2, True)


@pytest.mark.slow
def test_too_many_broken_rows_are_a_broken_file(
    whole_copy: Path, tmp_path: Path
) -> None:
    home = whole_copy
    before = seen(home)
    exports = tmp_path / "helpdesk"
    shutil.copytree(PROJECT_ROOT / "sample_data" / "helpdesk", exports)
    rows = gzip.decompress((exports / "incidents_2013_10.csv.gz").read_bytes())
    rewrite(
        exports / "incidents_2013_10.csv.gz",
        gzip.compress(rows + b"9999999,New,true\n" * rows.count(b"\n")),
    )
    sources = own_sources(tmp_path, helpdesk=str(exports))
    for _ in range(2):  # the batch is refused again, not taken as landed before
        result = command("refresh", "--home", home, "--sources", sources)
        assert result.returncode == 3, result.stderr
        assert "quarantine_within_limit failed" in result.stderr
        assert seen(home) == before
    folder = home / "landing" / "helpdesk" / "incidents"
    assert len(list(folder.glob("*.refused.json"))) == 1
    assert list(folder.glob("*.pending.json")) == []
    mended = command("refresh", "--home", home)
    assert mended.returncode == 0, mended.stderr


@pytest.mark.slow
def test_kill_in_the_middle_of_the_build(company: Company) -> None:
    home = company.home
    before = seen(home)
    process = start(*company.refresh(), **company.variables)
    second = refresh_id(company, 2)
    # What is built stands in the log of the file until it is closed; before that no more
    # than two empty schemas do.
    log = home / "candidates" / second / "release" / "warehouse.duckdb.wal"
    wait_until(lambda: size_of(log) > 10_000, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert seen(home) == before
    assert attempts(home)[0]["state"] == "died"
    assert attempts(home)[0]["stage"] == "transform"
    refused = publish_alone(home, **company.variables)
    assert refused.returncode == 1
    assert "left no evidence" in refused.stderr
    assert seen(home) == before
    recovered = command(*company.refresh(), **company.variables)
    assert recovered.returncode == 0, recovered.stderr
    assert seen(home)[2] == before[2]


@pytest.mark.slow
def test_kill_in_the_middle_of_publish(company: Company) -> None:
    home = company.home
    before = seen(home)
    process = start(*company.refresh(), **company.variables)
    second = refresh_id(company, 2)
    wait_until(lambda: stage_of(home, second) == "publish", process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert seen(home) == before
    assert attempts(home)[0]["state"] == "died"
    recovered = command(*company.refresh(), **company.variables)
    assert recovered.returncode == 0, recovered.stderr
    assert seen(home)[0] == Path("releases") / refresh_id(company, 3)


@pytest.mark.slow
def test_a_second_refresh_at_the_same_time(company: Company) -> None:
    home = company.home
    process = start(*company.refresh(), **company.variables)
    try:
        wait_until(lambda: stage_of(home, refresh_id(company, 2)) != "", process)
        second = command(*company.refresh(), **company.variables)
        assert second.returncode == 4, second.stderr
        assert f"process {process.pid}" in second.stderr
        assert attempts(home)[0]["state"] == "running"
        assert invoke("rollback", "--home", home).returncode == 4
    finally:
        assert process.wait(timeout=200) == 0
    assert (home / "current").readlink() == Path("releases") / refresh_id(company, 2)


@pytest.mark.slow
def test_a_reader_keeps_its_release_while_a_new_one_is_published(
    company: Company,
) -> None:
    home = company.home
    first = Path("releases") / refresh_id(company, 1)
    path = (home / "current" / "warehouse.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as reader:
        before = reader.execute(
            "select sum(net_amount) from marts.order_lines"
        ).fetchone()
        customers = reader.execute("select count(*) from marts.customers").fetchone()
        result = command(*company.refresh(), **company.variables)
        assert result.returncode == 0, result.stderr
        assert (home / "current").readlink() != first
        # Even when its release has been pruned meanwhile.
        shutil.rmtree(home / first)
        after = reader.execute(
            "select sum(net_amount) from marts.order_lines"
        ).fetchone()
        assert after == before
        assert (
            reader.execute("select count(*) from marts.customers").fetchone()
            == customers
        )
    assert seen(home)[0] == Path("releases") / refresh_id(company, 2)


@pytest.mark.slow
def test_a_file_that_was_changed_after_the_gate_is_not_published(built: Path) -> None:
    home = built
    before = seen(home)
    (candidate,) = (home / "candidates").iterdir()
    with duckdb.connect(str(candidate / "release" / "warehouse.duckdb")) as connection:
        connection.execute("update marts.customer_tiers set tier_code = 'key'")
    result = publish_alone(home)
    assert result.returncode == 1
    assert "is not the file that the gate looked at" in result.stderr
    assert seen(home) == before


@pytest.mark.slow
def test_what_was_built_and_not_published_can_be_published_later(built: Path) -> None:
    home = built
    assert (home / "current").readlink() == FIRST
    result = publish_alone(home)
    assert result.returncode == 0, result.stderr
    assert seen(home)[0] == Path("releases/r000002-20140131")
    assert attempts(home)[0]["state"] == "published"


@pytest.mark.slow
def test_an_older_as_of_date_does_not_replace_a_newer_release(
    company: Company,
) -> None:
    home = company.home
    before = seen(home)
    result = command(
        *company.refresh(), "--as-of", FIRST_DAY.isoformat(), **company.variables
    )
    assert result.returncode == 3, result.stderr
    assert "older" in result.stderr
    assert seen(home) == before
    assert catalogue.releases(Home(home))[0].is_current


def test_the_home_of_another_project_is_refused(home: Path, tmp_path: Path) -> None:
    before = seen(home)
    sources = tmp_path / "sources.yaml"
    sources.write_text(
        "version: 1\nbusiness: {time_zone: UTC, reporting_currency: EUR}\nsources:\n"
        "  - name: till\n    kind: files\n    path: .\n    provides: []\n"
        "    entities: {sales: {files: '*.csv', key: [id]}}\n"
    )
    result = invoke("refresh", "--home", home, "--sources", sources)
    assert result.returncode == 2
    said = " ".join(result.stderr.split())
    assert "crm, erp, helpdesk gave" in said and "names till" in said
    assert seen(home) == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["refresh", "--as-of", "2014-02-30"], 2, "2014-02-30"),
        (["refresh", "--as-of", "2999-01-01"], 2, "future"),
        (["refresh", "--sources", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["refresh", "--no-such-option"], 2, "no-such-option"),
        (["rollback", "r000099-20140131"], 2, "r000099-20140131"),
        (["rollback"], 2, "no older release"),
        (["report", "r000099-20140131"], 2, "r000099-20140131"),
    ],
)
def test_wrong_usage(home: Path, arguments: list[str], code: int, words: str) -> None:
    before = seen(home)
    result = invoke(*arguments, "--home", home)
    assert result.returncode == code
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert seen(home) == before

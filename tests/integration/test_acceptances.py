"""A refused refresh, what it says, and the same refresh once a person has accepted it.

One home for all: a release of a small company, then one refusal, then one release.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.home import Home
from pipeline.journal import acceptances
from tests.conftest import invoke, own_suites
from tests.integration.small import SmallCompany
from tests.integration.test_small_companies import (
    AS_OF,
    BUSINESS,
    SCORED,
    known_and_later,
)

ROWS = "marts.customer_tiers:table_row_count_to_be_between"
WARNED = "marts.payments:column_values_to_not_be_null(due_date)"
GRAIN = "marts.customer_tiers:column_values_to_be_unique(customer_id)"
TEST = "every_customer_has_one_tier"
CUSTOMERS = "32"
UNTIL = acceptances.today() + dt.timedelta(days=7)
FIRST, REFUSED, SECOND = (f"r00000{n}-{AS_OF:%Y%m%d}" for n in (1, 2, 3))

# Three refreshes, which the setup makes.
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Story:
    """What was said at each step."""

    home: Path
    refused: subprocess.CompletedProcess[str]
    status: dict[str, Any]
    status_text: str
    integrity: subprocess.CompletedProcess[str]
    unknown: subprocess.CompletedProcess[str]
    accepted: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("accepting")
    _, world = known_and_later()
    company = SmallCompany(
        folder,
        world,
        business={**BUSINESS, "as_of": AS_OF},
        source={"unknown_customers": "unknown_customer"},
        seeds=SCORED,
    )
    home = company.home
    first = company.refresh()
    assert first.returncode == 0, first.stderr
    # Beside sources.yaml, where a project has them.
    own_suites(folder / "expectations", acceptable=True)

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return company.refresh(*options)

    def accept(*checks: str) -> subprocess.CompletedProcess[str]:
        named = [word for check in checks for word in ("--accept", check)]
        return run(*named, "--reason", "the fair", "--until", UNTIL.isoformat())

    refused = run()
    assert refused.returncode == 3, refused.stderr
    status = invoke("status", "--home", home, "--json")
    return Story(
        home=home,
        refused=refused,
        status=json.loads(status.stdout),
        status_text=invoke("status", "--home", home).stdout,
        integrity=accept(ROWS, GRAIN),
        unknown=accept("marts.customer_tiers:table_row_count_to_be"),
        accepted=accept(ROWS, WARNED),
    )


def query(story: Story, sql: str) -> list[tuple[Any, ...]]:
    path = (story.home / "current" / "warehouse.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_refusal_says_what_where_how_many_and_what_to_do(story: Story) -> None:
    for text in (story.refused.stderr, story.status_text):
        assert f"{REFUSED} was refused" in text
        assert ROWS in text
        assert CUSTOMERS in text
        assert "ten at most" in text
        named = f"--home {story.home} --sources {story.home.parent / 'sources.yaml'}"
        assert f"refresh {named} --accept {ROWS} --reason" in " ".join(text.split())
        assert f"Readers keep {FIRST}" in text
    found = story.status["refusal"]
    (finding,) = found["findings"]
    assert (finding["check"], finding["acceptable"]) == (ROWS, True)
    assert finding["observed"] == CUSTOMERS
    assert finding["demand"].startswith("Must have greater than or equal to 1")


def test_a_refused_refresh_has_data_docs(story: Story) -> None:
    """They were told by `status`, and are there while the candidate is."""
    told = Path(story.status["refusal"]["data_docs"])
    assert told == story.home / "data_docs" / REFUSED / "index.html"
    page = told.with_name("out.marts.customer_tiers.html").read_text()
    assert "ten at most" in page
    assert "every customer has a tier" not in page


def test_what_cannot_be_accepted_ends_with_2_and_changes_nothing(story: Story) -> None:
    assert story.integrity.returncode == story.unknown.returncode == 2
    assert "cannot be accepted" in story.integrity.stderr
    assert f"Did you mean {ROWS}" in story.unknown.stderr
    held = acceptances.journal(Home(story.home))
    assert [item.check for item in held] == [ROWS, WARNED]


def test_the_accepted_refresh_is_published_and_on_the_record(story: Story) -> None:
    assert story.accepted.returncode == 0, story.accepted.stderr
    folder = (story.home / "current").resolve()
    assert folder.name == SECOND
    record = json.loads((folder / "release.json").read_text())
    assert {use["check"]: use["state"] for use in record["acceptances"]} == {
        ROWS: "used",
        WARNED: "used",
    }
    user = acceptances.user()
    word = (user, "the fair", UNTIL)
    assert query(
        story,
        "select check_id, state, accepted_by, reason, until from meta.acceptances "
        "order by check_id",
    ) == [(ROWS, "used", *word), (WARNED, "used", *word)]
    assert query(
        story,
        "select check_id, severity, acceptable, outcome, observed, accepted_by, "
        "accepted_reason, accepted_until from meta.check_results "
        "where accepted_by is not null order by check_id",
    ) == [
        (ROWS, "critical", True, "failed", CUSTOMERS, *word),
        (WARNED, "warning", True, "failed", "", *word),
    ]
    told = invoke("status", "--home", story.home).stdout
    assert f"accepted {ROWS}, by {user} until {UNTIL}: the fair" in told
    report = (folder / "reports" / "quality.html").read_text()
    assert f"Accepted</strong> by {user} until {UNTIL}: the fair" in report
    assert 'href="data_docs/index.html"' in report


def test_all_evidence_is_queryable(story: Story) -> None:
    """Also that of the attempt that was refused."""
    assert query(
        story,
        "select refresh_id, outcome, accepted_by is not null from meta.check_history "
        f"where check_id = '{ROWS}' order by refresh_id",
    ) == [
        (FIRST, "passed", False),
        (REFUSED, "failed", False),
        (SECOND, "failed", True),
    ]
    checks = query(
        story,
        "select count(*), count(distinct check_id) from meta.check_results "
        "union all select count(*), count(distinct check_id) from meta.check_history "
        f"where refresh_id = '{SECOND}'",
    )
    assert checks[0] == checks[1]
    assert checks[0][0] == checks[0][1] > 300
    assert query(story, "select count(*) from meta.check_results where seconds > 0") > [
        (100,)
    ]
    assert query(
        story,
        "select refresh_id, state from meta.refreshes "
        "where refresh_id in (select refresh_id from meta.check_history) order by all",
    ) == [(FIRST, "published"), (REFUSED, "refused"), (SECOND, "sealed")]


def test_data_docs_of_the_release_stand_alone(story: Story) -> None:
    folder = story.home / "current" / "reports" / "data_docs"
    pages = {path.name: path.read_text() for path in folder.iterdir()}
    assert len(pages) > 50
    for name, text in pages.items():
        assert not re.search(r"https?:", text), name
        for target in re.findall(r'href="([^"#]*)', text):
            assert target in pages, (name, target)
    (every,) = query(story, "select count(*) from meta.check_results")
    for of_language in (".zh.html", ".html"):
        articles = sum(
            text.count("<article ")
            for name, text in pages.items()
            if name.endswith(".zh.html") == (of_language == ".zh.html")
        )
        assert articles == every[0], of_language
    assert f"{every[0]} passed" in " ".join(pages["index.html"].split())
    assert re.search(
        r"Accepted by \S.* until \d", pages["out.marts.customer_tiers.html"]
    )
    kept = story.home / "data_docs" / SECOND
    assert kept.resolve() == folder.resolve()


def test_the_page_of_dagster_carries_counts_and_links(story: Story) -> None:
    """Of the run that published: rows of every table, and where to read on."""
    found: dict[str, dict[str, Any]] = {}
    runs = sorted(
        (story.home / "dagster" / "history" / "runs").glob("*-*.db"),
        key=lambda path: path.stat().st_mtime,
    )
    for path in runs:
        with sqlite3.connect(path) as connection:
            for event, key, kind in connection.execute(
                "select event, asset_key, dagster_event_type from event_logs "
                "where dagster_event_type in "
                "('ASSET_MATERIALIZATION', 'ASSET_CHECK_EVALUATION')"
            ):
                told = json.loads(event)["dagster_event"]["event_specific_data"]
                entries = told.get("materialization", told).get("metadata_entries")
                if kind == "ASSET_MATERIALIZATION":
                    found[json.loads(key)[-1]] = {
                        entry["label"]: entry["entry_data"] for entry in entries
                    }
    for name in ("customer_tiers", "core_customers", "customer_value", "tiers"):
        table = f"marts.{name}" if name.startswith("customer_") else f"meta.{name}"
        if name != "core_customers":
            (count,) = query(story, f"select count(*) from {table}")[0]
            assert found[name]["dagster/row_count"]["value"] == count, name
        assert found[name]["Execution Duration"]["value"] >= 0
    assert found["core_customers"]["dagster/row_count"]["value"] == int(CUSTOMERS)
    release = str(story.home / "releases" / SECOND)
    pages = (story.home / "data_docs" / SECOND / "index.html").as_uri()
    for name in ("publish", "report"):
        assert found[name]["release"]["path"] == release
        assert found[name]["data_docs"]["url"] == pages
    assert found["report"]["report"]["url"].endswith(f"{SECOND}/reports/index.html")

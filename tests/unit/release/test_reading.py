"""The ways to read a release that the documentation names: run as they are written."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.release import promotion, sealing
from tests.unit.release.test_release import GATES, candidate_with

PAGES = [
    *PROJECT_ROOT.glob("README*.md"),
    *(PROJECT_ROOT / "docs").rglob("*.md"),
    PROJECT_ROOT / "pipeline" / "reports" / "templates" / "base.html.j2",
    PROJECT_ROOT / "pipeline" / "cli" / "rendering" / "releases.py",
]
PAGE = PROJECT_ROOT / "docs" / "bi.md"

TABLES = {
    "warehouse": """
        create table marts.customer_tiers as select 'C1' as customer_id;
        create table marts.customers as
            select 'C1' as customer_id, 'A. Z. (C1)' as customer_label;
    """,
    "private": """
        create table marts.customers_private as
            select 'C1' as customer_id, 'ann@example.org' as email;
    """,
}


def published(home: Home, value: int) -> str:
    """A release with what the snippets ask for."""
    candidate = candidate_with(home, value)
    for name, file in candidate.databases.items():
        with duckdb.connect(str(file)) as connection:
            connection.execute(
                f"create schema meta; {TABLES[name]} create table meta.current_release "
                f"as select '{candidate.refresh_id}' as refresh_id"
            )
    sealing.seal(candidate, GATES)
    promotion.promote(home, candidate.refresh_id, GATES)
    return candidate.refresh_id


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home `data` in the folder in which the snippets are run."""
    with contextlib.chdir(tmp_path):
        yield Home.open(tmp_path / "data")


def snippets(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run(snippet: str, home: Home) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(snippet.replace("/var/lib/customer-tiers/home", str(home.root)), names)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_whatever_opens_a_release_opens_it_read_only(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    opening = [
        *re.findall(r"duckdb\.connect\([^()]*?duckdb[^()]*\)", text),
        *re.findall(r"attach '[^']*duckdb'.{0,40}", text, re.IGNORECASE),
        *re.findall(r"^(?:\$ )?duckdb .*\.duckdb.*$", text, re.MULTILINE),
        *re.findall(r"^(?:\$ )?\.open .*$", text, re.MULTILINE),
    ]
    for way in opening:
        assert re.search(r"read_only|-readonly", way, re.IGNORECASE), way


def test_the_pages_do_open_releases() -> None:
    """So that the test above looks at something."""
    together = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert together.count("read_only") > 20


def test_python_and_private_data(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    refresh_id = published(home, 1)
    python = [item for item in snippets("python") if "sqlalchemy" not in item]
    assert len(python) == 2
    opened = [run(snippet, home)["connection"] for snippet in python]
    said = capsys.readouterr().out
    assert refresh_id in said
    assert "ann@example.org" in said
    with_private = opened[-1]
    with_private.execute("set search_path = 'warehouse.marts,private.marts'")
    assert with_private.execute(
        "select email from marts.customers_private"
    ).fetchall() == [("ann@example.org",)]
    (attach, whole) = snippets("sql")
    assert with_private.execute(whole).fetchall() == []
    for connection in opened:
        connection.close()
    with duckdb.connect() as connection:
        assert connection.execute(attach).fetchall() == [("C1",)]


def test_a_pool_gives_the_current_release(home: Home) -> None:
    first = published(home, 1)
    (snippet,) = [item for item in snippets("python") if "sqlalchemy" in item]
    engine = run(snippet, home)["engine"]

    def asked(connection: Any) -> str:
        found = connection.exec_driver_sql(
            "select refresh_id from meta.current_release"
        )
        return str(found.scalar())

    def now() -> str:
        with engine.connect() as connection:
            return asked(connection)

    assert now() == first
    with engine.connect() as held:
        assert asked(held) == first
        second = published(home, 2)
        assert [now(), now()] == [second, second]
        assert asked(held) == first
    assert now() == second
    promotion.rollback(home)
    assert now() == first
    engine.dispose()

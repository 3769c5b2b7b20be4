"""One morning by the docs alone: bi.md, serving.md and queries.md as they are written.

Their snippets are taken from the pages and run, with a publish between the first look and
the second. Charts in Superset are `test_superset`'s. The spreadsheet needs LibreOffice
(`apt-get install libreoffice-calc libreoffice-base libreoffice-sdbc-postgresql
python3-uno`) and is skipped where it is not.
"""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import sqlalchemy as sa

from pipeline.common.settings import PROJECT_ROOT
from tests.conftest import command, environment
from tests.integration import servers
from tests.integration.test_queries import QUESTIONS

pytestmark = pytest.mark.slow

DOCS = PROJECT_ROOT / "docs"
RELEASE = "select refresh_id from meta.current_release"
ORDERS = "select count(*), sum(net_amount) from marts.order_lines"
# What the pages call them.
THE_HOME = "/var/lib/customer-tiers/home"
THE_SHARE = "/srv/share"
THE_DATABASE = "db.example.com"
# A month end of the demonstration before its last one.
A_MONTH_BEFORE = "2013-12-31"


def snippets(page: str, language: str) -> list[str]:
    """The snippets of a page in a language."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def said_in(page: str, pattern: str) -> str:
    """What stands in the running text of a page, on one line."""
    text = " ".join((DOCS / page).read_text(encoding="utf-8").split())
    found = re.search(pattern, text)
    assert found is not None, f"{page} does not say {pattern} any more"
    return found[1]


@pytest.fixture(scope="module")
def company(company_sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two releases: of a month before, and of today."""
    home = tmp_path_factory.mktemp("morning") / "home"
    for options in (("--as-of", A_MONTH_BEFORE), ()):
        done = command(
            *("refresh", "--no-report", "--home", home, *options),
            CUSTOMER_TIERS_SOURCES=str(company_sources),
        )
        assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="module")
def server() -> Iterator[sa.URL]:
    with servers.postgresql() as url:
        yield url


# Behind the snippet with a pool: which release it reads, as often as it is asked.
LOOK = f"""
import sys

for _ in sys.stdin:
    with engine.connect() as connection:
        print(connection.exec_driver_sql("{RELEASE}").scalar(), flush=True)
"""


@dataclass
class Service:
    """A service that goes on reading while releases come and go."""

    process: subprocess.Popen[str]

    def release(self) -> str:
        """Which release it reads now."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        """Ends it."""
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0


@dataclass
class Desk:
    """The folder in which somebody works, with the home `data` and the program in reach."""

    folder: Path
    home: Path
    database: sa.URL
    settings: Mapping[str, str]

    @property
    def url(self) -> str:
        """The database, as its owner."""
        url = self.database.set(drivername="postgresql")
        return url.render_as_string(hide_password=False)

    def here(self, text: str) -> str:
        """A snippet with the names of this desk in the places of the page's."""
        text = text.replace(f"postgresql://exporter@{THE_DATABASE}/customers", self.url)
        return text.replace(THE_HOME, str(self.home)).replace(
            THE_SHARE, str(self.folder / "share")
        )

    def shell(self, snippet: str) -> str:
        """Runs a snippet of the shell; what it said."""
        done = subprocess.run(
            ["sh", "-e", "-c", self.here(snippet)],
            cwd=self.folder,
            env=environment(
                PATH=f"{self.folder / 'bin'}:{os.environ['PATH']}",
                PYTHONPATH=str(PROJECT_ROOT),
                **self.settings,
            ),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python(self, snippet: str) -> dict[str, Any]:
        """Runs a snippet of Python; the names that it leaves."""
        names: dict[str, Any] = {}
        exec(self.here(snippet), names)
        return names

    def start(self, snippet: str) -> Service:
        """Runs a snippet in a process of its own, that goes on to be asked."""
        return Service(
            subprocess.Popen(
                [sys.executable, "-c", self.here(snippet)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )

    def owner(self, statement: str) -> None:
        """Runs a statement as whoever owns the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def desk(
    company: Path,
    company_sources: Path,
    server: sa.URL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    name = f"customers_{uuid.uuid4().hex[:8]}"
    servers.Database("postgresql", server, "").autocommit(f"create database {name}")
    (tmp_path / "share").mkdir()
    (tmp_path / "data").symlink_to(company)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "customer-tiers"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipeline "$@"\n')
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    settings = {
        "CUSTOMER_TIERS_HOME": str(company),
        "CUSTOMER_TIERS_SOURCES": str(company_sources),
    }
    return Desk(tmp_path, company, server.set(database=name), settings)


def make_ann(desk: Desk) -> str:
    """Gives Ann the account of docs/bi.md; how she connects."""
    role = said_in("bi.md", r"`(create role ann login[^`]*in role analyst)`")
    desk.owner("drop role if exists ann")
    desk.owner(role.replace("'...'", "'secret'"))
    url = desk.database.set(drivername="postgresql", username="ann", password="secret")
    return url.render_as_string(hide_password=False)


def asked(connection: Any, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query, on either kind of database."""
    text = query.encode() if isinstance(connection, psycopg.Connection) else query
    rows: list[tuple[Any, ...]] = connection.execute(text).fetchall()
    return rows


def release(connection: Any) -> str:
    """Which release a connection reads, as docs/bi.md has it be asked."""
    ((found,),) = asked(connection, RELEASE)
    return str(found)


def test_a_morning_by_the_docs(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    before = desk.home.joinpath("current").resolve().name

    # The first queries, on the file.
    python = snippets("bi.md", "python")
    first, pool, private = python
    opened = desk.python(first)["connection"]
    assert before in capfd.readouterr().out
    (attach, of_one_piece) = snippets("bi.md", "sql")
    attached = duckdb.connect()
    assert len(attached.execute(attach).fetchall()) == 10
    (by_hand, bundles) = snippets("bi.md", "sh")
    if shutil.which("duckdb"):
        assert desk.shell(by_hand)
    service = desk.start(pool + LOOK)
    assert service.release() == before
    for number, question in QUESTIONS.items():
        assert opened.execute(question.right).fetchall(), number

    # Private data, for who may read it.
    with_private = desk.python(private)["connection"]
    assert "email" in capfd.readouterr().out
    assert with_private.execute(of_one_piece).fetchall() == []
    with_private.close()

    # The copies.
    copies = snippets("serving.md", "sh")[0]
    desk.shell(copies)
    desk.shell(bundles)
    assert (desk.folder / "tiers.zip").exists()
    file = desk.folder / "share" / "customers" / "warehouse.duckdb"
    of_file = duckdb.connect(str(file), read_only=True)
    parquet = (desk.folder / "share" / "parquet" / "current").resolve()
    assert parquet.name == before
    of_copy = desk.start(
        pool.replace(f"{THE_HOME}/current", f"{THE_SHARE}/customers") + LOOK
    )
    assert of_copy.release() == before
    ann = make_ann(desk)
    with (
        psycopg.connect(ann, autocommit=True) as as_ann,
        psycopg.connect(ann) as in_transaction,
    ):
        in_transaction.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        for reader in (of_file, as_ann, in_transaction):
            assert release(reader) == before
        refuses_what_is_private(as_ann, of_file, parquet)
        same_answers(as_ann, opened)

        # A publish, with the copies that serving.md has a refresh make.
        names = re.findall(r"CUSTOMER_TIERS_[A-Z_]+", serving_settings())
        share = desk.folder / "share"
        desk.settings = {
            **desk.settings,
            **dict(
                zip(
                    names,
                    (str(share / "customers"), str(share / "parquet"), desk.url),
                    strict=True,
                )
            ),
        }
        desk.shell("customer-tiers refresh --no-report")
        after = desk.home.joinpath("current").resolve().name
        assert after > before

        # Who was there stays with the old one, whole; who comes finds the new one.
        for reader in (opened, attached_as(attached), of_file, in_transaction):
            assert release(reader) == before
        assert asked(in_transaction, ORDERS) == asked(opened, ORDERS)
        in_transaction.rollback()
        for reader in (as_ann, in_transaction):
            assert release(reader) == after
        in_transaction.rollback()
        assert (service.release(), of_copy.release()) == (after, after)
        with duckdb.connect(str(file), read_only=True) as anew:
            assert release(anew) == after
            refuses_what_is_private(as_ann, anew, parquet)
        manifest = parquet.parent / "current" / "manifest.json"
        assert json.loads(manifest.read_text())["release"] == after
        assert (parquet / "manifest.json").exists()  # who is in it can finish
        desk.python(first)["connection"].close()
        assert after in capfd.readouterr().out
        now = desk.python(private)["connection"]
        assert release(now) == after
        same_answers(as_ann, now)
        now.close()
    assert after in desk.shell("customer-tiers status")
    for connection in (opened, attached, of_file):
        connection.close()
    service.close()
    of_copy.close()


def serving_settings() -> str:
    """The sentence of serving.md that says how every refresh makes the copies."""
    return said_in(
        "serving.md", r"\*\*In every refresh\*\*: set (.*?) where the refresh"
    )


def attached_as(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The connection in which the release is attached, with its names in reach."""
    connection.execute("use warehouse")
    return connection


def refuses_what_is_private(
    as_ann: psycopg.Connection[Any], copy: duckdb.DuckDBPyConnection, parquet: Path
) -> None:
    """Neither an analyst nor a copy has it."""
    with pytest.raises(psycopg.errors.UndefinedTable):
        asked(as_ann, "select * from marts.customers_private")
    for table in ("serving.loads", "serving.current"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            asked(as_ann, f"select * from {table}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        asked(as_ann, "create table marts.mine as select 1 as n")
    with pytest.raises(duckdb.CatalogException):
        asked(copy, "select * from marts.customers_private")
    assert not [path for path in parquet.rglob("*") if "private" in path.name]


def same_answers(
    as_ann: psycopg.Connection[Any], release_file: duckdb.DuckDBPyConnection
) -> None:
    """The questions of queries.md on PostgreSQL as on the release."""
    for number, question in QUESTIONS.items():
        there, here = asked(as_ann, question.right), asked(release_file, question.right)
        assert sorted(map(plain, there)) == sorted(map(plain, here)), number


def plain(row: tuple[Any, ...]) -> str:
    """A row as text in which both databases agree: numbers to six digits."""
    return repr(
        [
            f"{float(value):.6g}"
            if isinstance(value, int | float | Decimal)
            else value.date()
            if isinstance(value, dt.datetime)
            else value
            for value in row
        ]
    )


# The spreadsheet.


def without_calc_skip() -> tuple[str, str]:
    """LibreOffice and its Python; skips the test where they are not wholly there."""
    office, python = shutil.which("soffice"), shutil.which("python3", path="/usr/bin")
    program = Path("/usr/lib/libreoffice/program")
    parts = ("libpostgresql-sdbclo.so", "libdbaxmllo.so")
    if (
        office is None
        or python is None
        or not all((program / part).exists() for part in parts)
        or subprocess.run(
            [python, "-c", "import uno"], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip(
            "no LibreOffice with PostgreSQL here; apt-get install libreoffice-calc "
            "libreoffice-base libreoffice-sdbc-postgresql python3-uno brings it"
        )
    return office, python


@contextmanager
def calc(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """LibreOffice without a window, and its Python that works in it."""
    office, python = without_calc_skip()
    pipe = f"morning{uuid.uuid4().hex[:8]}"
    listening = subprocess.Popen(
        [
            *(office, "--headless", "--norestore", "--nologo"),
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            f"--accept=pipe,name={pipe};urp;",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    script = PROJECT_ROOT / "tests" / "integration" / "calc_pivot.py"
    working = subprocess.Popen(
        [python, str(script), pipe, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "USER": getpass.getuser()},
    )
    try:
        yield working
        assert working.stdin is not None
        working.stdin.close()
        assert working.wait(60) == 0
    finally:
        working.kill()
        working.wait()
        os.killpg(listening.pid, 9)
        listening.wait()


def do(working: subprocess.Popen[str], what: str, **options: str) -> Any:
    """Has the spreadsheet do something; what came of it."""
    assert working.stdin is not None
    assert working.stdout is not None
    working.stdin.write(json.dumps({"do": what, **options}) + "\n")
    working.stdin.flush()
    return json.loads(working.stdout.readline())


def sums(cells: list[list[Any]]) -> dict[tuple[dt.date, str], float]:
    """Month and tier → what the pivot table says, without its totals."""
    _, (_, *tiers), *months = cells
    return {
        (dt.date(1899, 12, 30) + dt.timedelta(days=month), tier): amount
        for month, *amounts in months
        for tier, amount in zip(tiers, amounts, strict=True)
        if not isinstance(month, str) and tier != "Total Result" and amount != ""
    }


def test_a_pivot_in_a_spreadsheet(desk: Desk, tmp_path: Path) -> None:
    """By the steps of bi.md, as an analyst; the menu's refresh finds what is published."""
    without_calc_skip()
    older, newer = sorted(path.name for path in (desk.home / "releases").iterdir())[:2]
    desk.settings = {**desk.settings, "CUSTOMER_TIERS_POSTGRES_URL": desk.url}
    desk.shell(f"customer-tiers export postgres --release {older}")
    ann = make_ann(desk)
    table = said_in("bi.md", r"\| LibreOffice Calc \|.*?table `(marts\.\w+)`")
    row, column, data = said_in(
        "bi.md",
        r"\| LibreOffice Calc \|.*?(`\w+` to the rows, `\w+` to the columns, `\w+` to)",
    ).split("`")[1::2]
    uri = f"host={desk.database.query['host']} dbname={desk.database.database}"
    query = f"select {row}, {column}, sum({data}) from {table} group by 1, 2"
    with calc(tmp_path) as working, psycopg.connect(ann, autocommit=True) as as_ann:
        found = do(working, "connect", uri=uri, user="ann", password="secret")
        assert table in found["found"]
        assert not [name for name in found["found"] if "private" in name]
        private = do(working, "query", sql="select * from marts.customers_private")
        assert "does not exist" in private["refused"]
        refused = do(working, "query", sql="select count(*) from serving.loads")
        assert "permission denied" in refused["refused"]
        shown = do(working, "pivot", table=table, row=row, column=column, data=data)
        first = sums(shown["found"])
        assert first == by_sql(as_ann, query)
        assert do(working, "query", sql=RELEASE)["found"] == older

        desk.shell(f"customer-tiers export postgres --release {newer}")
        second = sums(do(working, "refresh")["found"])
        assert second == by_sql(as_ann, query)
        assert len(second) > len(first)
        assert do(working, "query", sql=RELEASE)["found"] == newer
        do(working, "save", file=str(tmp_path / "tiers.ods"))
    assert (tmp_path / "tiers.ods").stat().st_size > 1000


def by_sql(connection: psycopg.Connection[Any], query: str) -> Any:
    """The same sums by SQL."""
    return {
        (month, tier): pytest.approx(float(amount))
        for month, tier, amount in asked(connection, query)
        if amount is not None
    }

"""Forgetting a customer: nothing of him is left, and nobody's figures change."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
import signal
import sqlite3
import subprocess
import zipfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.common.errors import ConfigurationError, SourceUnavailable
from pipeline.common.files import read_json, sha256
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.forget import proof, released, run
from pipeline.forget.subject import Subject, Value
from pipeline.gates import data_docs, judgement
from pipeline.identity import memory
from pipeline.journal import attempts, evidence
from pipeline.journal.evidence import Check, Evidence
from pipeline.landing import compaction
from pipeline.landing.batches import Batch
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import land
from pipeline.landing.store import BatchStore
from pipeline.release import (
    candidates,
    catalogue,
    duckdb_files,
    layout,
    promotion,
    sealing,
    verification,
)
from pipeline.sources import Personal, SourcesFile, load_sources, open_reader
from pipeline.suppression.suppression_list import (
    Suppression,
    anonymised,
    key_text,
    new_pseudonym,
)
from tests.unit import support
from tests.unit.support import store_of

NOW = dt.datetime(2014, 2, 1, 5, tzinfo=dt.UTC)
GATES = evidence.required_gates(["shop", "crm"])
DAY = dt.date(2014, 1, 31)

SOURCES = """
version: 1
sources:
  - name: shop
    kind: files
    path: inbox
    provides: [customers, order_lines, products]
    entities:
      customers:
        files: customers.csv
        key: [id]
        load: snapshot
        settle_seconds: 0
        personal:
          customer: id
          rows: drop
          columns: [name, email, phone, city]
          common: [city]
      orders:
        files: orders*.csv
        key: [order_id]
        settle_seconds: 0
        max_quarantined: 1
        personal: {customer: customer, columns: [ship_to]}
      products: {files: products.csv, key: [id], settle_seconds: 0, personal: none}
  - name: crm
    kind: database
    url: sqlite:///${CRM}
    provides: [customers]
    entities:
      accounts:
        key: [id]
        cursor: {column: changed, overlap: "0"}
        sweep_days: 1
        personal:
          customer: id
          columns: [name, email]
          references: {shop_id: shop}
      visits:
        key: [id]
        load: snapshot
        personal: {customer: account, columns: [report], common: [report]}
"""
# Ann is the one to go; the telephone is her neighbour's too.
ANN = "shop:A100-77"
FILES = {
    "customers.csv": "id,name,email,phone,city\n"
    "A100-77,Ann Zwilling,Ann.Z@example.org,+49 30 1234567,Berlin\n"
    "B200-77,Bert Brot,bert@example.org,+49 30 1234567,Berlin\n",
    "orders_1.csv": "order_id,customer,amount,ship_to,note\n"
    "o1,A100-77,10.50,Ann Zwilling,for Ann Zwilling\n"
    "o2,B200-77,20.25,Bert Brot,as ann.z@example.org wished\n"
    "o3,A100-77,for Ann Zwilling\n"
    "o4,B200-77,broken\n",
    "orders_2.csv": "order_id,customer,amount,ship_to,note\n"
    "o5,A100-77,0.25,,\n"
    "o6,B200-77,1.00,,\n",
    "products.csv": "id,name\np1,Zwilling knife\n",
}
ACCOUNTS = [
    (17850, "Ann Zwilling", "ann.z@example.org", "A100-77", 1),
    (17851, "Bert Brot", "bert@example.org", "B200-77", 2),
]
VISITS = [(1, 17850, "Ann was not in", 30), (2, 17851, "sold a knife", 45)]
# What is hers and nobody else's, in any case and wherever it stands.
HERS = ("ann zwilling", "ann.z@example.org", "a100-77")


class Company:
    """A home with landed sources, two releases, and all that is written on the way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home.open(folder / "home")
        self.inbox = folder / "inbox"
        self.crm = folder / "crm.sqlite"

    @property
    def sources(self) -> SourcesFile:
        settings = Settings(
            self.home.root,
            self.folder / "sources.yaml",
            environment={"CRM": str(self.crm)},
        )
        return load_sources(settings)

    def set_up(self) -> Company:
        self.inbox.mkdir()
        (self.folder / "sources.yaml").write_text(SOURCES)
        for name, text in FILES.items():
            (self.inbox / name).write_text(text)
        with closing(sqlite3.connect(self.crm)) as crm:
            crm.execute(
                "create table accounts (id integer primary key, name text, email text, "
                "shop_id text, changed integer)"
            )
            crm.execute(
                "create table visits (id integer primary key, account integer, "
                "report text, minutes integer)"
            )
            crm.executemany("insert into accounts values (?, ?, ?, ?, ?)", ACCOUNTS)
            crm.executemany("insert into visits values (?, ?, ?, ?)", VISITS)
            crm.commit()
        self.land()
        # They were two customers before they became one, and what is private had no file
        # of its own then.
        self.publish(
            {"C1": [("shop", "A100-77")], "C9": [("crm", "17850")]}, apart=False
        )
        self.publish({"C1": [("shop", "A100-77"), ("crm", "17850")]})
        self.write_about_her()
        return self

    def land(self, *, now: dt.datetime = NOW, full: bool = False) -> list[Batch]:
        landed = []
        for source in self.sources.sources:
            with open_reader(source) as reader:
                for entity in source.entities.values():
                    batches = land(
                        LandedEntity(self.home, source.name, entity),
                        reader,
                        now=now,
                        full=full,
                    ).batches
                    for batch in batches:
                        store_of(self.home, batch).accept(batch)
                    landed += batches
        return landed

    def publish(
        self, ann: dict[str, list[tuple[str, str]]], *, apart: bool = True
    ) -> None:
        candidate = candidates.open_candidate(
            self.home,
            run_id="run",
            as_of_date=DAY,
            time_zone="UTC",
            reporting_currency="EUR",
        )
        customers = {
            **ann,
            "C2": [("shop", "B200-77"), ("crm", "17851")],
        }
        with duckdb.connect(str(candidate.warehouse_file)) as connection:
            make_release(connection, customers)
            if apart:
                move_private(connection, candidate.private_file)
        for gate in GATES:
            check = Check(
                gate=gate,
                subject="landing/shop/customers",
                name="unique(id)",
                severity="warning",
                outcome="failed",
                observed="such as id=17850",
                examples=[
                    {"id": "A100-77", "_row_number": 1},
                    {"id": 17850, "name": "Ann Zwilling"},
                ],
            )
            found = Evidence(gate, candidate.refresh_id, 1, [check])
            evidence.save(candidate.evidence_folder, found)
            data_docs.show(self.home, candidate, found)
        sealing.seal(candidate, GATES)
        promotion.promote(self.home, candidate.refresh_id, GATES)
        attempts.end(self.home, candidate.refresh_id, "published")

    def write_about_her(self) -> None:
        home = self.home
        begun = candidates.open_candidate(
            home,
            run_id="run",
            as_of_date=DAY,
            time_zone="UTC",
            reporting_currency="EUR",
        )
        write(begun.path / "profile.json", "Ann Zwilling")
        refused = Check(
            "out",
            "marts.t",
            "n",
            "critical",
            "failed",
            observed="such as id=17850",
            examples=[{"id": 17850, "name": "Ann Zwilling"}],
        )
        found = Evidence("out", begun.refresh_id, 1, [refused])
        evidence.save(begun.evidence_folder, found)
        data_docs.show(home, begun, found)
        attempts.end(
            home, begun.refresh_id, "refused", "gate in: such as id=17850, id=A100-77"
        )
        write(home.logs / "refresh.log", "ann.z@example.org\nbert@example.org\n")
        write(home.exports / "all.csv.gz", gzip.compress(b"x,ANN.Z@EXAMPLE.ORG\n"))
        write(home.exports / "bert.csv", "Bert Brot\n")
        (newest, *_) = catalogue.releases(home)
        write(newest.path / "reports" / "own.html", "<p>Ann Zwilling</p>")
        # A killed process was writing these.
        write(home.receipts / ".f000009.json.partial", "Ann Zwilling")
        for file in layout.DATABASES.values():
            write(newest.path / f".{file}.partial", "Ann Zwilling")
        there = memory.folder(home)
        there.mkdir()
        with duckdb.connect() as connection:
            for name, kept in memory.KEPT.items():
                columns = ", ".join(f"{a} {b}" for a, b in kept.columns.items())
                connection.execute(f"create table {name} ({columns})")
            connection.execute(
                "insert into kept_forms by name from (values "
                "('shop', 'A100-77', 'ann.z@example.org', 'zwilling ann'), "
                "('shop', 'B200-77', 'bert@example.org', 'brot bert')) "
                "as t (source, source_customer_id, email_key, name_key);"
                "insert into kept_prints by name from (values "
                "('crm', '17850', 1::ubigint), ('crm', '17851', 2::ubigint)) "
                "as t (source, source_customer_id, print);"
                "insert into kept_scores by name from (values "
                "('shop', 'B200-77', 'crm', '17850'), ('shop', 'B200-77', 'crm', '17851'))"
                " as t (left_source, left_customer_id, right_source, right_customer_id)"
            )
            for name in memory.KEPT:
                connection.execute(
                    f"copy {name} to '{there}/{name}.parquet' (format parquet)"
                )
        database = home.dagster / "history" / "runs" / "index.db"
        database.parent.mkdir(parents=True)
        with closing(sqlite3.connect(database)) as events:
            events.execute("pragma journal_mode = wal")
            events.execute(
                "create table event_logs (id integer primary key, event text)"
            )
            for _ in range(3):
                # Longer than a page of the file, so that it is spread over several.
                said = {"note": "x" * 4090 + "such as id=A100-77, id=17850", "n": 17850}
                events.execute(
                    "insert into event_logs (event) values (?)", [json.dumps(said)]
                )
            events.execute("delete from event_logs where id = 3")
            events.commit()

    def forget(self, customer: str = ANN, **options: Any) -> run.Receipt:
        return run.forget(self.home, self.sources, customer, **options)

    def rows(self, source: str, entity: str) -> list[dict[str, Any]]:
        """The landed rows, by batch and place."""
        found: list[dict[str, Any]] = []
        for batch in BatchStore(self.home, source, entity).batches("accepted"):
            path = store_of(self.home, batch).data_file(batch)
            found += pq.read_table(path).to_pylist() if path.exists() else []
        return found

    def totals(self) -> list[tuple[Any, ...]]:
        """The money of each kept release, by customer type."""
        found = []
        for item in sorted(self.home.releases.glob("r*/warehouse.duckdb")):
            with duckdb.connect(str(item), read_only=True) as connection:
                found += connection.execute(
                    "select customer_type, sum(net_amount), count(*) "
                    "from marts.order_lines inner join marts.customers "
                    "using (customer_id) group by all order by all"
                ).fetchall()
        return found


def make_release(
    connection: duckdb.DuckDBPyConnection,
    customers: dict[str, list[tuple[str, str]]],
) -> None:
    """Small tables with the names, constraints and comments of real ones."""
    connection.execute(
        """
        create schema marts; create schema meta;
        create table marts.customers (customer_id varchar not null,
            customer_name varchar not null, customer_type varchar not null,
            ultimate_parent_customer_id varchar not null, city varchar, source_count int);
        create table marts.customers_private (customer_id varchar not null,
            customer_type varchar not null, customer_name varchar, email varchar,
            birth_date date);
        create table marts.customer_source_keys (source varchar not null,
            source_customer_id varchar not null, customer_id varchar not null);
        create table marts.contacts (customer_id varchar, contact_name varchar);
        create table marts.leads (customer_id varchar, matched_customer_id varchar,
            lead_name varchar, amount decimal(18, 4));
        create table marts.order_lines (order_id varchar not null,
            customer_id varchar not null, net_amount decimal(18, 4) not null);
        create table meta.customer_registry (source varchar not null,
            source_customer_id varchar not null, customer_id varchar not null);
        create table meta.match_candidates (left_source varchar,
            left_customer_id varchar, right_source varchar, right_customer_id varchar);
        create table meta.check_results (observed varchar, examples varchar);
        create table meta.quarantine (text varchar, reason varchar);
        comment on table marts.customers is 'One row per customer.';
        comment on column marts.customers.city is 'City.';
        """
    )
    for customer_id, keys in customers.items():
        name = "Bert Brot" if customer_id == "C2" else "Ann Zwilling"
        mail = "bert@example.org" if customer_id == "C2" else "ann.z@example.org"
        connection.execute(
            "insert into marts.customers values (?, ?, 'person', ?, 'Berlin', 1);",
            [customer_id, name, customer_id],
        )
        connection.execute(
            "insert into marts.customers_private values "
            "(?, 'person', ?, ?, date '1980-01-31')",
            [customer_id, name, mail],
        )
        for table in ("marts.contacts", "marts.leads"):
            connection.execute(
                f"insert into {table} by name select ? as customer_id, "
                f"? as {'lead' if table.endswith('leads') else 'contact'}_name",
                [customer_id, name],
            )
        # One that only seems to be theirs, under another spelling.
        connection.execute(
            "insert into marts.leads by name "
            "select ? as matched_customer_id, 'Spelt otherwise' as lead_name",
            [customer_id],
        )
        for source, key in keys:
            for table in ("marts.customer_source_keys", "meta.customer_registry"):
                connection.execute(
                    f"insert into {table} values (?, ?, ?)", [source, key, customer_id]
                )
    connection.execute(
        """
        insert into marts.order_lines values ('shop:o2', 'C2', 20.25),
            ('shop:o1', 'C1', 10.50), ('shop:o6', 'C2', 1), ('shop:o5', 'C1', 0.25);
        insert into meta.match_candidates values ('crm', '17850', 'crm', '17851'),
            ('shop', 'B200-77', 'crm', '17851');
        insert into meta.check_results values ('such as id=17850',
            '[{"id": 17850, "name": "ANN ZWILLING"}, {"id": 17851}]');
        create table meta.check_history as from meta.check_results;
        insert into meta.quarantine values ('o3,A100-77,for Ann Zwilling', '3 columns');
        """
    )


def move_private(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Lays what is private out in its own file, with constraints, as a refresh does."""
    connection.execute(
        f"""
        attach '{file}' as private;
        create schema private.marts; create schema private.meta;
        create table private.marts.customers_private (customer_id varchar not null,
            customer_type varchar not null, customer_name varchar, email varchar,
            birth_date date);
        insert into private.marts.customers_private from marts.customers_private;
        drop table marts.customers_private;
        create table private.meta.quarantined_lines as select text from meta.quarantine;
        alter table meta.quarantine drop column text;
        create table meta.current_release (refresh_id varchar, rewritten_at timestamp);
        insert into meta.current_release values ('r000002-20140131', null);
        create table private.meta.current_release as from meta.current_release;
        checkpoint; checkpoint private; detach private
        """
    )


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def traces_of_ann(home: Home) -> list[str]:
    """Where she still stands, found by other means than those of the program."""
    return [
        f"{path.relative_to(home.root)}: {item}"
        for path in sorted(home.root.rglob("*"))
        if path.is_file() and not path.is_symlink()
        for item in support.found_in(path, HERS)
    ]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    Company(folder).set_up()
    return folder


@pytest.fixture
def company(template: Path, tmp_path: Path) -> Company:
    shutil.copytree(template, tmp_path / "company", symlinks=True)
    return Company(tmp_path / "company")


@pytest.fixture(scope="module")
def done(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("done") / "company"
    shutil.copytree(template, folder, symlinks=True)
    assert Company(folder).forget().found == 0
    return folder


@pytest.fixture
def forgotten(done: Path, tmp_path: Path) -> Company:
    """The company of which she has been forgotten."""
    shutil.copytree(done, tmp_path / "forgotten", symlinks=True)
    return Company(tmp_path / "forgotten")


def test_she_stands_in_every_room_before(company: Company) -> None:
    """So that the other tests prove something."""
    rooms = {item.split("/")[0] for item in traces_of_ann(company.home)}
    assert rooms >= {
        "landing",
        "quarantine",
        "candidates",
        "identity",
        "releases",
        "exports",
        "logs",
        "dagster",
    }


@pytest.mark.parametrize("customer", [ANN, "crm:17850", "C1"])
def test_nothing_is_left_and_the_money_stays(company: Company, customer: str) -> None:
    before = company.totals()
    receipt = company.forget(customer)
    assert (receipt.found, receipt.left) == (0, [])
    assert run.problem_of(receipt) is None
    assert traces_of_ann(company.home) == []
    assert company.totals() == before
    assert receipt.records == {"crm": 1, "shop": 1}
    assert receipt.releases == ["r000002-20140131", "r000001-20140131"]
    assert receipt.exports_removed == ["exports/all.csv.gz"]
    assert receipt.files > 20
    assert receipt.looked_for["shop.customers.email"] == 1
    why = {item.label: item.why for item in receipt.not_looked_for}
    assert "others have it too" in why["shop.customers.phone"]
    assert "columns of keys" in why["crm: key"]
    record = read_json(company.home.receipts / "f000001.json")
    assert record["found"] == 0
    assert sorted(path.name for path in company.home.forgotten.iterdir()) == [
        "list.json"
    ]
    assert not list(company.home.candidates.iterdir())
    assert (company.home.exports / "bert.csv").read_text() == "Bert Brot\n"
    assert (company.home.logs / "refresh.log").read_text() == (
        "[forgotten]\nbert@example.org\n"
    )


def test_landed_rows(template: Path, forgotten: Company) -> None:
    """Hers are gone or under a key that leads nowhere; the others are as they were."""
    before, company = Company(template), forgotten
    orders, accounts = before.rows("shop", "orders"), before.rows("crm", "accounts")
    suppression = Suppression.load(company.home)
    shop, crm = (
        suppression.pseudonym(*key) for key in (("shop", "A100-77"), ("crm", "17850"))
    )
    assert shop is not None
    assert crm is not None
    assert [row["id"] for row in company.rows("shop", "customers")] == ["B200-77"]
    after = company.rows("shop", "orders")
    assert after[0] == orders[0] | {
        "customer": shop,
        "ship_to": None,
        "note": "for [forgotten]",
    }
    assert after[1] == orders[1] | {"note": "as [forgotten] wished"}
    assert after[2] == orders[2] | {"customer": shop, "ship_to": None}
    assert after[3] == orders[3]
    # A key that is a whole number is one still, and what refers to it goes along.
    ann, bert = company.rows("crm", "accounts")
    assert ann == accounts[0] | {
        "id": int(crm),
        "name": None,
        "email": None,
        "shop_id": shop,
    }
    assert bert == accounts[1]
    assert int(crm) < 0
    assert [row["account"] for row in company.rows("crm", "visits")] == [
        int(crm),
        17851,
    ]
    assert company.rows("shop", "products")[0]["name"] == "Zwilling knife"


def test_rows_are_accounted_for_and_batches_keep_their_identity(
    template: Path, forgotten: Company
) -> None:
    def uncounted(batch: Batch) -> Batch:
        return replace(
            batch,
            rows_landed=0,
            rows_quarantined=0,
            rows_forgotten=0,
            data_sha256=None,
        )

    def batches(company: Company) -> list[Batch]:
        return [
            batch
            for source in company.sources.sources
            for name in source.entities
            for batch in BatchStore(company.home, source.name, name).batches("accepted")
        ]

    before, company = batches(Company(template)), forgotten
    after = batches(company)
    assert list(map(uncounted, after)) == list(map(uncounted, before))
    for batch in after:
        counted = (batch.rows_landed, batch.rows_quarantined)
        assert store_of(company.home, batch).counted_rows(batch) == counted
        assert batch.rows_read == sum(counted) + batch.rows_forgotten
        file = store_of(company.home, batch).data_file(batch)
        assert batch.data_sha256 == (sha256(file) if file.exists() else None)
    rows_forgotten = {
        f"{batch.source}.{batch.entity}": batch.rows_forgotten
        for batch in after
        if batch.rows_forgotten
    }
    assert rows_forgotten == {"shop.customers": 1, "shop.orders": 1}
    (path,) = (company.home.quarantine / "shop" / "orders").iterdir()
    assert pq.read_table(path)["text"].to_pylist() == ["o4,B200-77,broken"]


def test_the_releases(template: Path, forgotten: Company) -> None:
    with_ids = []
    company, kept_before = forgotten, catalogue.releases(Company(template).home)
    before = {item.refresh_id: item for item in kept_before}
    for item in catalogue.releases(company.home):
        assert verification.verify(item.path, GATES) == []
        record = read_json(item.path / "release.json")
        assert [entry["receipt"] for entry in record["rewritten"]] == ["f000001"]
        assert "incoming" not in record
        assert item.is_current == before[item.refresh_id].is_current
        for gate in record["evidence"]:
            (check,) = gate["checks"]
            assert check["examples"][1]["name"] == "[forgotten]"
            assert check["observed"].startswith("such as id=-")
        with duckdb_files.open_release(item.path) as c:
            if (item.path / layout.PRIVATE).exists():
                c.execute("set search_path = 'warehouse.marts,private.marts'")
                asked_at = dt.datetime.fromisoformat(record["rewritten"][0]["at"])
                assert c.execute(
                    "select rewritten_at from meta.current_release "
                    "union select rewritten_at from private.meta.current_release"
                ).fetchall() == [(asked_at.replace(tzinfo=None),)]
            with_ids.append(
                c.execute(
                    "select customer_id, customer_name, city from marts.customers "
                    "where customer_id <> 'C2' order by all"
                ).fetchall()
            )
            assert c.execute(
                "select distinct customer_name, email, birth_date "
                "from marts.customers_private where customer_id <> 'C2'"
            ).fetchall() == [("forgotten", None, None)]
            assert c.execute("from marts.contacts").fetchall() == [("C2", "Bert Brot")]
            assert c.execute(
                "select count(*), count(lead_name) from marts.leads"
            ).fetchone() == (
                2 * (len(with_ids[-1]) + 1),
                2,
            )
            assert c.execute(
                "select count(*) from meta.match_candidates"
            ).fetchone() == (1,)
            # The order of rows, constraints and comments are what they were.
            assert [
                row[0]
                for row in c.execute(
                    "select order_id from marts.order_lines"
                ).fetchall()
            ] == ["shop:o2", "shop:o1", "shop:o6", "shop:o5"]
            assert c.execute(
                "select count(*) from duckdb_constraints()"
            ).fetchone() == (15,)
            assert c.execute(
                "select comment from duckdb_columns() where comment is not null"
            ).fetchall() == [("City.",)]
            assert not {"C1", "C9"} & {
                row[0]
                for row in c.execute(
                    "select customer_id from meta.customer_registry union "
                    "select customer_id from marts.order_lines union "
                    "select ultimate_parent_customer_id from marts.customers"
                ).fetchall()
            }
            assert (
                c.execute("from meta.check_history").fetchall()
                == c.execute("from meta.check_results").fetchall()
            )
        pages = item.path / layout.DATA_DOCS
        assert (
            "[forgotten]" in (pages / "in.shop.landing.shop.customers.html").read_text()
        )
        assert data_docs.address(company.home, item.refresh_id) is not None
    # What was found in the attempt that was refused is still on record, without her.
    (kept,) = company.home.evidence.iterdir()
    (check,) = read_json(kept)["evidence"][0]["checks"]
    assert check["examples"][0]["name"] == "[forgotten]"
    assert check["observed"].startswith("such as id=-")
    newest, oldest = with_ids
    assert len(newest) == 1
    assert len(oldest) == 2
    assert newest[0] in oldest
    assert {row[1:] for row in oldest} == {("forgotten", None)}


def test_what_others_have_stays(forgotten: Company) -> None:
    company = forgotten
    database = company.home.dagster / "history" / "runs" / "index.db"
    with closing(sqlite3.connect(database)) as events:
        (first, _) = events.execute("select event from event_logs").fetchall()
    record = json.loads(first[0])
    assert record["n"] == 17850, "a number in JSON is nobody's"
    assert record["note"].endswith("id=17850") is False
    for name, rows in {"kept_forms": 1, "kept_prints": 1, "kept_scores": 1}.items():
        path = memory.folder(company.home) / f"{name}.parquet"
        assert pq.read_metadata(path).num_rows == rows


def test_the_same_files_do_not_land_again(forgotten: Company) -> None:
    company = forgotten
    # The day's sweep of the CRM's keys finds that nothing is gone.
    assert company.land() == []
    assert [batch for batch in company.land(full=True) if batch.rows_read] == []


@pytest.mark.parametrize("full", [False, True])
def test_a_new_read_does_not_bring_her_back(forgotten: Company, full: bool) -> None:
    company = forgotten
    write(company.inbox / "customers.csv", FILES["customers.csv"] + "C300-77,Cy,,,\n")
    write(
        company.inbox / "orders_3.csv",
        "order_id,customer,amount,ship_to,note\n"
        "o7,A100-77,5,Ann Zwilling,\no8,C300-77,7,,\no9,A100-77,Ann\n",
    )
    with closing(sqlite3.connect(company.crm)) as crm:
        crm.execute("update accounts set changed = 3, name = 'Ann Z.' where id = 17850")
        crm.execute("insert into visits values (3, 17850, 'at home', 5)")
        crm.commit()
    landed = company.land(now=NOW + dt.timedelta(days=2), full=full)
    for batch in landed:
        counted = (batch.rows_landed, batch.rows_quarantined)
        assert store_of(company.home, batch).counted_rows(batch) == counted
        assert batch.rows_read == sum(counted) + batch.rows_forgotten
    assert {
        f"{batch.source}.{batch.entity}": batch.rows_forgotten
        for batch in landed
        if batch.content == "rows"
    } == {"shop.customers": 1, "shop.orders": 1, "crm.accounts": 0, "crm.visits": 0}
    shop = Suppression.load(company.home).pseudonym("shop", "A100-77")
    crm_key = int(Suppression.load(company.home).pseudonym("crm", "17850") or 0)
    orders = company.rows("shop", "orders")
    assert [row["customer"] for row in orders if row["order_id"] == "o7"] == [shop]
    assert {row["name"] for row in company.rows("crm", "accounts")} == {
        None,
        "Bert Brot",
    }
    assert (
        company.rows("crm", "visits")[-1] | {"account": crm_key, "report": None}
        == (company.rows("crm", "visits")[-1])
    )
    # Nobody is taken for deleted in the CRM, because her key is not the landed one.
    assert not any(row["_deleted"] for row in company.rows("crm", "accounts"))
    assert traces_of_ann(company.home) == []


def test_that_she_is_deleted_in_the_source_deletes_nobody_else(
    forgotten: Company,
) -> None:
    company = forgotten
    with closing(sqlite3.connect(company.crm)) as crm:
        crm.execute("delete from accounts where id = 17850")
        crm.commit()
    company.land(now=NOW + dt.timedelta(days=2))
    deleted = [row["id"] for row in company.rows("crm", "accounts") if row["_deleted"]]
    assert deleted == [
        int(Suppression.load(company.home).pseudonym("crm", "17850") or 0)
    ]
    assert traces_of_ann(company.home) == []


SUITE = """
from expectations.vocabulary import without_nulls

def accounts(sample):
    return [without_nulls("name", why="nobody can act on a customer without a name")]

SUITES = {"accounts": accounts}
"""


def test_what_is_forgotten_need_not_meet_anything(forgotten: Company) -> None:
    company = forgotten
    write(company.folder / "expectations" / "landing" / "crm.py", SUITE)
    (source,) = (item for item in company.sources.sources if item.name == "crm")
    for changed, empty in ((3, "17850"), (4, "17851")):
        with closing(sqlite3.connect(company.crm)) as crm:
            crm.execute("update accounts set changed = ?", [changed])
            crm.execute("update accounts set name = null where id = ?", [empty])
            crm.commit()
        with open_reader(source) as reader:
            land(
                LandedEntity(company.home, "crm", source.entities["accounts"]),
                reader,
                now=NOW,
            )
        candidate = candidates.open_candidate(
            company.home,
            run_id="run",
            as_of_date=DAY,
            time_zone="UTC",
            reporting_currency="EUR",
        )
        found = judgement.gate_in(
            company.home, candidate, source, company.folder / "expectations"
        )
        if empty == "17850":
            assert found.problems() == []
        else:
            (problem,) = found.problems()
            assert "not_be_null(name) failed; 1 rows" in problem


def test_nothing_lands_where_she_could_not_be_recognised(forgotten: Company) -> None:
    company = forgotten
    (company.inbox / "customers.csv").write_text("number,name\nA100-77,Ann Zwilling\n")
    with pytest.raises(SourceUnavailable, match="no column id, by which"):
        company.land()
    (company.inbox / "customers.csv").write_text(FILES["customers.csv"])
    path = company.folder / "sources.yaml"
    path.write_text(path.read_text().replace(", personal: none", ""))
    with pytest.raises(ConfigurationError, match=r"where shop\.products holds"):
        company.land()
    assert traces_of_ann(company.home) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (", personal: none", "", r"does not say where shop\.products"),
        ("columns: [ship_to]", "columns: [shipto]", "no column shipto"),
        ("      products: {files", "      wares: {files", "no longer describes"),
        (
            "customer: id\n          columns",
            "customer: changed\n          columns",
            r"Of crm\.accounts\.changed no value is the key of a customer of crm",
        ),
        ("key: [order_id]", "key: [note]", r"shop\.orders\.note tells rows apart"),
    ],
)
def test_refused_before_anything_is_changed(
    company: Company, old: str, new: str, words: str
) -> None:
    path = company.folder / "sources.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    before = traces_of_ann(company.home)
    with pytest.raises(ConfigurationError, match=words):
        company.forget()
    assert traces_of_ann(company.home) == before
    assert not company.home.forgotten.exists()


@pytest.mark.parametrize("customer", ["C77", "shop:nobody", "nowhere:1", "shop:"])
def test_an_unknown_customer(company: Company, customer: str) -> None:
    with pytest.raises(ConfigurationError):
        company.forget(customer)
    assert not company.home.forgotten.exists()


def test_what_would_name_her_again_is_refused(company: Company) -> None:
    with pytest.raises(ConfigurationError, match="The reason names the customer"):
        company.forget(reason="Ann Zwilling wrote")
    seeds = company.folder / "seeds"
    write(seeds / "match_decisions.csv", "left_source,left_customer_id\ncrm,17850\n")
    with pytest.raises(ConfigurationError, match="line 2 names the customer"):
        company.forget(seeds=seeds)
    write(seeds / "match_decisions.csv", "left_source,left_customer_id\nshop,17850\n")
    assert company.forget(seeds=seeds).found == 0


def test_twice_is_once(forgotten: Company) -> None:
    company = forgotten
    with pytest.raises(ConfigurationError, match=r"was forgotten on .*f000001"):
        company.forget()
    suppression = Suppression.load(company.home)
    with pytest.raises(ConfigurationError, match="forgotten already"):
        company.forget(f"shop:{suppression.pseudonyms('shop')[0]}")
    bert = company.forget("shop:B200-77")
    assert (bert.receipt, bert.found) == ("f000002", 0)
    entries = Suppression.load(company.home).entries
    assert [entry.receipt for entry in entries] == ["f000001"] * 2 + ["f000002"] * 2
    assert len({entry.pseudonym for entry in entries}) == 4
    assert "A100" not in Suppression.path(company.home).read_text()


def test_an_id_that_is_somebody_elses_by_now_stays_his(company: Company) -> None:
    """Once Bert's record was taken for one of hers."""
    company.publish({"C5": [("shop", "A100-77"), ("shop", "B200-77")], "C9": []})
    company.publish({"C1": [("shop", "A100-77")], "C5": [("shop", "B200-77")]})
    company.forget()
    (_, mixed, *_) = catalogue.releases(company.home)
    with duckdb.connect(str(mixed.path / "warehouse.duckdb"), read_only=True) as c:
        found = c.execute(
            "select customer_id, customer_name, city from marts.customers "
            "where customer_id = 'C5'"
        ).fetchall()
    assert found == [("C5", "forgotten", None)]


def test_plan_changes_nothing(company: Company) -> None:
    before = {
        p: p.stat().st_mtime_ns for p in company.home.root.rglob("*") if p.is_file()
    }
    found = run.plan(company.home, company.sources, ANN)
    assert found.records == {"crm": 1, "shop": 1}
    assert list(found.releases) == ["r000002-20140131", "r000001-20140131"]
    assert {(place.entity, place.rows, place.texts) for place in found.places} == {
        ("customers", 1, 0),
        ("orders", 3, 0),
        ("accounts", 1, 0),
        ("visits", 1, 0),
    }
    after = {
        p: p.stat().st_mtime_ns for p in company.home.root.rglob("*") if p.is_file()
    }
    assert after == before


def test_she_goes_from_packs_too(company: Company) -> None:
    """Her rows lie in one file with those of others, before and after she is gone."""
    for number in range(3, 7):
        (company.inbox / f"orders_{number}.csv").write_text(
            "order_id,customer,amount,ship_to,note\n"
            f"o{number}a,A100-77,1.00,Ann Zwilling,for Ann Zwilling\n"
            f"o{number}b,B200-77,1.00,Bert Brot,for Bert Brot\n"
            f"o{number}c,A100-77,for Ann Zwilling\n"
        )
    company.land()
    (packing,) = compaction.plan(company.home, least_files=5, small_bytes=2**30)
    made = compaction.pack(company.home, packing)
    assert [batch.rows_landed for batch, _ in made.entries] == [2, 2, 2, 2, 2]
    money = company.totals()
    receipt = company.forget()
    assert receipt.found == 0
    assert traces_of_ann(company.home) == []
    assert company.totals() == money
    (pack,) = BatchStore(company.home, "shop", "orders").packs()
    assert pack.name == made.name
    said = [(batch.rows_landed, batch.rows_quarantined) for batch, _ in pack.entries]
    assert said == [(2, 1), (2, 0), (2, 0), (2, 0), (2, 0)]
    for batch, _ in pack.entries:
        counted = store_of(company.home, batch).counted_rows(batch)
        assert counted == (batch.rows_landed, batch.rows_quarantined)
        his = [
            row
            for rows in store_of(company.home, batch).record_batches(batch)
            for row in rows.column("ship_to").to_pylist()
        ]
        assert "Ann Zwilling" not in his
    assert company.land() == []


def test_what_is_left_is_reported_and_searched_again(company: Company) -> None:
    """A file that nobody knows: it is not touched, and the forgetting is not done."""
    strange = company.home.root / "notes.txt"
    strange.write_text("Ann Zwilling called")
    receipt = company.forget()
    assert [(item.file, item.label) for item in receipt.left] == [
        ("notes.txt", "shop.customers.name")
    ]
    problem = run.problem_of(receipt)
    assert problem is not None
    assert problem.exit_code == 1
    assert "notes.txt" in str(problem)
    assert "Zwilling" not in str(problem)
    assert (company.home.forgotten / "f000001.json").exists()
    strange.unlink()
    assert company.forget("C1").found == 0
    assert traces_of_ann(company.home) == []


def test_a_refresh_finishes_what_was_interrupted(company: Company) -> None:
    """But for the proof and Dagster's storage, which it uses itself."""
    (company.home.root / "notes.txt").write_text("Ann Zwilling")
    company.forget()
    shutil.copytree(company.home.forgotten, company.folder / "kept")
    shutil.rmtree(company.home.root)
    again = Company(company.folder / "again")
    again.set_up()
    shutil.copytree(company.folder / "kept", again.home.forgotten)
    run.go_on(again.home)
    rooms = {item.split("/")[0] for item in traces_of_ann(again.home)}
    assert rooms == {"dagster", "forgotten"}
    assert again.forget().found == 0
    assert traces_of_ann(again.home) == []


READER = """
import sys, duckdb
path = sys.argv[1]
with duckdb.connect(path, read_only=True) as connection:
    print("ready", flush=True)
    sys.stdin.read()
    name = connection.execute(
        "select customer_name from marts.customers where customer_id = 'C1'"
    ).fetchone()
    assert name == ("Ann Zwilling",), name
"""


def test_what_stands_beside_the_rows_is_written_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Memory of the query may stand in a block; a comment does so every time."""
    old, new = tmp_path / "warehouse.duckdb", tmp_path / "new.duckdb"
    with duckdb.connect(str(old)) as connection:
        connection.execute(
            "create schema marts; create table marts.products as "
            "select i as product_id, 'p' || i as name from range(5000) as r (i)"
        )
    subject = subject_of("Ann Zwilling")
    caplog.set_level("INFO", "customer_tiers.forget")
    released.rebuild_clean(old, new, subject)
    assert caplog.messages == []
    new.unlink()
    with duckdb.connect(str(old)) as connection:
        connection.execute("comment on table marts.products is 'by Ann Zwilling'")
    released.rebuild_clean(old, new, subject)
    assert len(caplog.messages) == 4
    assert "Zwilling" not in caplog.text
    # And whatever is left is for the proof to tell, in a file that is whole.
    assert proof.traces_in(new, subject) != []
    with duckdb.connect(str(new), read_only=True) as connection:
        assert connection.execute(
            "select count(*), sum(product_id), count(distinct name) from marts.products"
        ).fetchone() == (5000, 12497500, 5000)


def test_a_reader_keeps_what_it_has_open(company: Company) -> None:
    path = (company.home.current / "warehouse.duckdb").resolve()
    reader = support.start(READER, path)
    assert company.forget().found == 0
    reader.communicate(timeout=60)
    assert reader.returncode == 0


POLLER = """
import json, sys, duckdb
from pathlib import Path
current, stop = map(Path, sys.argv[1:])
seen = set()
while not stop.exists() or not seen:
    folder = current.resolve(strict=True)
    path = folder / "warehouse.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute(f"attach '{folder}/private.duckdb' as private (read_only)")
        made = connection.execute(
            "select count(distinct coalesce(rewritten_at, timestamp '1970-01-01')) from "
            "(from meta.current_release union all from private.meta.current_release)"
        ).fetchone()
        if made != (1,):
            continue  # opened between the two renames
        told = connection.execute(
            "select count(*), sum(net_amount), count(distinct name) from ("
            "select net_amount, c.customer_name || coalesce(p.email, '') as name "
            "from marts.order_lines "
            "inner join marts.customers as c using (customer_id) "
            "inner join private.marts.customers_private as p using (customer_id))"
        ).fetchone()
    seen.add(str(told))
print(json.dumps(sorted(seen)))
"""


@pytest.mark.slow
def test_readers_see_whole_releases_only(company: Company, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    readers = [
        subprocess.Popen(
            support.python(POLLER, company.home.current, stop),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    company.forget()
    stop.touch()
    for reader in readers:
        found, _ = reader.communicate(timeout=60)
        assert reader.returncode == 0
        assert json.loads(found) == ["(4, Decimal('32.0000'), 2)"]


KILL_EVERYWHERE = """
import json, os, shutil, signal, sys, traceback
from pathlib import Path
from pipeline.common.errors import ConfigurationError
from pipeline.forget import run
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.sources import load_sources
import pyarrow
pyarrow.array([])  # imports pandas

base, template, every = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
within = sys.argv[4]

def forget(folder):
    settings = Settings(
        folder / "home", folder / "sources.yaml",
        environment={"CRM": str(folder / "crm.sqlite")},
    )
    try:
        run.forget(Home(folder / "home"), load_sources(settings), "shop:A100-77")
    except ConfigurationError as error:
        assert "was forgotten on" in str(error), error

def in_a_process(moment, folder):
    if (child := os.fork()) == 0:
        try:
            if moment:
                die_at(moment, str(folder / within))
            forget(folder)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

codes = []
for moment in range(1, 1000, every):
    folder = base / str(moment)
    shutil.copytree(template, folder, symlinks=True)
    codes.append(in_a_process(moment, folder))
    shutil.copytree(folder, base / f"{moment}-killed", symlinks=True)
    assert in_a_process(0, folder) == 0
    if codes[-1] != -signal.SIGKILL:
        break
print(json.dumps(codes))
"""


@pytest.mark.parametrize(
    ("every", "within", "least"),
    [
        (20, "home", 50),
        # When one file of a release is the new one, and the other not yet.
        (1, "home/releases/r000002-20140131/.private.duckdb", 1),
        pytest.param(1, "home", 50, marks=pytest.mark.campaign),
    ],
    ids=["some", "between the files of a release", "all"],
)
def test_a_kill_at_every_step(
    template: Path, tmp_path: Path, every: int, within: str, least: int
) -> None:
    """Readers see the old release or the new one, and a second run finishes the job."""
    money = Company(template).totals()
    code, codes = support.run(
        KILL_EVERYWHERE,
        tmp_path,
        template,
        every,
        within,
        prelude=support.DIE_AT,
        timeout=1_200,
    )
    assert code == 0
    assert codes[-1] == 0
    assert set(codes[:-1]) == {-signal.SIGKILL}
    assert (len(codes) - 1) * every >= least
    for moment in range(1, (len(codes) - 1) * every + 2, every):
        killed = Company(tmp_path / f"{moment}-killed")
        assert catalogue.current_id(killed.home) == "r000002-20140131"
        for item in catalogue.releases(killed.home):
            assert verification.verify(item.path, GATES) == []
        assert killed.totals() == money
        company = Company(tmp_path / str(moment))
        assert traces_of_ann(company.home) == []
        assert company.totals() == money
        assert company.land() == []
        # What is left says where; it keeps the journal.
        receipt = read_json(company.home.receipts / "f000001.json")
        assert (receipt["left"], receipt["found"]) == ([], 0), moment
        assert [path.name for path in company.home.forgotten.iterdir()] == ["list.json"]
        assert not list(company.home.root.rglob("*.partial*"))
        for item in catalogue.releases(company.home):
            record = read_json(item.path / "release.json")
            assert len(record["rewritten"]) == 1


def subject_of(*texts: str) -> Subject:
    return Subject(
        receipt="f000001",
        asked_at="",
        reason="",
        records=[],
        ids={},
        values=[Value("it", text, "[forgotten]", True) for text in texts],
        unsought=[],
        personal={},
        keys={},
    )


def places(home: Home, subject: Subject) -> set[str]:
    return {item.file for item in proof.scan(home, subject).traces}


@pytest.mark.parametrize(
    "text", ['Ann "Zwi" O\'Neill & Co', "李明有限公司", "Émile Zwilling"]
)
def test_the_proof_finds_what_is_there(tmp_path: Path, text: str) -> None:
    """In every kind of file in which something of a customer may stand."""
    home = Home.open(tmp_path / "home")
    kinds = home.root / "kinds"
    kinds.mkdir()
    data = text.encode()
    write(kinds / "plain.txt", b"x" * (proof.CHUNK - 3) + data)
    write(kinds / "upper.txt", text.upper())
    write(kinds / "json.json", json.dumps({"a": text}))
    write(kinds / "json_in_json.json", json.dumps(json.dumps({"a": text})))
    write(kinds / "a.gz", gzip.compress(b"x" * 100_000 + data))
    write(kinds / "b.csv.gz.gz", gzip.compress(gzip.compress(data)))
    with zipfile.ZipFile(kinds / "c.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", "x" * 100_000 + text)
    with zipfile.ZipFile(kinds / "d.zip", "w") as archive:
        archive.writestr("inner.csv.gz", gzip.compress(data * 100))
    table = pa.table({"n": [1, 2], "t": ["x", f"about {text}."]})
    pq.write_table(table, kinds / "e.parquet", compression="zstd")
    pq.write_table(
        pa.table({"t": [[text]]}), kinds / "nested.parquet", compression="zstd"
    )
    with duckdb.connect(str(kinds / "f.duckdb")) as connection:
        connection.execute("create table t as select repeat(?, 3) as t", [text])
        connection.execute(
            "insert into t select 'y' || i from range(10000) as r (i); checkpoint"
        )
    for name in ("spread.sqlite", "deleted.sqlite"):
        with closing(sqlite3.connect(kinds / name)) as database:
            database.execute("pragma page_size = 512")
            database.execute("pragma secure_delete = off")
            database.execute("create table t (t text)")
            long = "x" * 450 if name == "spread.sqlite" else ""
            database.execute("insert into t values (?)", [long + text * 3])
            database.commit()
            if not long:  # its bytes stay, in a place that nothing uses any more
                database.execute("delete from t")
                database.commit()
    assert places(home, subject_of(text)) == {
        f"kinds/{path.name}" for path in kinds.iterdir()
    }
    assert places(home, subject_of("nobody at all")) == set()


def test_the_proof_finds_numbers_and_names_of_files(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    write(home.root / "orders_1234567890.csv", "x")
    pq.write_table(pa.table({"n": [1234567890]}), home.root / "n.parquet")
    (home.root / "link").symlink_to(home.root / "n.parquet")
    (home.root / "broken.gz").write_bytes(b"\x1f\x8bnot packed at all")
    assert places(home, subject_of("1234567890")) == {
        "orders_1234567890.csv",
        "n.parquet",
    }


@pytest.mark.parametrize(
    ("key", "unsigned", "fits"),
    [
        ("17850", False, lambda text: -(2**31) < int(text) < 0),
        ("7328395000000680055", False, lambda text: -(2**31) < int(text) < 0),
        ("17850", True, lambda text: 2**31 <= int(text) < 2**32),
        ("AW00012345", False, lambda text: text.startswith("forgotten-")),
        (
            "0d3f6c1e-7f2a-4f8b-9a54-111111111111",
            False,
            lambda text: len(text) == 36 and not text.startswith("0d3f"),
        ),
    ],
)
def test_a_pseudonym_fits_where_the_key_did(
    key: str, unsigned: bool, fits: Any
) -> None:
    found = {new_pseudonym(key, unsigned=unsigned) for _ in range(50)}
    assert len(found) == 50
    assert all(fits(text) for text in found)


@pytest.mark.parametrize(
    "value", [17850, "17850", " 17850 ", 17850.0, "17850.0", Decimal("17850.00")]
)
def test_a_key_is_the_same_in_every_type(value: Any) -> None:
    assert key_text(value) == "17850"


@pytest.mark.parametrize(
    "kind",
    [pa.int32(), pa.int64(), pa.float64(), pa.decimal128(19, 0), pa.string()],
)
def test_keys_of_every_type_give_way(kind: pa.DataType) -> None:
    column = pa.array([1, 17850, None, 17850]).cast(kind)
    batch = pa.record_batch({"k": column, "v": pa.array(["a", "b", "c", "d"])})
    personal = Personal(customer="k", columns=["v"])
    lookup = {("shop", "17850"): "-123456789"}
    changed = anonymised(
        batch, personal, "shop", lambda source, key: lookup.get((source, key))
    )
    assert changed.schema.field("k").type == kind
    assert [key_text(key) for key in changed["k"].to_pylist()] == [
        "1",
        "-123456789",
        None,
        "-123456789",
    ]
    assert changed["v"].to_pylist() == ["a", None, "c", None]


def test_packed_and_required_columns_can_be_emptied() -> None:
    schema = pa.schema(
        [
            pa.field("k", pa.dictionary(pa.int32(), pa.string()), nullable=False),
            pa.field("v", pa.string(), nullable=False),
        ]
    )
    columns: Sequence[pa.Array] = [
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array(["x", "y"]),
    ]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    personal = Personal(customer="k", columns=["v"])
    found = anonymised(batch, personal, "s", lambda _, key: "z" if key == "b" else None)
    assert found.to_pylist() == [{"k": "a", "v": "x"}, {"k": "z", "v": None}]
    assert all(field.nullable for field in found.schema)

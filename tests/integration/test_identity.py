"""Matching through the real models: companies in three systems, people in two."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from pipeline.common.settings import PROJECT_ROOT
from pipeline.identity import clusters
from pipeline.identity.vetoes import vetoes
from pipeline.release import duckdb_files
from tests.conftest import command, invoke
from tests.populations import companies

PROJECT = PROJECT_ROOT / "tests" / "projects" / "silos"
FEBRL = PROJECT_ROOT / "tests" / "data" / "febrl"
# Two populations of thousands; what is found in small ones is in tests/unit/identity.
pytestmark = pytest.mark.slow

SEED = 20251122  # another population than those that the weights were measured on


class Silos:
    """A home of the five silos, with files that can be changed between refreshes."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.files = folder / "files"
        self._variables = {
            "SILOS": str(self.files),
            "CUSTOMER_TIERS_SOURCES": str(PROJECT / "sources.yaml"),
        }
        shutil.copytree(FEBRL, self.files / "people")

    def write(
        self, name: str, query: str, connection: duckdb.DuckDBPyConnection
    ) -> None:
        """Writes a file of a source from a query, as if it had been there for a while."""
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(f"copy ({query}) to '{path}' (format parquet)")
        os.utime(path, (0, 0))

    def populate(self, population: companies.Population) -> None:
        """Lays the population out as the files of the three systems."""
        with duckdb.connect() as connection:
            connection.register("records", population.records)
            connection.register("known", population.references)
            connection.register("truth", population.truth)
            for source in ("erp", "zoho", "fxiaoke"):
                only = f"where source = '{source}'"
                for name, table in (
                    ("customers", "records"),
                    ("truth", "truth"),
                    ("references", "known"),
                ):
                    self.write(
                        f"{source}/{name}.parquet",
                        f"select * exclude (source) from {table} {only}",
                        connection,
                    )
            self.write(
                "erp/orders.parquet",
                """
                select
                    'o' || row_number() over (order by source_customer_id) as order_id,
                    source_customer_id, date '2025-06-30' as order_date,
                    cast(100 + length(customer_name) as decimal(18, 4)) as net_amount
                from records where source = 'erp'
                """,
                connection,
            )

    def refresh(self, *arguments: str) -> str:
        """Refreshes, and returns what was said."""
        result = command("refresh", "--home", self.home, *arguments, **self._variables)
        assert result.returncode == 0, result.stderr
        return result.stderr

    def says(self, *arguments: str | Path) -> str:
        """What a command that changes nothing of the home prints."""
        result = invoke(*arguments, **self._variables)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def open(self) -> duckdb.DuckDBPyConnection:
        """The current release, as a reader opens it."""
        path = (self.home / "current" / "warehouse.duckdb").resolve()
        return duckdb.connect(str(path), read_only=True)


@pytest.fixture(scope="module")
def silos(tmp_path_factory: pytest.TempPathFactory) -> Silos:
    made = Silos(tmp_path_factory.mktemp("silos"))
    for path in (made.files / "people").iterdir():
        os.utime(path, (0, 0))
    made.populate(companies.generate(10_000, SEED))
    made.refresh()
    return made


@pytest.fixture
def marts(silos: Silos) -> Iterator[duckdb.DuckDBPyConnection]:
    with silos.open() as connection:
        yield connection


def figure(
    connection: duckdb.DuckDBPyConnection, metric: str, subject: str = "all"
) -> float:
    (value,) = connection.execute(
        "select value from meta.model_quality "
        "where model = 'identity' and metric = ? and subject = ?",
        [metric, subject],
    ).fetchall()
    return float(value[0])


def test_companies_of_three_systems(marts: duckdb.DuckDBPyConnection) -> None:
    assert figure(marts, "pairwise_precision", "company") >= 0.99
    assert figure(marts, "pairwise_recall", "company") >= 0.95


def test_febrl_4(marts: duckdb.DuckDBPyConnection) -> None:
    """METHODS.md section 9; soc_sec_id alone finds .912."""
    assert figure(marts, "pairwise_precision", "person") >= 0.9999
    assert figure(marts, "pairwise_recall", "person") >= 0.995


def test_every_record_has_its_customer(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute(
        "select count(*) from marts.customer_source_keys"
    ).fetchone() == (int(figure(marts, "records")),)
    assert marts.execute(
        """
        select count(*) from marts.customer_source_keys
        left join marts.customers using (customer_id)
        where customers.customer_id is null
        """
    ).fetchone() == (0,)
    assert marts.execute(
        """
        select count(*), count(*) filter (source_count <> records)
        from marts.customers
        inner join (
            select customer_id, count(*) as records
            from marts.customer_source_keys group by all
        ) using (customer_id)
        """
    ).fetchone() == (int(figure(marts, "customers")), 0)


def test_a_fact_carries_the_resolved_customer(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    assert marts.execute(
        """
        select count(*) = count(distinct order_id),
            count(*) filter (lines.customer_id is null),
            count(*) filter (lines.customer_id <> keys.customer_id)
        from marts.order_lines as lines
        left join marts.customer_source_keys as keys
            on keys.source = lines.customer_source
            and keys.source_customer_id = lines.source_customer_id
        """
    ).fetchone() == (True, 0, 0)


def test_guards(marts: duckdb.DuckDBPyConnection) -> None:
    """A source whose keys are unique has no two records of one customer."""
    assert marts.execute(
        """
        select count(*) from (
            select customer_id from marts.customer_source_keys
            where source = 'erp' group by all having count(*) > 1
        )
        """
    ).fetchone() == (0,)
    reasons = {
        reason
        for (reason,) in marts.execute(
            "select distinct reason from meta.match_candidates"
        ).fetchall()
    }
    assert {
        "they hold two records of a source whose keys are unique",
        "not sure enough to link",
        "their registration numbers contradict",
    } <= reasons
    assert reasons <= {
        *(veto.reason for veto in vetoes({})),
        *(clusters.LARGE, clusters.UNIQUE, "not sure enough to link"),
    }


def test_a_row_is_a_pair_of_customers(marts: duckdb.DuckDBPyConnection) -> None:
    """The most valuable first, and each with what speaks for it."""
    rows = marts.execute(
        """
        select
            least(customer_id, other_customer_id)
            || greatest(customer_id, other_customer_id),
            is_doubt, revenue_at_stake, record_pairs, evidence_for
        from meta.match_candidates
        """
    ).fetchall()
    assert len({row[0] for row in rows}) == len(rows) > 100
    assert rows == sorted(rows, key=lambda row: (not row[1], -row[2]))
    assert any(row[3] > 1 for row in rows)
    assert all(row[4] for row in rows)


def test_what_holds_a_customer_reaches_every_record(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    assert marts.execute(
        """
        select count(*) from (
            select customer_id, count(*) - 1 as wanted
            from marts.customer_source_keys group by all
        ) as records
        left join (
            select customer_id, count(*) as links
            from meta.identity_links group by all
        ) using (customer_id)
        where wanted <> coalesce(links, 0)
        """
    ).fetchone() == (0,)


def test_what_was_compared_is_counted(marts: duckdb.DuckDBPyConnection) -> None:
    assert figure(marts, "pairs compared") > 10_000
    assert figure(marts, "pairs skipped", "blocks that were cut") >= 0
    # The truth is known of both types: no proxy is judged, and nobody is asked.
    assert marts.execute(
        "select count(*) from meta.model_quality where metric = 'customers unverified'"
    ).fetchone() == (0,)
    assert marts.execute("select count(*) from meta.match_sample").fetchone() == (0,)


def test_a_spreadsheet_decides(silos: Silos, tmp_path: Path) -> None:
    """Written, filled in, read back: shown what would move, and not asked again."""
    file, pairs = tmp_path / "match_decisions.csv", tmp_path / "pairs.csv"
    asks = ("match", "--home", silos.home, "--decisions", file)
    assert silos.says(*asks, "--write", pairs).startswith(str(len(listed(silos, asks))))
    with pairs.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    rows[0]["decision"], rows[1]["decision"] = "same", "different"
    with pairs.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    said = silos.says(*asks, "--read", pairs, "--by", "Ann", "--yes")
    assert "would become" in said
    assert "1 decisions keep customers as they are." in said
    assert len(listed(silos, asks)) == len(rows) - 2
    again = silos.says(*asks, "--read", pairs, "--by", "Ann", "--yes")
    assert again == "Nothing new was decided.\n"


def listed(silos: Silos, asks: tuple[str | Path, ...]) -> list[dict[str, object]]:
    """What a person is asked, as JSON."""
    found: list[dict[str, object]] = json.loads(silos.says(*asks, "--json"))
    return found


def test_who_was_joined_by_what(silos: Silos, marts: duckdb.DuckDBPyConnection) -> None:
    (customer, keys) = marts.execute(
        """
        select customer_id, list(source || ':' || source_customer_id)
        from marts.customer_source_keys group by customer_id
        having count(*) = 3 order by customer_id limit 1
        """
    ).fetchone()  # type: ignore[misc]
    said = silos.says("explain", customer, "--identity", "--home", silos.home)
    assert f"{customer}: 3 records" in said
    assert all(key in said for key in keys)


class Company:
    """The demonstration company, whose ERP can be written to between refreshes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.erp = home / "demonstration" / "erp.sqlite"

    def change(self, *statements: str) -> None:
        """Writes to the ERP, as its users do."""
        with closing(sqlite3.connect(self.erp)) as connection, connection:
            for statement in statements:
                assert connection.execute(statement).rowcount > 0, statement

    def refresh(self) -> dict[tuple[str, str], str]:
        """Refreshes; returns the customer of each record."""
        result = command("refresh", "--home", self.home)
        assert result.returncode == 0, result.stderr
        with self.open() as connection:
            return {
                (source, key): customer
                for source, key, customer in connection.execute(
                    "select source, source_customer_id, customer_id "
                    "from marts.customer_source_keys"
                ).fetchall()
            }

    def open(self) -> duckdb.DuckDBPyConnection:
        """The current release."""
        path = (self.home / "current" / "warehouse.duckdb").resolve()
        return duckdb.connect(str(path), read_only=True)


@pytest.mark.parametrize(
    "together",
    [
        [3, 2, 5],
        pytest.param([1] * 10, marks=pytest.mark.campaign),
    ],
    ids=["three", "ten"],
)
def test_ids_stay_over_refreshes(home: Path, together: list[int]) -> None:
    """Rows come, change and go; a merge and a split each leave their line.

    Args:
        together: How many of the ten changes each refresh sees.
    """
    ours = Company(home)
    with duckdb_files.open_release((home / "current").resolve()) as connection:
        before = {
            (source, key): customer
            for source, key, customer in connection.execute(
                "select source, source_customer_id, customer_id "
                "from marts.customer_source_keys"
            ).fetchall()
        }
        (prospect, phone) = connection.execute(
            """
            select customer_id, phone from private.marts.customers_private
            where customer_name = 'Twentieth Bike Store'
            """
        ).fetchone() or (None, None)
    assert prospect is not None
    new = "'AW0009999{0}', 'company', '{1}', '{2}', 'Salem', 'United States', 'US', 1"
    into = (
        "insert into customers (customer_number, kind, name, phone, city, country, "
        "country_code, territory_id) values "
    )
    person = "(select min(customer_number) from customers where kind = 'person')"
    gone = "(select min(customer_number) from customers where kind = 'company' and "
    gone += "customer_number not in (select customer_number from orders))"
    steps: list[list[str]] = [
        [f"{into} ({new.format(number, f'Shop {number}', f'503-555-02{number:02d}')})"]
        for number in range(3)
    ]
    steps += [
        ["update customers set phone = '1 (11) 500 555-9999' where customer_number = "
         f"{person}",
         "update customers set name = replace(name, ' ', ' Q. ') where customer_number = "
         f"{person}"],
        [f"update customers set name = 'Twentieth Bike Store', phone = '{phone}' "
         "where customer_number = 'AW00099992'"],  # merges with the prospect
        [f"delete from company_profiles where customer_number = {gone}",
         f"delete from customers where customer_number = {gone}"],
        ["update company_profiles set number_employees = number_employees + 1"],
        ["update customers set name = 'Shop 2', phone = '503-555-0202' "
         "where customer_number = 'AW00099992'"],  # and leaves it again
        ["update customers set city = upper(city) where kind = 'person'"],
        [f"{into} ({new.format(9, 'Shop 9', '503-555-0209')})"],
    ]  # fmt: skip
    assert len(steps) == sum(together) == 10
    merged: dict[tuple[str, str], str] = {}
    done = 0
    for several in together:
        for statements in steps[done : done + several]:
            ours.change(*statements)
        done += several
        place = done - 1
        found = ours.refresh()
        same = {key for key in before if key in found}
        assert {key: found[key] for key in same} == {key: before[key] for key in same}
        if place == 2:
            merged = {("erp", "AW00099992"): found["erp", "AW00099992"]}
        if place == 4:
            # The prospect is older than the shop.
            assert found["erp", "AW00099992"] == prospect
    newcomer = ("erp", "AW00099992")
    assert found[newcomer] not in (prospect, *merged.values())
    with ours.open() as connection:
        assert connection.execute(
            "select event, customer_id, earlier_customer_id, source_customer_id, reason "
            "from meta.identity_log order by refresh_id"
        ).fetchall() == [
            ("merge", prospect, merged[newcomer], "AW00099992", "phone and name"),
            (
                "split", found[newcomer], prospect, "AW00099992",
                "nothing links them any more",
            ),
        ]  # fmt: skip
        assert connection.execute(
            "select count(distinct refresh_id) from meta.model_quality"
        ).fetchone() == (len(together) + 1,)

"""A person of the demonstration is forgotten, for good and to the last file."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pipeline.common.home import Home
from pipeline.journal import attempts
from tests.conftest import command
from tests.unit.support import found_in

KEY = "AW00014287"


@pytest.fixture
def home(whole_copy: Path) -> Path:
    """Of the whole demonstration, whose customers are known here by their numbers."""
    return whole_copy


@pytest.fixture(autouse=True)
def umask_of_somebody_careless() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def query(home: Path, text: str) -> list[tuple[Any, ...]]:
    path = (home / "current" / "warehouse.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(text).fetchall()


def whole(figures: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The figures with the tiers taken together."""
    tiers = {"key", "growth", "standard", "prospect"}
    rows = [row for row in figures if row[0] in tiers]
    assert len(rows) == len(tiers)
    return [row for row in figures if row[0] not in tiers] + [
        tuple(sum(column) for column in zip(*(row[1:] for row in rows), strict=True))
    ]


def figures(home: Path) -> list[tuple[Any, ...]]:
    """Money and counts that must stay the same to the cent."""
    return query(
        home,
        """
        select 'lines', count(*), sum(net_amount), sum(margin_amount)
        from marts.order_lines
        union all
        select tier_code, customers, revenue, margin from marts.tier_summary
        union all
        select 'value', sum(order_count), sum(revenue), sum(margin)
        from marts.customer_value
        union all
        select 'tickets', count(customer_id), count(*), null from marts.service_tickets
        order by all
        """,
    )


def places(home: Path, values: list[str]) -> list[str]:
    """Files of the home that hold a value; the ERP is a source, though it lies there."""
    return [
        path.relative_to(home).as_posix()
        for path in sorted(home.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and "demonstration" not in path.parts
        and found_in(path, values)
    ]


@pytest.mark.slow
def test_a_person_is_forgotten(home: Path) -> None:
    erp = home / "demonstration" / "erp.sqlite"
    with closing(sqlite3.connect(erp)) as connection:
        name, email = connection.execute(
            "select name, email from customers where customer_number = ?", [KEY]
        ).fetchone()
    ((customer_id,),) = query(
        home,
        "select customer_id from marts.customer_source_keys "
        f"where source_customer_id = '{KEY}'",
    )
    his = [KEY, customer_id, name, email]
    # What a failed check tells: in Dagster's storage, and in the journal of attempts.
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        (run,) = instance.get_runs(limit=1)
        instance.report_engine_event(f"such as customer_number={KEY} {name}", run)
    attempts.begin(Home(home), "r000002-20140131", "run", attempts.now().date())
    attempts.end(Home(home), "r000002-20140131", "refused", f"such as {email}")
    before = places(home, his)
    assert {path.split("/")[0] for path in before} == {
        "candidates",
        "dagster",
        "identity",
        "landing",
        "logs",
        "releases",
    }
    money = figures(home)

    asked = command("forget", f"erp:{KEY}", "--json", "--home", home)
    assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
    result = command("forget", f"erp:{KEY}", "--yes", "--json", "--home", home)
    assert result.returncode == 0, result.stderr
    receipt = json.loads(result.stdout)
    assert receipt["found"] == 0
    assert receipt["releases"] == ["r000001-20140131"]
    assert receipt["sources_in_home"] == ["demonstration"]
    assert {item["label"] for item in receipt["not_looked_for"]} == {
        "erp.customers.phone"
    }
    assert places(home, his) == []
    assert figures(home) == money
    remade = command("report", "--home", home)
    assert remade.returncode == 0, remade.stderr
    assert "could not be published" not in remade.stdout

    # The ERP has him still, and gives all of its customers again.
    with closing(sqlite3.connect(erp)) as connection:
        connection.execute(
            "update customers set phone = '1' where customer_number = 'AW00000001'"
        )
        connection.commit()
    result = command("refresh", "--home", home)
    assert result.returncode == 0, result.stderr
    assert "erp.customers: 19,184 rows landed" in result.stderr
    assert places(home, his) == []
    # His income is not known any more, and may have been what made his tier.
    assert whole(figures(home)) == whole(money)
    ((log,),) = query(
        home,
        "select event || ': ' || reason from meta.identity_log "
        "inner join marts.customers using (customer_id) "
        "where customer_name = 'forgotten'",
    )
    assert log == "forget: asked to be forgotten (f000001)"
    assert query(
        home,
        "select rows_read, rows_landed, rows_forgotten from meta.source_freshness "
        "where source = 'erp' and entity = 'customers'",
    ) == [(19_185, 19_184, 1)]
    again = command("forget", f"erp:{KEY}", "--yes", "--home", home)
    assert (again.returncode, "was forgotten on" in again.stderr) == (2, True)
    for path in home.rglob("*"):
        if not path.is_symlink() and "demonstration" not in path.parts:
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o077 == 0, f"{path} is {mode:o}"


@pytest.mark.slow
def test_a_company_is_forgotten_and_what_was_dealt_stays(home: Path) -> None:
    """Visits, invoices and answers of a dealer: the facts stay, the words go."""
    facts = """
        select
            (select count(*) || ' ' || sum(minutes) from marts.interactions),
            (select count(*) || ' ' || sum(amount) || ' ' || sum(days_late)
                from marts.payments)
        """
    before = query(home, facts)
    ((customer_id,),) = query(
        home,
        "select customer_id from marts.customer_source_keys "
        "where source_customer_id = 'AW00000502'",
    )
    result = command("forget", "erp:AW00000502", "--yes", "--json", "--home", home)
    assert result.returncode == 0, result.stderr
    receipt = json.loads(result.stdout)
    assert receipt["found"] == 0
    kept = {
        f"{place['source']}.{place['entity']}": place["rows"]
        for place in receipt["places"]
        if place["action"] == "kept under another key"
    }
    assert kept == {
        "erp.orders": 8,
        "erp.invoices": 8,
        "helpdesk.incidents": kept["helpdesk.incidents"],
        "crm.activities": 36,
        "crm.surveys": 1,
    }
    assert query(home, facts) == before
    assert places(home, ["AW00000502", customer_id]) == []
    assert query(
        home,
        """
        select
            count(*), count(subject),
            bool_and(source_customer_id like 'forgotten-%')
        from marts.interactions
        inner join marts.customers using (customer_id)
        where customer_name = 'forgotten'
        """,
    ) == [(36, 0, True)]

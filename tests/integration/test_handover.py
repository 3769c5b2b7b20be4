"""A release handed over: the workbook of the demonstration, and a sending that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import openpyxl
import pytest

from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.serving.excel import columns
from tests.conftest import environment, invoke, opened
from tests.standins.base import Asked, ManualClock, Reply
from tests.standins.zoho_crm import ALL_SCOPES, CREDENTIALS, ZohoCrm, field_of
from tests.unit.serving.customers import tables
from tests.unit.serving.releases import publish
from tests.unit.serving.test_crm_sending import START, first_id


def test_every_column_of_a_sheet_is_one_of_the_release(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """A column that a mart no longer has would be left out without a word."""
    known = columns.columns_of(warehouse)
    for sheet in columns.SHEETS:
        for lang in ("en", "zh"):
            needed = {
                name.replace("{lang}", lang)
                for column in sheet.columns
                for name in column.needs
            }
            assert not needed - known, sheet.key


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_workbook_has_every_customer(
    published_home: Path, tmp_path: Path, lang: str
) -> None:
    file = tmp_path / "book.xlsx"
    done = invoke("export", "excel", file, "--lang", lang, "--home", published_home)
    assert done.returncode == 0, done.stderr
    book = openpyxl.load_workbook(file, read_only=True)
    assert len(book.sheetnames) == 1 + len(columns.SHEETS)
    with opened(published_home) as connection:
        customers, actions, profit = connection.execute(
            "select (select count(*) from marts.customer_360), "
            "(select count(*) from marts.customer_actions), "
            "(select sum(profit_12m)::double from marts.customer_360)"
        ).fetchone() or (0, 0, 0)
    heads, *rows = book.worksheets[1].iter_rows(values_only=True)
    assert len(rows) == customers
    word = "利润" if lang == "zh" else "Profit"
    (at,) = (place for place, head in enumerate(heads) if word in str(head))
    amounts = [row[at] for row in rows]
    assert sum(x for x in amounts if isinstance(x, int | float)) == pytest.approx(
        profit
    )
    assert sum(1 for _ in book.worksheets[2].iter_rows()) == actions + 1


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    before = os.umask(0o077)
    yield Home.open(tmp_path / "home")
    os.umask(before)


def test_a_sending_that_is_killed_loses_nothing_that_was_accepted(
    home: Home, tmp_path: Path
) -> None:
    """Killed while Zoho answers the third batch: two are known, the rest goes out again."""
    accounts = 350
    publish(
        home,
        "create or replace table marts.customer_source_keys as select 'zoho' as source, "
        f"({first_id(0)} + i)::varchar as source_customer_id, 'C1' as customer_id "
        f"from range({accounts}) as r(i)",
        tables=tables(),
    )
    crm = ZohoCrm(ManualClock(START))
    crm.scopes = {*ALL_SCOPES, "ZohoCRM.modules.UPDATE"}
    crm.define("Accounts", field_of("Customer_Tier"))
    for number in range(accounts):
        crm.put("Accounts", first_id(number))
    with crm.serving():
        source = {
            "name": "zoho",
            "kind": "zoho_crm",
            "zoho": {**CREDENTIALS, "accounts_url": crm.base_url},
            "entities": {},
            "provides": [],
            "writeback": {"send": True, "fields": {"tier": "Customer_Tier"}},
        }
        sources = tmp_path / "sources.yaml"
        sources.write_text(json.dumps({"version": 1, "sources": [source]}))
        command = [
            sys.executable,
            "-m",
            "pipeline",
            "export",
            "crm",
            "--send",
            "--json",
        ]
        command += ["--home", str(home.root), "--sources", str(sources)]
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment())
        calls = 0

        def kill(asked: Asked) -> Reply | None:
            nonlocal calls
            calls += asked.method == "PUT"
            if asked.method != "PUT" or calls != 3:
                return None
            reply = crm.answer(asked)  # Zoho has taken them
            process.send_signal(signal.SIGKILL)
            process.wait()
            return reply

        crm.faults.append(kill)
        assert process.wait(timeout=60) == -signal.SIGKILL
        again = subprocess.run(
            command,
            cwd=PROJECT_ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    (done,) = json.loads(again.stdout)
    assert (done["accepted"], done["unchanged"]) == (150, 200)
    records = crm.modules["Accounts"].records.values()
    assert {record.get("Customer_Tier") for record in records} == {"Key"}

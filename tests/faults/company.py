"""A company small enough to be refreshed hundreds of times, and what its marts must say.

Two silos: a web shop whose invoices come as one CSV a day, and a till that is an SQLite
table with a cursor and flags for deleted rows. The dbt project is the real one, cut down
to what leads from them to customers, products and order lines: the campaign breaks files,
processes and clocks, which the models above know nothing of.

What the marts must hold is asked of the sources themselves, by a query that shares
nothing with the pipeline.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import random
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from pipeline.common.settings import PROJECT_ROOT

MARTS = ("customers", "customer_source_keys", "products", "order_lines")
META = ("identity_log", "customer_registry", "customer_ids", "match_candidates")
FIRST_DAY = dt.date(2024, 3, 4)

_REFERENCE = re.compile(r"""ref\(\s*["'](\w+)["']""")

SOURCES = """
version: 1
business: {time_zone: Europe/London, reporting_currency: GBP}
sources:
  - name: shop
    kind: files
    path: ${COMPANY}/inbox
    provides: [customers, products, order_lines]
    entities:
      invoice_lines:
        files: invoices_*.csv
        load: append
        key: [InvoiceNo, RowInInvoice]
  - name: till
    kind: database
    url: sqlite:///${COMPANY}/till.sqlite
    provides: [customers, products, order_lines]
    entities:
      sales:
        key: [sale]
        cursor: {column: changed, overlap: "0"}
        deleted_when: {column: gone, values: ["1"]}
"""

SUITES = '''
"""The suites of the marts that this project has, without questions about others."""

import re

from pipeline.gates.suite import product_suites

KEPT = {kept!r}


def suites():
    found = []
    for suite in product_suites():
        if f"{{suite.schema}}.{{suite.table}}" in KEPT:
            suite.expectations[:] = [
                item
                for item in suite.expectations
                if set(re.findall(r"(?:marts|meta)\\.\\w+",
                    getattr(item, "unexpected_rows_query", ""))) <= KEPT
            ]
            found.append(suite)
    return found
'''


@dataclass(frozen=True)
class Fact:
    """What the marts must say of one source."""

    source: str
    lines: int
    amount: str
    customers: int


class Company:
    """The sources, the project and the home, in one folder.

    Args:
        folder: Is made.
        seed: Of the sales.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.inbox = folder / "inbox"
        self.till = folder / "till.sqlite"
        self.day = FIRST_DAY - dt.timedelta(days=1)
        self.random = random.Random(seed)
        self.inbox.mkdir(parents=True)
        with closing(sqlite3.connect(self.till)) as connection, connection:
            connection.execute(
                "create table sales (sale integer primary key, customer integer, "
                "product varchar, sold_on date, quantity integer, price decimal(12, 2), "
                "changed integer, gone integer)"
            )
        (folder / "sources.yaml").write_text(SOURCES)
        _cut_project(folder / "dbt_project")
        shutil.copytree(PROJECT_ROOT / "expectations", folder / "expectations")
        (folder / "expectations" / "marts.py").write_text(
            SUITES.format(
                kept={f"marts.{name}" for name in MARTS}
                | {f"meta.{name}" for name in META}
            )
        )

    @property
    def variables(self) -> dict[str, str]:
        """The environment of its refreshes."""
        return {
            "COMPANY": str(self.folder),
            "CUSTOMER_TIERS_HOME": str(self.home),
            "CUSTOMER_TIERS_SOURCES": str(self.folder / "sources.yaml"),
            "CUSTOMER_TIERS_DBT_PROJECT": str(self.folder / "dbt_project"),
            "CUSTOMER_TIERS_EXPECTATIONS": str(self.folder / "expectations"),
            "CUSTOMER_TIERS_KEEP_RELEASES": "4",
            "CUSTOMER_TIERS_FREE_MEGABYTES": "1",
            "CUSTOMER_TIERS_COMPACT_FILES": "8",
            "CUSTOMER_TIERS_ALERTS": "none",
        }

    def copied_to(self, folder: Path) -> Company:
        """The same company with its home in another folder, to break at will."""
        shutil.copytree(self.folder, folder, symlinks=True)
        other = copy.copy(self)
        other.folder = folder
        other.home = folder / "home"
        other.inbox = folder / "inbox"
        other.till = folder / "till.sqlite"
        return other

    def refresh(self) -> list[str]:
        """The arguments of the refresh of the present day."""
        # As JSON, because the summary for a person reads marts that were cut away.
        return [
            *("refresh", "--no-report", "--json"),
            *("--as-of", self.day.isoformat()),
        ]

    def next_day(self) -> dt.date:
        """A day of business: a file of invoices, and sales, corrections, cancellations."""
        self.day += dt.timedelta(days=1)
        chance = self.random
        lines = ["InvoiceNo,RowInInvoice,StockCode,Description,Quantity,InvoiceDate,"]
        lines[0] += "UnitPrice,CustomerID,Country"
        for number in range(chance.randint(5, 12)):
            customer = chance.randint(1, 40)
            for row in range(1, chance.randint(2, 5)):
                product = chance.randint(1, 15)
                lines.append(
                    f"{self.day:%y%m%d}{number:03},{row},P{product:02},Product {product},"
                    f"{chance.randint(1, 9)},{self.day} 12:{number:02}:00,"
                    f"{chance.randint(1, 5000) / 100},{customer},United Kingdom"
                )
        path = self.inbox / f"invoices_{self.day:%Y_%m_%d}.csv"
        path.write_text("\n".join(lines) + "\n")
        os.utime(path, (0, 0))  # as if a while ago: what is being written is left out
        with closing(sqlite3.connect(self.till)) as connection, connection:
            (last, changed) = connection.execute(
                "select coalesce(max(sale), 0), coalesce(max(changed), 0) from sales"
            ).fetchone()
            for number in range(chance.randint(3, 8)):
                connection.execute(
                    "insert into sales values (?, ?, ?, ?, ?, ?, ?, 0)",
                    (
                        last + 1 + number,
                        chance.randint(100, 130),
                        f"P{chance.randint(1, 15):02}",
                        self.day.isoformat(),
                        chance.randint(1, 5),
                        chance.randint(1, 5000) / 100,
                        changed + 1,
                    ),
                )
            if last:
                for assignment in ("quantity = quantity + 1", "gone = 1"):
                    connection.execute(
                        f"update sales set {assignment}, changed = ? where sale = ?",
                        (changed + 1, chance.randint(1, last)),
                    )
        return self.day

    def facts(self) -> list[Fact]:
        """What the marts must hold today, from the files and the till themselves."""
        with closing(sqlite3.connect(self.till)) as connection:
            till = connection.execute(
                "select count(*), coalesce(sum(quantity * cast(round(price * 100) as "
                "integer)), 0), count(distinct customer) from sales where gone = 0"
            ).fetchone()
        shop = duckdb.execute(
            f"""
            select count(*), sum(Quantity::bigint * (UnitPrice::decimal(12, 2) * 100))
                ::bigint, count(distinct CustomerID)
            from read_csv('{self.inbox}/invoices_*.csv', all_varchar = true)
            """
        ).fetchone()
        assert shop is not None
        return [
            Fact(source, lines, f"{cents / 100:.2f}", customers)
            for source, (lines, cents, customers) in (("shop", shop), ("till", till))
        ]


def read_facts(warehouse: Path) -> tuple[str, list[Fact]]:
    """What a reader finds: the release's id, and the same figures from its marts."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(
            """
            select source, count(*), sum(net_amount)::decimal(18, 2)::varchar,
                count(distinct customer_id)
            from marts.order_lines group by source order by source
            """
        ).fetchall()
        (refresh_id,) = connection.execute(
            "select refresh_id from meta.refreshes where state = 'sealed'"
        ).fetchone() or ("",)
    return str(refresh_id), [Fact(*row) for row in found]


def same_marts(one: Path, other: Path) -> list[str]:
    """The marts in which two releases differ by a row."""
    differing = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        for table in MARTS:
            for left, right in (("one", "other"), ("other", "one")):
                rows = connection.execute(
                    f"select 1 from (from {left}.marts.{table} except all "
                    f"from {right}.marts.{table}) limit 1"
                ).fetchall()
                if rows:
                    differing.append(table)
    return sorted(set(differing))


def _cut_project(target: Path) -> None:
    """Copies of the real project what the marts above need, and the till's staging."""
    real = PROJECT_ROOT / "dbt_project"
    models = {
        path.stem: path
        for path in (real / "models").rglob("*")
        if path.suffix in {".sql", ".py"} and "staging" not in path.parts
    }
    kept: set[str] = set()
    # Macros refer to it, which are not searched for references.
    wanted = [*MARTS, *META, "core_fx_days"]
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept.add(name)
            if name in models:
                wanted += _REFERENCE.findall(models[name].read_text())
    shutil.copytree(real / "macros", target / "macros")
    shutil.copytree(real / "tests" / "generic", target / "tests" / "generic")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(real / name, target)
    for name in sorted(kept & set(models)):
        path = target / models[name].relative_to(real)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(models[name], path)
    staging = target / "models" / "staging"
    staging.mkdir()
    shutil.copy(real / "models" / "staging" / "_refresh__sources.yml", staging)
    shutil.copytree(
        PROJECT_ROOT / "tests/projects/online_retail/dbt_project/models/staging/shop",
        staging / "shop",
    )
    shutil.copytree(PROJECT_ROOT / "tests" / "faults" / "till", staging / "till")
    shutil.copy(real / "models" / "_docs.md", target / "models")
    policy = {"policies", "tiers", "tier_rules", "tier_rule_facts", "score_factors"}
    policy |= {"score_anchors", "tier_overrides", "service_policies"}
    (target / "seeds").mkdir()
    for path in (real / "seeds").rglob("*.csv"):
        if path.stem in kept | policy:
            shutil.copy(path, target / "seeds")
    there = kept | policy
    for path in real.rglob("*.yml"):
        if "target" in path.parts or "staging" in path.parts or path.parent == real:
            continue
        described: dict[str, Any] = yaml.safe_load(path.read_text())
        for kind in ("models", "seeds"):
            named = [item for item in described.get(kind, []) if item["name"] in there]
            if named:
                told = {
                    "version": 2,
                    kind: [_without_strangers(n, there) for n in named],
                }
                place = target / path.relative_to(real)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(yaml.safe_dump(told, allow_unicode=True))


def _without_strangers(described: dict[str, Any], there: set[str]) -> dict[str, Any]:
    """The description without tests that refer to tables which were cut away.

    Args:
        there: Which tables are there; no test is kept without any.
    """

    def kept(tests: list[Any]) -> list[Any]:
        return [
            test
            for test in tests
            if there
            and set(_REFERENCE.findall(json.dumps(test).replace("\\", ""))) <= there
        ]

    described = dict(described)
    if "data_tests" in described:
        described["data_tests"] = kept(described["data_tests"])
    described["columns"] = [
        {
            **column,
            **(
                {"data_tests": kept(column["data_tests"])}
                if "data_tests" in column
                else {}
            ),
        }
        for column in described.get("columns", [])
    ]
    return described

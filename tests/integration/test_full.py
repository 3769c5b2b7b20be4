"""`refresh --full` on a database that is read in increments: what there is, counts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.conftest import command, invoke
from tests.integration.shop import same_marts
from tests.integration.test_init import fill_in

TABLES = """
create table customers (id text, name text);
insert into customers values ('1', 'Ann & Co'), ('2', 'Ben Ltd'), ('3', 'Cleo');
create table products (id text, name text);
insert into products values ('p', 'Pump');
create table order_lines (
    id text, customer text, product text, day text, quantity integer,
    amount numeric(9, 2), changed integer
);
insert into order_lines values
    ('a', '1', 'p', '2026-01-05', 2, 200, 10),
    ('b', '2', 'p', '2026-02-05', 1, 100, 20),
    ('c', '1', 'p', '2026-03-05', 1, 300, 30);
"""
CHANGES = """
-- A row that the cursor tells of, and three things that it does not.
insert into order_lines values ('d', '3', 'p', '2026-03-06', 1, 50, 40);
update order_lines set amount = 250 where id = 'a';
insert into order_lines values ('e', '3', 'p', '2026-01-06', 1, 70, 5);
delete from order_lines where id = 'c';
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project made by `init`, whose source is a database."""
    folder = tmp_path / "shop"
    assert invoke("init", folder, "--source", "shop").returncode == 0
    fill_in(folder)
    path = folder / "sources.yaml"
    described = yaml.safe_load(path.read_text())
    (source,) = described["sources"]
    source |= {"kind": "database", "url": f"sqlite:///{folder}/erp.sqlite"}
    del source["path"]
    source["entities"] = {
        "customers": {"key": ["id"], "load": "snapshot"},
        "products": {"key": ["id"], "load": "snapshot"},
        "order_lines": {
            "key": ["id"],
            "cursor": {"column": "changed", "overlap": "5"},
            "sweep_days": 30,
        },
    }
    path.write_text(yaml.safe_dump(described))
    run(folder, TABLES)
    return folder


def run(folder: Path, script: str) -> None:
    with closing(sqlite3.connect(folder / "erp.sqlite")) as erp:
        erp.executescript(script)


def refresh(folder: Path, home: str, *options: str) -> Path:
    """Refreshes the home, and returns its release."""
    result = command(
        "refresh",
        *("--home", folder / home, "--sources", folder / "sources.yaml"),
        *("--as-of", "2026-03-31", *options),
    )
    assert result.returncode == 0, result.stderr
    return (folder / home / "current" / "warehouse.duckdb").resolve()


def lines(release: Path) -> list[tuple[str, int]]:
    with duckdb.connect(str(release), read_only=True) as connection:
        return connection.execute(
            "select order_id[6:], net_amount::integer from marts.order_lines order by 1"
        ).fetchall()


@pytest.mark.slow
def test_full_settles_on_what_the_source_holds(shop: Path) -> None:
    assert lines(refresh(shop, "data")) == [("a", 200), ("b", 100), ("c", 300)]
    run(shop, CHANGES)
    increment = refresh(shop, "data")
    assert lines(increment) == [("a", 200), ("b", 100), ("c", 300), ("d", 50)]
    full = refresh(shop, "data", "--full")
    assert lines(full) == [("a", 250), ("b", 100), ("d", 50), ("e", 70)]
    same_marts(full, refresh(shop, "new"))

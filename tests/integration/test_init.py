"""From `init` to a release of one's own data, as a newcomer goes it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb
import pytest

from pipeline.scaffold import new_project as project
from pipeline.scaffold.new_project import ENTITIES, canonical_columns, init
from pipeline.sources import Entity
from tests.conftest import command, invoke

FILLED = {
    "customers": {
        "source_customer_id": "id",
        "customer_type": "'company'",
        "customer_name": "name",
    },
    "products": {"source_product_id": "id", "product_name": "name"},
    "order_lines": {
        "order_id": "id",
        "line_number": "1",
        "customer_source": "'shop'",
        "source_customer_id": "customer",
        "source_product_id": "product",
        "ordered_at": "cast(day as timestamp)",
        "order_date": "cast(day as date)",
        "quantity": "cast(quantity as integer)",
        "net_amount": "cast(amount as decimal(18, 2))",
        "is_return": "cast(quantity as integer) < 0",
        "currency": "'USD'",
    },
}
FILES = {
    "customers.csv": "id,name\n1,Ann & Co\n2,Ben Ltd\n3,Never bought\n",
    "products.csv": "id,name\np,Pump\n",
    "order_lines_1.csv": "id,customer,product,day,quantity,amount\n"
    "a,1,p,2026-01-05,2,200\nb,2,p,2026-02-05,1,100\n",
    "order_lines_2.csv": "id,customer,product,day,quantity,amount\n"
    "c,1,p,2026-03-05,-1,-100\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    result = invoke("init", folder, "--source", "shop")
    assert result.returncode == 0, result.stderr
    inbox = folder / "inbox"
    inbox.mkdir()
    for name, text in FILES.items():
        (inbox / name).write_text(text)
        os.utime(inbox / name, (0, 0))
    return folder


def fill_in(folder: Path) -> None:
    """Does what the templates ask a person to do."""
    for entity, columns in FILLED.items():
        path = folder / f"dbt_project/models/staging/shop/stg_shop__{entity}.sql"
        text = path.read_text()
        for name, expression in columns.items():
            text, found = re.subn(
                rf"-- TODO\n\s+cast\(null as [^\n]*\) as {name}(,?)\n",
                rf"{expression} as {name}\1\n",
                text,
            )
            assert found == 1, name
        path.write_text(text)


@pytest.mark.slow
def test_what_is_missing_is_said_and_then_it_works(folder: Path) -> None:
    on: list[str | Path] = [
        "--home",
        folder / "data",
        "--sources",
        folder / "sources.yaml",
    ]
    first = command("check-sources", *on)
    assert first.returncode == 2
    words = " ".join(first.stdout.split())
    assert "still to be filled in: source_customer_id, customer_type" in words
    assert words.count("still to be filled in") == 3

    fill_in(folder)
    second = command("check-sources", *on)
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("good") == 3

    refreshed = command("refresh", *on)
    assert refreshed.returncode == 0, refreshed.stderr
    path = (folder / "data" / "current" / "warehouse.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute(
            """
            select customer_name, order_count, revenue::integer
            from marts.customer_value inner join marts.customers using (customer_id)
            order by all
            """
        ).fetchall() == [
            ("Ann & Co", 1, 100),
            ("Ben Ltd", 1, 100),
            ("Never bought", 0, 0),
        ]


def test_nothing_is_overwritten(folder: Path) -> None:
    result = invoke("init", folder)
    assert result.returncode == 2
    assert "not empty" in result.stderr


def test_a_template_for_every_canonical_entity(tmp_path: Path) -> None:
    written = {path.name for path in init(tmp_path / "x", "erp")}
    for entity in ENTITIES:
        names = {f"stg_erp__{entity}.sql", f"stg_erp__{entity}.sql.template"}
        assert names & written, entity
        assert set(ENTITIES[entity][1]) <= set(canonical_columns(entity))


def test_every_option_is_explained(tmp_path: Path) -> None:
    init(tmp_path / "x", "erp")
    text = (tmp_path / "x" / "sources.yaml").read_text()
    for name in Entity.model_fields:
        assert name == "name" or re.search(rf"^      # {name}\b.* — ", text, re.M), name


def test_the_demonstration_lacks_nothing() -> None:
    from pipeline.common.settings import Settings
    from pipeline.sources import load_sources

    settings = Settings.load()
    assert project.lacks(load_sources(settings), settings) == []

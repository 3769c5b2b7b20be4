"""What a release says of what its tables are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from pipeline.transform import lineage


def node(kind: str, schema: str, name: str, *reads: str) -> dict[str, Any]:
    return {
        "resource_type": kind,
        "schema": schema,
        "name": name,
        "alias": name,
        "fqn": ["customer_tiers", schema, name],
        "depends_on": {"nodes": [*reads]},
    }


MANIFEST: dict[str, Any] = {
    "sources": {
        "source.p.shop.sales": {
            "resource_type": "source",
            "source_name": "shop",
            "name": "sales",
        },
        "source.p.refresh.context": {
            "resource_type": "source",
            "source_name": "refresh",
            "name": "context",
        },
    },
    "nodes": {
        "model.p.a": node(
            "model", "marts", "a", "model.p.b", "seed.p.s", "source.p.refresh.context"
        ),
        "model.p.b": node("model", "core", "b", "source.p.shop.sales"),
        "model.p.unused": node("model", "core", "unused", "source.p.shop.sales"),
        "seed.p.s": node("seed", "meta", "s"),
    },
}


def test_lineage_is_what_a_refresh_builds(tmp_path: Path) -> None:
    """A model that no mart needs is not built; the refresh's own facts are no data."""
    path = tmp_path / "warehouse.duckdb"
    for _ in range(2):  # a candidate that is built again
        lineage.write(path, MANIFEST)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute(f"from {lineage.TABLE} order by all").fetchall() == [
            ("core.b", "landing.shop.sales", "landed"),
            ("marts.a", "core.b", "model"),
            ("marts.a", "meta.s", "seed"),
        ]
        described = connection.execute(
            "select comment from duckdb_columns() where table_name = 'lineage'"
        ).fetchall()
    assert [text for (text,) in described] == list(lineage.COLUMNS.values())

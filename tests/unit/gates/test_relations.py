"""Keys and references of a release are those that are proved of every release."""

from __future__ import annotations

from typing import Any

import pytest

from expectations.vocabulary import unique
from pipeline.common.settings import Settings
from pipeline.gates.relations import declared, relations
from pipeline.gates.suite import Suite
from pipeline.sources import load_sources
from pipeline.transform import dbt as transform


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    settings = Settings.load()
    sources = load_sources(settings)
    project = transform.parse(sources, sources.applied_to(settings))
    return declared(project.manifest_json, sources.sources, settings.expectations)


def test_every_mart_has_a_key(found: dict[str, dict[str, Any]]) -> None:
    settings = Settings.load()
    sources = load_sources(settings)
    manifest = transform.parse(sources, sources.applied_to(settings)).manifest_json
    marts = {
        f"marts.{node['name']}": {*node["columns"]}
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    assert len(marts) > 30
    for name, columns in marts.items():
        keys = found[name]["keys"]
        assert keys, name
        assert all(columns.issuperset(key) for key in keys), name


def test_they_are_as_they_are_tested(found: dict[str, dict[str, Any]]) -> None:
    assert found["marts.order_lines"] == {
        "keys": [["order_id", "line_number"]],
        "references": {
            "customer_id": ["marts.customers", "customer_id"],
            "product_id": ["marts.products", "product_id"],
        },
    }
    # Of a suite, as dbt tests nothing of the kind there.
    assert found["marts.lead_scores"]["keys"] == [["lead_id"]]
    # A table that refers to itself.
    parent = found["marts.customers"]["references"]["parent_customer_id"]
    assert parent == ["marts.customers", "customer_id"]
    assert not [name for name in found if not name.startswith(("marts.", "meta."))]


def node(name: str, **more: Any) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "schema": "marts",
        "alias": name,
        "config": {},
        **more,
    }


def key_test(table: str, columns: list[str], **config: Any) -> dict[str, Any]:
    return {
        "resource_type": "test",
        "attached_node": f"model.p.{table}",
        "config": config,
        "test_metadata": {"name": "key", "kwargs": {"columns": columns}},
    }


def test_what_may_fail_proves_nothing() -> None:
    manifest = {
        "nodes": {
            "model.p.a": node("a"),
            "model.p.b": node("b"),
            "model.p.c": node("c", schema="core"),
            "test.1": key_test("a", ["one"], severity="warn"),
            "test.2": key_test("a", ["two"], where="x = 1"),
            "test.3": key_test("a", ["three"], severity="error"),
            "test.4": key_test("c", ["four"]),
        }
    }
    suites = [
        Suite(
            "marts.b",
            "marts",
            "b",
            [
                unique("one", why="w", severity="warning"),
                unique("two", why="w", acceptable=True),
                unique("three", "four", why="w"),
            ],
        )
    ]
    assert relations(manifest, suites) == {
        "marts.a": {"keys": [["three"]], "references": {}},
        "marts.b": {"keys": [["three", "four"]], "references": {}},
    }

"""Which columns are the key of each table of a release, and what the others refer to.

Read from what is tested of every release: dbt's tests of uniqueness and of references, and
the expectations of uniqueness of the suites. So a key is declared once, and whoever makes
a copy of a release with keys makes those that were proved. Not here: how they are tested,
and what a copy does with them (`serving`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.gates.suite import Suite, is_acceptable, severity_of, suites_of_marts
from pipeline.sources import Source
from pipeline.transform.dbt_tests import severity_of as severity_of_test

Node = Mapping[str, Any]

# The surest first: `key` demands that nothing is null, a combination is a table's grain.
_OF_DBT = ("key", "unique_combination", "unique")


def declared(
    manifest: Mapping[str, Any], sources: Iterable[Source], expectations: Path
) -> dict[str, dict[str, Any]]:
    """`relations` of what a refresh with these sources publishes.

    Args:
        manifest: dbt's manifest as plain JSON.
        sources: The sources in force.
        expectations: The folder of the suites.
    """
    provided = {entity for source in sources for entity in source.provides}
    return relations(manifest, suites_of_marts(expectations, provided))


def relations(
    manifest: Mapping[str, Any], suites: Iterable[Suite]
) -> dict[str, dict[str, Any]]:
    """Schema and table → its `keys` and `references`, as `release.json` holds them.

    What only warns, or may be accepted, proves nothing and is left out.

    Args:
        manifest: dbt's manifest as plain JSON.
        suites: Those of the gate out.

    Returns:
        `keys`, lists of columns, the one to be the primary key first; `references`, column
        → `[table, column]`. Tables without either are left out.
    """
    nodes: Mapping[str, Node] = manifest["nodes"]
    tests = [node for node in nodes.values() if _proves(node)]
    keys: dict[str, list[list[str]]] = {}
    for kind in _OF_DBT:
        for test in tests:
            metadata = test["test_metadata"]
            if metadata["name"] == kind:
                table = _table(nodes.get(test.get("attached_node") or ""))
                arguments = metadata["kwargs"]
                columns = arguments.get("columns") or [arguments["column_name"]]
                keys.setdefault(table, []).append([*columns])
    for table, columns in _of_suites(suites):
        if columns not in keys.setdefault(table, []):
            keys[table].append(columns)
    found: dict[str, dict[str, Any]] = {
        table: {"keys": columns, "references": {}} for table, columns in keys.items()
    }
    for test in tests:
        if test["test_metadata"]["name"] != "relationships":
            continue
        table = _table(nodes.get(test.get("attached_node") or ""))
        arguments = test["test_metadata"]["kwargs"]
        others = [
            nodes.get(name)
            for name in test["depends_on"]["nodes"]
            if name != test["attached_node"]
        ]
        # A table that refers to itself depends on nothing else.
        other = _table(others[0]) if others else table
        entry = found.setdefault(table, {"keys": [], "references": {}})
        entry["references"][arguments["column_name"]] = [other, arguments["field"]]
    found.pop("", None)
    return dict(sorted(found.items()))


def _proves(node: Node) -> bool:
    """Whether it is a test of all rows without which there is no release."""
    config = node["config"]
    return (
        node["resource_type"] == "test"
        and bool(node.get("test_metadata"))
        and severity_of_test(config.get("severity")) == "critical"
        and (
            not config.get("where") or node["test_metadata"]["name"] == "relationships"
        )
    )


def _table(node: Node | None) -> str:
    """Schema and table; empty where it is no table of the release."""
    if node is None or node["resource_type"] not in {"model", "seed"}:
        return ""
    schema = str(node["schema"])
    return f"{schema}.{node['alias']}" if schema in {"marts", "meta"} else ""


def _of_suites(suites: Iterable[Suite]) -> Iterator[tuple[str, list[str]]]:
    for suite in suites:
        for item in suite.expectations:
            columns = _unique_columns(item)
            if columns and severity_of(item) == "critical" and not is_acceptable(item):
                yield f"{suite.schema}.{suite.table}", [*columns]


def _unique_columns(expectation: Any) -> Sequence[str]:
    match type(expectation).__name__:
        case "ExpectColumnValuesToBeUnique":
            return [str(expectation.column)]
        case "ExpectCompoundColumnsToBeUnique":
            return [*map(str, expectation.column_list)]
        case _:
            return []

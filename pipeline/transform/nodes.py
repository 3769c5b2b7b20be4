"""What of a parsed dbt project a refresh builds, and what has to wait for what.

Read from dbt's manifest as plain JSON. Not here: the SQL of the nodes (`compiled`) and
how it is run (`execution`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

# A node as the manifest describes it.
Node = Mapping[str, Any]

# What a refresh builds: the seeds, the marts, and whatever they need. Staging models of
# sources that are not configured are nobody's ancestors, so they are left alone.
_BUILT_FOLDERS = (["customer_tiers", "marts"], ["customer_tiers", "meta"])
SELECT = " ".join(
    [*(f"+fqn:{'.'.join(folder)}" for folder in _BUILT_FOLDERS), "resource_type:seed"]
)
EXCLUDE = "resource_type:unit_test"

Status = Literal["success", "pass", "warn", "fail", "error", "skipped"]


@dataclass(frozen=True)
class Result:
    """What became of one node.

    Attributes:
        node: The node, as the manifest describes it.
        status: `success` of what was built; `pass`, `warn` or `fail` of a test.
        message: What the engine said of an error; how many rows a test found.
        sql: The compiled SQL of a test, to be asked again for a few rows.
        failures: The rows that a test found.
        rows: The rows of a table that was built.
        seconds: How long it took.
        ended_at: When, in seconds since the epoch.
        carried: Whether it came of the refresh before, because it would be the same.
    """

    node: Node
    status: Status
    message: str = ""
    sql: str = ""
    failures: int | None = None
    rows: int | None = None
    seconds: float = 0.0
    ended_at: float = 0.0
    carried: bool = False


class Selection:
    """The nodes of a refresh, as `dbt build` with `SELECT` and `EXCLUDE` chooses them.

    A test belongs to it if anything that it looks at does, be it a source alone.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._nodes: Mapping[str, Node] = manifest["nodes"]
        chosen = {
            name
            for name, node in self._nodes.items()
            if node["resource_type"] == "seed" or node["fqn"][:2] in _BUILT_FOLDERS
        }
        chosen |= self._ancestors_of(chosen)
        self.tables = {
            name: self._nodes[name]
            for name in self._in_order(chosen)
            if self._nodes[name]["resource_type"] != "test"
        }
        self._sources = {
            parent
            for node in self.tables.values()
            for parent in node["depends_on"].get("nodes", [])
            if parent.startswith("source.")
        }
        self.tests = {
            name: node
            for name, node in self._nodes.items()
            if node["resource_type"] == "test" and self.reads(name)
        }

    def reads(self, name: str) -> set[str]:
        """The chosen seeds and models that a node reads itself, and their sources."""
        named = self._nodes[name]["depends_on"].get("nodes", [])
        return {each for each in named if each in self.tables or each in self._sources}

    def parents(self, name: str) -> list[str]:
        """The chosen seeds and models that a node reads itself; no sources."""
        return [
            parent
            for parent in self._nodes[name]["depends_on"].get("nodes", [])
            if parent in self.tables
        ]

    @cached_property
    def ancestors(self) -> dict[str, set[str]]:
        """Everything that a seed or model is made of, sources as well → by its name."""
        found: dict[str, set[str]] = {}
        for name in self.tables:
            parents = self.parents(name)
            found[name] = self.reads(name).union(*(found[each] for each in parents))
        return found

    @cached_property
    def tests_of(self) -> dict[str, list[str]]:
        """The tests that look at a seed, model or source → by its name."""
        found: dict[str, list[str]] = defaultdict(list)
        for test in self.tests:
            for parent in self.reads(test):
                found[parent].append(test)
        return found

    def _ancestors_of(self, names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            for parent in self._nodes[waiting.pop()]["depends_on"].get("nodes", []):
                if parent in self._nodes and parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found

    def _in_order(self, names: set[str]) -> list[str]:
        """The names, each after all that it depends on."""
        done: dict[str, None] = {}

        def place(name: str) -> None:
            for parent in self._nodes[name]["depends_on"].get("nodes", []):
                if parent in names and parent not in done:
                    place(parent)
            done[name] = None

        for name in sorted(names):
            if name not in done:
                place(name)
        return list(done)


def why_dbt_itself(manifest: Mapping[str, Any], selection: Selection) -> str:
    """Why dbt has to run the project itself; empty where it need not.

    Everything that the product uses of dbt is run by `execution`. A project's own models
    may use more of it, and dbt knows how.
    """
    for name, macro in manifest["macros"].items():
        if macro["package_name"].startswith("dbt"):
            continue
        if macro["name"].startswith("materialization_"):
            return f"{name} is a materialization"
    if any(name.startswith("operation.") for name in manifest["nodes"]):
        return "there are hooks of the run"
    for name, node in {**selection.tables, **selection.tests}.items():
        if reason := _unknown(node):
            return f"{name} has {reason}"
    return ""


def _unknown(node: Node) -> str:
    """What of dbt a node uses that `execution` does not do; empty for nothing."""
    config = node["config"]
    kind = node["resource_type"]
    known = {
        "model": {"table", "view", "ephemeral"},
        "seed": {"seed"},
        "test": {"test"},
    }.get(kind, set())
    if config["materialized"] not in known:
        return f"the materialization {config['materialized']}"
    expected: Mapping[str, Any] = {
        "pre-hook": [],
        "post-hook": [],
        "grants": {},
        "sql_header": None,
        "partitioned_by": None,
        "sorted_by": None,
        "indexes": None,
        "quote_columns": None,
        "fast": None,
        "plugin": None,
        "store_failures": None,
        "store_failures_as": None,
        "fail_calc": "count(*)",
        "warn_if": "!= 0",
        "error_if": "!= 0",
        "limit": None,
    }
    for option, value in expected.items():
        if config.get(option, value) not in (value, None, False, [], {}):
            return f"the option {option}"
    if node.get("constraints"):
        return "constraints of the whole table"
    if node.get("language") == "python" and node["contract"]["enforced"]:
        return "a contract on a Python model"
    constraints: list[Mapping[str, Any]] = []
    for column in (node.get("columns") or {}).values():
        constraints += column.get("constraints") or []
    for constraint in constraints:
        if constraint["type"] != "not_null" or constraint.get("expression"):
            return f"the constraint {constraint['type']}"
    return ""

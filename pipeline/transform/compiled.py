"""The SQL of the nodes as dbt compiles it, kept until the project is another.

dbt takes ten milliseconds a node, which for a small company is more than everything that
the engine does. What a node compiles to depends on the project's files; of some nodes
also on the columns of what they read, and a project's own Jinja may ask the database
anything. Those are compiled once what they read is built: again when its columns are
others, or in each refresh.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from enum import IntEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import write_text
from pipeline.transform.nodes import Node

# Jinja whose result is not in the project's files, apart from columns of relations.
_ASKS_MORE = re.compile(
    r"\b(adapter\s*\.\s*(get_(?!columns_in_relation\b)|check_|list_|already_|execute)|"
    r"run_query|load_result|load_relation|run_started_at|invocation_id|modules\.|"
    r"get_column_values|statement\s*\(|invocation_args_dict|dbt_utils\.)"
)
_ASKS_COLUMNS = re.compile(r"\badapter\s*\.\s*get_columns_in_relation\b")
# dbt's own macros that ask the database.
_ASKING = {
    "macro.dbt.statement",
    "macro.dbt.run_query",
    "macro.dbt.load_relation",
    "macro.dbt.get_columns_in_query",
    "macro.dbt.get_column_schema_from_query",
}
_ENVIRONMENT = re.compile(rb"env_var\(\s*['\"](\w+)")
# Of a composed project, what SQL is made of. A seed's rows are no part of it.
_KINDS = (".sql", ".py", ".yml", ".yaml", ".md")

# The columns of relations, by their quoted names: name and type of each.
Columns = Mapping[str, list[list[str]]]

# Compiles nodes → the SQL of each by its name; the second is why those have none that fail.
Compiler = Callable[[Iterable[str]], tuple[dict[str, str], dict[str, str]]]


class Asks(IntEnum):
    """What a node's Jinja goes by besides the files of the project."""

    NOTHING = 0
    COLUMNS = 1
    MORE = 2


class Compiled:
    """The compiled nodes of one composed project.

    Args:
        folder: The composed project.
        manifest: dbt's manifest of it, as plain JSON.
        compile_now: Has dbt compile nodes, whose parents are built where they must be.
    """

    def __init__(
        self, folder: Path, manifest: Mapping[str, Any], compile_now: Compiler
    ) -> None:
        self._file = folder / "parsed" / "compiled.json"
        self._nodes: Mapping[str, Node] = manifest["nodes"]
        self._sources: Mapping[str, Node] = manifest["sources"]
        self._macros: Mapping[str, Node] = manifest["macros"]
        self._compile_now = compile_now
        self._of_project = fingerprint(folder)
        # Of a node: what it was compiled for, which is empty where files decide.
        self._kept: dict[str, tuple[str, str]] = {}
        self._sql: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        self._of_macro: dict[str, Asks] = {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            if kept["project"] == self._of_project:
                self._kept = {name: tuple(item) for name, item in kept["nodes"].items()}

    def asks(self, name: str) -> Asks:
        """What a node's SQL goes by besides the project's files."""
        node = self._nodes[name]
        own = _asks(node.get("raw_code") or "")
        macros = map(self._macro_asks, node["depends_on"].get("macros", []))
        return max(own, *macros, Asks.NOTHING)

    def prepare(self, names: Iterable[str]) -> None:
        """Compiles those for which the project's files are enough."""
        self._take(dict.fromkeys((name for name in names if not self.asks(name)), ""))

    def compile(self, names: Iterable[str], columns: Columns) -> None:
        """Compiles nodes that ask for something which is there now.

        Args:
            columns: Those of every relation in the two files.
        """
        found: dict[str, str] = {}
        more: list[str] = []
        for name in names:
            if self.asks(name) is Asks.MORE:
                more.append(name)
            else:
                found[name] = self._columns_read(name, columns)
        self._take(found)
        if more:
            self._have_compiled(more)

    def has(self, name: str) -> bool:
        """Whether the node is compiled, or dbt has said why it cannot be."""
        return name in self._sql or name in self._problems

    def sql(self, name: str) -> str:
        """The SQL of a compiled node.

        Raises:
            CustomerTiersError: dbt cannot compile it.
        """
        if name in self._problems:
            raise CustomerTiersError(self._problems[name])
        return self._sql[name]

    def _take(self, wanted: Mapping[str, str]) -> None:
        """Takes what is kept for the same, has the rest compiled, and keeps it."""
        lacking = []
        for name, compiled_for in wanted.items():
            kept_for, sql = self._kept.get(name, (None, ""))
            if kept_for == compiled_for:
                self._sql[name] = sql
            else:
                lacking.append(name)
        if not lacking:
            return
        self._have_compiled(lacking)
        for name in lacking:
            if name in self._sql:
                self._kept[name] = (wanted[name], self._sql[name])
        write_text(
            self._file,
            json.dumps({"project": self._of_project, "nodes": self._kept}),
        )

    def _have_compiled(self, names: list[str]) -> None:
        sql, problems = self._compile_now(names)
        self._sql.update(sql)
        self._problems.update(problems)
        for name in names:
            if not self.has(name):
                self._problems[name] = "dbt did not compile it"

    def _columns_read(self, name: str, columns: Columns) -> str:
        """The columns of what a node reads, as one text."""
        everything = {**self._sources, **self._nodes}
        relations = sorted(
            str(everything[parent]["relation_name"])
            for parent in self._nodes[name]["depends_on"]["nodes"]
            if parent in everything
        )
        read = {relation: columns.get(relation) for relation in relations}
        return hashlib.sha256(json.dumps(read).encode()).hexdigest()

    def _macro_asks(self, name: str) -> Asks:
        if name in _ASKING:
            return Asks.MORE
        if name not in self._of_macro:
            self._of_macro[name] = Asks.NOTHING  # of one that calls itself
            if macro := self._macros.get(name):
                is_dbt = macro["package_name"].startswith("dbt")
                own = Asks.NOTHING if is_dbt else _asks(macro["macro_sql"])
                called = map(self._macro_asks, macro["depends_on"]["macros"])
                self._of_macro[name] = max(own, *called, Asks.NOTHING)
        return self._of_macro[name]


def _asks(jinja: str) -> Asks:
    if _ASKS_MORE.search(jinja):
        return Asks.MORE
    return Asks.COLUMNS if _ASKS_COLUMNS.search(jinja) else Asks.NOTHING


def fingerprint(folder: Path) -> str:
    """A hash of everything that a project's SQL is made of, and of dbt itself."""
    content = hashlib.sha256()
    for package in ("dbt-core", "dbt-adapters", "dbt-duckdb"):
        content.update(f"{package} {version(package)}\0".encode())
    paths = [folder / "dbt_project.yml"]
    for kind in ("models", "macros", "tests", "seeds"):
        paths += (path for path in (folder / kind).rglob("*") if path.suffix in _KINDS)
    for path in sorted(paths):
        content.update(f"{path.relative_to(folder)}\0".encode())
        text = path.read_bytes()
        content.update(text + b"\0")
        for name in _ENVIRONMENT.findall(text):
            content.update(os.environ.get(name.decode(), "").encode() + b"\0")
    return content.hexdigest()

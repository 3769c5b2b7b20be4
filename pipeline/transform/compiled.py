"""The SQL of the nodes as dbt compiles it, kept for as long as it would be the same.

dbt takes ten milliseconds a node, which for a small company is more than everything that
the engine does. What a node compiles to depends on its own text and on the macros; of
some nodes also on what `sources.yaml` says, or on the columns of what they read, and
a project's own Jinja may ask the database anything. Nodes that ask for something are
compiled once what they read is built: again when its columns are others, or each time.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from enum import Flag, auto
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import write_text
from pipeline.transform.nodes import Node
from pipeline.transform.package import PROJECT_FILE

COMPILED = "parsed/compiled.json"

# The columns of relations, by their quoted names: name and type of each.
Columns = Mapping[str, list[list[str]]]

# Compiles nodes → the SQL of each by its name; the second is why those have none that fail.
Compiler = Callable[[Iterable[str]], tuple[dict[str, str], dict[str, str]]]


class Asks(Flag):
    """What a node's Jinja goes by besides its own text and the macros."""

    NOTHING = 0
    VARIABLES = auto()  # what sources.yaml says
    COLUMNS = auto()  # the columns of what it reads
    MORE = auto()  # anything else, such as the rows of a table, or the moment


_WORDS = {
    Asks.VARIABLES: re.compile(r"\bvar\s*\("),
    Asks.COLUMNS: re.compile(r"\badapter\s*\.\s*get_columns_in_relation\b"),
    Asks.MORE: re.compile(
        r"\badapter\s*\.\s*(get_(?!columns_in_relation\b)|check_|list_|already_|execute)|"
        r"\b(run_query|load_result|load_relation|env_var|run_started_at|invocation_id|"
        r"get_column_values|statement\s*\(|invocation_args_dict|dbt_utils\.|modules\.)"
    ),
}
# dbt's own macros that ask the database.
_ASKING = {
    "macro.dbt.statement",
    "macro.dbt.run_query",
    "macro.dbt.load_relation",
    "macro.dbt.get_columns_in_query",
    "macro.dbt.get_column_schema_from_query",
}
# Of a node, what its SQL is made of.
_MADE_OF = (
    "unique_id",
    "language",
    "raw_code",
    "config",
    "relation_name",
    "test_metadata",
    "column_name",
    "attached_node",
)


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
        self._folder = folder
        self._nodes: Mapping[str, Node] = manifest["nodes"]
        self._read: Mapping[str, Node] = {**manifest["sources"], **manifest["nodes"]}
        self._macros: Mapping[str, Node] = manifest["macros"]
        self._compile_now = compile_now
        # Of a node: the hash of what it was compiled of, and its SQL.
        self._kept: dict[str, tuple[str, str]] = {}
        self._sql: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        self._of_macro: dict[str, Asks] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError):
            kept = json.loads((folder / COMPILED).read_text(encoding="utf-8"))
            self._kept = {name: (key, text) for name, (key, text) in kept.items()}

    def asks(self, name: str) -> Asks:
        """What a node's SQL goes by besides its own text and the macros."""
        node = self._nodes[name]
        found = _words(node.get("raw_code") or "")
        for macro in node["depends_on"].get("macros", []):
            found |= self._macro_asks(macro)
        return found

    def prepare(self, names: Iterable[str]) -> None:
        """Compiles those that ask for nothing that would have to be built before."""
        self._take(
            {
                name: self._key(name, {})
                for name in names
                if not self.asks(name) & (Asks.COLUMNS | Asks.MORE)
            }
        )

    def compile(self, names: Iterable[str], columns: Columns) -> None:
        """Compiles nodes that ask for something which is there now.

        Args:
            columns: Those of every relation in the two files.
        """
        found: dict[str, str] = {}
        more: list[str] = []
        for name in names:
            if Asks.MORE in self.asks(name):
                more.append(name)
            else:
                found[name] = self._key(name, columns)
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

    def _take(self, keys: Mapping[str, str]) -> None:
        """Takes what is kept for the same, has the rest compiled, and keeps it."""
        lacking = []
        for name, key in keys.items():
            kept_for, sql = self._kept.get(name, ("", ""))
            if kept_for == key:
                self._sql[name] = sql
            else:
                lacking.append(name)
        if not lacking:
            return
        self._have_compiled(lacking)
        for name in lacking:
            if name in self._sql:
                self._kept[name] = (keys[name], self._sql[name])
        kept = {name: item for name, item in self._kept.items() if name in self._nodes}
        write_text(self._folder / COMPILED, json.dumps(kept))

    def _have_compiled(self, names: list[str]) -> None:
        sql, problems = self._compile_now(names)
        self._sql.update(sql)
        self._problems.update(problems)
        for name in names:
            if not self.has(name):
                self._problems[name] = "dbt did not compile it"

    def _key(self, name: str, columns: Columns) -> str:
        """A hash of everything that a node's SQL is made of."""
        node = self._nodes[name]
        asks = self.asks(name)
        relations = sorted(
            str(self._read[parent]["relation_name"])
            for parent in node["depends_on"].get("nodes", [])
            if parent in self._read
        )
        made_of = [
            self._of_all,
            [node.get(part) for part in _MADE_OF],
            relations,
            self._variables if Asks.VARIABLES in asks else "",
            [columns.get(each) for each in relations] if Asks.COLUMNS in asks else "",
        ]
        return _hash(json.dumps(made_of, sort_keys=True, default=str))

    @cached_property
    def _of_all(self) -> str:
        """A hash of what every node may call: the macros, and dbt itself."""
        packages = ("dbt-core", "dbt-adapters", "dbt-duckdb")
        return _hash(
            *map(importlib.metadata.version, packages),
            *(
                macro["macro_sql"]
                for _, macro in sorted(self._macros.items())
                if not macro["package_name"].startswith("dbt")
            ),
        )

    @cached_property
    def _variables(self) -> str:
        """What `sources.yaml` says to models, as the composed project has it."""
        return (self._folder / PROJECT_FILE).read_text(encoding="utf-8")

    def _macro_asks(self, name: str) -> Asks:
        if name in _ASKING:
            return Asks.MORE
        if name not in self._of_macro:
            self._of_macro[name] = Asks.NOTHING  # of one that calls itself
            found = Asks.NOTHING
            if macro := self._macros.get(name):
                if not macro["package_name"].startswith("dbt"):
                    found |= _words(macro["macro_sql"])
                for called in macro["depends_on"]["macros"]:
                    found |= self._macro_asks(called)
            self._of_macro[name] = found
        return self._of_macro[name]


def _words(jinja: str) -> Asks:
    found = Asks.NOTHING
    for asks, words in _WORDS.items():
        if words.search(jinja):
            found |= asks
    return found


def _hash(*texts: str) -> str:
    content = hashlib.sha256()
    for text in texts:
        content.update(text.encode() + b"\0")
    return content.hexdigest()

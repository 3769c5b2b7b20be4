"""What each table and test was made of, so that what would be the same is not made again.

The key of a node is a hash of its own SQL, or code, and of what everything is that it
reads; what the rows are that a table came to hold is noted beside it. Of a table that is
not too large it is the rows that count and not how they came about: one that is built
again and comes out as it was makes nothing below it anew. Rows whose values depend on
the order in which a sum was made may come out otherwise: then more is built than need
be, and never less.

A node that names the id of the refresh is always made: who made it is part of it. So
is what reads a file, the clock or chance, which no key can know, and any Python model of
a project's own, which may; and what is made of these, where it is not known by its rows.

Not here: where the former tables lie (`release.kept`) and how they are taken over
(`execution`).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import sql
from pipeline.common.settings import PROJECT_ROOT
from pipeline.transform.nodes import Node
from pipeline.transform.package import PACKAGE

# A larger table is known by what it was made of alone: to hash all its rows takes a share
# of what it takes to make them.
MOST_ROWS = 2_000_000

# Who builds; a table is known by its rows without it, and whoever reads it says its name.
STAMP = "refresh_id"
_STAMPED = re.compile(rf"\b{STAMP}\b")

# Of a node, what its table is made of besides its SQL.
_MADE_OF = ("language", "config", "columns", "description", "relation_name", "contract")
_TABLE_OF_REFRESH = ("core_refresh", "context")

# Functions and words of SQL whose result is not made of what the query names.
_OUTSIDE = re.compile(
    r"\b((read|scan|sniff)_\w+|\w+_(scan|query|attach)|glob|now|today|random|setseed|"
    r"uuid\w*|gen_random_uuid|getenv|nextval|currval|query|query_table|"
    r"(transaction|statement|clock|get_current)_?time\w*)\s*\(|"
    r"\b(current_(date|time\w*)|localtime\w*)\b|"
    r"\b(from|join)\s+'[^'\n]*\.\w+'",
    re.IGNORECASE,
)

_FILES = re.compile(r"'([^']+\.parquet)'")


class Traces:
    """What is known of the nodes of one build, and of the build before it.

    Args:
        folder: The composed project.
        read: Every node and source of the manifest by its id.
        root: The home, which may be another folder by the next time.
        former: What the build before noted; empty where there was none.
    """

    def __init__(
        self,
        folder: Path,
        read: Mapping[str, Node],
        root: Path,
        former: Mapping[str, Any],
    ) -> None:
        self._folder = folder
        self._read = read
        self._root = root
        is_ours = former.get("version") == _version()
        self._former: Mapping[str, Any] = former.get("nodes", {}) if is_ours else {}
        self._former_given = former.get("given") if is_ours else None
        # Sources, seeds and the day, but not what earlier refreshes left.
        self._given: dict[str, str] = {}
        self._contents: dict[str, str] = {}
        self._noted: dict[str, dict[str, Any]] = {}

    def landed(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Notes what the sources hold, which are the tables and views under all nodes."""
        for name, node in self._read.items():
            if node["resource_type"] == "source":
                self._contents[name] = _landed(connection, node, self._root)
                if node["source_name"] != "refresh" or node["name"] == "context":
                    self._given[name] = self._contents[name]
            elif node["resource_type"] == "seed":
                self._given[name] = self.key(name, "")

    @property
    def is_as_before(self) -> bool:
        """Whether what the company gave, and the day, are those of the build before.

        Then next to all of it will be taken over.
        """
        return bool(self._given) and self._given == self._former_given

    def key(self, name: str, compiled: str) -> str:
        """What a node is made of.

        Args:
            name: Of the node; what it reads is noted already.
            compiled: Its SQL or code; nothing for a seed.
        """
        node = self._read[name]
        parents = sorted(
            parent
            for parent in node["depends_on"].get("nodes", [])
            if parent in self._read
        )
        made_of: list[Any] = [
            [node.get(part) for part in _MADE_OF],
            compiled,
            [(parent, self._contents.get(parent)) for parent in parents],
        ]
        if node["resource_type"] == "seed":
            file = Path(node["root_path"]) / node["original_file_path"]
            made_of.append(hashlib.sha256(file.read_bytes()).hexdigest())
        if node.get("language") == "python":
            made_of.append(_code())
        return _hash(json.dumps(made_of, sort_keys=True, default=str))

    def former(self, name: str, key: str, compiled: str) -> Mapping[str, Any] | None:
        """What was noted of a node that was made of the same; None where it was not."""
        noted = self._former.get(name)
        if noted is None or noted["key"] != key or self._is_open(name, compiled):
            return None
        return noted  # type: ignore[no-any-return]

    def _is_open(self, name: str, compiled: str) -> bool:
        """Whether a node may be made of something that its key does not hold."""
        node = self._read[name]
        if _STAMPED.search(compiled) or _OUTSIDE.search(compiled):
            return True
        if node.get("language") != "python":
            return False
        file = (self._folder / node["original_file_path"]).resolve()
        return not file.is_relative_to(PACKAGE)

    def content(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        key: str,
        compiled: str,
        rows: int | None,
    ) -> str:
        """What a node that was just made holds: its rows, or else what it was made of.

        Args:
            connection: The two files.
            name: Of the node.
            key: What it is made of.
            compiled: Its SQL or code.
            rows: How many the table has; None for a view, which is known by its key.
        """
        node = self._read[name]
        if rows is not None and rows <= MOST_ROWS:
            return _rows(connection, node["relation_name"], node["name"])
        return uuid.uuid4().hex if self._is_open(name, compiled) else key

    def note(
        self, name: str, key: str, content: str = "", rows: int | None = None
    ) -> None:
        """Notes a node that is there now.

        Args:
            name: Of the node.
            key: What it is made of.
            content: What it holds, by `content`; nothing for a test that passed.
            rows: How many rows the table has.
        """
        self._contents[name] = content
        self._noted[name] = {"key": key, "content": content, "rows": rows}

    def noted(self) -> dict[str, Any]:
        """All that was noted, for the build after this one."""
        return {"version": _version(), "given": self._given, "nodes": self._noted}


def _landed(connection: duckdb.DuckDBPyConnection, node: Node, root: Path) -> str:
    """What a source holds: the files of a view as they are, or the rows of a table."""
    relation = node["relation_name"]
    schema, name = node["schema"], node.get("identifier") or node["name"]
    view = connection.execute(
        "select sql from duckdb_views() where database_name = ? "
        "and schema_name = ? and view_name = ?",
        [node["database"], schema, name],
    ).fetchone()
    if view is None:
        try:
            return _rows(connection, relation, node["name"])
        except duckdb.CatalogException:
            # Of a source that this company does not have, or nothing that we know.
            return "" if schema == "landing" else uuid.uuid4().hex
    text = view[0]
    for path in map(Path, _FILES.findall(view[0])):
        if not path.is_file():
            # A pattern, or a file elsewhere: what is there now cannot be known by it.
            return uuid.uuid4().hex
        found = path.stat()
        text += f" {found.st_size} {found.st_mtime_ns}"
    return _hash(text.replace(str(root), ""))


def _rows(connection: duckdb.DuckDBPyConnection, relation: str, name: str) -> str:
    """A hash of all rows of a relation, in whatever order they lie."""
    columns = connection.execute(f"describe {relation}").fetchall()
    left_out = {STAMP} if name in _TABLE_OF_REFRESH else set()
    names = ", ".join(
        sql.quoted(column) for column, *_ in columns if column not in left_out
    )
    found = connection.execute(
        f"select count(*), sum(hash({names})::hugeint), bit_xor(hash({names})) "
        f"from {relation}"
    ).fetchone()
    return _hash(str([column[:2] for column in columns]), str(found))


@cache
def _version() -> str:
    """What all of it depends on: the engine, whose hash it is, and how it is noted."""
    return f"1 duckdb {duckdb.__version__} {importlib.metadata.version('dbt-duckdb')}"


@cache
def _code() -> str:
    """A hash of what Python models are made of: the product's code, and what it needs."""
    content = hashlib.sha256(sys.version.encode())
    for path in sorted((PROJECT_ROOT / "pipeline").rglob("*.py")):
        content.update(path.read_bytes() + b"\0")
    for needed in sorted(importlib.metadata.requires("customer-tiers") or ()):
        name = re.split(r"[^\w.-]", needed, maxsplit=1)[0]
        with suppress(importlib.metadata.PackageNotFoundError):
            content.update(f"{name} {importlib.metadata.version(name)}".encode())
    return content.hexdigest()


def _hash(*texts: str) -> str:
    content = hashlib.sha256()
    for text in texts:
        content.update(text.encode() + b"\0")
    return content.hexdigest()

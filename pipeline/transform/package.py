"""The product's dbt package: where it lies, which files it has, and what they are.

Not here: how a project's own files are put into it (`project`).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT, variable

PACKAGE = PROJECT_ROOT / "dbt_project"
# What stands for the demonstration's seeds of the same name in any other company's project.
NEUTRAL_SEEDS = PACKAGE / "seeds_neutral"
PROJECT_FILE = "dbt_project.yml"
PROFILES_FILE = "profiles.yml"

# The folders that dbt reads, and what in them is a node with a name of its own.
NODES: Mapping[str, frozenset[str]] = {
    "models": frozenset({".sql", ".py"}),
    "seeds": frozenset({".csv"}),
    "tests": frozenset({".sql"}),
    "macros": frozenset(),
}
PROPERTIES = frozenset({".yml", ".yaml"})
_READ = frozenset({".sql", ".py", ".csv", ".md"}) | PROPERTIES


def files(folder: Path) -> dict[str, Path]:
    """What dbt reads of a project's folder: path below it → file."""
    return {
        path.relative_to(folder).as_posix(): path
        for kind in NODES
        for path in _walk(folder / kind)
    }


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(
            name for name in folders if name[0] != "." and name != "__pycache__"
        )
        for name in sorted(names):
            path = Path(where, name)
            if name[0] != "." and path.suffix in _READ:
                yield path


def fingerprint(folder: Path) -> str:
    """A hash of everything that dbt parses of a project, and of dbt itself.

    A seed's rows are no part of it.
    """
    content = hashlib.sha256()
    for tool in ("dbt-core", "dbt-adapters", "dbt-duckdb"):
        content.update(f"{tool} {importlib.metadata.version(tool)}\0".encode())
    parsed = {PROJECT_FILE: folder / PROJECT_FILE} | files(folder)
    for relative, path in sorted(parsed.items()):
        content.update(f"{relative}\0".encode())
        if path.suffix == ".csv":
            continue
        text = path.read_bytes()
        content.update(text + b"\0")
        for name in _ENVIRONMENT.findall(text):
            content.update(variable(name.decode()).encode() + b"\0")
    return content.hexdigest()


_ENVIRONMENT = re.compile(rb"env_var\(\s*['\"](\w+)")


def node(relative: str) -> tuple[str, str] | None:
    """The kind and the name by which dbt knows a file; None where it has no name."""
    path = Path(relative)
    kind = path.parts[0]
    is_node = path.suffix in NODES.get(kind, frozenset())
    return (kind, path.stem) if is_node else None


def read_yaml(path: Path) -> dict[str, Any]:
    """What a YAML file of a dbt project says.

    Raises:
        ConfigurationError: It is no YAML, or no mapping.
    """
    try:
        said = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    if not isinstance(said, dict):
        raise ConfigurationError(f"{path} should name models, seeds or sources.")
    return said


# In C where PyYAML was built with it: ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def version() -> str:
    """The version of the package, which is the product's."""
    return str(read_yaml(PACKAGE / PROJECT_FILE)["version"])


def write_yaml(value: Any) -> str:
    """The value as the text of a YAML file."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=88)
    return text

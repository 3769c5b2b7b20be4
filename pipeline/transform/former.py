"""Projects of before the package: a whole copy of the product's dbt project.

`init` once copied every model, macro, test and seed into a new project. Here the files
of such a copy are classified: what is the product's, in whichever version, gives way to
the package; what a person wrote or changed stays. `former_files.txt` holds the hashes of
all that was ever copied, so that nothing is guessed.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.common.errors import ConfigurationError
from pipeline.common.files import sha256
from pipeline.identity.policy import optional_columns
from pipeline.transform import package

_HASH_LENGTH = 16  # of what stands in the file


@dataclass(frozen=True)
class Copy:
    """The files of a whole copy, by whose they are; paths are those below the copy.

    Attributes:
        own: What goes on to count → file.
        replacing: Those of them that take the place of a model or test of the product.
        set_aside: Files of the product that somebody changed, and whose changes no
            longer count, with the reason.
        dropped: How many unchanged files of the product give way to the package.
    """

    own: Mapping[str, Path]
    replacing: Sequence[str] = field(default_factory=list)
    set_aside: Mapping[str, str] = field(default_factory=dict)
    dropped: int = 0

    def sentences(self) -> list[str]:
        """What a person should know, one sentence each."""
        return [
            f"{self.dropped} files of the product are taken from the package.",
            *(
                f"{relative} was changed here, and takes the place of the product's: "
                "compare the two."
                for relative in self.replacing
            ),
            *(
                f"{relative} was changed here, and is not taken over: {reason}."
                for relative, reason in self.set_aside.items()
            ),
        ]


def is_copy(folder: Path) -> bool:
    """Whether the folder is a whole copy that a former `init` made.

    The demonstration's `provides` stood in each of them, and in nothing else.
    """
    path = folder / package.PROJECT_FILE
    if not path.exists() or folder.resolve() == package.PACKAGE:
        return False
    return "provides" in (package.read_yaml(path).get("vars") or {})


def classify(folder: Path) -> Copy:
    """Which files of a whole copy are the project's own."""
    now = {
        node: path
        for relative, path in package.files(package.PACKAGE).items()
        if (node := package.node(relative))
    }
    own: dict[str, Path] = {}
    replacing: list[str] = []
    set_aside: dict[str, str] = {}
    dropped = 0
    for relative, path in package.files(folder).items():
        node = package.node(relative)
        successor = now.get(node) if node else None
        if _stays(relative, path, successor):
            own[relative] = path
        elif is_unchanged(path):
            dropped += 1
        elif successor:
            own[relative] = path
            replacing.append(relative)
        elif node and node[0] == "seeds":
            own[relative] = path  # the gate on the policy says where its values belong
        elif node:
            set_aside[relative] = "the product has none of this name any more"
        else:
            set_aside[relative] = "write what is yours into a file of another name"
    for name in (package.PROJECT_FILE, package.PROFILES_FILE):
        if (folder / name).exists():
            if is_unchanged(folder / name):
                dropped += 1
            else:
                set_aside[name] = "the package has its own"
    return Copy(own, replacing, set_aside, dropped)


def _stays(relative: str, path: Path, successor: Path | None) -> bool:
    """Whether a file is a person's own: it was never the product's, or is the policy.

    A policy is not changed by an upgrade, unless nobody has written it and it cannot be
    read any more.
    """
    node = package.node(relative)
    if relative not in _copied() and node not in _copied_nodes():
        return True
    if node is None or node[0] != "seeds" or successor is None:
        return False
    return not (is_unchanged(path) and missing_columns(path, successor))


def is_unchanged(path: Path) -> bool:
    """Whether a file is one that a former `init` copied, byte for byte."""
    return sha256(path)[:_HASH_LENGTH] in _hashes()


def missing_columns(path: Path, product: Path) -> list[str]:
    """The columns that a seed of the product has and a project's own needs and lacks."""
    own = {name.strip().lower() for name in _header(path)}
    own |= optional_columns(product.stem)
    return [name for name in _header(product) if name.lower() not in own]


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


@functools.cache
def _lines() -> tuple[tuple[str, str], ...]:
    text = Path(__file__).with_name("former_files.txt").read_text(encoding="utf-8")
    pairs = (line.split(" ", 1) for line in text.splitlines())
    return tuple((hashed, path) for hashed, path in pairs)


@functools.cache
def _hashes() -> frozenset[str]:
    return frozenset(hashed for hashed, _ in _lines())


@functools.cache
def _copied() -> frozenset[str]:
    prefix = "dbt_project/"
    return frozenset(
        path.removeprefix(prefix) for _, path in _lines() if path.startswith(prefix)
    )


@functools.cache
def _copied_nodes() -> frozenset[tuple[str, str] | None]:
    known = (item for item in _copied() if item.split("/")[0] in package.NODES)
    return frozenset(package.node(item) for item in known) - {None}

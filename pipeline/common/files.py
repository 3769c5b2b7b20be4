"""How files are made durable: whole or not at all, flushed, and known by their hash.

Not here: where files lie (`home`) and what stands in them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

# The key under which a record holds its own hash.
OWN_HASH = "record_sha256"


def write_text(path: Path, text: str) -> None:
    """Writes a file so that it is there whole or not at all, also after a power cut."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def write_json(path: Path, value: Any, *, hashed: bool = False) -> None:
    """`write_text` of readable JSON; dates and paths as text.

    Args:
        path: The file.
        value: An object, if it is to be hashed.
        hashed: Whether the record holds its own hash, by which `read_json` knows damage.
    """
    if hashed:
        value = {**value, OWN_HASH: _hash(value)}
    write_text(path, _json(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """The value that `write_json` wrote; its own hash is not part of it.

    Raises:
        ValueError: It is no JSON, or not what its own hash says: one bit that is turned
            in a number leaves good JSON. Records of before there were any have none.
    """
    value = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(value, dict) and OWN_HASH in value:
        expected = value.pop(OWN_HASH)
        if expected != _hash(value):
            raise ValueError("it is not what was written (hash)")
    return value


def _hash(value: Any) -> str:
    plain = json.loads(_json(value))  # dates as the text that is read again
    return hashlib.sha256(_json(plain, sort_keys=True).encode()).hexdigest()


def _json(value: Any, **style: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, **style)


def sha256(path: Path) -> str:
    """The file's SHA-256 as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_whole(source: Path, target: Path) -> None:
    """Copies a file to a place where there is none; blocks are shared where they can be.

    On Btrfs, XFS and the like the kernel's own copy writes nothing but a reference.
    """
    with source.open("rb") as given, target.open("xb") as taken:
        left = os.fstat(given.fileno()).st_size
        if hasattr(os, "copy_file_range"):
            # Not every pair of file systems can; what is left is copied as ever.
            with suppress(OSError):
                while left and (
                    copied := os.copy_file_range(given.fileno(), taken.fileno(), left)
                ):
                    left -= copied
        if left:
            given.seek(0)
            taken.seek(0)
            shutil.copyfileobj(given, taken)


def sync_file(path: Path) -> None:
    """Forces a file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Forces a folder's entries to the disk, so that a rename in it survives."""
    sync_file(path)

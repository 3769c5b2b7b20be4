"""Which copies of releases there are, and which release each has, for `status`.

    serving/<kind>-<print>.json   one file a copy, in the home

A note is written when an export ends, well or badly. What a folder holds is looked up
where it lies; of a database that is not asked, the note is believed. Not here: making a
copy.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.common.language import said
from pipeline.common.secrets import cleared
from pipeline.journal import attempts
from pipeline.release.layout import WAREHOUSE
from pipeline.serving import parquet_copy
from pipeline.serving.contents import Contents
from pipeline.serving.folder import release_of

log = logging.getLogger("customer_tiers.serving")

Kind = Literal["duckdb", "parquet", "postgres"]

# Kind → the step of a refresh that makes it, where it is configured.
STEPS: Mapping[Kind, str] = {
    "duckdb": "duckdb_copy",
    "parquet": "parquet_copy",
    "postgres": "postgres_copy",
}


@dataclass(frozen=True)
class Copy:
    """A copy that was made, or that somebody tried to make.

    Attributes:
        target: The folder, or the database without a secret.
        release_id: What it has; none where no export ever ended well.
        exported_at: When that was put there, ISO.
        bytes: Of the file, where it is one; by it a file that somebody else has put there
            is known.
        failed_at: When the newest export failed, if it did, ISO.
        problem: Why, or why the copy is not there; empty when all is well.
    """

    kind: Kind
    target: str
    release_id: str | None = None
    as_of_date: str | None = None
    exported_at: str | None = None
    bytes: int | None = None
    failed_at: str | None = None
    problem: str = ""


def known(home: Home) -> list[Copy]:
    """The copies that were made from this home, by kind and target."""
    found = []
    for path in sorted(_folder(home).glob("*.json")):
        with suppress(OSError, ValueError, TypeError):
            found.append(_checked(Copy(**read_json(path))))
    return found


@contextmanager
def noted(home: Home, kind: Kind, target: str, contents: Contents) -> Iterator[None]:
    """Notes how the export inside ends; a note that cannot be written is only logged."""
    try:
        yield
    except Exception as error:
        before = _read(home, kind, target) or Copy(kind, target)
        _save(
            home,
            replace(
                before,
                failed_at=attempts.now().isoformat(),
                problem=cleared(str(error)).splitlines()[0],
            ),
        )
        raise
    size = None
    if kind == "duckdb":
        size = (Path(target) / WAREHOUSE).stat().st_size
    _save(
        home,
        Copy(
            kind,
            target,
            release_id=contents.release_id,
            as_of_date=contents.as_of_date.isoformat(),
            exported_at=attempts.now().isoformat(),
            bytes=size,
        ),
    )


def _checked(copy: Copy) -> Copy:
    """The copy as it is where it lies, as far as that can be seen from here."""
    if copy.kind == "postgres" or copy.release_id is None:
        return copy
    folder = Path(copy.target)
    if copy.kind == "duckdb":
        file = folder / WAREHOUSE
        if not file.exists():
            problem = said("{file} is missing", file=file)
            return replace(copy, release_id=None, problem=problem)
        if file.stat().st_size != copy.bytes:
            problem = said("{file} is not what was exported", file=file)
            return replace(copy, release_id=None, problem=problem)
        return copy
    link = folder / parquet_copy.CURRENT
    if not link.is_symlink() or not link.exists():
        problem = said("{file} is missing", file=link)
        return replace(copy, release_id=None, problem=problem)
    return replace(copy, release_id=release_of(link.readlink().name))


def _folder(home: Home) -> Path:
    return home.root / "serving"


def _path(home: Home, kind: Kind, target: str) -> Path:
    print_ = hashlib.sha256(target.encode()).hexdigest()[:12]
    return _folder(home) / f"{kind}-{print_}.json"


def _read(home: Home, kind: Kind, target: str) -> Copy | None:
    with suppress(OSError, ValueError, TypeError):
        return Copy(**read_json(_path(home, kind, target)))
    return None


def _save(home: Home, copy: Copy) -> None:
    try:
        _folder(home).mkdir(mode=0o700, exist_ok=True)
        write_json(_path(home, copy.kind, copy.target), asdict(copy))
    except OSError as error:
        log.warning("what the copy %s has is not noted: %s", copy.target, error)

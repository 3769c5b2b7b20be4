"""What a candidate and a release are called, and which files they hold.

A candidate is a folder that nobody reads:

    candidates/<id>/candidate.json        what it is: as-of date, run
    candidates/<id>/work.duckdb           landing views, staging, core
    candidates/<id>/evidence/<gate>.json  what the gates found
    candidates/<id>/release/              becomes releases/<id>/ by one rename
        warehouse.duckdb                  marts and meta
        private.duckdb                    those of them that hold personal data
        release.json                      the evidence, and the hashes of both files
        reports/data_docs/                pages of the evidence (`gates.data_docs`)

The marts are built in files of their own from the start, so that sealing copies nothing,
and no byte of what is personal was ever in the file that everybody reads. Which of the two
a table stands in is said once, by the `database` of its model. Names only; nothing here
touches the disk.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.errors import ConfigurationError

WAREHOUSE = "warehouse.duckdb"
PRIVATE = "private.duckdb"
# Catalog, as the `database` of a model calls it → the file of a release.
DATABASES: Mapping[str, str] = {"warehouse": WAREHOUSE, "private": PRIVATE}
DATA_DOCS = Path("reports") / "data_docs"
# Of a release; in the first one personal data stood in the warehouse.
FORMAT = 2
_ID = re.compile(r"r(\d{6,})-\d{8}")


@dataclass(frozen=True)
class Candidate:
    """A release in the making; the facts under which all of it is built."""

    path: Path
    refresh_id: str
    run_id: str
    as_of_date: dt.date
    time_zone: str
    reporting_currency: str
    opened_at: str
    # Everything was read again on request; what the gate in demands depends on it.
    full: bool = False

    @property
    def home(self) -> Path:
        """The root of the home that it lies in."""
        return self.path.parent.parent

    @property
    def work_file(self) -> Path:
        """Landing views, staging and core."""
        return self.path / "work.duckdb"

    @property
    def release_folder(self) -> Path:
        """What one rename makes a release."""
        return self.path / "release"

    @property
    def warehouse_file(self) -> Path:
        """Marts and meta, the file that readers will open."""
        return self.release_folder / WAREHOUSE

    @property
    def private_file(self) -> Path:
        """Marts and meta that hold personal data, for those who may read it."""
        return self.release_folder / PRIVATE

    @property
    def databases(self) -> Mapping[str, Path]:
        """Catalog → file of what becomes the release."""
        return {name: self.release_folder / file for name, file in DATABASES.items()}

    @property
    def evidence_folder(self) -> Path:
        """What the gates found."""
        return self.path / "evidence"

    @property
    def data_docs(self) -> Path:
        """Pages of the evidence, which go where the release goes."""
        return self.release_folder / DATA_DOCS


def sequence(refresh_id: str) -> int:
    """The number in an id such as `r000012-20140131`; the clock is not trusted for order."""
    match = _ID.fullmatch(refresh_id)
    if match is None:
        raise ConfigurationError(
            f"{refresh_id} is no release id, such as r000012-20140131."
        )
    return int(match.group(1))


def stated(record: Mapping[str, Any]) -> Mapping[str, list[Mapping[str, Any]]]:
    """What a `release.json` says of each file of its release: name, bytes and sha256.

    A file that is being replaced may be either of two (`sealing.replace_files`). Records
    of before there was a second file have one entry instead of a list.

    Raises:
        KeyError, TypeError: It says nothing of any file, or is no such record.
    """
    if not isinstance(record, Mapping):
        raise TypeError("it is no record")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for item in [
        *_entries(record.get("files", record.get("file"))),
        *_entries(record.get("incoming")),
    ]:
        found.setdefault(item["name"], []).append(item)
    if WAREHOUSE not in found:
        raise KeyError(WAREHOUSE)
    return found


def _entries(value: Any) -> Iterable[Mapping[str, Any]]:
    return [value] if isinstance(value, dict) else value or []

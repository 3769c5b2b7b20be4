"""What a candidate and a release are called, and which files they hold.

A candidate is a folder that nobody reads:

    candidates/<id>/candidate.json        what it is: as-of date, run
    candidates/<id>/work.duckdb           landing views, staging, core
    candidates/<id>/evidence/<gate>.json  what the gates found
    candidates/<id>/release/              becomes releases/<id>/ by one rename
        warehouse.duckdb                  marts and meta
        release.json                      the evidence, and the hash of the file
        reports/data_docs/                pages of the evidence (`gates.data_docs`)

The marts are built in a file of their own from the start, so that sealing copies
nothing. Names only; nothing here touches the disk.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.errors import ConfigurationError

WAREHOUSE = "warehouse.duckdb"
DATA_DOCS = Path("reports") / "data_docs"
FORMAT = 1
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

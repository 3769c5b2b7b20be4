"""A landed batch and its manifest: what they hold, and how they are read.

A batch is three files that share its name:

    landing/<source>/<entity>/<batch>.parquet          the rows, source columns + ours
    quarantine/<source>/<entity>/<batch>.parquet       the rows that could not be read
    landing/<source>/<entity>/<batch>.<state>.json     the manifest, written last

The manifest makes the batch exist, so a kill leaves either a whole batch or files that
nobody counts. Its state is part of its name and changes by rename: `pending` until the
gate has checked it, then `accepted` or `refused`. Only accepted batches feed the
warehouse and count as landed before; a refused one is kept for a person to examine, and
its source is read again next time. A batch whose file was read again on request, for the
rows in its quarantine, is `replaced` by the new one.

Rows are never taken away: a deletion is a further row with `_deleted`. The one exception
is a customer who was forgotten (`pipeline.forget`): his rows are dropped, or stand under
a key that leads nowhere, in what is landed and in whatever lands later. Not here: which
batches an entity has (`store`), and how one is written (`write`).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import read_json

State = Literal["pending", "accepted", "refused", "replaced"]
STATES: tuple[State, ...] = ("pending", "accepted", "refused", "replaced")

OWN_COLUMNS = ("_batch_id", "_loaded_at", "_source_file", "_row_number", "_deleted")


@dataclass(frozen=True)
class Batch:
    """One landed batch, as its manifest describes it.

    `rows_read = rows_landed + rows_quarantined + rows_forgotten`; the gate checks it
    against the files.

    Attributes:
        schema: Type of each source column; `null` where no row had a value.
        content: `rows`; or markers of deleted rows, given by the source (`deletes`) or
            found by listing all keys (`sweep`).
        cursor: The highest value of the entity's cursor column in it.
        is_whole: The rows are all that the source held at that moment.
        replaces: The batch of the same file that it takes the place of once accepted.
        rows_forgotten: Rows that are not kept, because they are a forgotten customer's.
        data_sha256: Hash of the file that holds its rows; None without one, and for
            batches of before hashes were noted.
        pack: The pack whose file holds the rows; None for a file of the batch's own.
    """

    batch_id: str
    source: str
    entity: str
    load: str
    origin: str
    fingerprint: str
    loaded_at: str
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    schema: dict[str, str]
    content: str = "rows"
    cursor: dict[str, str] | None = None
    replaces: str | None = None
    is_whole: bool = False
    rows_forgotten: int = 0
    data_sha256: str | None = None
    pack: str | None = None

    @property
    def columns(self) -> list[str]:
        """The names of the source's columns."""
        return list(self.schema)

    @property
    def sequence(self) -> int:
        """The batch's place in the order of landing; the clock is not trusted for it."""
        return sequence_of(self.batch_id)


def sequence_of(name: str) -> int:
    """The number in a batch's id, and in the names of its files."""
    return int(re.split(r"[-.]", name)[0].removeprefix("b"))


def to_record(batch: Batch) -> dict[str, Any]:
    """The batch as a manifest holds it."""
    record = asdict(batch)
    del record["pack"]  # the place of a manifest says so
    return record


def read_manifest(path: Path) -> Batch | None:
    """The batch of a manifest of its own; None when it has just moved or gone.

    Raises:
        CustomerTiersError: The manifest is not what was written.
    """
    try:
        batch = Batch(**read_json(path))
        described = (batch.source, batch.entity, batch.batch_id)
        if described != (*path.parts[-3:-1], path.name.split(".")[0]):
            raise ValueError(f"it describes {' '.join(described)}")
        return batch
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise CustomerTiersError(
            f"{path} is damaged ({error}); the next refresh reads its source again."
        ) from error

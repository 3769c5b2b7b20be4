"""Batches that are not what was written: found by their hash, and taken out of force.

A file is read again into the same place, a table as a whole (`load`), and what the
source does not hold any more stops the refresh rather than be lost. The manifest of a
batch that nothing has come in place of yet is set aside as `<batch>.damaged.json`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import sync_folder, write_json
from pipeline.landing.batches import Batch, sequence_of, to_record
from pipeline.landing.entity import LandedEntity
from pipeline.landing.packs import Pack, manifest_of, restore_manifests

log = logging.getLogger("customer_tiers.landing")


def set_aside(landed: LandedEntity) -> dict[str, Path]:
    """Takes out of force what is not as it was written.

    Every batch in force is hashed, at the speed of the disk: whoever reads the marts must
    not find out first.

    Returns:
        Start of the content hash of the file that it came from (empty for a query) → the
        manifest set aside, of the batches that nothing has come in place of.

    Raises:
        CustomerTiersError: The manifest of a pack is damaged, and its copy too.
    """
    restore_manifests(landed.folder)
    _set_manifests_aside(landed)
    damaged_packs = set()
    for batch in landed.in_force():
        if reason := _damage_of(landed, batch):
            if batch.pack is None:
                _take_out(landed.manifest(batch, "accepted"), reason)
            else:
                damaged_packs.add(batch.pack)
    for pack in landed.packs():
        if pack.name in damaged_packs:
            _take_apart(landed.folder, pack)
    found = sorted(landed.folder.glob("b*.damaged.json"))
    if found:
        landed.reread()
    superseding = [
        batch.sequence
        for batch in landed.batches("accepted")
        if batch.is_whole or landed.entity.load == "snapshot"
    ]
    settled = [
        path for path in found if sequence_of(path.name) < max(superseding, default=0)
    ]
    drop(settled)
    return {
        path.name.split(".")[0].partition("-")[2]: path
        for path in found
        if path not in settled
    }


def drop(manifests: Sequence[Path]) -> None:
    """Forgets damaged batches whose rows another holds; a sweep takes their files."""
    for path in manifests:
        path.unlink()


def lost(landed: LandedEntity, damaged: dict[str, Path]) -> CustomerTiersError | None:
    """The error of batches whose files are not in the source any more; None without.

    Args:
        landed: The entity.
        damaged: What `set_aside` gave, without what was read again since.
    """
    gone = {
        path.name: content_hash
        for content_hash, path in damaged.items()
        if content_hash
    }
    if not gone:
        return None
    named = ", ".join(f"{name} ({content_hash})" for name, content_hash in gone.items())
    return CustomerTiersError(
        f"{landed.source}.{landed.name}: {named} in {landed.folder} cannot be read any "
        "more, and the files that they came from are not in the source. Bring the files "
        "back (the content counts, not the name) or take the batches from a backup; to go "
        f"on without their rows, remove {', '.join(gone)}."
    )


def _set_manifests_aside(landed: LandedEntity) -> None:
    for damaged in landed.damaged_manifests():
        if damaged.state == "accepted":
            _take_out(damaged.path, str(damaged.error))
        else:
            # Not in force, so that nothing is lost with it.
            log.warning("%s is damaged and not in force; it is dropped", damaged.path)
            damaged.path.unlink()
    if landed.damaged_manifests():
        landed.reread()


def _take_out(path: Path, reason: str) -> None:
    log.warning("%s: %s; its source is read again", path, reason)
    path.rename(path.with_name(path.name.replace(".accepted.", ".damaged.")))
    sync_folder(path.parent)


def _take_apart(folder: Path, pack: Pack) -> None:
    """Takes every batch of a damaged pack out of force, each with a mark of its own."""
    path = manifest_of(folder, pack.name)
    log.warning("%s: the pack is damaged; its sources are read again", path)
    for batch, state in pack.entries:
        if state == "accepted":
            mark = path.with_name(f"{batch.batch_id}.damaged.json")
            write_json(mark, to_record(batch), hashed=True)
    path.with_suffix(".copy").unlink(missing_ok=True)
    path.unlink()
    sync_folder(folder)


def _damage_of(landed: LandedEntity, batch: Batch) -> str:
    """Why the batch's files are not what its manifest says; empty when they are."""
    try:
        found = landed.counted_rows(batch)
    except (OSError, pa.ArrowException, duckdb.Error) as error:
        return f"its file is damaged ({error})"
    if found != (batch.rows_landed, batch.rows_quarantined):
        return (
            f"its files hold {found[0]:,} and {found[1]:,} rows instead of "
            f"{batch.rows_landed:,} and {batch.rows_quarantined:,}"
        )
    if batch.data_sha256 and landed.data_hash(batch) != batch.data_sha256:
        return "its file is not the one that was written (hash)"
    return ""

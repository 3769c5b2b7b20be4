"""Packs: many small batches of an entity in one file of rows, with one manifest.

    landing/<source>/<entity>/<pack>.parquet           the rows, as they were
    landing/<source>/<entity>/<pack>.json              the manifest, written last
    landing/<source>/<entity>/<pack>.copy              the same, should it be damaged

The manifest describes each batch as the batch's own did, with its state. A batch of a
pack is a batch as any other; its unread rows stay in a file of their own. Here the
manifests are read, written and restored; what becomes a pack is `compaction`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import read_json, write_json
from pipeline.landing.batches import Batch, State, to_record

log = logging.getLogger("customer_tiers.landing")


@dataclass(frozen=True)
class Pack:
    """Batches whose rows lie in one file.

    Attributes:
        name: Its number, and that of its newest batch: `p000002-b000150`.
        entries: Its batches with their states, oldest first.
    """

    name: str
    entries: Sequence[tuple[Batch, State]]

    @property
    def number(self) -> int:
        """Its place among the packs; of two that hold one batch the later counts."""
        return int(self.name.split("-")[0].removeprefix("p"))


def manifest_of(folder: Path, name: str) -> Path:
    """The manifest of the pack of this name."""
    return folder / f"{name}.json"


def read_packs(folder: Path) -> list[Pack]:
    """The packs in an entity's folder, oldest first.

    Raises:
        CustomerTiersError: A manifest is not what was written.
    """
    found = []
    for path in folder.glob("p*.json"):
        try:
            records = read_json(path)["batches"]
        except FileNotFoundError:
            return read_packs(folder)  # it has just gone into another one
        except (ValueError, TypeError, KeyError) as error:
            raise CustomerTiersError(
                f"{path} is damaged ({error}); the next refresh mends it from its copy."
            ) from error
        entries: list[tuple[Batch, State]] = []
        for record in records:
            fields = {name: value for name, value in record.items() if name != "state"}
            entries.append((Batch(**fields, pack=path.stem), record["state"]))
        found.append(Pack(path.stem, entries))
    return sorted(found, key=lambda pack: pack.number)


def write_pack(folder: Path, pack: Pack) -> None:
    """Writes the pack's manifest; from then on its batches are the pack's.

    Twice, because no other file describes so many; its copy goes first when the pack
    goes.
    """
    path = manifest_of(folder, pack.name)
    records = [{**to_record(batch), "state": state} for batch, state in pack.entries]
    write_json(path, {"batches": records}, hashed=True)
    write_json(path.with_suffix(".copy"), {"batches": records}, hashed=True)


def restore_manifests(folder: Path) -> None:
    """Puts the copy of a pack's manifest in the place of one that is damaged or lost.

    Raises:
        CustomerTiersError: Both are damaged.
    """
    for copy in folder.glob("p*.copy"):
        path = copy.with_suffix(".json")
        try:
            read_json(path)["batches"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("%s is damaged (%s); its copy takes its place", path, error)
            try:
                write_json(path, read_json(copy), hashed=True)
            except ValueError as both:
                raise CustomerTiersError(
                    f"{path} and {copy} are damaged; take them from a backup."
                ) from both

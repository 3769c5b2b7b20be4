"""The batches of one entity in a home: which there are, where, and their states.

A store reads the manifests once and knows from then on what it writes itself. What
another process or another store writes meanwhile it does not see, so one is made for a
piece of work and not kept. Whoever writes holds the refresh lock.

Not here: what sources.yaml says of the entity (`entity`), reading a source (`load`), and
what to do about damage (`damage`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import sync_folder, write_json, write_text
from pipeline.common.home import Home
from pipeline.landing import rows
from pipeline.landing.batches import (
    STATES,
    Batch,
    State,
    read_manifest,
    sequence_of,
    to_record,
)
from pipeline.landing.packs import Pack, read_packs, write_pack


@dataclass(frozen=True)
class DamagedManifest:
    """A manifest that cannot be read, and why."""

    path: Path
    state: State
    error: CustomerTiersError


@dataclass(frozen=True)
class _Index:
    """What the manifests say.

    Attributes:
        own: Batch id → the batch and its state, of manifests of their own.
        packs: Name → pack.
        damaged: Manifests that cannot be read; who asks for their state gets the
            error, and nobody else.
    """

    own: dict[str, tuple[Batch, State]]
    packs: dict[str, Pack]
    damaged: Sequence[DamagedManifest]


class BatchStore:
    """The batches of one entity of one source in a home.

    Attributes:
        home: The home.
        source: The source, as sources.yaml calls it.
        name: The entity.
        folder: Where the rows and manifests lie.
        quarantine_folder: Where the rows lie that could not be read.
    """

    def __init__(self, home: Home, source: str, name: str) -> None:
        self.home = home
        self.source = source
        self.name = name
        self.folder = home.landing / source / name
        self.quarantine_folder = home.quarantine / source / name
        self._read: _Index | None = None

    @property
    def _index(self) -> _Index:
        if self._read is None:
            own: dict[str, tuple[Batch, State]] = {}
            damaged: list[DamagedManifest] = []
            for state in STATES:
                for path in self.folder.glob(f"b*.{state}.json"):
                    try:
                        batch = read_manifest(path)
                    except CustomerTiersError as error:
                        damaged.append(DamagedManifest(path, state, error))
                        continue
                    if batch is not None:
                        own[batch.batch_id] = (batch, state)
            # Packs last, and over the others: whoever asks while batches are being
            # packed finds each of them in one place or the other.
            packs = {pack.name: pack for pack in read_packs(self.folder)}
            self._read = _Index(own, packs, damaged)
        return self._read

    def reread(self) -> None:
        """Forgets what was read, after files were changed by other means than these."""
        self._read = None

    def batches(self, *states: State) -> list[Batch]:
        """The batches in the given states, oldest first.

        Raises:
            CustomerTiersError: A manifest of one of these states is damaged.
        """
        for damaged in self._index.damaged:
            if damaged.state in states:
                raise damaged.error
        found = {
            batch_id: entry
            for batch_id, entry in self._index.own.items()
            if entry[1] in states
        }
        for pack in self.packs():
            found |= {entry[0].batch_id: entry for entry in pack.entries}
        return sorted(
            (batch for batch, state in found.values() if state in states),
            key=lambda batch: batch.sequence,
        )

    def packs(self) -> list[Pack]:
        """The packs, oldest first."""
        return sorted(self._index.packs.values(), key=lambda pack: pack.number)

    def damaged_manifests(self) -> Sequence[DamagedManifest]:
        """The manifests of batches that are in no pack and cannot be read."""
        return self._index.damaged

    def last_sequence(self) -> int:
        """The highest number that a batch of the entity ever had, damaged ones too."""
        taken = [sequence_of(path.name) for path in self.folder.glob("b*.json")]
        taken += [
            sequence_of(path.stem.split("-")[1])
            for path in self.folder.glob("p*-b*.json")
        ]
        return max(taken, default=0)

    def data_file(self, batch: Batch) -> Path:
        """The Parquet file of the batch's rows; that of its pack holds others' too."""
        return self.folder / f"{batch.pack or batch.batch_id}.parquet"

    def quarantine_file(self, batch: Batch) -> Path:
        """The Parquet file of the rows that could not be read; absent without any."""
        return self.quarantine_folder / f"{batch.batch_id}.parquet"

    def manifest(self, batch: Batch, state: State) -> Path:
        """The file that makes the batch exist, unless a pack's does."""
        return self.folder / f"{batch.batch_id}.{state}.json"

    def record_batches(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """The batch's rows, whoever else's are in the file that holds them."""
        return rows.read(self.data_file(batch), batch)

    def counted_rows(self, batch: Batch) -> tuple[int, int]:
        """Rows in the batch's two files, from the files and not from the manifest."""
        return (
            rows.count(self.data_file(batch), batch),
            rows.count_all(self.quarantine_file(batch)),
        )

    def data_hash(self, batch: Batch) -> str | None:
        """The hash of the file that holds the batch's rows; None without one."""
        return rows.hash_of(self.data_file(batch))

    def add(self, batch: Batch, state: State) -> None:
        """Writes the batch's manifest; from then on the batch exists."""
        write_json(self.manifest(batch, state), to_record(batch), hashed=True)
        self._note(batch, state)

    def add_pack(self, pack: Pack) -> None:
        """Writes the pack's manifest; from then on its batches are the pack's."""
        write_pack(self.folder, pack)
        if self._read is not None:
            self._read.packs[pack.name] = pack

    def accept_all(self, batches: Sequence[Batch]) -> None:
        """Lets what one pass landed feed the warehouse: all of it, or none.

        The first batch of a pass may say that everything was read up to a cursor, and a
        later one hold what changed or was deleted before that. After a kill in between,
        `sweep` accepts the rest.

        Args:
            batches: Pending batches of one pass, oldest first.
        """
        if len(batches) > 1:
            write_text(self._accepting, "")
        for batch in batches:
            self.accept(batch)
        if len(batches) > 1:
            self._accepting.unlink()
            sync_folder(self.folder)

    @property
    def _accepting(self) -> Path:
        """Is there while what is pending is being accepted."""
        return self.folder / "accepting"

    def _go_on_accepting(self) -> None:
        """Accepts the rest of what a killed run was accepting."""
        if not self._accepting.exists():
            return
        for batch in self.batches("pending"):
            self.accept(batch)
        self._accepting.unlink()

    def accept(self, batch: Batch) -> None:
        """Lets a pending batch feed the warehouse, in place of the one it replaces."""
        self._move(batch, "pending", "accepted")
        if batch.replaces is None and not batch.is_whole:
            return
        earlier = self.batches("accepted")
        if batch.is_whole:
            self.withdraw_requests(earlier)
        for replaced in earlier:
            if replaced.batch_id == batch.replaces:
                self._move(replaced, "accepted", "replaced")
                self.withdraw_requests([replaced])

    def refuse(self, batch: Batch) -> None:
        """Keeps a pending batch out of the warehouse, for a person to examine.

        An earlier refusal of the same content is dropped: its source is read again at
        every refresh until it is mended, and one copy is enough.
        """
        for earlier in self.batches("refused"):
            if earlier.fingerprint == batch.fingerprint:
                self.discard(earlier, "refused")
        self._move(batch, "pending", "refused")

    def discard(self, batch: Batch, state: State) -> None:
        """Removes a batch that is in no pack."""
        # The manifest first: without it the other files are leftovers that nobody counts.
        for path in (
            self.manifest(batch, state),
            self.data_file(batch),
            self.quarantine_file(batch),
        ):
            path.unlink(missing_ok=True)
        if self._read is not None:
            self._read.own.pop(batch.batch_id, None)

    def update(self, changed: Sequence[Batch]) -> None:
        """Writes the manifests of batches anew, with their states as they are.

        Their files were rewritten, so their hashes are taken anew too.
        """
        new = {batch.batch_id: batch for batch in changed}
        for batch in changed:
            if batch.pack is None:
                _, state = self._index.own[batch.batch_id]
                self.add(replace(batch, data_sha256=self.data_hash(batch)), state)
        packed = {batch.pack for batch in changed if batch.pack is not None}
        for pack in self.packs():
            if pack.name in packed:
                digest = self.data_hash(pack.entries[0][0])
                entries = [
                    (replace(new.get(item.batch_id, item), data_sha256=digest), state)
                    for item, state in pack.entries
                ]
                self.add_pack(replace(pack, entries=entries))

    def is_requested_again(self, batch: Batch) -> bool:
        """Whether the next load reads the batch's file again."""
        return self._request(batch).exists()

    def request_again(self, batch: Batch) -> None:
        """Has the next load read the batch's file again, for its rows in quarantine.

        A table is read again as a whole. The batch stays in force until the new one is
        accepted, that of a table for ever, so nothing can be lost.
        """
        write_text(self._request(batch), "")

    def withdraw_requests(self, batches: Sequence[Batch]) -> None:
        """Takes back what `request_again` asked for."""
        for batch in batches:
            self._request(batch).unlink(missing_ok=True)

    def _request(self, batch: Batch) -> Path:
        return self.folder / f"{batch.batch_id}.retry"

    def sweep(self) -> None:
        """Removes what a killed run left: pending batches, and files nobody counts.

        Those are files without a manifest, and files of batches that are in a pack. What
        it was accepting is accepted first.
        """
        self._go_on_accepting()
        for batch in self.batches("pending"):
            self.discard(batch, "pending")
        known = self.batches(*STATES)
        own = {batch.batch_id for batch in known if batch.pack is None}
        own |= {path.name.split(".")[0] for path in self.folder.glob("b*.damaged.json")}
        in_packs = {batch.batch_id: batch.pack for batch in known if batch.pack}
        of_packs = set(in_packs.values())
        for path in sorted(self.folder.glob("*")):
            name = path.name.split(".")[0]
            if name in in_packs and path.suffix == ".retry":
                continue
            if name not in own | of_packs or path.name.endswith(".partial"):
                path.unlink(missing_ok=True)
        for path in self.quarantine_folder.glob("*"):
            if path.name.split(".")[0] not in {*own, *in_packs}:
                path.unlink(missing_ok=True)

    def _move(self, batch: Batch, before: State, after: State) -> None:
        if batch.pack is not None:
            pack = self._index.packs[batch.pack]
            entries = [
                (item, after if item.batch_id == batch.batch_id else state)
                for item, state in pack.entries
            ]
            self.add_pack(replace(pack, entries=entries))
            return
        self.manifest(batch, before).rename(self.manifest(batch, after))
        sync_folder(self.folder)
        self._note(batch, after)

    def _note(self, batch: Batch, state: State) -> None:
        if self._read is not None:
            self._read.own[batch.batch_id] = (batch, state)


def stores(home: Home) -> Iterator[BatchStore]:
    """A store of every entity that has a folder in landing, described or not."""
    for folder in sorted(home.landing.glob("*/*")):
        if folder.is_dir():
            yield BatchStore(home, folder.parent.name, folder.name)


def bytes_written_since(home: Home, moment: str) -> int:
    """The bytes that landing and quarantine grew by since a moment, in ISO format."""
    since = dt.datetime.fromisoformat(moment).timestamp()
    sizes = [
        found.st_size
        for room in (home.landing, home.quarantine)
        for path in room.glob("*/*/*")
        if (found := path.stat()).st_mtime >= since
    ]
    return sum(sizes)

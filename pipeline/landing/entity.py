"""What landing holds of an entity that sources.yaml describes.

`LandedEntity` is the one place where the batches of an entity meet its key, its cursor
and the way it comes: which batches make it up now, and the SQL of their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.common import sql
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.landing.batches import Batch
from pipeline.landing.store import BatchStore
from pipeline.sources import Entity, Source


class LandedEntity(BatchStore):
    """The batches of an entity, and what it declares of itself.

    Attributes:
        entity: The entity as sources.yaml describes it.
    """

    def __init__(self, home: Home, source: str, entity: Entity) -> None:
        super().__init__(home, source, entity.name)
        self.entity = entity

    def in_force(self) -> list[Batch]:
        """The accepted batches that make up the entity now, oldest first.

        Of an entity that comes as snapshots, that is the newest one alone.
        """
        accepted = self.batches("accepted")
        return accepted[-1:] if self.entity.load == "snapshot" else accepted

    def generations(self, batches: Sequence[Batch]) -> list[Batch]:
        """The first batch of each generation: the oldest, and each that is whole.

        Where a table with a cursor was read as a whole, the source may have gone back to
        older cursors, so nothing before is compared with what comes after. Without a
        cursor there is one generation, because what landed last counts in any case.

        Args:
            batches: Batches of the entity, oldest first.
        """
        return [
            batch
            for at, batch in enumerate(batches)
            if at == 0 or (batch.is_whole and self.entity.cursor is not None)
        ]

    def relation(self, batches: Sequence[Batch]) -> str | None:
        """SQL of the batches' rows, markers of deleted ones too; None without a file.

        Of each key, rows of before the last generation that has it do not count, nor do
        rows of what a newer batch replaces (`replace`). Markers of deleted rows have no
        such columns, and are replaced by nothing.

        Args:
            batches: Batches of the entity, oldest first.
        """
        if (rows := self.every_row(batches)) is None:
            return None
        if self.entity.replaced_by and len(batches) > 1:
            whole = sql.columns(self.entity.replaced_by)
            rows = (
                f"(select * from {rows} as landed "
                f"qualify _deleted or _batch_id = max(_batch_id) over "
                f"(partition by {whole}))"
            )
        if len(first := self.generations(batches)) == 1:
            return rows
        generations = ", ".join(f"({sql.literal(batch.batch_id)})" for batch in first)
        key = sql.columns(self.entity.key)
        return f"""(
        select landed.*
        from {rows} as landed
        asof join (values {generations}) as generation (begins)
        on landed._batch_id >= generation.begins
        qualify
            generation.begins = max(generation.begins) over (partition by {key})
    )"""

    def every_row(self, batches: Sequence[Batch]) -> str | None:
        """SQL of all the batches' rows, those that count no more too; None without a file."""
        files = [path for batch in batches if (path := self.data_file(batch)).exists()]
        if not files:
            return None
        rows = sql.parquet(dict.fromkeys(files))
        if not (others := self.foreign(batches)):
            return rows
        listed = ", ".join(map(sql.literal, others))
        return f"(select * from {rows} where _batch_id not in ({listed}))"

    def foreign(self, batches: Sequence[Batch]) -> list[str]:
        """The ids of other batches whose rows lie in the same packs."""
        packed = {batch.pack for batch in batches if batch.pack is not None}
        wanted = {batch.batch_id for batch in batches}
        return [
            batch.batch_id
            for pack in self.packs()
            if pack.name in packed
            for batch, _ in pack.entries
            if batch.batch_id not in wanted
        ]

    def unread(self) -> list[Batch]:
        """The batches in force that have rows in quarantine.

        Where a table was read as a whole, what could not be read before is in that
        batch's quarantine, if it still cannot.
        """
        batches = self.in_force()
        last = max((batch.sequence for batch in batches if batch.is_whole), default=0)
        return [
            batch
            for batch in batches
            if batch.sequence >= last and self.quarantine_file(batch).exists()
        ]

    def schema_in_force(self) -> dict[str, str]:
        """The columns of the newest accepted rows, with their types; empty before."""
        schema: dict[str, str] = {}
        for batch in self.batches("accepted"):
            if batch.content == "rows":
                known = {
                    name: kind for name, kind in schema.items() if name in batch.schema
                }
                schema = {
                    name: known.get(name, kind) if kind == "null" else kind
                    for name, kind in batch.schema.items()
                }
        return schema


def refuse_foreign(home: Home, sources: Sequence[Source]) -> None:
    """Keeps a home to its project.

    Raises:
        ConfigurationError: Something has landed in the home, and nothing of it is of these
            sources.
    """
    there = {path.name for path in home.landing.glob("*") if path.is_dir()}
    names = {source.name for source in sources}
    if there and there.isdisjoint(names):
        raise ConfigurationError(
            f"{home.root} holds what {', '.join(sorted(there))} gave, and sources.yaml "
            f"names {', '.join(sorted(names))}: it is the home of another project. Give "
            "this project's home with --home, or the home's sources.yaml with --sources. "
            "A source that was renamed needs its former name."
        )


def landed_entities(home: Home, sources: Sequence[Source]) -> Iterator[LandedEntity]:
    """What landing holds of each entity that the sources have."""
    for source in sources:
        for entity in source.entities.values():
            yield LandedEntity(home, source.name, entity)

"""What could not be read: listing it, and asking for its files to be read again.

The rows lie in landing's quarantine files; this module reads them and sets marks, it
never changes or drops a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.landing import batches as landing
from pipeline.landing.batches import Batch
from pipeline.sources import Source


@dataclass(frozen=True)
class Held:
    """A batch in force with rows in quarantine."""

    batch: Batch
    asked_again: bool
    rows: Sequence[dict[str, Any]]


def held(
    home: Home,
    sources: Sequence[Source],
    *,
    source: str | None = None,
    entity: str | None = None,
    most: int = 20,
) -> list[Held]:
    """The batches in force with unread rows, and the first rows of each.

    Args:
        source: Only this source.
        entity: Only entities of this name.
        most: Rows shown of each batch.

    Raises:
        ConfigurationError: `sources.yaml` has no such source or entity.
    """
    found = []
    for described in _chosen(sources, source, entity):
        for name, what in described.entities.items():
            if entity not in {None, name}:
                continue
            for batch in landing.unread(home, described.name, what):
                table = pq.read_table(landing.quarantine_file(home, batch))
                asked = landing.is_asked_again(home, batch)
                found.append(Held(batch, asked, table.slice(0, most).to_pylist()))
    return found


def retry(
    home: Home,
    sources: Sequence[Source],
    *,
    source: str | None = None,
    entity: str | None = None,
) -> list[Batch]:
    """Has the next refresh read the files or tables with unread rows again.

    The batches stay in force until the gate has accepted those that replace them.

    Returns:
        The batches that are asked for again.

    Raises:
        ConfigurationError: `sources.yaml` has no such source or entity.
        RefreshRunning: A refresh is running.
    """
    with refresh_lock(home):
        chosen = [
            item.batch for item in held(home, sources, source=source, entity=entity)
        ]
        for batch in chosen:
            landing.ask_again(home, batch)
    return chosen


def _chosen(
    sources: Sequence[Source], source: str | None, entity: str | None
) -> list[Source]:
    chosen = [item for item in sources if source in {None, item.name}]
    known = {name for item in chosen for name in item.entities}
    if not chosen or (entity is not None and entity not in known):
        wanted = ".".join(part for part in (source, entity) if part)
        there = ", ".join(
            f"{item.name}.{name}" for item in sources for name in item.entities
        )
        raise ConfigurationError(
            f"There is no {wanted} in sources.yaml; there is {there}."
        )
    return chosen

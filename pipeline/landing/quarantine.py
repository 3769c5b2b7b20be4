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
from pipeline.landing.batches import Batch
from pipeline.landing.entity import LandedEntity, landed_entities
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
        most: So many rows of each batch.

    Raises:
        ConfigurationError: `sources.yaml` has no such source or entity.
    """
    found = []
    for landed in _chosen(home, sources, source, entity):
        for batch in landed.unread():
            table = pq.read_table(landed.quarantine_file(batch))
            rows = table.slice(0, most).to_pylist()
            found.append(Held(batch, landed.is_requested_again(batch), rows))
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
        chosen = []
        for landed in _chosen(home, sources, source, entity):
            for batch in landed.unread():
                landed.request_again(batch)
                chosen.append(batch)
    return chosen


def _chosen(
    home: Home, sources: Sequence[Source], source: str | None, entity: str | None
) -> list[LandedEntity]:
    described = [item for item in sources if source in {None, item.name}]
    chosen = [
        item for item in landed_entities(home, described) if entity in {None, item.name}
    ]
    if not described or (entity is not None and not chosen):
        wanted = ".".join(part for part in (source, entity) if part)
        there = ", ".join(
            f"{item.name}.{name}" for item in sources for name in item.entities
        )
        raise ConfigurationError(
            f"There is no {wanted} in sources.yaml; there is {there}."
        )
    return chosen

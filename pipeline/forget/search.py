"""Finds a customer: his keys, his ids and his values, before anything is changed."""

from __future__ import annotations

import csv
import datetime as dt
import secrets
from dataclasses import replace
from pathlib import Path

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.forget.personal_data import (
    check_key_columns,
    declared,
    is_unsigned,
    sources_in_home,
)
from pipeline.forget.registry import resolve
from pipeline.forget.subject import Record, Subject
from pipeline.forget.values import landed_values, released_values, that_prove
from pipeline.sources import SourcesFile
from pipeline.suppression.suppression_list import key_text, new_pseudonym


def find(
    home: Home,
    sources: SourcesFile,
    customer: str,
    *,
    reason: str,
    receipt: str,
    seeds: Path | None = None,
) -> Subject:
    """Finds everything that belongs to a customer; changes nothing.

    Args:
        customer: A customer_id, or `source:key in that source`.
        reason: Why he goes; is published in `meta.identity_log`.
        receipt: The id of this forgetting.
        seeds: The project's seeds, which must not name him: every release holds them.

    Raises:
        ConfigurationError: There is no such customer, sources.yaml does not say enough
            about where customers' data stands, or he cannot be taken out of it.
    """
    personal = declared(home, sources)
    keys = {
        source.name: {name: list(item.key) for name, item in source.entities.items()}
        for source in sources.sources
    }
    known, ids, kind = resolve(home, sources, customer)
    records = [
        Record(
            source,
            key,
            new_pseudonym(key, unsigned=is_unsigned(home, personal, source)),
            kind,
        )
        for source, key in known
    ]
    subject = Subject(
        receipt=receipt,
        asked_at=dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat(),
        reason=reason,
        records=records,
        ids={old: f"C{secrets.token_hex(6).upper()}" for old in ids},
        values=[],
        unsought=[],
        personal=personal,
        keys=keys,
        sources_in_home=sources_in_home(home, sources),
    )
    check_key_columns(home, subject)
    found, seen = landed_values(home, subject)
    # Of a source that sources.yaml no longer describes, landing holds nothing.
    if missing := [
        item
        for item in records
        if item.source in personal and (item.source, key_text(item.key)) not in seen
    ]:
        raise ConfigurationError(
            f"No landed row has the key {missing[0].key} of {missing[0].source} in a "
            "column that sources.yaml declares as `personal: {customer: ...}`. Staging "
            "makes another key of it, or the column is the wrong one; nothing was changed."
        )
    found.update(released_values(home, subject))
    values, unsought = that_prove(home, subject, found)
    if any(value.is_in(reason) for value in values):
        raise ConfigurationError(
            "The reason names the customer, and it is published; give another."
        )
    subject = replace(subject, values=values, unsought=unsought)
    if seeds is not None:
        _not_in_seeds(seeds, subject)
    return subject


def _not_in_seeds(seeds: Path, subject: Subject) -> None:
    numbers = [value for value in subject.values if value.is_number]
    keys = {(item.source, item.key) for item in subject.records}
    for path in sorted(seeds.rglob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, cells in enumerate(csv.reader(file), start=1):
                named = any(value.is_in(cell) for value in numbers for cell in cells)
                if named or any({*key} <= {*cells} for key in keys):
                    raise ConfigurationError(
                        f"{path}, line {number} names the customer, and every release "
                        "holds the seeds. Take the line out first; nothing was changed."
                    )

"""What a release says of each account of a source, by the source's own id."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb

from pipeline.common.errors import ConfigurationError
from pipeline.serving import contents
from pipeline.serving.contents import Contents
from pipeline.sources import Source
from pipeline.sources.writeback import FIELDS, OBJECTS, SYSTEMS, System, Value

# A value → its expression, and the table without which it is left out; `{lang}` is the
# language. What is not known is null, and empties the field.
_EXPRESSIONS: Final[Mapping[Value, tuple[str, str]]] = {
    "tier": ("c.tier_name_{lang}", "customer_360"),
    "score": ("round(tiers.total_score, 2)", "customer_tiers"),
    "verdict": ("verdicts.verdict_name_{lang}", "customer_verdicts"),
    "recommendation": ("verdicts.recommendation_{lang}", "customer_verdicts"),
    "at_stake": ("round(verdicts.at_stake, 2)", "customer_verdicts"),
    "next_action": ("c.next_action_{lang}", "customer_360"),
    "next_action_due": ("c.next_action_due_on", "customer_360"),
}
_ROWS: Final = 10_000
_ZOHO_ID: Final = re.compile(r"(?:zcrm_)?(\d{10,20})")


@dataclass(frozen=True)
class Target:
    """Where a source's accounts are written to.

    Attributes:
        system: Whose formats.
        object: What the system calls accounts.
        language: Of names and sentences.
        fields: Value → the system's field, in the order of columns.
    """

    source: str
    system: System
    object: str
    language: str
    fields: Mapping[Value, str]


@dataclass(frozen=True)
class Account:
    """An account; `values` has those of the target that the release can have."""

    id: str
    values: Mapping[Value, str | Decimal | dt.date | None]


def target_of(source: Source) -> Target | None:
    """Where the accounts of a source are written to; None for one that is no CRM."""
    said = source.writeback
    system = SYSTEMS.get(source.kind) or (said.system if said else None)
    if system is None:
        return None
    language = (said.language if said else None) or (
        "zh" if system == "fxiaoke" else "en"
    )
    named = said.fields if said and said.fields else FIELDS[system]
    return Target(
        source.name,
        system,
        (said.object if said else None) or OBJECTS[system],
        language,
        {value: named[value] for value in FIELDS[system] if value in named},
    )


def targets(sources: Sequence[Source], name: str | None = None) -> list[Target]:
    """The CRMs of a project, or the one of that name.

    Raises:
        ConfigurationError: There is none.
    """
    found = [target for source in sources if (target := target_of(source))]
    if name is not None:
        found = [target for target in found if target.source == name]
    if not found:
        which = f"the source {name}" if name else "no source"
        raise ConfigurationError(
            f"{which[0].upper()}{which[1:]} of sources.yaml is "
            f"{'no' if name else 'a'} CRM that takes tiers back: one of kind zoho_crm or "
            "fxiaoke, or one with `writeback: {system: zoho}` (docs/write-back.md)."
        )
    return found


@dataclass
class Release:
    """The accounts of one release, as they are written to one target.

    Attributes:
        values: Those that this release can have; of one without verdicts none of them.
        unusable: Keys that are none of the system's ids, counted while they are read.
    """

    contents: Contents
    target: Target
    values: Sequence[Value] = ()
    unusable: int = 0

    def accounts(self) -> Iterator[Account]:
        """The accounts by id; a customer with two has its values in both."""
        with contents.opened(self.contents.file) as connection:
            tables = _tables(connection)
            for needed in ("customer_360", "customer_source_keys"):
                if needed not in tables:
                    raise ConfigurationError(
                        f"Release {self.contents.release_id} was made by an earlier "
                        f"version and has no marts.{needed}. Refresh once."
                    )
            self.values = [
                value
                for value in self.target.fields
                if _EXPRESSIONS[value][1] in tables
            ]
            cursor = connection.execute(self._query(tables), [self.target.source])
            while rows := cursor.fetchmany(_ROWS):
                for key, *values in rows:
                    if (found := self._id(key)) is None:
                        self.unusable += 1
                        continue
                    yield Account(found, dict(zip(self.values, values, strict=True)))

    def _query(self, tables: set[str]) -> str:
        wanted = ", ".join(
            _EXPRESSIONS[value][0].replace("{lang}", self.target.language)
            for value in self.values
        )
        joins = " ".join(
            f"left join marts.{table} as {alias} on {alias}.customer_id = c.customer_id"
            for table, alias in (
                ("customer_tiers", "tiers"),
                ("customer_verdicts", "verdicts"),
            )
            if table in tables
        )
        columns = f", {wanted}" if wanted else ""
        return (
            f"select keys.source_customer_id{columns} "
            "from marts.customer_source_keys as keys "
            "inner join marts.customer_360 as c on c.customer_id = keys.customer_id "
            f"{joins} where keys.source = ? order by keys.source_customer_id"
        )

    def _id(self, key: str) -> str | None:
        if self.target.system != "zoho":
            return key
        # What its pages export has a prefix that the API does not have.
        match = _ZOHO_ID.fullmatch(key)
        return match[1] if match else None


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts' "
            "and database_name = current_database()"
        ).fetchall()
    }


def plain(value: Any) -> str:
    """A value as text that is the same whenever the value is."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, dt.date) else str(value)

"""A small organisation in the stand-in, and its tables as landing has them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common.home import Home
from pipeline.landing import increments
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import Landed, land
from pipeline.sources import Source
from pipeline.sources.zoho.crm import ZohoCrmReader
from tests.standins.base import ManualClock
from tests.standins.zoho_crm import CREDENTIALS, ZohoCrm, field_of

START = dt.datetime(2026, 6, 1, 8, 0, tzinfo=dt.UTC)


def organisation() -> ZohoCrm:
    """Accounts, and orders with lines; no records yet."""
    crm = ZohoCrm(ManualClock(START))
    crm.define(
        "Accounts",
        field_of("Account_Name"),
        field_of("Parent_Account", "lookup", lookup="Accounts"),
        field_of("Rating", "picklist", options=["Active", ("A+", "Very good")]),
        field_of("Annual_Revenue", "currency"),
        field_of("Tags_of_Ours", "multiselectpicklist", options=["a", "b"]),
    )
    crm.define("Ordered_Items", field_of("Quantity", "double"), parent="Sales_Orders")
    crm.define(
        "Sales_Orders",
        field_of("Subject"),
        field_of("Account_Name", "lookup", lookup="Accounts"),
        field_of("Grand_Total", "currency"),
        field_of("Ordered_Items", "subform"),
    )
    return crm


def source_of(crm: ZohoCrm, **options: Any) -> Source:
    """The organisation as sources.yaml has it."""
    connection = options.pop("connection", {"timeout_seconds": 5})
    retry = options.pop("retry", {"first_seconds": 1})
    entities = options.pop(
        "entities",
        {
            "accounts": {"object": "Accounts"},
            "orders": {"object": "Sales_Orders"},
            "lines": {"object": "Ordered_Items", "parent": "Sales_Orders"},
        },
    )
    return Source.model_validate(
        {
            "name": "zoho",
            "kind": "zoho_crm",
            "zoho": {**CREDENTIALS, "accounts_url": crm.base_url, **options},
            "connection": connection,
            "retry": retry,
            "entities": entities,
            "provides": [],
        }
    )


class Tables:
    """Lands entities of the organisation, refresh after refresh."""

    def __init__(
        self,
        crm: ZohoCrm,
        folder: Path,
        *,
        bulk_from: int = 10,
        ahead: dt.timedelta = dt.timedelta(0),
        **options: Any,
    ) -> None:
        self.crm = crm
        self.home = Home.open(folder)
        self.source = source_of(crm, **options)
        self._bulk_from = bulk_from
        self._clock = crm.clock.as_clock(ahead)

    def refresh(self, *names: str, full: bool = False) -> dict[str, Landed]:
        """Lands and accepts what the entities give now."""
        found = {}
        with ZohoCrmReader(
            self.source, self.home, clock=self._clock, bulk_from=self._bulk_from
        ) as reader:
            for name in names or self.source.entities:
                landed = self._landed(name)
                found[name] = land(landed, reader, now=self.crm.clock.now(), full=full)
        for name, done in found.items():
            landed = self._landed(name)
            for batch in done.batches:
                landed.accept(batch)
        return found

    def rows(self, name: str, *columns: str) -> set[tuple[Any, ...]]:
        """The current rows of an entity, as staging sees them."""
        landed = self._landed(name)
        relation = landed.relation(landed.in_force())
        assert relation is not None
        current = increments.current(relation, landed.entity)
        wanted = ", ".join(f'"{column}"' for column in columns or ("id",))
        with duckdb.connect() as connection:
            return set(connection.sql(f"select {wanted} from {current}").fetchall())

    def keys(self, name: str) -> set[str]:
        return {row[0] for row in self.rows(name)}

    def quarantined(self, landed: Landed) -> int:
        return sum(batch.rows_quarantined for batch in landed.batches)

    def _landed(self, name: str) -> LandedEntity:
        return LandedEntity(self.home, "zoho", self.source.entities[name])


def accounts(crm: ZohoCrm, count: int, *, seconds: float = 1) -> list[str]:
    """So many new accounts, so many seconds apart."""
    found = []
    for number in range(count):
        found.append(crm.put("Accounts", Account_Name=f"Account {number}"))
        crm.clock.advance(seconds)
    return found


def order(crm: ZohoCrm, account: str, quantities: Iterable[float]) -> str:
    """A new order with a line for each quantity."""
    return crm.put(
        "Sales_Orders",
        Subject="An order",
        Account_Name={"id": account, "name": "Account"},
        Ordered_Items=[{"Quantity": quantity} for quantity in quantities],
    )

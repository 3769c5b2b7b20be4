"""A tenant with accounts on a stand-in, and a source that reads it through real HTTP."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import duckdb

from pipeline.common.home import Home
from pipeline.landing import increments
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import Landed, land
from pipeline.sources import Entity, Since, Source
from pipeline.sources.base import Extract
from pipeline.sources.fxiaoke.reader import FxiaokeReader
from pipeline.sources.http import Clock
from tests.standins import fxiaoke
from tests.standins.base import ManualClock
from tests.standins.fxiaoke import FxiaokeStandin

START = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)

FIELDS: dict[str, dict[str, Any]] = {
    "name": {"type": "text", "label": "客户名称"},
    "account_level": {
        "type": "select_one",
        "label": "客户级别",
        # The values and labels of each tenant are its own.
        "options": [
            {"label": "重要客户", "value": "1"},
            {"label": "普通客户", "value": "2"},
        ],
    },
    "total_order_amount": {
        "type": "currency",
        "label": "订单总额",
        "decimal_places": 2,
    },
    "deal_day": {"type": "date", "label": "成交日", "time_zone": "GMT+8"},
    "owner": {"type": "employee", "label": "负责人"},
    "life_status": {"type": "select_one", "label": "生命状态", "options": []},
}

ENTITY: dict[str, Any] = {
    "name": "accounts",
    "object": "AccountObj",
    "key": ["_id"],
    "cursor": {"column": "last_modified_time", "overlap": "10 minutes"},
    "deleted_when": [
        {"column": "life_status", "values": ["invalid"]},
        {"column": "is_deleted", "values": [True]},
    ],
    "sweep_days": 7,
    "fields": ["name", "account_level", "total_order_amount", "owner", "deal_day"],
}
METADATA: dict[str, Any] = {
    "name": "metadata",
    "reads": "metadata",
    "key": ["object", "field", "option_value"],
    "load": "snapshot",
    "personal": "none",
}


# Readers of one process have one clock, and with it one token.
_CLOCKS: WeakKeyDictionary[FxiaokeStandin, dict[dt.timedelta, Clock]] = (
    WeakKeyDictionary()
)


@contextmanager
def serving(**limits: Any) -> Iterator[FxiaokeStandin]:
    """A tenant that listens, with no account yet."""
    standin = FxiaokeStandin(ManualClock(START))
    standin.declare("AccountObj", FIELDS)
    for name, value in limits.items():
        setattr(standin.limits, name, value)
    with standin.serving():
        yield standin


def source_of(
    standin: FxiaokeStandin,
    entity: dict[str, Any] | None = None,
    *,
    connection: dict[str, Any] | None = None,
    **api: Any,
) -> Source:
    """The source as sources.yaml would describe it."""
    return Source.model_validate(
        {
            "name": "crm",
            "kind": "fxiaoke",
            "fxiaoke": {
                "host": standin.base_url,
                "app_id": fxiaoke.APP_ID,
                "app_secret": fxiaoke.APP_SECRET,
                "permanent_code": fxiaoke.PERMANENT_CODE,
                "user_id": fxiaoke.USER_ID,
                **api,
            },
            "connection": {"timeout_seconds": 5, **(connection or {})},
            "retry": {"tries": 3, "first_seconds": 1, "longest_seconds": 60},
            "entities": {
                "accounts": {**ENTITY, **(entity or {})},
                "metadata": METADATA,
            },
            "provides": [],
        }
    )


def reader_of(
    standin: FxiaokeStandin,
    source: Source | None = None,
    *,
    home: Home | None = None,
    ahead: dt.timedelta = dt.timedelta(0),
) -> FxiaokeReader:
    """A reader on the stand-in's time, which its machine may have wrongly."""
    clocks = _CLOCKS.setdefault(standin, {})
    if ahead not in clocks:
        clocks[ahead] = standin.clock.as_clock(ahead)
    return FxiaokeReader(source or source_of(standin), home, clock=clocks[ahead])


def read(
    standin: FxiaokeStandin,
    source: Source | None = None,
    *,
    entity: str = "accounts",
    since: Since | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """The rows of all extracts of rows."""
    source = source or source_of(standin)
    rows: list[dict[str, Any]] = []
    with reader_of(standin, source) as reader:
        for extract in reader.extracts(source.entities[entity], since, limit):
            rows += rows_of(extract)
    return rows


def rows_of(extract: Extract) -> list[dict[str, Any]]:
    return [row for batch in extract.batches() for row in batch.to_pylist()]


class Landing:
    """A home into which accounts are landed again and again, each time accepted."""

    def __init__(self, standin: FxiaokeStandin, source: Source | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ct-")
        self.home = Home.open(Path(self._folder.name))
        self.standin = standin
        self.source = source or source_of(standin)
        self.entity: Entity = self.source.entities["accounts"]
        self.landed = LandedEntity(self.home, self.source.name, self.entity)

    def __enter__(self) -> Landing:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._folder.cleanup()

    def refresh(
        self, *, full: bool = False, ahead: dt.timedelta = dt.timedelta(0)
    ) -> Landed:
        reader = reader_of(self.standin, self.source, home=self.home, ahead=ahead)
        with reader:
            done = land(
                self.landed, reader, now=self.standin.clock.now() + ahead, full=full
            )
        for batch in done.batches:
            self.landed.accept(batch)
        return done

    def cursor(self) -> str:
        """The newest change from which the next refresh goes on."""
        batches = self.landed.in_force()
        return max(batch.cursor["value"] for batch in batches if batch.cursor)

    def current(self, column: str = "name") -> set[tuple[str, str]]:
        """`_id` and another column of the records that are there by what landed."""
        relation = self.landed.relation(self.landed.in_force())
        if relation is None:
            return set()
        rows = increments.current(relation, self.entity)
        with duckdb.connect() as connection:
            return set(
                connection.execute(f"select _id, {column} from {rows}").fetchall()
            )


def live(standin: FxiaokeStandin) -> set[tuple[str, str]]:
    """`_id` and name of the accounts that there are."""
    return {
        (record["_id"], record["name"])
        for record in standin.objects["AccountObj"].values()
        if record["life_status"] != "invalid" and not record["is_deleted"]
    }

"""What was read, and what became of it up to the door of staging: rows and money.

One row a source and landed entity, counted once before dbt builds, from the batches in
force; the models `landing_reconciliation` and `reconciliation` go on from there. Also
what sources.yaml says that the rows become, counted from the landed rows alone, so that a
staging model that loses or doubles some is found out.

Not here: whether it adds up (dbt and the gates).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.common import sql
from pipeline.common.errors import ConfigurationError
from pipeline.landing import increments
from pipeline.landing.batches import Batch
from pipeline.landing.entity import LandedEntity
from pipeline.sources import Becomes

LANDED = pa.schema(
    [
        ("source", pa.string()),
        ("entity", pa.string()),
        ("batches", pa.int32()),
        ("rows_read", pa.int64()),
        ("rows_landed", pa.int64()),
        ("rows_quarantined", pa.int64()),
        ("different_keys", pa.int64()),
        ("repeated_keys", pa.int64()),
        ("deleted_keys", pa.int64()),
        ("superseded_rows", pa.int64()),
        ("rows_forgotten", pa.int64()),
        ("rows_refused", pa.int64()),
        ("last_loaded_at", pa.timestamp("us")),
    ]
)
BECOMES = pa.schema(
    [
        ("source", pa.string()),
        ("landed_entity", pa.string()),
        ("entity", pa.string()),
        ("current_rows", pa.int64()),
        ("left_out_rows", pa.int64()),
        ("merged_rows", pa.int64()),
        ("taken_rows", pa.int64()),
        ("taken_amount", pa.decimal128(28, 4)),
        ("superseded_amount", pa.decimal128(28, 4)),
    ]
)


def count(
    connection: duckdb.DuckDBPyConnection,
    entities: Sequence[LandedEntity],
    time_zone: str,
    among: Iterable[LandedEntity] | None = None,
) -> None:
    """Fills `landing.refresh__landed` and `landing.refresh__becomes`.

    Args:
        connection: The candidate's work file, with the views of what landed and the
            context of the refresh.
        entities: All that is landed.
        time_zone: That of the business.
        among: All tables that there are, where only some of them are counted.

    Raises:
        ConfigurationError: What sources.yaml says of `becomes` cannot be computed.
    """
    tables = list(entities if among is None else among)
    landed: list[dict[str, Any]] = []
    becomes: list[dict[str, Any]] = []
    for item in entities:
        entity = item.entity
        view = _view(item)
        keys = increments.count_keys(connection, view, entity)
        landed.append(_landed(item, item.in_force(), keys))
        is_plain = landed[-1]["rows_landed"] == keys.different and not keys.deleted
        current = view if is_plain else increments.current(view, entity)
        # What counts no more is what landed less the newest of each key, whether a newer
        # row of the key took its place or a newer file (`replace`).
        older = None
        if landed[-1]["superseded_rows"]:
            every = item.every_row(item.in_force()) or view
            older = every, increments.newest(view, entity)
        becomes.extend(
            _becomes(
                connection,
                item,
                current,
                older,
                declared,
                time_zone,
                _tables_named(item, declared, tables),
            )
            for declared in entity.becomes
        )
    _write(connection, "refresh__landed", LANDED, landed)
    _write(connection, "refresh__becomes", BECOMES, becomes)


def _landed(
    entity: LandedEntity, batches: Sequence[Batch], keys: increments.Keys
) -> dict[str, Any]:
    rows_landed = sum(batch.rows_landed for batch in batches)
    loaded = max(dt.datetime.fromisoformat(batch.loaded_at) for batch in batches)
    refused = entity.batches("refused")
    return {
        "source": entity.source,
        "entity": entity.name,
        "batches": len(batches),
        "rows_read": sum(batch.rows_read for batch in batches),
        "rows_landed": rows_landed,
        "rows_quarantined": sum(batch.rows_quarantined for batch in batches),
        "different_keys": keys.different,
        "repeated_keys": keys.repeated,
        "deleted_keys": keys.deleted,
        "superseded_rows": rows_landed - keys.different,
        "rows_forgotten": sum(batch.rows_forgotten for batch in batches),
        "rows_refused": sum(batch.rows_read for batch in refused),
        "last_loaded_at": loaded.astimezone(dt.UTC).replace(tzinfo=None),
    }


def _tables_named(
    entity: LandedEntity, item: Becomes, tables: Iterable[LandedEntity]
) -> str:
    """SQL that gives the source's other tables the names of their entities.

    Of each the current rows, as staging sees them: a filter such as `order_no in (select
    order_no from orders where status = 'paid')` needs no more than that.
    """
    text = " ".join([item.where or "", item.amount or "", *item.each])
    named = set(re.findall(r"\w+", text.lower()))
    return "".join(
        f"{sql.quoted(other.name)} as (select * from "
        f"{increments.current(_view(other), other.entity)}), "
        for other in tables
        if other.source == entity.source
        and other.name != entity.name
        and other.name.lower() in named
    )


def _view(entity: LandedEntity) -> str:
    """The view over everything that landed of an entity."""
    return f"landing.{sql.quoted(f'{entity.source}__{entity.name}')}"


def _becomes(
    connection: duckdb.DuckDBPyConnection,
    entity: LandedEntity,
    current: str,
    older: tuple[str, str] | None,
    item: Becomes,
    time_zone: str,
    tables: str,
) -> dict[str, Any]:
    """Counts what one entity becomes.

    Args:
        current: SQL of its current rows.
        older: SQL of all rows that landed, and of the newest of each key, deleted ones
            too; None where these are the same.
        tables: SQL of the other tables that it names.
    """
    # Text of sources.yaml stands in the query as it is: who writes that file decides
    # what is read anyway.
    where = item.where or "true"
    amount = f"cast({item.amount or '0'} as decimal(18, 4))"
    context = (
        f"(select as_of_date, known_until, {sql.literal(time_zone)} as time_zone "
        "from landing.refresh__context)"
    )

    def sum_of(relation: str) -> str:
        return (
            f"coalesce((select sum({amount}) filter (where {where}) "
            f"from {relation} as landed cross join {context}), 0)"
        )

    superseded = "null"
    if item.amount:
        superseded = " - ".join(map(sum_of, older)) if older else "0"
    each = "count(*)"
    if item.each:
        each = f"count(distinct ({', '.join(item.each)}))"
    try:
        row = connection.execute(
            f"""
            with {tables}counted as (
                select
                    count(*) as current_rows,
                    count(*) filter (where {where}) as where_rows,
                    {each} filter (where {where}) as taken_rows,
                    sum({amount}) filter (where {where}) as amount
                from {current} as landed
                cross join {context}
            )

            select
                current_rows,
                current_rows - where_rows,
                where_rows - taken_rows,
                taken_rows,
                cast(coalesce(amount, 0) as decimal(28, 4)),
                cast({superseded} as decimal(28, 4))
            from counted
            """
        ).fetchone()
    except duckdb.Error as error:
        raise ConfigurationError(
            f"{entity.source}.{entity.name}: what sources.yaml says of `becomes: "
            f"{item.entity}` cannot be computed: {error}"
        ) from error
    assert row is not None
    return {
        "source": entity.source,
        "landed_entity": entity.name,
        "entity": item.entity,
        **dict(zip(BECOMES.names[3:], row, strict=True)),
    }


def _write(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    schema: pa.Schema,
    rows: Sequence[dict[str, Any]],
) -> None:
    connection.register("_rows", pa.Table.from_pylist(list(rows), schema=schema))
    connection.execute(f"create or replace table landing.{table} as from _rows")
    connection.unregister("_rows")

"""What readers see: `marts` and `meta`, views that outlive the releases behind them.

A view is made anew only where the columns of its table changed, and never taken from under
what others have built on it:

    a column is added     it comes last; whatever reads the view stays
    a column is gone      where nothing reads the view it goes; else it stays and is null
    a column has another  where nothing reads the view it changes; else the export is
    type                  refused, and says what reads it
    a table is gone       the view stays without a row until nothing reads it

While transactions are open that see an older release of other columns, a view reads both.
Not here: the partitioned tables behind it (`loads`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pipeline.serving.contents import SCHEMAS
from pipeline.serving.postgres.connection import ExportRefused, name
from pipeline.serving.postgres.loads import (
    BOOKS,
    KIND,
    LOAD,
    Connection,
    Loading,
    Shape,
)

log = logging.getLogger("customer_tiers.serving")

Columns = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class View:
    """A view of readers as it is.

    Attributes:
        shapes: The partitioned tables that it reads.
        readers: What depends on it, in PostgreSQL's words; views of analysts.
    """

    schema: str
    table: str
    columns: Columns
    shapes: frozenset[str]
    readers: Sequence[str] = ()

    @property
    def full_name(self) -> str:
        """Schema and name."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class Change:
    """What a view is to become.

    Attributes:
        how: `keep` it, `replace` it (grants and what reads it stay), `create` it, or make
            it `anew`, which is done only where nothing reads it.
        columns: What it has afterwards.
        kept: Of these, columns that the release has no more, and that are null.
    """

    how: str
    columns: Columns
    kept: frozenset[str] = frozenset()


def planned(view: View | None, columns: Columns, shapes: frozenset[str]) -> Change:
    """How a view comes to have the columns of a release.

    Args:
        view: As it is; none where there is none.
        columns: Those of the release.
        shapes: What it is to read.

    Raises:
        ExportRefused: A column has another type, and something reads the view.
    """
    if view is None:
        return Change("create", columns)
    wanted = dict(columns)
    if not view.readers:
        if [*view.columns] == [*columns]:
            return Change("keep" if view.shapes == shapes else "replace", columns)
        goes_on = [*view.columns] == [*columns][: len(view.columns)]
        return Change("replace" if goes_on else "anew", columns)
    for column, kind in view.columns:
        if wanted.get(column, kind) != kind:
            raise ExportRefused(
                f"{view.full_name}.{column} was {kind} and is {wanted[column]} in this "
                f"release, and {', '.join(view.readers)} reads it. Readers see what they "
                "saw. Drop what reads it, run `customer-tiers export postgres`, and make "
                "it again."
            )
    has = dict(view.columns)
    added = [column for column in columns if column[0] not in has]
    kept = frozenset(column for column in has if column not in wanted)
    is_same = not added and view.shapes == shapes
    return Change("keep" if is_same else "replace", [*view.columns, *added], kept)


def views(connection: Connection) -> dict[str, View]:
    """The views of readers by schema and name.

    Raises:
        ExportRefused: Something else has the name of a schema or view of ours.
    """
    rows = connection.execute(
        f"""
        select
            v.oid,
            v.relnamespace::regnamespace::text,
            v.relname::text,
            array_agg(distinct s.relname::text)
        from pg_class as v
        inner join pg_rewrite as r on r.ev_class = v.oid
        inner join pg_depend as d
            on d.classid = 'pg_rewrite'::regclass
            and d.objid = r.oid
            and d.refclassid = 'pg_class'::regclass
        inner join pg_class as s
            on s.oid = d.refobjid
            and s.relnamespace = to_regnamespace('{BOOKS}')
            and s.relkind = 'p'
        where v.relkind = 'v' and v.relnamespace::regnamespace::text = any(%s)
        group by 1, 2, 3
        """,
        [[*SCHEMAS]],
    ).fetchall()
    return {
        f"{schema}.{table}": View(
            schema,
            table,
            _columns(connection, oid),
            frozenset(shapes),
            _readers(connection, oid),
        )
        for oid, schema, table, shapes in rows
    }


def _columns(connection: Connection, oid: int) -> list[tuple[str, str]]:
    return [
        (column, kind)
        for column, kind in connection.execute(
            f"select a.attname::text, {KIND} from pg_attribute as a "
            "where a.attrelid = %s and a.attnum > 0 and not a.attisdropped "
            "order by a.attnum",
            [oid],
        ).fetchall()
    ]


def _readers(connection: Connection, oid: int) -> list[str]:
    """What depends on a view, its own rule and type left out; in words, sorted."""
    return [
        reader
        for (reader,) in connection.execute(
            """
            select distinct
                case
                    when r.oid is null then pg_describe_object(classid, objid, 0)
                    else 'view ' || r.ev_class::regclass::text
                end
            from pg_depend as d
            left join pg_rewrite as r
                on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
            where
                d.deptype <> 'i'
                and (
                    (d.refclassid = 'pg_class'::regclass and d.refobjid = %(oid)s)
                    or (
                        d.refclassid = 'pg_type'::regclass
                        and d.refobjid in (
                            select unnest(array[t.oid, t.typarray])
                            from pg_type as t
                            where t.typrelid = %(oid)s
                        )
                    )
                )
                and coalesce(r.ev_class, 0) <> %(oid)s
            order by 1
            """,
            {"oid": oid},
        ).fetchall()
    ]


def refuse_foreign(connection: Connection, loadings: Iterable[Loading]) -> None:
    """Raises ExportRefused where something that is not ours has the name of a view."""
    ours = views(connection)
    wanted = {item.table.full_name for item in loadings} - set(ours)
    for schema, table, kind in connection.execute(
        "select relnamespace::regnamespace::text, relname::text, relkind::text "
        "from pg_class where relnamespace::regnamespace::text = any(%s)",
        [[*SCHEMAS]],
    ).fetchall():
        if f"{schema}.{table}" in wanted:
            what = "view" if kind in {"v", "m"} else "table"
            raise ExportRefused(
                f"The database has a {what} {schema}.{table} that is not of "
                "customer-tiers. Readers see what they saw. Rename it, or serve another "
                "database."
            )


def change(
    connection: Connection,
    loadings: Sequence[Loading],
    shape_of: Mapping[str, str],
    all_shapes: Sequence[Shape],
) -> dict[str, Change]:
    """Has every view have the columns of the load; within the transaction of the switch.

    Args:
        loadings: The tables of the load.
        shape_of: Schema and table → the shape of the load.
        all_shapes: Those that there are; a view goes on reading what older loads have.

    Returns:
        Schema and table → what its view has become.

    Raises:
        ExportRefused: What others have built on a view does not allow it.
        psycopg.errors.LockNotAvailable: A reader holds a view that has to change.
    """
    for schema in SCHEMAS:
        (is_there,) = connection.execute(
            "select to_regnamespace(%s) is not null", [schema]
        ).fetchone() or (False,)
        if not is_there:
            connection.execute(sql.SQL("create schema {}").format(name(schema)))
    present = views(connection)
    done = {}
    for item in loadings:
        table = item.table.full_name
        read = {
            shape.name: shape
            for shape in all_shapes
            if f"{shape.schema}.{shape.table}" == table
            and (shape.schemas or shape.name == shape_of[table])
        }
        view = present.get(table)
        done[table] = planned(view, item.shape, frozenset(read))
        # That of the load first: it says what the columns are.
        order = sorted(read.values(), key=lambda one: one.name != shape_of[table])
        _make(connection, item, done[table], order)
    return done


def _make(
    connection: Connection, item: Loading, wanted: Change, read: Sequence[Shape]
) -> None:
    if wanted.how == "keep":
        return
    view = name(item.table.schema, item.table.name)
    grants: list[sql.Composed] = []
    if wanted.how == "anew":
        grants = _grants(connection, item.table.full_name)
        try:
            connection.execute(sql.SQL("drop view {}").format(view))
        except psycopg.errors.DependentObjectsStillExist as error:
            raise ExportRefused(
                f"The columns of {item.table.full_name} changed, and "
                f"{error.diag.message_detail or 'something'} Readers see what they saw."
            ) from None
    branches = [_branch(connection, wanted.columns, shape) for shape in read]
    connection.execute(
        sql.SQL("create or replace view {} as {}").format(
            view, sql.SQL(" union all ").join(branches)
        )
    )
    for grant in grants:
        connection.execute(grant)


def _branch(connection: Connection, columns: Columns, shape: Shape) -> sql.Composed:
    has = dict(shape.columns)
    expressions = [
        sql.SQL("{} as {}").format(
            _value(connection, column, has.get(column), kind), name(column)
        )
        for column, kind in columns
    ]
    return sql.SQL(
        "select {} from {} where {} = (select c.load_id from {} as c)"
    ).format(
        sql.SQL(", ").join(expressions),
        name(BOOKS, shape.name),
        name(LOAD),
        name(BOOKS, "current"),
    )


def _value(
    connection: Connection, column: str, has: str | None, wanted: str
) -> sql.Composable:
    """A column of a shape as the type that the view has; null where it has no such value.

    Only a transaction that began before the switch ever sees a value that is not of the
    load's own type.
    """
    if has == wanted:
        return name(column)
    null = _cast(sql.SQL("null"), wanted)
    if has is None:
        return null
    # A cast that cannot fail on any value: the ones that happen by themselves.
    (is_safe,) = connection.execute(
        """
        select
            %(to)s::regtype = 'text'::regtype
            or %(from)s::regtype = %(to)s::regtype
            or exists (
                select from pg_cast
                where
                    castsource = %(from)s::regtype
                    and casttarget = %(to)s::regtype
                    and castcontext = 'i'
            )
        """,
        {"from": _plain(has), "to": _plain(wanted)},
    ).fetchone() or (False,)
    if not is_safe or _narrows(has, wanted):
        return null
    return _cast(name(column), wanted)


def _cast(value: sql.Composable, kind: str) -> sql.Composed:
    plain, mark, collation = kind.partition(" collate ")
    return sql.SQL("cast({} as {}){}").format(
        value, sql.SQL(plain), sql.SQL(mark + collation)
    )


def _plain(kind: str) -> str:
    """The type without its digits and its collation."""
    return kind.partition(" collate ")[0].partition("(")[0]


def _narrows(has: str, wanted: str) -> bool:
    """Whether a decimal has fewer digits than before, so that a value may not fit."""
    if not wanted.startswith("numeric("):
        return False
    digits, places = map(int, wanted[8:-1].split(","))
    if not has.startswith("numeric("):
        return True
    old_digits, old_places = map(int, has[8:-1].split(","))
    return digits - places < old_digits - old_places or places < old_places


def _grants(connection: Connection, view: str) -> list[sql.Composed]:
    """The statements that give a view, once it is made anew, the grants that it has."""
    rows = connection.execute(
        """
        select
            g.privilege_type,
            coalesce(r.rolname::text, ''),
            g.is_grantable,
            c.relnamespace::regnamespace::text,
            c.relname::text
        from pg_class as c
        cross join aclexplode(c.relacl) as g
        left join pg_roles as r on r.oid = g.grantee
        where c.oid = to_regclass(%s) and g.grantee <> c.relowner
        """,
        [".".join(f'"{part}"' for part in view.split(".", 1))],
    ).fetchall()
    return [
        sql.SQL("grant {} on {} to {}{}").format(
            sql.SQL(privilege),
            name(schema, table),
            name(role) if role else sql.SQL("public"),
            sql.SQL(" with grant option" if grantable else ""),
        )
        for privilege, role, grantable, schema, table in rows
    ]


def tidy(
    connection: Connection,
    loadings: Sequence[Loading],
    shape_of: Mapping[str, str],
    all_shapes: Sequence[Shape],
    try_it: Any,
) -> list[View]:
    """Has the views forget shapes that no load has any more, and drops those of no table.

    Args:
        try_it: Runs a statement unless a reader would have to wait for it.

    Returns:
        Views without a row that stay, because something reads them.
    """
    by_name = {shape.name: shape for shape in all_shapes}
    tables = {item.table.full_name: item for item in loadings}
    staying = []
    for full_name, view in views(connection).items():
        item = tables.get(full_name)
        used = {shape for shape in view.shapes if by_name[shape].schemas} | {
            shape_of.get(full_name, "")
        } - {""}
        if item is None:
            if view.readers:
                staying.append(view)
            elif not used:
                drop = sql.SQL("drop view {}").format(name(view.schema, view.table))
                try_it(connection, drop)
        elif view.shapes - used:
            order = sorted(used, key=lambda one: one != shape_of[full_name])
            branches = [
                _branch(connection, view.columns, by_name[shape]) for shape in order
            ]
            statement = sql.SQL("create or replace view {} as {}").format(
                name(view.schema, view.table), sql.SQL(" union all ").join(branches)
            )
            try_it(connection, statement)
    return staying

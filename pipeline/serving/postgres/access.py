"""Who may read the copy, and what its tables and columns mean.

    analyst     reads marts and meta
    reporting   reads marts, and of meta which release it is and how fresh it is

Neither sees `serving` or the tables of the releases, and private data is in none of them.
Where the account may make roles it does; where it may not, deploy/postgresql/roles.sql is
for somebody who may. What was granted once is the administrators': a right that they took
back is not given again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql

from pipeline.serving.contents import SCHEMAS
from pipeline.serving.postgres.connection import name
from pipeline.serving.postgres.loads import Connection, Loading
from pipeline.serving.postgres.views import Change

log = logging.getLogger("customer_tiers.serving")

ANALYST = "analyst"
REPORTING = "reporting"
ROLES = (ANALYST, REPORTING)
# What of meta a report has to know.
_META_OF_REPORTS = frozenset(["current_release", "refreshes", "source_freshness"])


def make_roles(connection: Connection) -> list[str]:
    """Makes the roles that are missing, if the account may.

    Returns:
        Those that are still missing.
    """
    missing = []
    for role in ROLES:
        if _has_role(connection, role):
            continue
        try:
            with connection.transaction():
                connection.execute(sql.SQL("create role {} nologin").format(name(role)))
        except psycopg.errors.DuplicateObject:
            pass  # an export into another database of the server was faster
        except psycopg.errors.InsufficientPrivilege:
            missing.append(role)
    return missing


def _has_role(connection: Connection, role: str) -> bool:
    query = "select 1 from pg_roles where rolname = %s"
    return connection.execute(query, [role]).fetchone() is not None


def grant(connection: Connection, changes: Mapping[str, Change]) -> None:
    """Lets the roles read the views that are new; all of them, if the role is.

    Args:
        changes: Schema and table → what its view has become.
    """
    for role in ROLES:
        if not _has_role(connection, role):
            continue
        for schema in SCHEMAS:
            # Asked of the grants themselves: a superuser may do everything anyhow.
            (is_new,) = connection.execute(
                """
                select not exists (
                    select from pg_namespace as n
                    cross join aclexplode(n.nspacl) as g
                    where
                        n.nspname = %s
                        and g.grantee = (select oid from pg_roles where rolname = %s)
                )
                """,
                [schema, role],
            ).fetchone() or (True,)
            if is_new:
                connection.execute(
                    sql.SQL("grant usage on schema {} to {}").format(
                        name(schema), name(role)
                    )
                )
            for view, change in changes.items():
                its_schema, _, table = view.partition(".")
                if its_schema != schema or not (is_new or change.how == "create"):
                    continue
                if role == ANALYST or _is_for_reports(schema, table):
                    connection.execute(
                        sql.SQL("grant select on {} to {}").format(
                            name(schema, table), name(role)
                        )
                    )


def _is_for_reports(schema: str, table: str) -> bool:
    return schema == "marts" or table in _META_OF_REPORTS


def comment(
    connection: Connection,
    loadings: Sequence[Loading],
    changes: Mapping[str, Change],
) -> None:
    """Describes views and columns as the release does, where they are not yet."""
    present = {
        (schema, table, column): text
        for schema, table, column, text in connection.execute(
            """
            select
                c.relnamespace::regnamespace::text,
                c.relname::text,
                coalesce(a.attname::text, ''),
                d.description
            from pg_description as d
            inner join pg_class as c on c.oid = d.objoid
            left join pg_attribute as a
                on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0
            where
                d.classoid = 'pg_class'::regclass
                and c.relnamespace::regnamespace::text = any(%s)
            """,
            [[*SCHEMAS]],
        ).fetchall()
    }
    for item in loadings:
        table = item.table
        wanted = {"": table.description}
        wanted |= {column.name: column.description for column in item.columns}
        for column in changes[table.full_name].kept:
            wanted[column] = (
                "Not in the releases any more, and null; it stays because views read it."
            )
        for column, text in wanted.items():
            if present.get((table.schema, table.name, column), "") == text:
                continue
            place = [table.schema, table.name, *([column] if column else [])]
            connection.execute(
                sql.SQL("comment on {} {} is {}").format(
                    sql.SQL("column" if column else "view"),
                    name(*place),
                    sql.Literal(text or None),
                )
            )

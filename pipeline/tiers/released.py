"""What a release says of tiers: its policies, and the facts that a policy may ask for.

Reads the published file only, whose older versions may lack a table or a column: what a
release does not hold is null, and the caller says so. Not here: what is made of the facts
(what_if, explain).
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from pipeline.common.errors import ConfigurationError
from pipeline.common.sql import literal, quoted
from pipeline.release.catalogue import Release
from pipeline.release.layout import WAREHOUSE
from pipeline.tiers import policy, policy_tables
from pipeline.tiers.policy import Policy

# Beyond it the engine spills to disk: a million customers must not need a server.
MEMORY = "2GB"


@contextmanager
def reading(release: Release) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own in which the release is the catalog `warehouse`."""
    with (
        tempfile.TemporaryDirectory(prefix="customer-tiers-") as folder,
        duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "memory_limit": MEMORY,
                "temp_directory": folder,
            }
        ) as connection,
    ):
        path = (release.path / WAREHOUSE).resolve()
        connection.execute(f"attach {literal(path)} as warehouse (read_only)")
        yield connection


def rows(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Sequence[object] = (),
) -> list[dict[str, Any]]:
    """What a query finds, by the names of its columns."""
    found = connection.execute(query, list(parameters))
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def columns(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str
) -> list[str]:
    """The columns of a table of the release; none where the table is not there."""
    return [
        name
        for (name,) in connection.execute(
            """
            select column_name from duckdb_columns()
            where database_name = 'warehouse' and schema_name = ? and table_name = ?
            order by column_index
            """,
            [schema, table],
        ).fetchall()
    ]


def policy_rows(
    connection: duckdb.DuckDBPyConnection, table: str
) -> list[dict[str, Any]]:
    """The rows of a table of `policy_tables.TABLES` as the release was graded by them.

    Raises:
        ConfigurationError: The release is older than such policies.
    """
    kinds = policy_tables.TABLES[table]
    if missing := set(kinds) - set(columns(connection, "meta", table)):
        raise ConfigurationError(
            f"This release's meta.{table} has no {', '.join(sorted(missing))}: it was "
            "made by an earlier version; run `customer-tiers refresh`."
        )
    cells = ", ".join(
        f"cast({name} as {kind}) as {name}" for name, kind in kinds.items()
    )
    # In the order of the seed, in which scores are summed.
    return rows(connection, f"select {cells} from warehouse.meta.{table}")


def policies(connection: duckdb.DuckDBPyConnection) -> list[Policy]:
    """The policies of the release, published or not."""
    return policy_tables.load(lambda table: policy_rows(connection, table))


def as_of(connection: duckdb.DuckDBPyConnection) -> dt.date | None:
    """The as-of day of the release; None where it has no customers."""
    day: dt.date | None
    (day,) = connection.execute(
        "select max(as_of_date) from warehouse.marts.customer_value"
    ).fetchone() or (None,)
    return day


def lacking(known: Collection[str]) -> list[str]:
    """The facts that a value table with those columns does not hold."""
    return [fact for fact in policy.FACTS if _column(fact) not in known]


def present_facts(connection: duckdb.DuckDBPyConnection) -> str:
    """The facts of each customer on the as-of day, as `scoring` expects them."""
    known = columns(connection, "marts", "customer_value")
    return f"""
    select
        customer_id, customer_type, 1 as moment_no, true as is_month_end,
        coalesce(order_days > 0, false) as has_purchased,
        {_measures(known)}
    from warehouse.marts.customer_value
    inner join warehouse.marts.customers using (customer_id)
    """


def lifetime_facts(
    connection: duckdb.DuckDBPyConnection, customer_id: str, since: dt.date
) -> str:
    """The facts of one customer at each month end since a day, and on the as-of day.

    A query of the columns that `scoring` expects, and as_of_date.
    """
    parts = []
    for table in ("customer_value_history", "customer_value"):
        known = columns(connection, "marts", table)
        if not known:
            continue
        parts.append(
            f"""
            select
                customer_id, as_of_date, as_of_date = last_day(as_of_date)
                    as is_month_end,
                coalesce(order_days > 0, false) as has_purchased,
                {_measures(known)}
            from warehouse.marts.{table}
            where customer_id = {literal(customer_id)}
                and as_of_date >= date {literal(since)}
            """
        )
    # The as-of day may be a month end, which both tables hold.
    return f"""
    select
        moments.*, customers.customer_type,
        row_number() over (order by moments.as_of_date) as moment_no
    from (
        select distinct on (as_of_date) * from ({" union all by name ".join(parts)})
        order by as_of_date
    ) as moments
    inner join warehouse.marts.customers using (customer_id)
    """


def measure(fact: str) -> str:
    """A fact as an expression over a value table, a double."""
    return f"cast({_EXPRESSIONS.get(fact, quoted(fact))} as double)"


def _measures(known: Collection[str]) -> str:
    return ", ".join(
        f"{measure(fact)} as {quoted(fact)}"
        if _column(fact) in known
        else f"cast(null as double) as {quoted(fact)}"
        for fact in policy.FACTS
    )


# As in int_tier_facts; every other fact is a column of the same name.
_EXPRESSIONS = {"tenure_years": "tenure_days / 365.25"}


def _column(fact: str) -> str:
    return "tenure_days" if fact == "tenure_years" else fact

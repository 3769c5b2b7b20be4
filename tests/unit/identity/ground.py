"""The steps of matching on an in-memory database, with the seeds of the project."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.identity import memory, normal, policy, resolve, shared
from pipeline.identity.vocabulary import Vocabulary
from tests.models import seed_path, seed_types

COLUMNS = (*normal.INPUTS, "birth_date")


def vocabulary() -> Vocabulary:
    """The words of the project's seeds."""
    return policy.read(Ground().connection, resolve.SEEDS).vocabulary


class Ground:
    """A small warehouse: records in, customers out, refresh after refresh.

    Args:
        path: A file for what would fill the memory; in memory without it.
        timed: Called with each step and its seconds.
    """

    def __init__(
        self,
        path: str = ":memory:",
        timed: Callable[[str, float], None] = lambda step, seconds: None,
    ) -> None:
        self._timed = timed
        self.connection = duckdb.connect(path)
        self.connection.execute(
            "create schema core; attach ':memory:' as warehouse; "
            "create schema warehouse.meta"
        )
        for name, columns in seed_types().items():
            if name.startswith("match_") or name == "source_trust":
                kinds = ", ".join(f"'{key}': '{kind}'" for key, kind in columns.items())
                self.connection.execute(
                    f"create table warehouse.meta.{name} as select * from read_csv("
                    f"'{seed_path(name)}', header = true, types = {{{kinds}}})"
                )
        for name, table in memory.KEPT.items():
            typed = ", ".join(f"{key} {kind}" for key, kind in table.columns.items())
            self.connection.execute(f"create table {name} ({typed})")
        self.connection.execute(
            "create table registered (source varchar, source_customer_id varchar, "
            "customer_id varchar); "
            "create table minted (customer_id varchar, minted_no bigint)"
        )

    def refresh(
        self,
        records: Sequence[Mapping[str, Any]] | pa.Table,
        references: pa.Table | None = None,
    ) -> dict[tuple[str, str], str]:
        """One refresh over these records; returns the customer of each.

        See `resolve` for the arguments.
        """
        self.resolve(records, references)
        return self.customers()

    def resolve(
        self,
        records: Sequence[Mapping[str, Any]] | pa.Table,
        references: pa.Table | None = None,
    ) -> None:
        """One refresh over these records.

        Args:
            records: Rows with source, source_customer_id and any of `COLUMNS`.
            references: Table of cross-references.
        """
        con = self.connection
        given = (
            records
            if isinstance(records, pa.Table)
            else pa.Table.from_pylist(
                [
                    {
                        "source": row["source"],
                        "source_customer_id": row["source_customer_id"],
                        **{name: row.get(name) for name in COLUMNS},
                    }
                    for row in records
                ],
                schema=pa.schema(
                    [
                        ("source", pa.string()),
                        ("source_customer_id", pa.string()),
                        *((name, pa.string()) for name in normal.INPUTS),
                        ("birth_date", pa.date32()),
                    ]
                ),
            )
        )
        con.register("given", given)
        missing = "".join(
            f", null::{'date' if name == 'birth_date' else 'varchar'} as {name}"
            for name in COLUMNS
            if name not in given.column_names
        )
        con.execute(
            "create or replace table records as select row_number() over "
            f"(order by source, source_customer_id) as record_no, *{missing} from given"
        )
        con.register(
            "known",
            references
            if references is not None
            else pa.table(
                {
                    name: pa.array([], pa.string())
                    for name in (
                        "source",
                        "source_customer_id",
                        "other_source",
                        "other_source_customer_id",
                    )
                }
            ),
        )
        self._keep(
            "core_customer_forms", lambda: resolve.forms(con, "records", "kept_forms")
        )
        self._keep("blocks", lambda: resolve.blocks(con, "core.core_customer_forms"))
        self._keep(
            "core_match_weights",
            lambda: resolve.weights(
                con, "core.core_customer_forms", "warehouse.meta.match_decisions"
            ),
        )
        content = ", ".join(
            ("made_by", "birth_date", *normal.FORMS.names, *shared.COLUMNS)
        )
        self._keep(
            "core_customer_prints",
            lambda: con.query(
                f"""
                select record_no, source, source_customer_id,
                    hash({content}, blocks_print, weights_print) as print
                from core.core_customer_forms
                cross join (
                    select bit_xor(hash(weights)) as weights_print
                    from core.core_match_weights as weights
                )
                left join (
                    select record_no, bit_xor(hash(block)) as blocks_print
                    from core.blocks group by all
                ) using (record_no)
                """
            ),
        )
        self._keep(
            "core_customer_links",
            lambda: resolve.links(
                con,
                "core.core_customer_forms",
                "core.blocks",
                "core.core_customer_prints",
                "known",
                "warehouse.meta.match_decisions",
                "core.core_match_weights",
                resolve.Kept("kept_scores", "kept_prints"),
            ),
        )
        self._keep(
            "keys",
            lambda: resolve.keys(
                con,
                "core.core_customer_forms",
                "core.core_customer_links",
                "registered",
                "minted",
            ),
        )

    def customers(self) -> dict[tuple[str, str], str]:
        """The customer of each record: (source, key) → customer_id."""
        return {
            (source, key): customer
            for source, key, customer in self.connection.execute(
                "select source, source_customer_id, customer_id from core.keys"
            ).fetchall()
        }

    def publish(self) -> None:
        """Remembers what a published refresh leaves."""
        con = self.connection
        for name, table in memory.KEPT.items():
            con.execute(f"create or replace table {name} as {table.query}")
        con.execute(
            """
            insert into minted
            select customer_id, (select count(*) from minted) + row_number() over (
                order by min(record_no))
            from core.keys where is_new group by customer_id;
            create or replace table registered as
            select source, source_customer_id, customer_id from core.keys
            union all
            select * from registered anti join core.keys using (source, source_customer_id)
            """
        )

    def decide(self, left: tuple[str, str], right: tuple[str, str], what: str) -> None:
        """A person's answer about two records."""
        self.connection.execute(
            "insert into warehouse.meta.match_decisions values "
            "(?, ?, ?, ?, ?, 'tester', '2025-01-01', 'asked them')",
            [*left, *right, what],
        )

    def links(self) -> list[tuple[Any, ...]]:
        """The pairs found: keys of both records, rule, verdict, reason."""
        return self.connection.execute(
            """
            select l.source_customer_id, r.source_customer_id, match_rule, verdict, reason
            from core.core_customer_links
            inner join records as l on left_no = l.record_no
            inner join records as r on right_no = r.record_no
            order by all
            """
        ).fetchall()

    def _keep(self, name: str, make: Callable[[], duckdb.DuckDBPyRelation]) -> None:
        began = time.perf_counter()
        self.connection.register("_made", make())
        self.connection.execute(
            f"create or replace table core.{name} as select * from _made"
        )
        self._timed(name, time.perf_counter() - began)

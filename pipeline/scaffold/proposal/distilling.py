"""What tables of facts say of customers and products that no table of their own lists."""

from __future__ import annotations

import duckdb

from pipeline.common import sql
from pipeline.profiling.columns import identity
from pipeline.profiling.tables import Column, Table
from pipeline.scaffold.proposal import header, values, vocabulary
from pipeline.scaffold.proposal.mapping import Draft, Mapping, alias, of
from pipeline.scaffold.proposal.recognition import Meaning, Recognised, column_meanings

# Meanings whose names could be of anything in a table of facts.
_OF_ANYTHING = {"customer_name", "acquired_on", "owner", "customer_type"}
# Of the customers with several rows so many must have one salesperson in all of them, for
# who took an order to be who looks after the customer.
LEAST_OF_ONE_OWNER = 0.9
_GENERIC = {"name", "type", "description", "id", "status", "number", "date", "created"}


def distilled(item: Recognised, role: str) -> dict[str, Meaning]:
    """What columns of a table of facts say of its customers or products.

    Its own meanings keep their columns, and names that could be of anything, such as
    `name` or `type`, are not taken for those of a customer.
    """
    if item.preset is not None:
        return {
            meaning: found
            for meaning, found in item.meanings.items()
            if meaning in vocabulary.column_phrases(role)
        }
    key = "source_customer_id" if role == "customers" else "source_product_id"
    taken = {found.column for meaning, found in item.meanings.items() if meaning != key}
    found = column_meanings(item.table, role, frozenset())
    return {
        meaning: one
        for meaning, one in found.items()
        if meaning != key
        and one.column not in taken
        and (meaning not in _OF_ANYTHING or _speaks_of(one.column, role))
        and (meaning == "product_name" or not _is_generic(one.column))
    }


def owner(
    connection: duckdb.DuckDBPyConnection, item: Recognised, key: Column
) -> Meaning | None:
    """The salesperson of the facts, where nearly every customer has the same in all.

    Whoever merely happened to be at the till is nobody's account manager.
    """
    taken = {found.column for found in item.meanings.values()}
    found = column_meanings(item.table, "customers", frozenset()).get("owner")
    if found is None or found.column in taken:
        return None
    row = connection.execute(
        f"""
        with sellers as (
            select {identity(key)} as customer,
                {identity(item.table.columns[found.column])} as seller
            from {sql.quoted(item.table.relation)}
        ),
        customers as (
            select customer, count(distinct seller) as sellers
            from sellers where customer is not null and seller is not null
            group by customer having count(*) > 1
        )
        select count(*) filter (sellers = 1), count(*),
            (select count(distinct seller) from sellers)
        from customers
        """
    ).fetchone()
    alone, customers, sellers = row or (0, 0, 0)
    if customers < 2 * sellers or alone < LEAST_OF_ONE_OWNER * customers:
        return None
    says = f"{found.evidence}; {alone / customers:.0%} of the customers have one"
    return Meaning(found.column, found.confidence * 0.95, says)


def _is_generic(column: str) -> bool:
    words = vocabulary.stems(column)
    return len(words) == 1 and words[0] in _GENERIC


def _speaks_of(column: str, role: str) -> bool:
    """Whether a name is that of a customer's column, and of nothing else's."""
    words = set(vocabulary.stems(column))
    key = "source_customer_id" if role == "customers" else "source_product_id"
    nouns = {
        phrase.words[0]
        for phrase in vocabulary.column_phrases(role)[key]
        if not phrase.is_generic
    }
    if role == "customers" and vocabulary.names_a_company(column):
        return True
    if any(len(noun) > 1 and not noun.isascii() and noun in column for noun in nouns):
        return True
    return bool(words & nouns) or "segment" in words


def latest_moment(draft: Draft, item: Recognised) -> str | None:
    """SQL of when a fact happened, by which the newest is found."""
    for meaning in ("updated_at", "ordered_at", "opened_at", "occurred_at"):
        column = item.column(meaning)
        if column is not None:
            return of(item.table, values.typed(draft, item.table, column))
    return None


def filled_first(
    connection: duckdb.DuckDBPyConnection, item: Recognised, mapping: Mapping
) -> list[str]:
    """Of an order's rows, that one first which has what the others leave empty."""
    filled = header.of_the_header(connection, item)
    for answer in mapping.columns.values():
        for name in answer.columns:
            if name in filled:
                return [f"{of(item.table, sql.quoted(name))} is null"]
    return []


def newest(table: Table, moment: str | None = None) -> list[str]:
    """SQL of the order in which the newest row comes first."""
    own = alias(table)
    order = [f"{own}._batch_id desc", f"{own}._row_number desc"]
    return [f"{moment} desc nulls last", *order] if moment else order

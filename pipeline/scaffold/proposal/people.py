"""Customers: from tables of their own, or distilled from tables of facts.

Also whose a fact is: the customer's key as the customers' table has it, however many
tables lie in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from pipeline.common import sql
from pipeline.profiling.columns import NOBODY, TOTALS, identity
from pipeline.profiling.tables import Column, Reference, Table
from pipeline.scaffold.proposal import companies, distilling, joins, values, vocabulary
from pipeline.scaffold.proposal.mapping import Answer, Draft, Join, Mapping, of
from pipeline.scaffold.proposal.recognition import Recognised

CUSTOMER_COLUMNS = (
    "country", "region", "city", "postal_code", "street", "industry", "owner", "email",
    "phone", "website", "birth_date", "registration_number", "acquisition_source",
    "acquired_on", "annual_revenue", "employee_count", "yearly_income",
)  # fmt: skip


def customers(connection: duckdb.DuckDBPyConnection, draft: Draft) -> list[Mapping]:
    """Customers, from each of their tables; else distilled from the facts about them."""
    tables = draft.of_role("customers")
    if not tables:
        return _from_facts(connection, draft)
    _set_prefixes(connection, draft, tables)
    return [_customers_of(connection, draft, item) for item in tables]


def _set_prefixes(
    connection: duckdb.DuckDBPyConnection, draft: Draft, tables: Sequence[Recognised]
) -> None:
    """Prefixes keys where two tables of customers have the same for different ones."""
    for item in tables:
        _choose_identity(connection, draft, item)
    for at, item in enumerate(tables):
        for other in tables[at + 1 :]:
            if _overlap(connection, draft, item, other):
                for one in (item, other):
                    draft.prefixes[one.table.name] = f"{one.table.name}:"


def _overlap(
    connection: duckdb.DuckDBPyConnection,
    draft: Draft,
    item: Recognised,
    other: Recognised,
) -> bool:
    first, second = key_column(draft, item), key_column(draft, other)
    row = connection.execute(
        f"select count(*) from (select {identity(first)} "
        f"from {sql.quoted(item.table.relation)} intersect select {identity(second)} "
        f"from {sql.quoted(other.table.relation)})"
    ).fetchone()
    return bool(row and row[0])


def key_column(draft: Draft, item: Recognised) -> Column:
    """The column that is the customer in a table of customers."""
    chosen = draft.identities.get(item.table.name)
    if chosen:
        return item.table.columns[chosen]
    found = item.column("source_customer_id")
    assert found is not None  # the role needs it
    return found


def _choose_identity(
    connection: duckdb.DuckDBPyConnection, draft: Draft, item: Recognised
) -> None:
    """A customer who gets another number with each order is told by another column.

    So it is where the key is referred to once at the most, and another column that is
    called an identifier of customers comes several times.
    """
    key = item.column("source_customer_id")
    if key is None or not key.is_unique:
        return
    phrases = vocabulary.column_phrases("customers")["source_customer_id"]
    others = [
        column
        for column in item.table.columns.values()
        if column.name != key.name
        and column.nulls == 0
        and column.is_whole
        and 0.2 * key.distinct < column.distinct < key.distinct
        and {"unique", "person", "master"} & set(vocabulary.stems(column.name))
        and vocabulary.agreement(vocabulary.stems(column.name), phrases, frozenset())
        > 0.5
    ]
    for column in others:
        chosen = draft.questions.decide(
            f"{item.table.name}: customer",
            f"Which column of {item.table.title} is one customer?",
            {
                column.name: f"{column.distinct:,} customers; some have several rows",
                key.name: f"{key.distinct:,} customers, one a row",
            },
            column.name,
            why=f"{column.name} comes back in several rows, {key.name} never",
            where=f"the staging model of {item.table.name}",
        )
        if chosen == column.name:
            draft.identities[item.table.name] = column.name
        return


def customer_key(draft: Draft, item: Recognised) -> str:
    """SQL of the customer's key over the rows of a table of customers."""
    expression = of(item.table, values.text(key_column(draft, item)))
    prefix = draft.prefixes.get(item.table.name)
    return f"{sql.literal(prefix)} || {expression}" if prefix else expression


def _customers_of(
    connection: duckdb.DuckDBPyConnection, draft: Draft, item: Recognised
) -> Mapping:
    mapping = Mapping("customers", item)
    key = key_column(draft, item)
    found = item.meanings["source_customer_id"]
    evidence = (
        found.evidence if found.column == key.name else "it tells customers apart"
    )
    mapping.add(
        "source_customer_id",
        Answer(
            customer_key(draft, item),
            found.confidence,
            f"{key.name}: {evidence}",
            [key.name],
        ),
    )
    _describe_customers(connection, draft, mapping)
    if not key.is_unique:
        mapping.newest_of = [of(item.table, values.text(key))]
        mapping.order = distilling.newest(item.table)
        if key.nulls:
            mapping.where.append(f"{mapping.newest_of[0]} is not null")
    _leave_nobody_out(mapping)
    return mapping


_NO_CUSTOMERS = {
    NOBODY: "nobody's name, but where sales are booked of whom nobody asked the name",
    TOTALS: "a row of sums",
}


def _leave_nobody_out(mapping: Mapping) -> None:
    """Takes sums, and the account that gathers sales without a name, for no customers."""
    item = mapping.recognised
    for name in ("customer_name", "source_customer_id"):
        column = item.column(name)
        if column is None:
            continue
        for words, why in _NO_CUSTOMERS.items():
            if found := [word for word in column.markers if word.lower() in words]:
                listed = ", ".join(map(sql.literal, found))
                test = (
                    f"coalesce(trim({sql.quoted(column.name)}) not in ({listed}), true)"
                )
                mapping.where.append(of(item.table, test))
                mapping.notes.append(f"{' and '.join(found)}: {why}; no customer.")


def _describe_customers(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> None:
    """Name, type and what else is known of a customer."""
    item = mapping.recognised
    companies.leave_contacts_out(item)
    mapping.add("customer_type", companies.customer_type(connection, draft, item))
    mapping.add("customer_name", _name(draft, mapping))
    company = companies.of_a_person(item)
    for name in ("given_name", "family_name"):
        own = values.answer(draft, item, name)
        if own is not None and company is not None:
            is_person = f"{of(item.table, values.text(company))} is null"
            own = replace(own, sql=f"case when {is_person} then {own.sql} end")
        mapping.add(name, own)
    for name in CUSTOMER_COLUMNS:
        found = values.answer(draft, item, name)
        if found is None and name in {"country", "region", "city", "postal_code"}:
            other = None
            if item.role == "customers":
                other = joins.from_elsewhere(draft, mapping, name, "customers")
            found = other[1] if other else None
        mapping.add(name, found)
    parent = values.answer(draft, item, "parent_source_customer_id")
    if parent is not None and item.role == "customers":
        mapping.add("parent_source_customer_id", parent)


def _name(draft: Draft, mapping: Mapping) -> Answer:
    """The customer's name; one without is called by its key."""
    item = mapping.recognised
    key = mapping.columns["source_customer_id"]
    parts = [
        found
        for name in ("given_name", "family_name")
        if (found := values.answer(draft, item, name))
    ]
    whole = values.answer(draft, item, "customer_name")
    company = whole if companies.of_a_person(item) else None
    if len(parts) == 2 and (whole is None or company or whole.confidence < 0.98):
        given, family = (part.sql for part in parts)
        column = item.column("family_name")
        # A Chinese family name stands in front, without a blank.
        is_chinese = column is not None and column.share("chinese") > 0.5
        joined = (
            f"concat({family}, {given})"
            if is_chinese
            else f"concat_ws(' ', {given}, {family})"
        )
        whole = Answer(
            f"nullif({joined}, '')",
            min(part.confidence for part in parts),
            " and ".join(part.evidence.partition(":")[0] for part in parts),
            [name for part in parts for name in part.columns],
        )
    if company is not None and whole is not None:
        whole = Answer(
            f"coalesce({company.sql}, {whole.sql})",
            whole.confidence,
            f"{company.evidence.partition(':')[0]}; else {whole.evidence}",
            [*company.columns, *whole.columns],
        )
    whole = whole or (parts[0] if parts else None)
    column = item.column("source_customer_id")
    if whole is None and column is not None and companies.is_a_name(column):
        return Answer(key.sql, 0.8, f"{column.name}: the key is a name", key.columns)
    if whole is None:
        return Answer(
            f"'Customer ' || {key.sql}",
            0.5,
            "no column is a name; the key stands for it",
        )
    return Answer(
        f"coalesce({whole.sql}, 'Customer ' || {key.sql})",
        whole.confidence,
        whole.evidence,
        whole.columns,
    )


def _from_facts(connection: duckdb.DuckDBPyConnection, draft: Draft) -> list[Mapping]:
    """Customers of whom only what they did is recorded, from one table of facts."""
    order = (
        "order_lines", "orders", "service_tickets", "payments", "interactions",
        "survey_responses", "contacts", "leads",
    )  # fmt: skip
    for role in order:
        mappings = []
        for item in draft.of_role(role):
            column = item.column("source_customer_id")
            if column is not None:
                mappings.append(_distilled_customers(connection, draft, item, column))
        if mappings:
            return mappings[:1] if len(mappings) > 1 else mappings
    return []


def _distilled_customers(
    connection: duckdb.DuckDBPyConnection, draft: Draft, item: Recognised, key: Column
) -> Mapping:
    found = item.meanings["source_customer_id"]
    own = distilling.distilled(item, "customers")
    own["source_customer_id"] = found
    if seller := distilling.owner(connection, item, key):
        own["owner"] = seller
    as_customers = Recognised(
        item.table, item.role, item.confidence, item.evidence, own, preset=item.preset
    )
    mapping = Mapping("customers", as_customers)
    value = of(item.table, values.text(key))
    mapping.add(
        "source_customer_id",
        Answer(value, found.confidence, f"{key.name}: {found.evidence}", [key.name]),
    )
    _describe_customers(connection, draft, mapping)
    mapping.newest_of = [value]
    mapping.order = [
        *distilling.filled_first(connection, item, mapping),
        *distilling.newest(item.table, distilling.latest_moment(draft, item)),
    ]
    mapping.where.append(f"{value} is not null")
    mapping.notes.append(
        f"No table lists the customers: they are taken from {item.table.title}, each as "
        "its newest row has it."
    )
    return mapping


def add_customer(draft: Draft, mapping: Mapping) -> None:
    """Whose a fact is: the key that the table of customers has."""
    found = customer_of(draft, mapping)
    if found is None:
        found = Answer("cast(null as varchar)", 0.2, "no column says whose it is")
    else:
        mapping.add(
            "customer_source",
            Answer(sql.literal(draft.source), 1.0, "this source's own customers"),
        )
    mapping.columns.setdefault(
        "customer_source", Answer("cast(null as varchar)", 0.2, "no customer is named")
    )
    mapping.add("source_customer_id", found)


def customer_of(draft: Draft, mapping: Mapping) -> Answer | None:
    """SQL of the customer's key for the rows of a table of facts."""
    item = mapping.recognised
    own = item.column("source_customer_id")
    to_customers = _references_to_customers(draft, item.table)
    if own is not None:
        answer = values.answer(draft, item, "source_customer_id")
        for reference in to_customers:
            if reference.column == own.name:
                return _through(draft, mapping, item, reference, answer)
        return answer
    for reference in to_customers:
        return _through(draft, mapping, item, reference, None)
    for reached in joins.reachable(draft, item):
        if reached.item.role not in {"orders", "order_lines", "service_tickets"}:
            continue
        header = Mapping("", reached.item)
        found = customer_of(draft, header)
        if found is None:
            continue
        for join in [*reached.joins, *header.joins]:
            mapping.join(join)
        return Answer(
            found.sql,
            found.confidence * 0.95,
            f"{reached.item.table.name}.{found.evidence}",
            [f"{reached.item.table.name}.{name}" for name in found.columns],
        )
    return None


def _references_to_customers(draft: Draft, table: Table) -> list[Reference]:
    return [
        reference
        for reference in draft.profile.from_table(table.name)
        if draft.found[reference.to_table].role == "customers"
        and table.name != reference.to_table
    ]


def _through(
    draft: Draft,
    mapping: Mapping,
    item: Recognised,
    reference: Reference,
    answer: Answer | None,
) -> Answer:
    """The key of a customer to whom a column refers, by the key itself or another."""
    other = draft.found[reference.to_table]
    column = item.table.columns[reference.column]
    sure = answer.confidence if answer else 0.85
    evidence = (
        f"{column.name}: refers to {other.table.name}.{reference.to_column}; "
        f"{reference.containment:.0%} of its values are there"
    )
    if key_column(draft, other).name == reference.to_column:
        value = of(item.table, values.text(column))
        prefix = draft.prefixes.get(other.table.name)
        if prefix:
            value = f"{sql.literal(prefix)} || {value}"
        return Answer(value, sure, evidence, [column.name])
    mapping.join(Join(other.table, joins.condition(item.table, other.table, reference)))
    return Answer(customer_key(draft, other), sure * 0.95, evidence, [column.name])

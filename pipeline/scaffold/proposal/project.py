"""Makes a proposal of a profile: what each table becomes, and what must be decided."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb

from pipeline.common import sql
from pipeline.common.errors import ConfigurationError
from pipeline.profiling import units, wide
from pipeline.profiling.columns import identity
from pipeline.profiling.tables import Profile, Table
from pipeline.scaffold.proposal import (
    business,
    goods,
    header,
    labels,
    people,
    rates,
    sales,
    service,
    vocabulary,
)
from pipeline.scaffold.proposal.business import Business
from pipeline.scaffold.proposal.mapping import Draft, Mapping, alias
from pipeline.scaffold.proposal.questions import Ask, Questions
from pipeline.scaffold.proposal.recognition import (
    Recognised,
    column_meanings,
    recognise,
    title_words,
)


@dataclass
class Proposal:
    """All that is written into the project.

    Attributes:
        unknown_customers: What becomes of lines of customers whom no table lists.
    """

    draft: Draft
    business: Business
    unknown_customers: str | None

    @property
    def mappings(self) -> list[Mapping]:
        """What the tables become, in the order of the canonical entities."""
        return self.draft.mappings


def propose(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    source: str,
    ask: Ask | None,
    today: dt.date,
) -> Proposal:
    """Works out what the tables are and what becomes of them.

    Args:
        connection: The DuckDB with the samples.
        profile: What was measured.
        source: What the source is called.
        ask: Asks a person; None where nobody is there.
        today: The day, for whether the data end in the past.

    Raises:
        ConfigurationError: No table says anything of customers.
    """
    questions = Questions(ask)
    for table in profile.tables.values():
        _ask_year(connection, questions, table)
    labels.resolve(connection, profile)
    draft = Draft(profile, recognise(profile), source, questions)
    for item in draft.found.values():
        _ignore_key_of_a_customer(item)
        if item.preset is not None and item.role is None:
            draft.left_out[item.table.name] = f"{item.table.title}: {item.evidence}"
        _ask_role(draft, item)
        _apply_units(item)
    draft.mappings += people.customers(connection, draft)
    draft.mappings += goods.products(draft)
    draft.mappings += _lines(connection, draft)
    for role in service.KEYS:
        for item in draft.of_role(role):
            mapping = service.facts(connection, draft, item)
            if mapping is not None:
                draft.mappings.append(mapping)
            else:
                draft.left_out[item.table.name] = (
                    f"{item.table.title} is taken for {role}, and lacks the columns "
                    "without which that says nothing: nothing is made of it"
                )
    for item in draft.of_role("fx_rates"):
        if (found_rates := rates.rates(draft, item)) is not None:
            draft.mappings.append(found_rates)
    for table in {
        id(mapping.table): mapping.table for mapping in draft.mappings
    }.values():
        _ask_overlap(connection, draft, table)
    if not any(mapping.entity == "customers" for mapping in draft.mappings):
        known = "; ".join(
            f"{item.table.name}: {item.role or 'nothing'}"
            for item in draft.found.values()
        )
        raise ConfigurationError(
            f"Nothing in {profile.what} names a customer ({known}). Give a table whose "
            "rows name one, or begin with `customer-tiers init DIR` and its templates."
            + "".join(f"\n  not read: {line}" for line in profile.unread)
            + "".join(
                f"\n  {table.title}: {column.name} holds objects or lists; give what is "
                "in them as columns, or as a file of its own"
                for table in profile.tables.values()
                for column in table.columns.values()
                if column.examples and column.examples[0].startswith(("{", "["))
            )
        )
    found = business.propose(connection, draft, today)
    return Proposal(draft, found, _unknown_customers(connection, draft))


def _apply_units(item: Recognised) -> None:
    """Has amounts of money in the units that a line above the table says."""
    for meaning, found in item.meanings.items():
        if vocabulary.is_money(meaning):
            for name in (found.column, *found.others):
                units.apply_note(item.table.columns[name], item.table.scale)


def _ignore_key_of_a_customer(item: Recognised) -> None:
    """Whose a fact is tells facts apart only until somebody has a second one."""
    customer = item.meanings.get("source_customer_id")
    if item.role not in {None, "customers"} and customer is not None:
        table = item.table
        table.keys = [key for key in table.keys if list(key) != [customer.column]]


def _ask_year(
    connection: duckdb.DuckDBPyConnection, questions: Questions, table: Table
) -> None:
    """Asks of which year the months in the columns are, where nothing says it."""
    if table.wide is None or table.wide.year is None:
        return
    chosen = questions.decide(
        f"{table.name}: year",
        f"Of which year are the months in the columns of {table.title}?",
        {str(table.wide.year): ""},
        str(table.wide.year),
        why="the names of the columns say no year",
        where=f"the days in the staging model of {table.name}",
        is_free=True,
    )
    if chosen.isdigit() and int(chosen) != table.wide.year:
        table.wide.year = int(chosen)
        wide.remeasure(connection, table)


def _ask_role(draft: Draft, item: Recognised) -> None:
    """Asks what a table is, where two answers are close."""
    if item.role is None or item.second is None:
        return
    if {item.role, item.second} <= {"orders", "order_lines"}:
        return
    chosen = draft.questions.decide(
        f"{item.table.name}: table",
        f"What is {item.table.title}?",
        {
            item.role: "proposed",
            item.second: "nearly as likely",
            "nothing": "it is left out",
        },
        item.role,
        why=f"{item.evidence}; confidence {item.confidence:.0%}",
        where="provides and entities in sources.yaml",
    )
    if chosen == "nothing":
        item.role = None
    elif chosen == item.second:
        item.role = chosen
        item.meanings = column_meanings(
            item.table, chosen, frozenset(title_words(item.table))
        )


def _ask_overlap(
    connection: duckdb.DuckDBPyConnection, draft: Draft, table: Table
) -> None:
    """Asks what the same order in several files means, where no key tells its lines."""
    order = draft.found[table.name].column("order_id")
    if table.key or table.is_repeated or len(table.parts) < 2 or order is None:
        return
    row = connection.execute(
        f"""
        select count(*), avg(case when fewest = most then 1.0 else 0 end)
        from (
            select count(*) as files, min(lines) as fewest, max(lines) as most
            from (
                select {identity(order)} as number, _part, count(*) as lines
                from {sql.quoted(table.relation)} group by all
            )
            where number is not null group by number having count(*) > 1
        )
        """
    ).fetchone()
    if row is None or not row[0]:
        return
    chosen = draft.questions.decide(
        f"{table.name}: overlap",
        f"{row[0]:,} of {order.name} stand in several files or sheets of {table.title}. "
        "What does that mean?",
        {
            "whole": "each holds all lines of an order: those of the newest count",
            "more": "an order goes on in the next: all lines count",
        },
        "whole" if row[1] >= 0.9 else "more",
        why=f"{row[1]:.0%} of them have as many lines in each",
        where=f"`replace` of {table.name} in sources.yaml",
    )
    if chosen == "whole":
        draft.replaced[table.name] = order.name


def _lines(connection: duckdb.DuckDBPyConnection, draft: Draft) -> list[Mapping]:
    """Order lines; orders are taken for lines where nothing lists their lines.

    What was billed, paid or won stands for what was sold where nothing else says it.
    """
    items = draft.of_role("order_lines")
    listed = {
        reference.to_table
        for item in items
        for reference in draft.profile.from_table(item.table.name)
    }
    items += [item for item in draft.of_role("orders") if item.table.name not in listed]
    found = [sales.lines(connection, draft, item) for item in items]
    if not items:
        bills = sales.bills(draft)
        found = [sales.lines(connection, draft, bill) for bill in bills]
        for mapping in filter(None, found):
            mapping.notes.append(
                "No table lists orders: what was "
                f"{'won' if mapping.recognised.role == 'leads' else 'billed'} "
                "is taken for what was sold."
            )
    return [mapping for mapping in found if mapping is not None]


def _unknown_customers(
    connection: duckdb.DuckDBPyConnection, draft: Draft
) -> str | None:
    """What becomes of lines without a known customer, where the sample has any."""
    stated = []
    for mapping in draft.mappings:
        if mapping.entity != "order_lines":
            continue
        share, rows = _without_customer(connection, draft, mapping)
        if rows:
            stated.append(f"{rows:,} rows ({share:.1%}) of {mapping.table.title}")
    if not stated:
        return None
    return draft.questions.decide(
        "lines without a customer",
        f"{' and '.join(stated)} name no customer that is known. What becomes of them?",
        {
            "leave_out": "they are left out of everything, and counted with their money",
            "unknown_customer": "they are put under one customer of that name, so that "
            "revenue is whole",
            "refuse": "a refresh stops and names their keys",
        },
        "leave_out",
        why="strangers together are no customer who could be given a tier",
        where="unknown_customers in sources.yaml",
    )


def _without_customer(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> tuple[float, int]:
    item = mapping.recognised
    column = item.column("source_customer_id")
    if column is None:
        return 0.0, 0
    value = identity(column)
    order = item.column("order_id")
    if order is not None and column.name in header.of_the_header(connection, item):
        # It stands in the first row of an order and holds for all of them.
        value = f"max({value}) over (partition by {identity(order)})"
    known = "true"
    for reference in draft.profile.from_table(item.table.name):
        other = draft.found[reference.to_table]
        if reference.column == column.name and other.role == "customers":
            key = identity(other.table.columns[reference.to_column])
            tests = [
                test
                for each in draft.mappings
                if each.entity == "customers" and each.recognised is other
                for test in each.where
            ]
            known = (
                f"whose in (select {key} from {sql.quoted(other.table.relation)} "
                f"as {alias(other.table)} where {' and '.join(tests) or 'true'})"
            )
            break
    # What is left out of sales anyway is nobody's loss.
    own = [
        test for test in mapping.where if mapping.is_own(test) and "select " not in test
    ]
    row = connection.execute(
        f"select count(*) from (select {value} as whose "
        f"from {sql.quoted(item.table.relation)} as {alias(item.table)} "
        f"where {' and '.join(own) or 'true'}) "
        f"where whose is null or not ({known})"
    ).fetchone()
    rows = int(row[0]) if row else 0
    return rows / item.table.rows, rows

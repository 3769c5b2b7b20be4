"""Tickets, payments, deals, contacts, interactions, answers to surveys, campaigns."""

from __future__ import annotations

import duckdb

from pipeline.common import sql
from pipeline.profiling.tables import NUMBERS, Column
from pipeline.scaffold.proposal import deals, opening, people, values
from pipeline.scaffold.proposal.mapping import Answer, Draft, Mapping, alias, of
from pipeline.scaffold.proposal.recognition import Recognised

# Canonical columns that are taken as they are found, by entity; then its days.
_PLAIN = {
    "service_tickets": ("category", "channel", "reopen_count", "met_sla", "csat_score"),
    "payments": ("order_id", "amount", "currency"),
    "leads": ("stage", "amount", "currency", "owner", "industry", "annual_revenue",
              "yearly_income", "email", "phone"),
    "contacts": ("job_title", "role", "email", "phone", "owner"),
    "interactions": ("kind", "minutes", "owner", "subject"),
    "campaigns": ("campaign_name", "acquisition_source", "channel", "cost_amount",
                  "currency"),
    "survey_responses": ("score",),
}  # fmt: skip
_TIMES = {
    "service_tickets": ("opened_at", "first_response_at", "resolved_at", "closed_at"),
    "payments": ("paid_at",),
    "interactions": ("occurred_at",),
    "survey_responses": ("responded_at",),
}
_DAYS = {
    "payments": ("invoiced_on", "due_date"),
    "leads": ("expected_close_date", "created_on", "closed_on", "last_contact_on"),
    "contacts": ("last_contact_on",),
    "campaigns": ("started_on", "ended_on"),
}
KEYS = {
    "service_tickets": "ticket_id",
    "payments": "payment_id",
    "leads": "lead_id",
    "contacts": "contact_id",
    "interactions": "interaction_id",
    "campaigns": "campaign_id",
    "survey_responses": "response_id",
}
# Of whom a row is: everything but what is spent on nobody in particular.
_OF_A_CUSTOMER = set(KEYS) - {"campaigns"}

PRIORITIES = (
    (
        1,
        (
            "critical",
            "urgent",
            "highest",
            "blocker",
            "emergency",
            "紧急",
            "特急",
            "最高",
        ),
    ),
    (2, ("high", "major", "高", "重要")),
    (3, ("medium", "moderate", "normal", "中", "普通", "一般", "standard")),
    (4, ("low", "minor", "trivial", "lowest", "planning", "低", "不急")),
)
# Words in the status of a ticket that is over.
ENDED = ("closed", "resolved", "solved", "done", "completed", "关闭", "已解决", "已完成",
         "结案")  # fmt: skip


def facts(
    connection: duckdb.DuckDBPyConnection, draft: Draft, item: Recognised
) -> Mapping | None:
    """The entity that a table gives; None where it lacks what makes it one."""
    entity = str(item.role)
    mapping = Mapping(entity, item)
    mapping.add(KEYS[entity], _key(draft, item, KEYS[entity]))
    if entity in _OF_A_CUSTOMER:
        people.add_customer(draft, mapping)
    for name in _PLAIN[entity]:
        mapping.add(name, values.answer(draft, item, name))
    for name in _TIMES.get(entity, ()):
        mapping.add(name, _moment(draft, item, name, is_day=False))
    for name in _DAYS.get(entity, ()):
        mapping.add(name, _moment(draft, item, name, is_day=True))
    special = {
        "service_tickets": _ticket,
        "payments": _payment,
        "leads": _lead,
        "contacts": _contact,
        "interactions": _interaction,
        "campaigns": _campaign,
        "survey_responses": _survey,
    }
    if not special[entity](connection, draft, mapping):
        return None
    _one_row_each(draft, mapping)
    return mapping


def _key(draft: Draft, item: Recognised, meaning: str) -> Answer:
    found = values.answer(draft, item, meaning)
    column = item.column(meaning)
    if found is not None and column is not None and column.nulls == 0:
        return found
    table = item.table
    if table.key:
        parts = [of(table, values.text(table.columns[name])) for name in table.key]
        expression = (
            parts[0] if len(parts) == 1 else f"concat_ws('/', {', '.join(parts)})"
        )
        return Answer(expression, 0.8, f"the key {' and '.join(table.key)}", table.key)
    own = alias(table)
    return Answer(
        f"concat_ws('/', {own}._source_file, {own}._row_number)",
        0.5,
        "nothing tells the rows apart but their place",
    )


def _moment(
    draft: Draft, item: Recognised, meaning: str, *, is_day: bool
) -> Answer | None:
    found = item.meanings.get(meaning)
    if found is None:
        return None
    column = item.table.columns[found.column]
    make = values.day if is_day else values.timestamp
    return Answer(
        make(draft, item.table, column),
        found.confidence,
        f"{column.name}: {found.evidence}",
        [column.name],
    )


def _one_row_each(draft: Draft, mapping: Mapping) -> None:
    """Of a log of versions, the newest is what the thing is."""
    item = mapping.recognised
    column = item.column(KEYS[mapping.entity])
    if column is None or column.is_unique or column.nulls:
        return
    if item.table.key == [column.name]:
        return
    mapping.newest_of = [mapping.columns[KEYS[mapping.entity]].sql]
    order = []
    for meaning in ("version", "updated_at"):
        version = item.column(meaning)
        if version is not None:
            order.append(f"{_plain(draft, item, version)} desc nulls last")
    own = alias(item.table)
    mapping.order = [*order, f"{own}._batch_id desc", f"{own}._row_number desc"]
    mapping.notes.append(
        f"{item.table.title} holds several rows of one {mapping.entity[:-1]}: the newest "
        "counts, and its times after the as-of day are not known yet."
    )


def _plain(draft: Draft, item: Recognised, column: Column) -> str:
    return of(item.table, values.typed(draft, item.table, column))


def _ticket(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> bool:
    item = mapping.recognised
    column = item.column("priority")
    if column is not None:
        mapping.add("priority", _priority(item, column))
    for name in ("is_complaint",):
        mapping.add(name, values.answer(draft, item, name))
    score = item.column("csat_score")
    if score is not None and not (
        score.kind in NUMBERS
        and score.low is not None
        and 0 <= score.low <= score.high <= 10
    ):
        mapping.columns.pop("csat_score", None)
    mapping.add(
        "customer_source",
        Answer(sql.literal(draft.source), 1.0, "this source's own customers")
        if "source_customer_id" in item.meanings
        else None,
    )
    _closed(draft, mapping)
    return opening.settle(draft, mapping)


def _closed(draft: Draft, mapping: Mapping) -> None:
    """When a closed ticket was closed, where only its status says that it is."""
    item = mapping.recognised
    status, changed = item.column("ticket_status"), item.column("updated_at")
    if {"resolved_at", "closed_at"} & set(mapping.columns) or not (status and changed):
        return
    over = [
        word
        for word in status.words
        if any(mark in status.said(word) for mark in ENDED)
    ]
    if not over:
        return
    chosen = draft.questions.decide(
        f"{item.table.name}: closed",
        f"No column of {item.table.title} says when a ticket was closed. Was it when it "
        "was changed last?",
        {
            "yes": f"{changed.name} of those that are {', '.join(over)}; it may be later",
            "no": "it is not known, and all of them count as open",
        },
        "yes",
        why=f"{status.name} says that they are over, and nothing else does",
        where=f"closed_at in the staging model of {item.table.name}",
    )
    if chosen == "no":
        return
    listed = ", ".join(map(sql.literal, over))
    moment = values.timestamp(draft, item.table, changed)
    expression = (
        f"case when {of(item.table, values.text(status))} in ({listed}) "
        f"then {moment} end"
    )
    for name in ("resolved_at", "closed_at"):
        mapping.add(
            name,
            Answer(
                expression,
                0.5,
                f"{changed.name}, where {status.name} is {', '.join(over)}",
                [status.name, changed.name],
            ),
        )


def _priority(item: Recognised, column: Column) -> Answer | None:
    """1 is the most urgent; words are ranked, and a digit in front of them counts."""
    found = item.meanings["priority"]
    value = of(item.table, values.text(column))
    if column.kind == "integer":
        return Answer(
            f"try_cast({value} as integer)",
            found.confidence,
            f"{column.name}: {found.evidence}; 1 is taken for the most urgent",
            [column.name],
        )
    numbered = all(word[:1].isdigit() for word in column.examples) and column.examples
    if numbered:
        return Answer(
            rf"try_cast(regexp_extract({value}, '^\d+') as integer)",
            0.9,
            f"{column.name}: the digit in front of the word",
            [column.name],
        )
    cases = []
    stated = set()
    for rank, marks in PRIORITIES:
        words = [
            word
            for word in column.words
            if word not in stated and any(mark in column.said(word) for mark in marks)
        ]
        stated |= set(words)
        if words:
            listed = ", ".join(map(sql.literal, words))
            cases.append(f"when {value} in ({listed}) then {rank}")
    if not cases:
        return None
    return Answer(
        f"case {' '.join(cases)} end",
        0.8,
        f"{column.name}: its words by urgency, {', '.join(column.examples[:5])}",
        [column.name],
    )


def _payment(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> bool:
    if "amount" in mapping.columns:
        mapping.amount = mapping.columns["amount"].sql
    if not {"due_date", "paid_at"} & set(mapping.columns):
        mapping.recognised.evidence += (
            "; left out, because no column says when anything was due or paid"
        )
        return False
    return "amount" in mapping.columns


def _lead(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> bool:
    item = mapping.recognised
    key = mapping.columns["lead_id"]
    parts = [
        found.sql
        for name in ("given_name", "family_name")
        if (found := values.answer(draft, item, name))
    ]
    name = values.answer(draft, item, "lead_name")
    if len(parts) == 2:
        name = Answer(
            f"concat_ws(' ', {', '.join(parts)})", 0.95, "first and last name"
        )
    person = values.answer(draft, item, "contact_name")
    if name is not None and person is not None:
        # Who is no company is called by the person's name.
        mapping.add(
            "customer_type",
            Answer(
                f"case when {name.sql} is null then 'person' else 'company' end",
                name.confidence,
                f"a company where {name.evidence.partition(':')[0]} says one",
                name.columns,
            ),
        )
        name = Answer(
            f"coalesce({name.sql}, {person.sql})",
            name.confidence,
            f"{name.evidence}; else {person.evidence.partition(':')[0]}",
            [*name.columns, *person.columns],
        )
    elif item.preset and item.preset.customer_type:
        kind = sql.literal(item.preset.customer_type)
        mapping.add(
            "customer_type", Answer(kind, 1.0, f"the preset {item.preset.name}")
        )
    mapping.add("lead_name", name or Answer(key.sql, 0.5, "no column is a name"))
    chance = item.column("probability")
    if chance is not None:
        value = _plain(draft, item, chance)
        is_percent = chance.high is not None and chance.high > 1
        mapping.add(
            "probability",
            Answer(
                f"{value} / 100.0" if is_percent else value,
                item.meanings["probability"].confidence,
                f"{chance.name}: from {chance.low} to {chance.high}",
                [chance.name],
            ),
        )
    _outcome(draft, mapping)
    if "amount" in mapping.columns:
        mapping.amount = mapping.columns["amount"].sql
    if item.column("source_customer_id") is None:
        mapping.add(
            "source_customer_id", Answer("cast(null as varchar)", 0.5, "nobody yet")
        )
    return True


def _outcome(draft: Draft, mapping: Mapping) -> None:
    """The stage, and whether it may still be won."""
    item = mapping.recognised
    stage = item.column("stage")
    outcome = deals.outcome(item)
    if stage is None:
        mapping.add("stage", Answer("'open'", 0.4, "no column says the stage"))
        mapping.add("is_open", Answer("true", 0.4, "no column says how it ended"))
    else:
        assert outcome is not None
        over = deals.over(outcome)
        listed = ", ".join(map(sql.literal, over)) or "''"
        ended = of(item.table, values.text(outcome))
        test = f"coalesce({ended} not in ({listed}), true)"
        converted = values.answer(draft, item, "is_converted")
        if converted is not None:
            test = f"{test} and not coalesce({converted.sql}, false)"
        mapping.add(
            "is_open",
            Answer(
                test,
                0.75,
                f"{outcome.name}: over are {', '.join(over) or 'none of its words'}",
                [outcome.name],
            ),
        )


def _contact(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> bool:
    item = mapping.recognised
    parts = [
        found.sql
        for name in ("given_name", "family_name")
        if (found := values.answer(draft, item, name))
    ]
    whole = values.answer(draft, item, "contact_name")
    if len(parts) == 2:
        whole = Answer(
            f"concat_ws(' ', {', '.join(parts)})", 0.95, "first and last name"
        )
    if whole is None:
        return False
    mapping.add("contact_name", whole)
    return mapping.columns["source_customer_id"].confidence > 0.3


def _interaction(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> bool:
    if "kind" not in mapping.columns:
        mapping.add("kind", Answer("'contact'", 0.5, "no column says the kind"))
    return "occurred_at" in mapping.columns


def _campaign(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> bool:
    if "ended_on" not in mapping.columns and "started_on" in mapping.columns:
        mapping.add(
            "ended_on",
            Answer(
                mapping.columns["started_on"].sql, 0.5, "of one day: no end is given"
            ),
        )
    return {"started_on", "cost_amount"} <= set(mapping.columns)


def _survey(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> bool:
    """Marks up to 5 are satisfaction, marks up to 10 are recommendation."""
    item = mapping.recognised
    score = item.column("score")
    if score is None or score.high is None:
        return False
    kind = "csat" if score.high <= 5 else "nps"
    if not 0 <= score.low <= score.high <= 10:
        return False
    mapping.add(
        "survey",
        Answer(
            sql.literal(kind),
            0.8,
            f"{score.name}: marks from {score.low} to {score.high}",
        ),
    )
    return "responded_at" in mapping.columns

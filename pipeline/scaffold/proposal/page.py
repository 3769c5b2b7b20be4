"""MAPPING.md: what was made of the data, in plain words, for whoever knows the company."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from pipeline.common import sql
from pipeline.profiling.tables import Column, Table
from pipeline.scaffold.proposal.mapping import Mapping
from pipeline.scaffold.proposal.project import Proposal
from pipeline.scaffold.proposal.recognition import SURE
from pipeline.scaffold.proposal.vocabulary import column_phrases, kind_of, roles

SAMPLE_ROWS = 5
# So many columns of a table are shown.
MOST_COLUMNS = 9

_MASKED = {
    "customer_name", "contact_name", "given_name", "family_name", "lead_name", "street",
    "birth_date", "registration_number",
}  # fmt: skip
_MASKED_KINDS = {"email", "phone"}


def page(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> str:
    """The text of MAPPING.md."""
    parts = [
        f"# What was made of {proposal.draft.profile.what}",
        "Written by `customer-tiers init --from`. Change the staging models and "
        "`sources.yaml`, not this page.",
        *_questions(proposal),
        *_business(proposal),
        *_entities(proposal),
        *_tables(connection, proposal),
    ]
    return "\n\n".join(parts) + "\n"


def readme(proposal: Proposal) -> str:
    """The text of README.md."""
    source = proposal.draft.source
    open_questions = len(proposal.draft.questions.open)
    asked = (
        f"{open_questions} open questions stand at its beginning"
        if open_questions
        else "nothing is left open"
    )
    return f"""# {source}

1. Read `MAPPING.md`: what each table and column was taken for, and why; {asked}.
2. `customer-tiers check-sources` reads a sample and says what is missing.
3. `customer-tiers refresh` makes the first release.
4. Lines with `TODO confirm` in `dbt_project/models/staging/{source}/` and in
   `sources.yaml` are what a person should look at. A file that ends with `.template`
   becomes a model when you take that ending off and add its entity to `provides`.
5. Say in `expectations/landing/{source}.py` what must hold.

The policy is in `dbt_project/seeds/`: tiers, rules, weights and anchors. A file that you
remove there is the product's again. Everything else comes from the product; a model, seed,
test or macro of yours with the same name takes its place.

The commands are given in this folder or below it, or with `--sources` and `--home`.
"""


def _questions(proposal: Proposal) -> Iterator[str]:
    everything = proposal.draft.questions.all
    if not everything:
        yield "## Open questions\n\nNone."
        return
    still_open = [question for question in everything if not question.is_answered]
    yield f"## Open questions ({len(still_open)})"
    if not still_open:
        yield "None."
    for number, question in enumerate(still_open, 1):
        options = "".join(
            f"\n   - {'**' if name == question.chosen else ''}{name}"
            f"{'** (taken)' if name == question.chosen else ''}"
            + (f": {meaning}" if meaning else "")
            for name, meaning in question.options.items()
        )
        yield (
            f"{number}. **{question.text}**{options}\n\n   Because {question.why}. "
            f"To change it: {question.where}."
        )
    answered = [question for question in everything if question.is_answered]
    if answered:
        yield "## Answered"
        yield "\n".join(
            f"- {question.text} **{question.chosen}**" for question in answered
        )


def _business(proposal: Proposal) -> Iterator[str]:
    business = proposal.business
    if business.last_day is None:
        as_of = f"not known; {business.as_of_why}"
    elif business.as_of:
        as_of = f"`{business.as_of}`, {business.as_of_why}: the data end in the past"
    else:
        as_of = (
            f"{business.last_day}, {business.as_of_why}; each refresh goes to yesterday"
        )
    yield "## The business"
    yield "\n".join(
        [
            f"- Time zone: `{business.time_zone}`, because {business.zone_why}.",
            f"- Currency: `{business.currency}`, because {business.currency_why}.",
            f"- Last day: {as_of}.",
        ]
    )


def _entities(proposal: Proposal) -> Iterator[str]:
    yield "## What the tables become"
    for mapping in proposal.mappings:
        item = mapping.recognised
        yield f"### {mapping.entity}, from {item.table.title}"
        yield (
            f"Because {item.evidence}; confidence {item.confidence:.0%}. "
            + " ".join(mapping.notes)
            + _taken(mapping)
        ).strip()
        rows = [
            f"| {'**' if answer.confidence < SURE else ''}{name}"
            f"{'** ?' if answer.confidence < SURE else ''} | {_cell(answer.sql)} | "
            f"{answer.confidence:.0%} | {_plain(answer.evidence)} |"
            for name, answer in mapping.columns.items()
        ]
        yield "\n".join(
            ["| column | from | confidence | evidence |", "|---|---|---|---|", *rows]
        )


def _taken(mapping: Mapping) -> str:
    said = ""
    if mapping.newest_of:
        said += " One row for each of them, the newest."
    if mapping.where:
        tests = " and ".join(mapping.where)
        said += f" Rows are taken where `{_code(tests)}`."
    return said


def _cell(expression: str) -> str:
    return f"`{_code(expression)}`"


def _code(expression: str) -> str:
    return " ".join(expression.replace("latest_", "").split()).replace("|", "\\|")


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _tables(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> Iterator[str]:
    """Each table: what it is, its key, what it refers to, and five of its rows."""
    yield "## The tables"
    draft = proposal.draft
    for item in draft.found.values():
        table = item.table
        yield f"### {table.title}"
        key = (
            " and ".join(table.key) if table.key else "none; a row is told by its place"
        )
        stated = [
            f"Taken for **{item.role or 'nothing'}**, because {item.evidence}. "
            f"{table.sampled[0].upper()}{table.sampled[1:]} were measured. Key: {key}."
        ]
        if table.wide is not None:
            first, last = table.wide.months[0][0], table.wide.months[-1][0]
            span = "month" if table.wide.span == 1 else "year"
            stated.append(
                f"Its {span}s are columns, {first} to {last}: staging makes a row of each "
                f"{span} that has an amount, on the {span}'s first day."
            )
            for name, words in table.wide.total_words.items():
                stated.append(
                    f"Rows with {', '.join(words)} in {name} are sums, and left out."
                )
        if table.unread:
            stated.append(f"{table.unread:,} rows could not be read.")
        if table.encodings:
            taken, *others = table.encodings
            stated.append(
                f"Its bytes allow several encodings. It is read as {taken}; these fit as "
                f"well: {', '.join(others)}. If letters are wrong, change `encoding` in "
                "sources.yaml."
            )
        if table.numbered:
            stated.append(
                "Several columns have one name: the first keeps it, the others are "
                f"numbered, such as {', '.join(table.numbered[:3])}."
            )
        stated += [
            f"{one.column} refers to {one.to_table}.{one.to_column} "
            f"({'declared' if one.is_declared else f'{one.containment:.0%} found'})."
            for one in draft.profile.from_table(table.name)[:12]
        ]
        yield " ".join(stated)
        if item.role is not None:
            yield _sample(connection, proposal, table)
    if draft.left_out:
        yield "## What was recognised and left out"
        yield "\n".join(f"- {line}." for line in draft.left_out.values())
    if draft.profile.notes:
        yield "## Headers and the fields that they name"
        yield "\n".join(f"- {line}" for line in draft.profile.notes)
    if draft.profile.unread:
        yield "## What could not be read"
        yield "\n".join(f"- {line}" for line in draft.profile.unread)


def _sample(
    connection: duckdb.DuckDBPyConnection, proposal: Proposal, table: Table
) -> str:
    """Five rows, of the columns that mean something; what is personal is masked."""
    displayed = _displayed(proposal, table)
    expressions = ", ".join(
        f"cast({sql.quoted(column.name)} as varchar)" for column in displayed
    )
    rows = connection.execute(
        f"select {expressions} from {sql.quoted(table.relation)} "
        f"using sample {SAMPLE_ROWS} rows (reservoir, 1)"
    ).fetchall()
    hidden = _hidden(proposal, table)
    head = "| " + " | ".join(_plain(column.name) for column in displayed) + " |"
    body = [
        "| "
        + " | ".join(
            _masked(text) if column.name in hidden else _short(text)
            for text, column in zip(row, displayed, strict=True)
        )
        + " |"
        for row in rows
    ]
    return "\n".join([head, "|" + "---|" * len(displayed), *body])


def _displayed(proposal: Proposal, table: Table) -> list[Column]:
    meant = {
        found.column
        for mapping in proposal.mappings
        if mapping.table is table
        for found in mapping.recognised.meanings.values()
    }
    own = [column for name, column in table.columns.items() if name in meant]
    return (own or list(table.columns.values()))[:MOST_COLUMNS]


def _hidden(proposal: Proposal, table: Table) -> set[str]:
    """The columns with what is personal: by their meaning, and by their values."""
    hidden = {
        column.name for column in table.columns.values() if column.share("email") > 0.5
    }
    for mapping in proposal.mappings:
        if mapping.table is not table:
            continue
        hidden |= {
            found.column
            for meaning, found in mapping.recognised.meanings.items()
            if meaning in _MASKED or kind_of_or_none(meaning) in _MASKED_KINDS
        }
    return hidden


def kind_of_or_none(meaning: str) -> str | None:
    """The kind of a meaning; None for one that only a preset knows."""
    known = any(meaning in column_phrases(role) for role in roles())
    return kind_of(meaning) if known else None


def _masked(text: str | None) -> str:
    return f"{text[0]}…" if text else ""


def _short(text: str | None) -> str:
    plain = " ".join((text or "").split())
    return _plain(plain if len(plain) <= 32 else plain[:31] + "…")

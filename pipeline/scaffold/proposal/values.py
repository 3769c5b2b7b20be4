"""SQL of one column's value as staging gives it: keys as text, days, money, words."""

from __future__ import annotations

from pipeline.common import sql
from pipeline.profiling.columns import format_reading, identity
from pipeline.profiling.tables import Column, Table
from pipeline.scaffold.proposal import vocabulary
from pipeline.scaffold.proposal.mapping import Answer, Draft, of
from pipeline.scaffold.proposal.recognition import SURE, Meaning, Recognised, values


def answer(draft: Draft, item: Recognised, meaning: str) -> Answer | None:
    """The column of a meaning, if the table has one, as staging gives it."""
    found = item.meanings.get(meaning)
    if found is None:
        return None
    column = item.table.columns[found.column]
    found = asked(draft, item, meaning, found)
    column = item.table.columns[found.column]
    kind = vocabulary.kind_of(meaning)
    return Answer(
        value(draft, item.table, column, kind),
        found.confidence,
        f"{column.name}: {found.evidence}"
        + (f"; multiplied by {column.scale:,}" if column.scale > 1 else ""),
        [column.name],
    )


def asked(draft: Draft, item: Recognised, meaning: str, found: Meaning) -> Meaning:
    """The meaning after a person was asked, where it is unsure."""
    if found.confidence >= SURE and not found.others:
        return found
    options = {
        name: values(item.table.columns[name]) for name in (found.column, *found.others)
    }
    options["none"] = "no column of this table says it"
    chosen = draft.questions.decide(
        f"{item.table.name}: {meaning}",
        f"Which column of {item.table.title} is {meaning.replace('_', ' ')}?",
        options,
        found.column,
        why=f"{found.evidence}; confidence {found.confidence:.0%}",
        where="the staging model of the table",
    )
    if chosen == found.column or chosen not in item.table.columns:
        return found
    changed = Meaning(chosen, 1.0, "a person said so")
    item.meanings[meaning] = changed
    return changed


def value(draft: Draft, table: Table, column: Column, kind: str) -> str:
    """SQL of a column's value for a meaning of a kind."""
    if kind == "currency" and column.share("currency") < 1:
        # Some systems write `usd`; a code that is upper case already stays as it is.
        return f"upper({of(table, text(column))})"
    if kind in {"id", "name", "text", "code", "email", "phone", "url", "currency"}:
        return of(table, text(column))
    if kind == "time":
        return of(table, moment(draft, table, column))
    if kind == "flag" and column.kind != "boolean":
        return of(table, f"{sql.quoted(column.name)} = 1")
    return of(table, typed(draft, table, column))


def text(column: Column) -> str:
    """SQL of the value as text."""
    if column.landed == "VARCHAR" and column.kind == "text":
        return column.reading
    return identity(column)


def typed(draft: Draft, table: Table, column: Column) -> str:
    """SQL of the value in its kind; the reader makes it that where it can."""
    if column.landed == "VARCHAR" and column.declared:
        draft.declare(table, column)
        return sql.quoted(column.name)
    return column.reading


def moment(draft: Draft, table: Table, column: Column) -> str:
    """SQL of a day or time; which comes first of day and month is asked where both fit."""
    if len(column.formats) > 1:
        _decide_format(draft, table, column)
    found = typed(draft, table, column)
    # A type with a zone is told from one without by the core itself.
    if column.has_zone and column.landed == "VARCHAR":
        return utc(found)
    return found


def utc(expression: str) -> str:
    """A time of the world, handed on as such."""
    return f'{{{{ local_to_utc({in_jinja(expression)}, "UTC") }}}}'


def business_day(expression: str, *, is_zoned: bool) -> str:
    """The day of the business on which a time of the world lies.

    Args:
        expression: SQL of the time.
        is_zoned: It has a zone in its type; else it is in UTC.
    """
    moment = in_jinja(expression)
    if is_zoned:
        moment = f"utc_time({moment})"
    return f"{{{{ business_date({moment}) }}}}"


def in_jinja(expression: str) -> str:
    """An expression as the argument of a macro."""
    escaped = expression.replace("'", "\\'")
    return f"'{escaped}'"


def _decide_format(draft: Draft, table: Table, column: Column) -> None:
    low = column.examples[0] if column.examples else ""
    chosen = draft.questions.decide(
        f"{table.name}.{column.name}",
        f"How are the days in {column.name} of {table.title} written?",
        {form: f"as {form}" for form in column.formats},
        column.formats[0],
        why=f"every value fits each of these, such as {low}",
        where=f"`columns: {column.name}` in sources.yaml",
    )
    reading, declared = format_reading(column, chosen)
    column.reading = reading
    column.declared = declared if column.declared else None
    column.formats = [chosen]


def day(draft: Draft, table: Table, column: Column) -> str:
    """SQL of the business day."""
    found = moment(draft, table, column)
    if column.has_zone:
        plain = typed(draft, table, column)
        return of(table, business_day(plain, is_zoned=column.landed != "VARCHAR"))
    if column.kind == "date":
        return of(table, found)
    return of(table, f"cast({found} as date)")


def timestamp(draft: Draft, table: Table, column: Column) -> str:
    """SQL of the moment."""
    found = moment(draft, table, column)
    if column.kind == "date":
        return of(table, f"cast({found} as timestamp)")
    return of(table, found)


def number(draft: Draft, item: Recognised, meaning: str) -> str | None:
    """SQL of a number, over the table's newest rows; None where there is none."""
    found = item.meanings.get(meaning)
    if found is None:
        return None
    column = item.table.columns[found.column]
    return of(item.table, typed(draft, item.table, column))

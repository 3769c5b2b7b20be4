"""Exchange rates: between which currencies, from which day, and which way round."""

from __future__ import annotations

from pipeline.profiling.tables import Column
from pipeline.scaffold.proposal import values
from pipeline.scaffold.proposal.mapping import Answer, Draft, Mapping, of
from pipeline.scaffold.proposal.recognition import Recognised

# The core takes rates to this currency; which one it is, sources.yaml says.
_REPORTING = "'{{ var(\"reporting_currency\") }}'"
_KIND = "decimal(18, 8)"


def rates(draft: Draft, item: Recognised) -> Mapping | None:
    """The rates that a table gives, turned towards the reporting currency."""
    mapping = Mapping("fx_rates", item)
    column, currency = item.column("rate"), item.column("from_currency")
    day = item.column("rate_date")
    if column is None or currency is None or day is None:
        return None
    if column.declared is not None:
        # Rates have more digits than money, and the next one more than those so far.
        column.declared = _KIND.replace(" ", "")
    rate = values.answer(draft, item, "rate")
    if rate is None:
        return None
    other = item.column("to_currency")
    one = _code(item, currency)
    if other is not None:
        _between_two(mapping, one, _code(item, other), rate, currency, other)
    else:
        _of_one(draft, mapping, one, rate, currency)
    mapping.add(
        "rate_date",
        Answer(
            values.day(draft, item.table, day),
            item.meanings["rate_date"].confidence,
            f"{day.name}: {item.meanings['rate_date'].evidence}; it holds until the next",
            [day.name],
        ),
    )
    mapping.where.append(f"{rate.sql} > 0")
    return mapping


def _code(item: Recognised, column: Column) -> str:
    """SQL of a currency's three letters."""
    return f"upper(trim({of(item.table, values.text(column))}))"


def _between_two(
    mapping: Mapping, one: str, other: str, rate: Answer, first: Column, second: Column
) -> None:
    """One unit of the first is worth the rate in the second, or the other way round."""
    is_towards = f"{other} = {_REPORTING}"
    evidence = f"{first.name} to {second.name}, turned where figures are in the first"
    for name, taken, turned in (
        ("from_currency", one, other),
        ("to_currency", other, one),
        ("rate", f"cast({rate.sql} as {_KIND})", f"cast(1 / {rate.sql} as {_KIND})"),
    ):
        mapping.add(
            name,
            Answer(
                f"case when {is_towards} then {taken} else {turned} end",
                0.9,
                evidence,
                [first.name, second.name],
            ),
        )


def _of_one(
    draft: Draft, mapping: Mapping, code: str, rate: Answer, currency: Column
) -> None:
    """Rates of one column of currencies: which way round they are is a question."""
    item = mapping.recognised
    example = currency.examples[0] if currency.examples else "a currency"
    chosen = draft.questions.decide(
        f"{item.table.name}: direction",
        f"What is the rate of {example} in {item.table.title}?",
        {
            "worth": f"what one {example} is worth in the reporting currency",
            "price": f"how many {example} one unit of the reporting currency is worth",
        },
        "worth",
        why="no column names the other currency",
        where=f"rate in the staging model of {item.table.name}",
    )
    turned = rate.sql if chosen == "worth" else f"1 / {rate.sql}"
    mapping.add(
        "from_currency",
        Answer(
            code,
            item.meanings["from_currency"].confidence,
            f"{currency.name}: {item.meanings['from_currency'].evidence}",
            [currency.name],
        ),
    )
    mapping.add("to_currency", Answer(_REPORTING, 0.6, "no column names it"))
    mapping.add(
        "rate", Answer(f"cast({turned} as {_KIND})", 0.6, rate.evidence, rate.columns)
    )

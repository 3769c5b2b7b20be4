"""Writes a canonical entity's staging model from its mappings, with the evidence."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping as Named
from collections.abc import Sequence

from pipeline.profiling import wide
from pipeline.profiling.tables import Table
from pipeline.scaffold.proposal.mapping import Answer, Mapping, OrderTotal, alias
from pipeline.scaffold.proposal.recognition import SURE
from pipeline.transform import canonical

WIDTH = 84
# Canonical columns whose amounts are in the currency of their row.
MONEY = {"amount", "cost_amount", "net_amount"}
# What landing writes beside a source's columns, as far as staging goes by it.
OWN_COLUMNS = ("_batch_id", "_row_number", "_source_file")


def model(source: str, entity: str, mappings: Sequence[Mapping], currency: str) -> str:
    """The SQL of `stg_<source>__<entity>`.

    Args:
        source: What the source is called.
        entity: The canonical entity.
        mappings: The tables that give it; their rows are put together.
        currency: That of amounts whose currency no column says.
    """
    types = canonical.columns(entity)
    meaning, needed = canonical.ENTITIES[entity]
    for mapping in mappings:
        # An amount without a currency could not be counted.
        if "currency" in needed or (
            "currency" in types and MONEY & set(mapping.columns)
        ):
            mapping.columns.setdefault(
                "currency",
                Answer(
                    f"'{currency}'", 0.7, "no column says it: the reporting currency"
                ),
            )
    given = {name for mapping in mappings for name in mapping.columns}
    given |= set(canonical.lacking(entity, given))
    names = [name for name in types if name in given]
    parts = [_head(entity, meaning, mappings), "with "]
    tables: dict[str, Table] = {}
    for mapping in mappings:
        for table in (mapping.table, *(join.table for join in mapping.joins)):
            tables[alias(table)] = table
    for own, table in tables.items():
        latest = f'{{{{ latest(source("{source}", "{table.name}")) }}}}'
        if table.wide is None:
            parts.append(f"{own} as (\n    {latest}\n),\n\n")
            continue
        # Months or years in columns: a row for each row and month or year.
        rows = f"by_row_{table.name}"
        query = wide.long(table.wide, rows, OWN_COLUMNS, "_source_file")
        parts.append(f"{rows} as (\n    {latest}\n),\n\n")
        parts.append(f"{own} as (\n    {query}\n),\n\n")
    for mapping in mappings:
        parts.append(_select(mapping, names, types))
    last = "\nunion all\n".join(
        f"select * from {_own(mapping)}" for mapping in mappings
    )
    return "".join(parts).rstrip().removesuffix(",") + f"\n\n{last}\n"


def test_of_orders(source: str, total: OrderTotal) -> str:
    """The SQL of a test that the lines of an order come to what the order does."""
    return f"""{{#- Lines come to what their order comes to without tax, its discount and its
    adjustment included. An order without a line that counts is not looked at. -#}}
{{{{ config(severity="warn") }}}}
with latest_orders as (
    {{{{ latest(source("{source}", "{total.table.name}")) }}}}
),

order_lines as (
    select * from {{{{ ref("stg_{source}__order_lines") }}}}
),

orders as (
    select
        {total.order} as order_id,
        max({total.amount}) as order_amount
    from latest_orders
    group by 1
),

totals as (
    select
        order_id,
        sum(net_amount) as line_amount
    from order_lines
    group by order_id
)

select
    orders.order_id,
    orders.order_amount,
    totals.line_amount
from orders
inner join totals on orders.order_id = totals.order_id
where abs(totals.line_amount - orders.order_amount) >= 0.01
order by orders.order_id
"""


def _head(entity: str, meaning: str, mappings: Sequence[Mapping]) -> str:
    lines = [f"{entity}: {meaning}."]
    for mapping in mappings:
        item = mapping.recognised
        lines.append(
            f"From {item.table.title} ({item.table.sampled} were measured): it is taken "
            f"for {item.role or 'a table'} because {item.evidence}; confidence "
            f"{item.confidence:.0%}."
        )
        lines += mapping.notes
    lines.append(
        "Each column says where it is from and how sure that is; see MAPPING.md."
    )
    text = "\n".join(
        textwrap.fill(line, WIDTH, break_long_words=False) for line in lines
    )
    return f"{{#-\n{text}\n-#}}\n"


def _own(mapping: Mapping) -> str:
    return f"from_{mapping.table.name}"


def _select(mapping: Mapping, names: Sequence[str], types: Named[str, str]) -> str:
    """The mapping as one CTE, or two where only the newest row of each counts."""
    own = _own(mapping)
    is_ranked = bool(mapping.newest_of)
    lines = [
        f"{'ranked_' if is_ranked else 'from_'}{mapping.table.name} as (",
        "    select",
    ]
    for at, name in enumerate(names):
        answer = mapping.columns.get(name)
        comma = "," if at < len(names) - 1 or is_ranked else ""
        if answer is None:
            lines.append(f"        cast(null as {types[name]}) as {name}{comma}")
            continue
        lines += _comment(name, answer)
        lines.append(f"        {_cast(answer.sql, types[name])} as {name}{comma}")
    if is_ranked:
        lines += [
            "        row_number() over (",
            f"            partition by {', '.join(mapping.newest_of)}",
            f"            order by {', '.join(mapping.order)}",
            "        ) as recency",
        ]
    lines.append(f"    from {alias(mapping.table)}")
    for join in mapping.joins:
        lines.append(f"    left join {alias(join.table)} on {join.on}")
    for at, test in enumerate(mapping.where):
        lines.append(f"    {'where' if at == 0 else '    and'} {test}")
    lines.append("),\n")
    if is_ranked:
        lines += [
            f"{own} as (",
            "    select",
            ",\n".join(f"        {name}" for name in names),
            f"    from ranked_{mapping.table.name}",
            "    where recency = 1",
            "),\n",
        ]
    return "\n".join(lines) + "\n"


def _cast(expression: str, kind: str) -> str:
    # A time is one already, and a cast would drop its zone.
    if kind in {"varchar", "timestamp"} or _is_cast(expression, kind):
        return expression
    return f"cast({expression} as {kind})"


def _is_cast(expression: str, kind: str) -> bool:
    """Whether the whole expression is a cast to the type already."""
    if not (expression.startswith("cast(") and expression.endswith(f" as {kind})")):
        return False
    depth = 0
    for at, character in enumerate(expression):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and character == ")":
            return at == len(expression) - 1
    return False


def _comment(name: str, answer: Answer) -> list[str]:
    todo = "TODO confirm: " if answer.confidence < SURE else ""
    text = f"{todo}{answer.evidence}; confidence {answer.confidence:.0%}"
    return [
        f"        -- {line}"
        for line in textwrap.wrap(text, WIDTH - 11, break_long_words=False)
    ]

"""Rows of a table of sales that are none: cancelled, payments, sums of others, or empty.

What may be a sale is asked about; all that is left out is counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from pipeline.common import sql
from pipeline.profiling.columns import TOTALS, identity
from pipeline.profiling.tables import Column
from pipeline.scaffold.proposal import header, joins, money, values
from pipeline.scaffold.proposal.mapping import Draft, Mapping, alias, of

# Words in the status of an order that was never one, is none yet, or none any more.
CANCELLED = (
    "cancel", "void", "failed", "unavailable", "expired", "abandon", "declined", "draft",
    "uncollectible", "reject", "no-show", "no show", "storn", "annul", "anulad", "entwurf",
    "取消", "作废", "关闭", "退款成功", "无效", "未生效", "审核中", "草稿", "キャンセル",
)  # fmt: skip


# What has more different words says more than what kind of booking a row is.
MOST_KINDS = 20

# Kinds of booking of a ledger: what was paid, and what was sold or given back. A receipt
# may be either, and is what was paid where nothing says that it was a sale.
_PAID = re.compile(
    r"(?i)\b(payments?|zahlung\w*|paiements?|règlements?|reglements?|pagos?|cobros?|"
    r"settlements?|betaling\w*)\b|收款|付款|回款|入金"
)
_RECEIVED = re.compile(r"(?i)\breceipts?\b")
_SOLD = re.compile(
    r"(?i)\b(invoices?|credit (memo|note)s?|sales?|orders?|bills?|rechnung\w*|"
    r"gutschrift\w*|factures?|avoirs?|facturas?|ventas?|factuur|facturen)\b"
    r"|销售|发票|出库|退货|売上"
)
# A column of these is how a sale was paid, and its words are none of bookings.
_MEANS_OF_PAYMENT = re.compile(
    r"(?i)pay|zahl|pai?ement|pago|betaal|支付|付款|收款|结算"
)


def leave_out_cancelled(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> None:
    """Orders whose status says that they were cancelled, where a person agrees."""
    item = mapping.recognised
    owner, status = item, item.column("order_status")
    if status is None:
        other = joins.from_elsewhere(draft, mapping, "order_status", "order_lines")
        if other is None or other[0].role != "orders":
            return
        owner = other[0]
        status = owner.column("order_status")
    if status is None or status.kind != "text":
        return
    found = connection.execute(
        f"select {status.reading}, count(*) from {sql.quoted(owner.table.relation)} "
        "where 1 = 1 group by 1 order by 2 desc limit 40"
    ).fetchall()
    dead = [(word, rows) for word, rows in found if word and _is_dead(status, word)]
    # An order may be cancelled after the first files came.
    known = [word for word in status.options if _is_dead(status, word)]
    known += owner.preset.cancelled if owner.preset else ()
    there = {word for word, _ in dead}
    dead += [(word, 0) for word in dict.fromkeys(known) if word not in there]
    if not dead:
        return
    if _are_sales(
        draft,
        mapping,
        f"{owner.table.name}.{status.name}",
        f"Do orders count whose {status.name} is",
        dead,
        "their status says that they came to nothing, or have not come to anything yet",
    ):
        return
    listed = ", ".join(sql.literal(word) for word, _ in dead)
    if owner is item and status.name in header.of_the_header(connection, item):
        _leave_out_orders(draft, mapping, status, listed)
        return
    test = f"coalesce({of(owner.table, status.reading)} not in ({listed}), true)"
    mapping.where.append(test)
    if owner is item:
        return
    reference = next(
        one
        for one in draft.profile.from_table(item.table.name)
        if one.to_table == owner.table.name
    )
    own = of(item.table, identity(item.table.columns[reference.column]))
    theirs = identity(owner.table.columns[reference.to_column])
    view = f"landing.{draft.source}__{owner.table.name}"
    mapping.landed_where = [
        f"{own} not in (select {theirs} from {view} "
        f"where {status.reading} in ({listed}) and {theirs} is not null)"
    ]


def leave_out_payments(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> None:
    """Of a ledger, which books invoices and what was paid of them, the invoices alone."""
    item = mapping.recognised
    used = {found.column for found in item.meanings.values()}
    for column in item.table.columns.values():
        is_kind = column.kind == "text" and column.distinct <= MOST_KINDS
        if column.name in used or not is_kind or _MEANS_OF_PAYMENT.search(column.name):
            continue
        words = [
            (str(word), rows)
            for word, rows in connection.execute(
                f"select {column.reading}, count(*) from {sql.quoted(item.table.relation)}"
                f" where {column.reading} is not null group by 1 order by 2 desc, 1"
            ).fetchall()
        ]
        paid = [(word, rows) for word, rows in words if _is_paid(word)]
        if not paid or not any(
            _SOLD.search(word) and not _is_paid(word) for word, _ in words
        ):
            continue
        if not _are_sales(
            draft,
            mapping,
            f"{item.table.name}.{column.name}",
            f"Are rows sales whose {column.name} is",
            paid,
            "what is paid of an invoice is not sold once more",
        ):
            listed = ", ".join(sql.literal(word) for word, _ in paid)
            mapping.take_where(
                f"coalesce({of(item.table, column.reading)} not in ({listed}), true)"
            )
        return


def _is_paid(word: str) -> bool:
    is_receipt = _RECEIVED.search(word) and not _SOLD.search(word)
    return bool(_PAID.search(word) or is_receipt)


def _are_sales(
    draft: Draft,
    mapping: Mapping,
    key: str,
    question: str,
    words: Sequence[tuple[str, int]],
    why: str,
) -> bool:
    """Whether rows with these words are sales, which nobody is taken to say."""
    listed = ", ".join(f"{word} ({rows:,} rows)" for word, rows in words)
    chosen = draft.questions.decide(
        key,
        f"{question} {listed}?",
        {"no": "they are left out, and counted as such", "yes": "they are sales"},
        "no",
        why=why,
        where=f"`where` in the staging model of {mapping.table.name}, and `becomes` in "
        "sources.yaml",
    )
    return chosen == "yes"


def _is_dead(status: Column, word: str) -> bool:
    return any(mark in status.said(word) for mark in CANCELLED)


def _leave_out_orders(
    draft: Draft, mapping: Mapping, status: Column, listed: str
) -> None:
    """Leaves out all rows of an order whose first row alone says its status."""
    item = mapping.recognised
    order = item.column("order_id")
    assert order is not None
    key = identity(order)
    test = (
        f"{of(item.table, key)} not in (select {key} from {{table}} "
        f"where {status.reading} in ({listed}) and {key} is not null)"
    )
    mapping.where.append(test.format(table=alias(item.table)))
    view = f"landing.{draft.source}__{item.table.name}"
    mapping.landed_where = [test.format(table=view)]


def leave_out_sums(draft: Draft, mapping: Mapping) -> None:
    """Rows of sums below or between the lines: 合计, Total, without a day."""
    table = mapping.table
    when = mapping.columns["ordered_at"]
    for column in table.columns.values():
        words = [word for word in column.markers if word.lower() in TOTALS]
        if not words or not mapping.is_own(when.sql):
            continue
        listed = ", ".join(map(sql.literal, words))
        is_sum = of(table, f"trim({sql.quoted(column.name)}) in ({listed})")
        # Who is called Total buys on some day.
        days = [table.columns[name] for name in when.columns if name in table.columns]
        no_day = " and ".join(
            of(table, f"{values.typed(draft, table, day)} is null") for day in days
        )
        mapping.take_where(f"not (coalesce({is_sum}, false) and {no_day})")
        mapping.notes.append(
            f"{' and '.join(words)} in {column.name}: rows of sums, left out."
        )


def leave_out_empty(mapping: Mapping, worth: money.Money) -> None:
    """Rows without an amount are no lines, such as the header in a table of both."""
    item = mapping.recognised
    column = item.column("net_amount") or item.column("unit_price")
    if column is not None and column.nulls:
        mapping.take_where(f"{worth.sql} is not null")

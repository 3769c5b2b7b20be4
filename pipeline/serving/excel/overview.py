"""The first sheet: profit first, then tiers, losses, what is due, movement, and charts.

A block whose table a release does not have, or which would be empty, is left out; a
figure that is not known says why. Not here: the charts beside the tables, and the sheets
that are tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from pipeline.metrics import figures
from pipeline.serving.contents import Contents
from pipeline.serving.excel import charts
from pipeline.serving.excel.charts import Placed
from pipeline.serving.excel.columns import Kind, Lang, Query
from pipeline.serving.excel.workbook import Book

FIGURES: Final = (
    "profit_12m",
    "revenue_12m",
    "revenue_previous_12m",
    "revenue_growth",
    "margin_12m",
    "margin_rate",
    "cost_to_serve_12m",
    "customers",
    "active_customers",
    "new_customers",
    "retention",
    "revenue_retention",
    "key_customers",
    "key_share_of_revenue",
    "key_share_of_profit",
    "predicted_revenue_12m",
    "clv",
    "pipeline_amount",
    "tickets_12m",
)
LOSSES: Final = 10
OWNERS: Final = 15
MONTHS: Final = 24
_COUNT: Final[Kind] = "count"
_MONEY: Final[Kind] = "money"


@dataclass(frozen=True)
class Block:
    """A small table of the sheet.

    Attributes:
        key: What a chart knows it by.
        title: What stands above it.
        heads: Its columns.
        kinds: Of their values; of a figure each row has its own.
        rows: As many as are shown.
        note: What there is to say of it.
    """

    key: str
    title: str
    heads: Sequence[str]
    kinds: Sequence[Kind | None]
    rows: Sequence[Sequence[Any]]
    note: str = ""


def write(
    book: Book,
    connection: duckdb.DuckDBPyConnection,
    contents: Contents,
    known: set[str],
    sheets: Sequence[Query],
    notes: Sequence[str],
) -> None:
    """Writes the sheet; the book's first.

    Args:
        book: It is added to.
        connection: To the release's warehouse.
        contents: The release.
        known: Its columns, `table.column`.
        sheets: The other sheets, to which the chart of the matrix refers.
        notes: What else a reader has to know, such as rows without room.
    """
    zh = book.lang == "zh"
    sheet = book.sheet("概览" if zh else "Overview")
    sheet.fit_to_pages(1, 1)
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 8, 15)
    day, currency = contents.as_of_date, contents.reporting_currency
    title = f"客户概览，截至{day}" if zh else f"Customers as of {day}"
    sheet.set_row(0, 24)
    sheet.write_string(0, 0, title, book.title_format)
    said = (
        f"版本 {contents.release_id}；金额单位：{currency}；空白表示未知，而非零。"
        if zh
        else f"Release {contents.release_id}; amounts in {currency}; an empty cell is not "
        "known, which is not nought."
    )
    row = 1
    for text in (said, *notes):
        sheet.write_string(row, 0, text, book.note_format)
        row += 1
    placed: dict[str, Placed] = {}
    for block in blocks(connection, known, book.lang):
        row += 1
        sheet.write_string(row, 0, block.title, book.heading_format)
        row += 1
        if block.note:
            sheet.write_string(row, 0, block.note, book.note_format)
            row += 1
        kinds = (kind or "count" for kind in block.kinds)
        book.heads(sheet, row, zip(block.heads, kinds, strict=True))
        sheet.set_row(row, 30)
        heads = row
        for values in block.rows:
            row += 1
            _row(book, sheet, row, values, block.kinds)
        placed[block.key] = Placed(heads + 1, row, heads, len(block.heads))
        row += 1
    charts.draw(book, sheet, connection, placed, sheets)


def _row(
    book: Book,
    sheet: Any,
    row: int,
    values: Sequence[Any],
    kinds: Sequence[Kind | None],
) -> None:
    for column, (value, kind) in enumerate(zip(values, kinds, strict=True)):
        if kind is None:  # the value brings its own
            value, kind = value  # noqa: PLW2901
        book.cell(sheet, row, column, value, kind)


def blocks(
    connection: duckdb.DuckDBPyConnection, known: set[str], lang: Lang
) -> Iterator[Block]:
    """The blocks that this release gives, in their order."""
    zh = lang == "zh"
    yield _figures(connection, lang)
    tables = {name.split(".")[0] for name in known}
    for table, make in (
        ("customer_verdicts", _verdicts),
        ("tier_summary", _tiers),
        ("customer_360", _losses),
        ("customer_actions", _due),
        ("customer_tier_history", _moves),
        ("revenue_by_month", _months),
    ):
        if table in tables:
            found = make(connection, zh)
            if found is not None and found.rows:
                yield found


_UNITS: Mapping[str, Kind] = {
    "count": "count",
    "money": "money",
    "share": "share",
    "score": "score",
}


def _figures(connection: duckdb.DuckDBPyConnection, lang: Lang) -> Block:
    zh = lang == "zh"
    found = figures.ask(connection, FIGURES)
    return Block(
        "figures",
        "关键指标" if zh else "Figures",
        ["指标", "数值", "未知原因"]
        if zh
        else ["Figure", "Value", "Not known because"],
        ["text", None, "text"],
        [
            [
                getattr(figure.metric.name, lang),
                (figure.value, _UNITS[figure.metric.unit]),
                getattr(figure.reason, lang) if figure.reason else None,
            ]
            for figure in found.values()
        ],
    )


def _verdicts(connection: duckdb.DuckDBPyConnection, zh: bool) -> Block:
    rows = connection.execute(
        f"select verdict_name_{'zh' if zh else 'en'}, count(*), sum(at_stake), "
        "count(at_stake) from marts.customer_verdicts group by all order by min(place)"
    ).fetchall()
    return Block(
        "verdicts",
        "结论" if zh else "Verdicts",
        ["结论", "客户数", "涉及金额", "其中金额已知的客户数"]
        if zh
        else ["Verdict", "Customers", "At stake", "Customers of whom it is known"],
        ["text", "count", "money", "count"],
        rows,
    )


def _tiers(connection: duckdb.DuckDBPyConnection, zh: bool) -> Block:
    heads = (
        [
            "客户等级",
            "客户数",
            "客户占比",
            "近12个月收入",
            "收入占比",
            "近12个月毛利",
            "近12个月服务成本",
            "近12个月利润",
            "利润占比",
        ]
        if zh
        else [
            "Tier",
            "Customers",
            "Share of customers",
            "Revenue, last 12 months",
            "Share of revenue",
            "Margin, last 12 months",
            "Cost to serve, last 12 months",
            "Profit, last 12 months",
            "Share of profit",
        ]
    )
    return Block(
        "tiers",
        "客户等级" if zh else "Tiers",
        heads,
        [
            "text",
            "count",
            "share",
            "money",
            "share",
            "money",
            "money",
            "money",
            "share",
        ],
        connection.execute(
            f"select tier_name_{'zh' if zh else 'en'}, customers, share_of_customers, "
            "revenue_12m, share_of_revenue_12m, margin_12m, cost_to_serve_12m, "
            "profit_12m, share_of_profit_12m from marts.tier_summary order by tier_rank"
        ).fetchall(),
    )


def _losses(connection: duckdb.DuckDBPyConnection, zh: bool) -> Block:
    lang = "zh" if zh else "en"
    count, total = connection.execute(
        "select count(*), sum(profit_12m) from marts.customer_360 where profit_12m < 0"
    ).fetchone() or (0, None)
    note = (
        f"近12个月共有{count:,}个客户亏损，合计{total or 0:,.0f}；以下为其中收入最高者。"
        if zh
        else f"{count:,} customers cost more than they brought in the last 12 months, "
        f"{total or 0:,.0f} in all; these have the most revenue."
    )
    return Block(
        "losses",
        "亏损的大客户" if zh else "Largest customers at a loss",
        ["客户", "客户等级", "近12个月收入", "近12个月利润", "负责人"]
        if zh
        else [
            "Customer",
            "Tier",
            "Revenue, last 12 months",
            "Profit, last 12 months",
            "Owner",
        ],
        ["text", "text", "money", "money", "text"],
        connection.execute(
            f"select customer_label, tier_name_{lang}, revenue_12m, profit_12m, owner "
            "from marts.customer_360 where profit_12m < 0 "
            f"order by revenue_12m desc nulls last, customer_id limit {LOSSES}"
        ).fetchall(),
        note,
    )


def _due(connection: duckdb.DuckDBPyConnection, zh: bool) -> Block:
    nobody = "未指定" if zh else "nobody named"
    return Block(
        "due",
        "各负责人的待办行动" if zh else "What is due, by owner",
        ["负责人", "行动数", "其中逾期", "涉及客户数"]
        if zh
        else ["Owner", "Actions", "Of which overdue", "Customers"],
        ["text", "count", "count", "count"],
        connection.execute(
            "select coalesce(owner, ?), count(*), count(*) filter (is_overdue), "
            "count(distinct customer_id) from marts.customer_actions "
            f"group by owner order by count(*) desc, owner limit {OWNERS}",
            [nobody],
        ).fetchall(),
    )


def _moves(connection: duckdb.DuckDBPyConnection, zh: bool) -> Block | None:
    """Where the customers of each tier of a year ago are now."""
    lang = "zh" if zh else "en"
    found = connection.execute(
        f"""
        with days as (
            select max(as_of_date) as today from marts.customer_360
        ),

        names as (
            select tier_code, tier_rank, tier_name_{lang} as name from marts.tier_summary
        ),

        moves as (
            select
                former.tier_code as from_tier,
                c.tier_code as to_tier,
                count(*) as customers
            from marts.customer_360 as c
            cross join days
            left join marts.customer_tier_history as former
                on former.customer_id = c.customer_id
                and former.valid_from <= days.today - interval 12 month
                and (
                    former.valid_to is null
                    or former.valid_to > days.today - interval 12 month
                )
            group by all
        )

        select
            coalesce(f.name, moves.from_tier),
            coalesce(t.name, moves.to_tier),
            sum(moves.customers)::bigint,
            min(t.tier_rank)
        from moves
        left join names as f on f.tier_code = moves.from_tier
        left join names as t on t.tier_code = moves.to_tier
        group by all
        order by min(f.tier_rank) nulls last, min(t.tier_rank) nulls last
        """
    ).fetchall()
    ranked = {to: rank for _, to, _, rank in found}
    columns = sorted(ranked, key=lambda name: (ranked[name] is None, ranked[name]))
    new = "一年前尚无记录" if zh else "not known a year ago"
    cells: dict[str, dict[str, int]] = {}
    for before, after, customers, _ in found:
        cells.setdefault(before or new, {})[after] = customers
    if not set(cells) - {new}:
        return None  # of nobody it is known where he was
    return Block(
        "moves",
        "一年内的等级变动（客户数）" if zh else "Movement over a year, customers",
        [
            "一年前（行）→ 现在（列）" if zh else "A year ago (rows) → now (columns)",
            *columns,
        ],
        ["text", *[_COUNT] * len(columns)],
        [
            [before, *(row.get(to, 0) for to in columns)]
            for before, row in cells.items()
        ],
    )


def _months(connection: duckdb.DuckDBPyConnection, zh: bool) -> Block | None:
    """Revenue of the last complete months, by the tier of the day of the order."""
    lang = "zh" if zh else "en"
    found = connection.execute(
        f"""
        select
            months.revenue_month,
            coalesce(tiers.tier_name_{lang}, months.tier_name_{lang}, ?),
            min(coalesce(tiers.tier_rank, months.tier_rank)),
            sum(months.revenue)
        from marts.revenue_by_month as months
        left join marts.tier_summary as tiers on tiers.tier_code = months.tier_code
        where months.is_complete
        group by 1, 2
        having sum(months.revenue) is not null
        order by 1
        """,
        ["评级之前" if zh else "before a tier"],
    ).fetchall()
    months = sorted({row[0] for row in found})[-MONTHS:]
    ranked = {name: rank for month, name, rank, _ in found if month in set(months)}
    names = sorted(ranked, key=lambda name: (ranked[name] is None, ranked[name]))
    amounts = {(month, name): revenue for month, name, _, revenue in found}
    if len(months) < 2:
        return None
    return Block(
        "months",
        "按月收入（按下单当日等级）" if zh else "Revenue by month and tier of the day",
        ["月份" if zh else "Month", *names, "合计" if zh else "All"],
        ["date", *[_MONEY] * len(names), _MONEY],
        [
            [
                month,
                *(amounts.get((month, name)) for name in names),
                sum(amounts.get((month, name)) or 0 for name in names),
            ]
            for month in months
        ],
    )

"""Tables whose months or years are columns: recognised, and made one row a month or year.

Such a table holds the sums of them, with what they are of in the other columns. It is
measured and mapped as the long table that stands for it; staging makes it long by the same
SQL. Not here: what the long table is taken for.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Sequence

import duckdb

from pipeline.common import sql
from pipeline.profiling import columns, units
from pipeline.profiling.tables import NUMBERS, Column, Table, Wide

# Fewer columns with the name of a month, or of a year and nothing else, may be anything.
LEAST_MONTHS = 3
# Of years with what was sold in them.
LEAST_YEARS = 2

_ENGLISH = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_CHINESE = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_NAME = (
    "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR = r"((?:19|20)\d\d)"
_MARK = r"[-/._ ]*"
# Year and month by their places in the match; 0 where the name has no year.
_FORMS = (
    (re.compile(rf"{_YEAR}[-/._ ]?(0?[1-9]|1[0-2])(?:-01(?: 00:00:00)?)?"), 1, 2),
    (re.compile(rf"(0?[1-9]|1[0-2])[-/._ ]{_YEAR}"), 2, 1),
    (re.compile(rf"{_YEAR}年\s*(\d{{1,2}})月份?.{{0,4}}"), 1, 2),
    (re.compile(r"(\d{1,2}|[一二三四五六七八九十]{1,2})月份?.{0,4}"), 0, 1),
    (re.compile(rf"{_NAME}\.?"), 0, 1),
    (re.compile(rf"{_NAME}\.?{_MARK}'?((?:19|20)?\d\d)"), 2, 1),
    (re.compile(rf"{_YEAR}{_MARK}{_NAME}\.?"), 1, 2),
)
_TOTAL = re.compile(
    r"(grand|sub|year|fy|annual|row)?[ _-]*(total|sum|ytd)s?|合计|总计|小计|累计|全年.*"
    r"|年合计|[qh][1-4]([-_ ]?(19|20)\d\d)?|[1-4一二三四]季度|q[1-4]合计|average|avg|平均"
)
_YEAR_NAMES = {"year", "fiscal year", "fy", "年", "年份", "年度"}
_QUANTITY = re.compile(r"qty|quantit|units|pieces|数量|销量|件数")
_ONE_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_OF_A_YEAR = re.compile(r"\bfy\b|\bytd\b|\bto date\b|年度|年|至今|[-/._()（） ]+")
_SOLD = re.compile(
    r"sales|revenue|turnover|amount|invoiced|billed|purchas|order value|umsatz|umsätze"
    r"|chiffre|ventas|vendas|omzet|fatturato|売上|销售|營業額|营业额|营收|金额|采购额|成交额"
    rf"|收入|{_QUANTITY.pattern}"
)
_NOT_SOLD = re.compile(
    r"target|budget|plan|forecast|goal|quota|rep\b|team|cost|profit|margin|tax|growth|%"
    r"|目标|预算|计划|预测|成本|利润|毛利|税|增长|率"
)


def month_of(name: str) -> tuple[int | None, int] | None:
    """The year, if it says one, and the month of a column's name; None for another."""
    text = " ".join(name.strip().lower().replace("’", "'").split())
    for form, year_at, month_at in _FORMS:
        if found := form.fullmatch(text):
            month = _number(found[month_at])
            if not 1 <= month <= 12:
                return None
            year = int(found[year_at]) if year_at else None
            return (year + 2000 if year is not None and year < 100 else year), month
    return None


def year_of(name: str) -> tuple[int, str] | None:
    """The year in a column's name, and what is of it; None where that is no sales.

    What is of it is empty where the name says nothing but the year.
    """
    text = " ".join(name.strip().lower().split())
    found = _ONE_YEAR.findall(text)
    if len(found) != 1:
        return None
    of = " ".join(_OF_A_YEAR.sub(" ", _ONE_YEAR.sub(" ", text)).split())
    if of and (not _SOLD.search(of) or _NOT_SOLD.search(of)):
        return None
    return int(found[0]), of


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    if text in _CHINESE:
        return _CHINESE.index(text) + 1
    return _ENGLISH.index(text[:3]) + 1 if text[:3] in _ENGLISH else 0


def lengthen(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Has a table with months or years in columns measured as the long one it means."""
    found = _recognise(connection, table)
    if found is not None:
        table.wide = found
        remeasure(connection, table)


def remeasure(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Makes the long sample anew, such as for another year, and measures it."""
    assert table.wide is not None
    wide = table.wide
    relation = f"{wide.relation}_long"
    query = long(wide, sql.quoted(wide.relation), ("_row", "_part"), "_part")
    # What is measured is what happened: months and years to come have columns, too.
    connection.execute(
        f"create or replace table {sql.quoted(relation)} as select * from ({query}) "
        f"where {has_amount(sql.quoted(wide.value))}"
    )
    table.relation = relation
    row = connection.execute(f"select count(*) from {sql.quoted(relation)}").fetchone()
    table.rows = int(row[0]) if row else 0
    table.columns.clear()
    table.keys = []
    columns.measure(connection, table)
    for name in (wide.day, wide.value):
        # The reader has no such column to make anything of.
        table.columns[name].declared = None
    table.columns[wide.day].span = wide.span
    value = table.columns[wide.value]
    if value.kind == "integer":
        # Sums so far are whole; the next need not be.
        value.kind = "decimal"
        value.reading = f"try_cast({sql.quoted(wide.value)} as decimal(18, 4))"
    units.apply(value, wide.scale)


def _recognise(connection: duckdb.DuckDBPyConnection, table: Table) -> Wide | None:
    """How the months or years stand in the columns, where they do."""
    months, of = _months(table), ""
    span = 1 if months else 12
    if not months:
        months, of = _years(table)
    named = {name for name, _, _ in months}
    if not months or not all(_is_sum(table.columns[name]) for name in named):
        return None
    rest = [column for name, column in table.columns.items() if name not in named]
    ids = [
        column.name
        for column in rest
        if not _TOTAL.fullmatch(column.name.strip().lower())
        # Whatever else is of one year is not of the others.
        and not (span > 1 and _ONE_YEAR.search(column.name))
    ]
    if not ids:
        return None
    is_dated = months[0][1] is not None
    year_column = next(
        (name for name in ids if name.strip().lower() in _YEAR_NAMES), None
    )
    by_file = (
        not is_dated and year_column is None and _years_of(table.parts) is not None
    )
    title = f"{table.title} {table.entity.sheet or ''} {of}"
    said = re.search(_YEAR, title)
    taken = {name.lower() for name in ids}
    is_quantity = _QUANTITY.search(title.lower()) is not None
    return Wide(
        relation=table.relation,
        ids=ids,
        months=months,
        span=span,
        year=None
        if is_dated or year_column or by_file
        else int(said[1])
        if said
        else dt.date.today().year - 1,
        year_column=None if is_dated else year_column,
        is_year_of_file=by_file,
        day=_free("order_date", taken),
        value=_free("quantity" if is_quantity else "net_amount", taken),
        scale=max(
            units.scale_of(f"{months[0][0]} {title}"),
            1 if is_quantity else table.scale,
        ),
        total_words=_total_words(connection, table, ids),
        key=_key(connection, table, ids),
    )


def _months(table: Table) -> list[tuple[str, int | None, int]]:
    """The columns of months, each with its year, if it says one, and its month."""
    months = [
        (name, *found)
        for name in table.columns
        if (found := month_of(name)) is not None
    ]
    dated = {year is not None for _, year, _ in months}
    moments = {(year, month) for _, year, month in months}
    if len(months) < LEAST_MONTHS or len(dated) != 1 or len(moments) != len(months):
        return []
    return months


def _years(table: Table) -> tuple[list[tuple[str, int | None, int]], str]:
    """The columns of years, each with its year and January, and what is of them.

    Of several things that are known of years, that of most years, the first in the table.
    """
    families: dict[str, dict[int, str]] = {}
    for name in table.columns:
        if (found := year_of(name)) is not None:
            year, of = found
            families.setdefault(of, {}).setdefault(year, name)
    enough = {
        of: names
        for of, names in families.items()
        if len(names) >= (LEAST_YEARS if of else LEAST_MONTHS)
    }
    if not enough:
        return [], ""
    of = max(enough, key=lambda each: len(enough[each]))
    return [(name, year, 1) for year, name in sorted(enough[of].items())], of


def _is_sum(column: Column) -> bool:
    """Whether a column of a month or year holds numbers, or nothing."""
    return column.known == 0 or column.kind in NUMBERS


def _years_of(parts: Sequence[str]) -> set[str] | None:
    """The years in the names of several files, where each has another."""
    found = [re.search(_YEAR, part) for part in parts]
    years = {one[1] for one in found if one is not None}
    return years if len(parts) > 1 and len(years) == len(parts) else None


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else f"{name}_of_period"


def _total_words(
    connection: duckdb.DuckDBPyConnection, table: Table, ids: Sequence[str]
) -> dict[str, list[str]]:
    """Column → the words in it that mark a row as a sum of others."""
    found = {}
    for name in ids:
        if table.columns[name].kind != "text":
            continue
        words = connection.execute(
            f"select distinct {sql.quoted(name)} from {sql.quoted(table.relation)} "
            f"where {sql.quoted(name)} is not null"
        ).fetchall()
        totals = [
            str(word)
            for (word,) in words
            if _TOTAL.fullmatch(str(word).strip().lower())
        ]
        if totals:
            found[name] = sorted(totals)
    return found


def _key(
    connection: duckdb.DuckDBPyConnection, table: Table, ids: Sequence[str]
) -> list[str]:
    """The columns that tell the landed rows apart; none where their place does."""
    usable = [name for name in ids if table.columns[name].is_whole]
    for size in (1, 2, 3):
        for names in itertools.combinations(usable, size):
            # Words for rows of sums count as values here: those rows are landed as well.
            known = " and ".join(f"{sql.quoted(name)} is not null" for name in names)
            row = connection.execute(
                f"select count(*) = count(distinct (_part, {sql.columns(names)})) "
                f"and bool_and({known}) from {sql.quoted(table.relation)}"
            ).fetchone()
            if row is not None and row[0]:
                return list(names)
    return []


def has_amount(column: str) -> str:
    """SQL of whether something happened: a cell that is neither empty nor 0."""
    return f"regexp_matches({column}, '[1-9]')"


def long(wide: Wide, relation: str, kept: Sequence[str], file_column: str) -> str:
    """SQL of the long table: a row for each row and month or year, without sums of others.

    Args:
        wide: How the months stand in the columns.
        relation: SQL of the rows as they are landed.
        kept: Columns beside the source's own, which stay.
        file_column: Of these, the one with the name of the file.
    """
    listed = ",\n        ".join(sql.quoted(name) for name in [*wide.ids, *kept])
    own = ",\n            ".join(
        f"by_row.{sql.quoted(name)}" for name in [*wide.ids, *kept]
    )
    places = ",\n            ".join(
        f"({at}, {_first_day(year or wide.year, month)}, {month})"
        for at, (_, year, month) in enumerate(wide.months, 1)
    )
    cells = "\n                ".join(
        f"when {at} then cast(by_row.{sql.quoted(name)} as varchar)"
        for at, (name, _, _) in enumerate(wide.months, 1)
    )
    year = None
    if wide.year_column is not None:
        year = f"cast(by_row.{sql.quoted(wide.year_column)} as integer)"
    elif wide.is_year_of_file:
        file = f"by_row.{sql.quoted(file_column)}"
        year = f"cast(regexp_extract({file}, '((19|20)[0-9][0-9])', 1) as integer)"
    day = f"make_date({year}, months.month_number, 1)" if year else "months.first_day"
    value = sql.quoted(wide.value)
    tests = []
    for name, words in wide.total_words.items():
        marks = ", ".join(map(sql.literal, words))
        tests.append(f"coalesce({sql.quoted(name)} not in ({marks}), true)")
    return f"""select
        {listed},
        {sql.quoted(wide.day)},
        {value}
    from (
        select
            {own},
            {day} as {sql.quoted(wide.day)},
            case months.place
                {cells}
            end as {value}
        from {relation} as by_row
        cross join (values
            {places}
        ) as months (place, first_day, month_number)
    ) as by_month
    where {" and ".join(tests) or "true"}"""


def _first_day(year: int | None, month: int) -> str:
    return f"date '{year}-{month:02}-01'" if year else "cast(null as date)"

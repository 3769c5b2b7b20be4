"""What the values of a column are: kind, range, patterns; measured over the sample in SQL.

Text is taken for a number, a day, a time or a yes only where all of its values are,
those aside that stand for nothing. Of a column's name only what it says of its numbers
counts: in which units they are (`units`), and whether they are days or times (`counted`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from pipeline.common import sql
from pipeline.profiling import counted, nested, units, ways
from pipeline.profiling.tables import MOMENTS, NUMBERS, Column, Kind, Table
from pipeline.profiling.ways import Way

# So many are enough to see which formats are out of the question, and so many to see
# which may be needed.
FEW_VALUES = 5
MANY_VALUES = 200
_DIGIT = re.compile(r"\d")

# Texts that people write where they have nothing.
MARKERS = (
    "?", "-", "--", "n/a", "na", "#n/a", "null", "none", "nan", "nil", "unknown",
    "(null)", "\\\\n", "无", "空", "未知", "暂无",
)  # fmt: skip

# What tills and ledgers call whoever bought without a name: one customer of that name
# would be the largest of all, and is nobody.
NOBODY = (
    "walk-in", "walk in", "walk-in customer", "walk in customer", "cash customer",
    "cash sale", "cash sales", "counter sale", "counter sales", "guest checkout",
    "público en general", "publico en general", "público general", "consumidor final",
    "cliente mostrador", "venta mostrador", "cliente de contado", "client de passage",
    "client comptoir", "vente comptoir", "clients divers", "laufkundschaft", "barverkauf",
    "barkunde", "barkunden", "diverse kunden", "thekenverkauf", "散客", "零散客户",
    "零售散客", "现金客户", "门市客户", "临时客户",
)  # fmt: skip

# What stands in a row of sums, below or between the rows of a list.
TOTALS = (
    "total", "totals", "grand total", "subtotal", "sub-total", "sub total", "sum", "summe",
    "gesamt", "gesamtsumme", "zwischensumme", "total général", "total general",
    "sous-total", "totales", "合计", "总计", "小计", "本页合计", "合計", "総計", "小計",
    "总 计", "合 计",
)  # fmt: skip
# Somebody may be called so: rows of sums are few, and say little else or stand at the end.
MOST_TOTALS = 0.05
LAST_ROWS = 3

# Of so many different values the patterns are looked at.
MOST_VALUES = 5_000

YES_NO = (
    {"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"是", "否"}, {"有", "无"},
)  # fmt: skip

# What exports put before ids that are without it everywhere else: Zoho CRM's.
ID_PREFIXES = ("zcrm_",)

PATTERNS = {
    "email": r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}",
    "phone": r"\+?[\d\s().\-/]{7,20}(\s*(x|ext\.?)\s*\d+)?",
    "url": r"(https?://|www\.)\S+",
    "currency": r"[A-Z]{3}",
    "chinese": r".*[\x{3400}-\x{9fff}].*",
    "letters": r".*\p{L}.*",
    "spaced": r"\S+\s+\S.*",
}


def measure(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Fills the columns of the table from its sample."""
    described = connection.execute(f"describe {sql.quoted(table.relation)}").fetchall()
    for name, landed, *_ in described:
        if name in {"_row", "_part"}:
            continue
        table.columns[name] = _column(connection, table, name, landed)
    for cell, name, given in nested.open_up(connection, table):
        column = _column(connection, table, name, "VARCHAR")
        column.reading = column.reading.replace(sql.quoted(name), f"({given})")
        column.given, column.parts, column.declared = f"({given})", [cell], None
        table.columns[name] = column


def _column(
    connection: duckdb.DuckDBPyConnection, table: Table, name: str, landed: str
) -> Column:
    column = Column(name, landed, rows=table.rows, reading=sql.quoted(name))
    if landed == "VARCHAR":
        _read_text(connection, table, column)
    else:
        column.kind = _kind_of(landed)
        column.has_zone = landed == "TIMESTAMP WITH TIME ZONE"
        if column.kind == "text":
            column.reading = f"cast({sql.quoted(name)} as varchar)"
    units.apply(column, units.scale_of(name))
    count(connection, table, column)
    _find_prefix(column)
    if landed != "VARCHAR" and _is_a_day_in_digits(connection, table, column):
        column.kind = "date"
        column.reading = _day_in_digits(name)
        count(connection, table, column)
    elif counted.apply(connection, table, column):
        count(connection, table, column)
    return column


def _find_prefix(column: Column) -> None:
    """Takes a prefix of ids out of the reading, where every value has it."""
    if column.kind != "text" or column.landed != "VARCHAR":
        return
    for prefix in ID_PREFIXES:
        # What lies between two texts that begin so does as well.
        if all(str(end).startswith(prefix) for end in (column.low, column.high)):
            column.prefix = prefix
            column.reading = _without(prefix, column.reading)


def _without(prefix: str, expression: str) -> str:
    return f"regexp_replace({expression}, {sql.literal(f'^{prefix}')}, '')"


def _day_in_digits(name: str) -> str:
    digits = f"cast({sql.quoted(name)} as varchar)"
    return f"cast(try_strptime({digits}, '%Y%m%d') as date)"


def _is_a_day_in_digits(
    connection: duckdb.DuckDBPyConnection, table: Table, column: Column
) -> bool:
    """Whether whole numbers are all days such as 20240131."""
    if column.kind != "integer" or not column.known:
        return False
    if not 19_000_101 <= int(column.low) <= int(column.high) <= 21_001_231:
        return False
    row = connection.execute(
        f"select count({_day_in_digits(column.name)}) from {sql.quoted(table.relation)}"
    ).fetchone()
    return row == (column.known,)


def _kind_of(landed: str) -> Kind:
    if landed in {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"} or (
        (landed.startswith("U") and landed.endswith("INT")) or landed == "UINTEGER"
    ):
        return "integer"
    if landed.startswith(("DECIMAL", "DOUBLE", "FLOAT")):
        return "decimal"
    if landed == "DATE":
        return "date"
    if landed.startswith("TIMESTAMP"):
        return "timestamp"
    return "boolean" if landed == "BOOLEAN" else "text"


def _read_text(
    connection: duckdb.DuckDBPyConnection, table: Table, column: Column
) -> None:
    """Finds what a column of texts is."""
    name = sql.quoted(column.name)
    padded = connection.execute(
        f"select count(*) from {sql.quoted(table.relation)} "
        f"where {name} <> trim({name}) or {name} = ''"
    ).fetchone()
    column.is_padded = padded != (0,)
    trimmed = _trimmed(column)
    connection.execute(
        "create or replace temp table _values as "
        f"select {trimmed} as v, count(*) as n from {sql.quoted(table.relation)} "
        f"where {trimmed} is not null group by all"
    )
    listed = ", ".join(map(sql.literal, (*MARKERS, *NOBODY, *TOTALS)))
    found = connection.execute(
        f"select v, n from _values where lower(v) in ({listed}) order by n desc"
    ).fetchall()
    markers = [value for value, _ in found if value.lower() not in TOTALS]
    totals = [value for value, _ in found if value.lower() in TOTALS]
    if totals and _are_sums(connection, table, trimmed, totals):
        markers += totals
    base = trimmed
    for marker in markers:
        base = f"nullif({base}, {sql.literal(marker)})"
    clean = (
        "v not in (" + ", ".join(map(sql.literal, markers)) + ")" if markers else "true"
    )
    way = _way(connection, clean)
    if way is None:
        column.kind = "text"
        # What is a marker among texts may be a word: of these only `?` and the like, what
        # says nobody, and rows of sums are none.
        column.markers = [
            item
            for item in markers
            if item.lower() in {*NOBODY, *TOTALS} or not item.isalpha()
        ]
        column.reading = trimmed
        for marker in column.markers:
            column.reading = f"nullif({column.reading}, {sql.literal(marker)})"
        return
    column.kind = way.kind
    column.markers = markers
    column.reading = way.value.format(v=base)
    column.declared = way.declared if not markers else None
    column.span = way.span
    if way.form == ways.ISO:
        zoned = connection.execute(
            f"select coalesce(bool_and(regexp_matches(v, '{ways.ZONE}')), false) "
            f"from _values where {clean}"
        ).fetchone()
        column.has_zone = zoned == (True,)
    elif way.form and not way.span and way.form != ways.WEEK:
        column.formats = _fitting_formats(connection, clean, way)


def _are_sums(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    value: str,
    words: Sequence[str],
) -> bool:
    """Whether the rows with such a word in a column are sums of others."""
    relation = sql.quoted(table.relation)
    names = [
        name
        for name, *_ in connection.execute(f"describe {relation}").fetchall()
        if name not in {"_row", "_part"}
    ]
    empty = " + ".join(f"cast({sql.quoted(name)} is null as int)" for name in names)
    listed = ", ".join(map(sql.literal, words))
    row = connection.execute(
        f"""
        select
            count(*),
            avg(({empty}) / {len(names)}),
            bool_and(_row > last_row - {LAST_ROWS})
        from (
            select *, max(_row) over (partition by _part) as last_row from {relation}
        )
        where {value} in ({listed})
        """
    ).fetchone()
    rows, is_empty, is_last = row or (0, 0.0, False)
    few = rows <= max(2, len(table.parts), MOST_TOTALS * table.rows)
    return bool(few and (is_empty >= 0.5 or is_last))


def _trimmed(column: Column) -> str:
    """SQL of the text without blanks around it; null where nothing is left."""
    name = column.given or sql.quoted(column.name)
    return f"nullif(trim({name}), '')" if column.is_padded else name


def _way(connection: duckdb.DuckDBPyConnection, clean: str) -> Way | None:
    (different,) = connection.execute(
        f"select count(*) from _values where {clean}"
    ).fetchone() or (0,)
    if different == 0:
        return None
    words = {
        value
        for (value,) in connection.execute(
            f"select lower(v) from _values where {clean} limit 5"
        ).fetchall()
    }
    if different <= 4 and len(words) <= 2 and any(words <= pair for pair in YES_NO):
        stated = "lower({v}) in ('true', 'yes', 'y', 't', '是', '有')"
        known = "case when {v} is not null then " + stated + " end"
        return Way("boolean", "true", known, "boolean")
    some = [
        value
        for (value,) in connection.execute(
            f"select v from _values where {clean} limit {FEW_VALUES}"
        ).fetchall()
    ]
    if not all(_DIGIT.search(value) for value in some):
        return None
    for kind in (
        list(ways.numbers()),
        ways.possible(some),
        list(ways.iso()),
        list(ways.periods(some)),
    ):
        for way in _that_fit(connection, kind, clean, MANY_VALUES):
            if _that_fit(connection, [way], clean):
                return _day_or_number(connection, way, clean)
    return _mixed(connection, clean, some)


def _mixed(
    connection: duckdb.DuckDBPyConnection, clean: str, some: Sequence[str]
) -> Way | None:
    """Days that are written in several ways, as where a workbook is kept by hand.

    Each value must fit one way alone: what could be read as two days is not guessed.
    """
    known = [value for value in some if ways.may_be_a_day(value)]
    if not some or len(known) < len(some):
        return None
    values = [
        value
        for (value,) in connection.execute(
            f"select v from _values where {clean} limit {MANY_VALUES}"
        ).fetchall()
    ]
    candidates = ways.of_any(values)
    tests = ", ".join(
        f"coalesce({way.fits.format(v='v')}, false)" for way in candidates
    )
    fitting = [
        {at for at, fits in enumerate(row) if fits}
        for row in connection.execute(
            f"select distinct {tests} from _values where {clean}"
        ).fetchall()
    ]
    chosen: set[int] = set()
    while left := [fits for fits in fitting if not fits & chosen]:
        best = max(
            set().union(*left),
            key=lambda at: (sum(at in fits for fits in left), -at),
            default=None,
        )
        if best is None or not all(left):
            return None
        chosen.add(best)
    if any(len(fits & chosen) > 1 for fits in fitting):
        return None
    found = ways.together([candidates[at] for at in sorted(chosen)])
    zoned = connection.execute(
        f"select count(*) from _values where {clean} and regexp_matches(v, '{ways.ZONE}')"
    ).fetchone()
    return found if zoned == (0,) else None


def _day_or_number(connection: duckdb.DuckDBPyConnection, way: Way, clean: str) -> Way:
    """Whole numbers that are all days such as 20240131 are days."""
    digits = [item for item in ways.moments() if item.form == "%Y%m%d"]
    if way.kind == "integer" and _that_fit(connection, digits, clean):
        return digits[0]
    return way


def _that_fit(
    connection: duckdb.DuckDBPyConnection,
    tried: Sequence[Way],
    clean: str,
    limit: int | None = None,
) -> list[Way]:
    """The ways that fit all values, or so many of them; in one query."""
    if not tried:
        return []
    tests = ", ".join(
        f"coalesce(bool_and(coalesce({way.fits.format(v='v')}, false)), false)"
        for way in tried
    )
    some = f" limit {limit}" if limit else ""
    row = connection.execute(
        f"select {tests} from (select v from _values where {clean}{some})"
    ).fetchone()
    assert row is not None
    return [way for way, fits in zip(tried, row, strict=True) if fits]


def _fitting_formats(
    connection: duckdb.DuckDBPyConnection, clean: str, way: Way
) -> list[str]:
    """Every format of the same kind that fits all values: more than one is a question."""
    some = connection.execute(
        f"select v from _values where {clean} limit {FEW_VALUES}"
    ).fetchall()
    tried = [
        item for item in ways.possible([v for (v,) in some]) if item.kind == way.kind
    ]
    fitting = _that_fit(connection, tried, clean)
    return [item.form for item in fitting if item.form] or [way.form or ""]


def format_reading(column: Column, form: str) -> tuple[str, str]:
    """The reading and the declaration of a text column by another of its formats."""
    name = _trimmed(column)
    for marker in column.markers:
        name = f"nullif({name}, {sql.literal(marker)})"
    parsed = f"try_strptime({name}, {sql.literal(form)})"
    if column.kind == "date":
        return f"cast({parsed} as date)", f"date {form}"
    return parsed, f"timestamp {form}"


def count(connection: duckdb.DuckDBPyConnection, table: Table, column: Column) -> None:
    """Counts values, range and patterns."""
    value = column.reading
    bounds = f"min({value}), max({value})" if column.kind != "boolean" else "null, null"
    extra = "0, 0"
    if column.kind in NUMBERS:
        extra = (
            f"count(*) filter (where {value} < 0), "
            f"count(*) filter (where {value} <> trunc({value}))"
        )
    row = connection.execute(
        f"select count({value}), count(distinct {value}), {bounds}, {extra} "
        f"from {sql.quoted(table.relation)}"
    ).fetchone()
    assert row is not None
    known, column.distinct, column.low, column.high, negative, fraction = row
    column.nulls = column.rows - known
    column.is_unique = column.rows > 0 and column.nulls == 0
    if column.is_unique and column.distinct < column.rows:
        column.is_unique = len(table.parts) > 1 and _is_unique_in_parts(
            connection, table, value
        )
    if known and column.kind in NUMBERS:
        column.shares = {"negative": negative / known, "fraction": fraction / known}
    examples = connection.execute(
        f"select cast({value} as varchar) from {sql.quoted(table.relation)} "
        f"where {value} is not null group by {value} order by count(*) desc, 1 limit 12"
    ).fetchall()
    column.examples = [text for (text,) in examples]
    if column.kind == "text" and known:
        _patterns(connection, table, column)


def _is_unique_in_parts(
    connection: duckdb.DuckDBPyConnection, table: Table, value: str
) -> bool:
    row = connection.execute(
        f"select count(distinct (_part, {value})) from {sql.quoted(table.relation)}"
    ).fetchone()
    return row == (table.rows,)


def _patterns(
    connection: duckdb.DuckDBPyConnection, table: Table, column: Column
) -> None:
    counted = ", ".join(
        f"count(*) filter (where regexp_full_match(v, {sql.literal(pattern)}, 's')) "
        "/ count(*)"
        for pattern in PATTERNS.values()
    )
    row = connection.execute(
        f"select {counted}, avg(length(v)) from (select distinct {column.reading} as v "
        f"from {sql.quoted(table.relation)} where {column.reading} is not null "
        f"limit {MOST_VALUES})"
    ).fetchone()
    assert row is not None
    column.shares = dict(zip([*PATTERNS, "length"], row, strict=True))


def identity(column: Column) -> str:
    """SQL of the value as text, so that keys of different types can be compared.

    `17850.0`, as spreadsheets and data frames write a number with gaps, is 17850.
    """
    name = sql.quoted(column.name)
    if column.kind == "decimal" and column.landed != "VARCHAR":
        return f"cast(cast({name} as bigint) as varchar)"
    if column.landed == "VARCHAR":
        text = _trimmed(column)
        for marker in column.markers:
            text = f"nullif({text}, {sql.literal(marker)})"
        if _is_written_as_float(column):
            return rf"regexp_replace({text}, '\.0$', '')"
        return _without(column.prefix, text) if column.prefix else text
    if column.kind in MOMENTS or column.kind == "boolean":
        return f"cast({name} as varchar)"
    return f"cast({name} as varchar)"


def _is_written_as_float(column: Column) -> bool:
    return column.kind == "decimal" and column.shares.get("fraction", 1) == 0

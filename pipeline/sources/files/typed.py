"""Makes the columns what sources.yaml declares, and finds the rows where that fails.

One SQL expression a column, run by DuckDB over whole batches: the CSV reader puts it into
its query, the other formats run it on Arrow. A value as written is never repaired,
only read: too many decimals, a wrong group of thousands or a 31st of February is a reason
to reject the row. Not here: reading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.common import sql
from pipeline.common.errors import SourceUnavailable
from pipeline.sources.columns import (
    POSIX_FIRST_YEAR,
    ColumnType,
    column_type,
    refuse_names_that_are_one,
)
from pipeline.sources.entity import Entity
from pipeline.sources.files.parts import DUCKDB_MEMORY

# The last column of every query: why the row is rejected, or null.
REASON = "_reason"

# As Excel shows and saves long numbers. `1E5` alone is not, and may be a product's code.
SCIENTIFIC = r"[+-]?\d(\.\d+)?[eE]\+\d+|[+-]?\d\.\d+[eE]\d+"

# Excel and every float keep 15 digits; an id of more is no longer what somebody typed.
FIRST_INEXACT_ID = 1e15

# What precedes a moment that is one already, so that no format is needed to read it.
REAL_MOMENT = "\x01"

YES = "'true', 't', 'yes', 'y', '1', '是', '真'"
NO = "'false', 'f', 'no', 'n', '0', '否', '假'"


@dataclass(frozen=True)
class Declared:
    """What is known about the columns of one extract.

    Attributes:
        names: The columns, in the file's order.
        types: The declared type of each, None where none is.
        ids: Whether a column must not hold numbers in scientific notation: those of the
            key, and what is declared as text.
        kept: The places of the columns that are not left out.
    """

    names: list[str]
    types: list[ColumnType | None]
    ids: list[bool]
    decimal: str
    thousands: str
    kept: list[int]

    @property
    def is_asked(self) -> bool:
        """Whether there is anything to do with any column."""
        return any(self.types) or any(self.ids)


def declared(entity: Entity, names: Sequence[str], where: str) -> Declared:
    """Matches what the entity declares with the columns that there are.

    Raises:
        SourceUnavailable: A declared column is missing, or two names are one in SQL.
    """
    kept = [at for at, name in enumerate(names) if name not in entity.leave_out]
    refuse_names_that_are_one([names[at] for at in kept], where)
    missing = [name for name in entity.columns if name not in names]
    if missing:
        present = ", ".join(names)
        raise SourceUnavailable(
            f"{where} has no column {', '.join(map(repr, missing))}, which sources.yaml "
            f"declares; it has {present}. Mend `columns`, or look for what changed in the "
            "file."
        )
    types = [
        column_type(entity.columns[name]) if name in entity.columns else None
        for name in names
    ]
    ids = [
        kind.kind == "text" if kind else name in entity.key
        for name, kind in zip(names, types, strict=True)
    ]
    ids = [
        is_id or (name in entity.key and (kind is None or kind.kind == "text"))
        for is_id, name, kind in zip(ids, names, types, strict=True)
    ]
    left_out = set(range(len(names))) - set(kept)
    types = [None if at in left_out else kind for at, kind in enumerate(types)]
    ids = [is_id and at not in left_out for at, is_id in enumerate(ids)]
    return Declared(list(names), types, ids, entity.decimal, entity.thousands, kept)


def query(
    columns: Declared,
    relation: str,
    schema: pa.Schema | None = None,
    asked: Sequence[int] | None = None,
) -> str:
    """The SQL that reads `relation`, whose columns are called column0, column1, ...

    Args:
        schema: The Arrow types of the relation's columns; all are text without it.
        asked: The columns that the relation has; all without it.

    Returns:
        A query of as many columns and, last, the reason to reject a row or null.
    """
    inner, outer, reasons = [], [], []
    for at in asked if asked is not None else range(len(columns.names)):
        name, kind = columns.names[at], columns.types[at]
        source = f"column{at}"
        arrow = schema.field(at).type if schema is not None else pa.string()
        if pa.types.is_dictionary(arrow):
            arrow = arrow.value_type
        label = sql.literal(name)
        if columns.ids[at] and (test := _inexact_id(source, arrow)):
            value = f"left(cast({source} as varchar), 60)"
            lost_digits = (
                " || ', a number in scientific notation whose digits are lost; "
                "export the column as text'"
            )
            reasons.append(
                f"case when {test} then {label} || ' is ' || {value}{lost_digits} end"
            )
        if kind is None or (kind.kind == "text" and _is_text(arrow)):
            inner.append(source)
            outer.append(source)
            continue
        inner += [f"{_as_text(source, arrow, kind, columns)} as text{at}", source]
        outer.append(f"typed{at}")
        reasons.append(
            f"case when typed{at} is null and text{at} is not null then {label} || "
            f"' is ''' || left(text{at}, 60) || ''', which is no ' || "
            f"{sql.literal(kind.spelling)} end"
        )
    typed = [
        f"{_parsed(f'text{at}', kind, columns)} as typed{at}"
        for at, kind in enumerate(columns.types)
        if f"typed{at}" in outer and kind is not None
    ]
    reason = f"nullif(concat_ws('; ', {', '.join(reasons)}), '')" if reasons else "null"
    results = ", ".join(f"{found} as result{at}" for at, found in enumerate(outer))
    return (
        f"select {results}, {reason} as {REASON} from ("
        f"select {', '.join(['*', *typed])} from ("
        f"select {', '.join(inner)} from {relation}))"
    )


class Typing:
    """Applies the declarations to Arrow batches of one extract."""

    def __init__(self, columns: Declared, schema: pa.Schema) -> None:
        self._columns = columns
        self._asked = [
            at
            for at, kind in enumerate(columns.types)
            if kind is not None or columns.ids[at]
        ]
        self._is_asked = bool(self._asked)
        if self._is_asked:
            self._sql = query(columns, "batch", schema, self._asked)
            self._connection = duckdb.connect(
                config={"threads": 1, "memory_limit": DUCKDB_MEMORY}
            )

    def close(self) -> None:
        """Frees DuckDB."""
        if self._is_asked:
            self._connection.close()

    def split(
        self, batch: pa.RecordBatch
    ) -> tuple[pa.RecordBatch, list[tuple[int, str]]]:
        """The sound rows, typed, and the place in the batch and reason of the others."""
        if not self._is_asked:
            return batch.select(self._columns.kept), []
        # Only what is asked for goes through DuckDB: it has no nanoseconds, for one.
        relation = pa.table(
            {f"column{at}": _without_zone(batch.column(at)) for at in self._asked}
        )
        self._connection.register("batch", relation)
        try:
            found = self._connection.execute(self._sql).to_arrow_table()
        finally:
            self._connection.unregister("batch")
        reasons = found.column(REASON).combine_chunks()
        arrays = [
            found.column(self._asked.index(at)).combine_chunks()
            if kind is not None
            else batch.column(at)
            for at, kind in enumerate(self._columns.types)
        ]
        typed = pa.record_batch(arrays, names=self._columns.names).select(
            self._columns.kept
        )
        if reasons.null_count == len(reasons):
            return typed, []
        return typed.filter(pc.is_null(reasons)), _rejected(reasons)


def _without_zone(column: pa.Array) -> pa.Array:
    """Moments with a zone as moments of UTC; DuckDB needs an extension for zones."""
    if pa.types.is_timestamp(column.type) and column.type.tz:
        utc = column.cast(pa.timestamp(column.type.unit, "UTC"))
        return utc.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.timestamp("us"))
    return column


def divided(found: pa.Table) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Splits a query's result into the sound rows and the places and reasons of others."""
    reasons = found.column(found.num_columns - 1)
    rows = found.drop_columns([found.column_names[-1]])
    if reasons.null_count == len(reasons):
        return rows, []
    return rows.filter(pc.is_null(reasons)), _rejected(reasons.combine_chunks())


def _rejected(reasons: pa.Array) -> list[tuple[int, str]]:
    bad = pc.indices_nonzero(pc.is_valid(reasons))
    return list(zip(bad.to_pylist(), reasons.take(bad).to_pylist(), strict=True))


def _is_text(arrow: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(arrow)
        or pa.types.is_large_string(arrow)
        or pa.types.is_string_view(arrow)
    )


def _inexact_id(source: str, arrow: pa.DataType) -> str | None:
    if _is_text(arrow):
        # The letter first: it spares nearly every row the regular expression.
        return (
            f"(contains({source}, 'E') or contains({source}, 'e')) and "
            f"regexp_full_match(trim({source}), '{SCIENTIFIC}')"
        )
    if pa.types.is_floating(arrow):
        return f"abs({source}) >= {FIRST_INEXACT_ID}"
    return None


def _as_text(
    source: str, arrow: pa.DataType, kind: ColumnType, columns: Declared
) -> str:
    """The value as the declared options would write it, so that one parser serves all."""
    if _is_text(arrow):
        return f"nullif(trim({source}), '')"
    text = f"cast({source} as varchar)"
    if pa.types.is_floating(arrow):
        # 15 digits are what a float means; 19.990000000000002 was 19.99 once.
        text = f"printf('%.15g', cast({source} as double))"
    if pa.types.is_floating(arrow) or pa.types.is_decimal(arrow):
        is_number = kind.kind in {"integer", "decimal", "number"}
        comma = columns.decimal == "," and is_number
        return f"replace({text}, '.', ',')" if comma else text
    if kind.format and (pa.types.is_date(arrow) or pa.types.is_timestamp(arrow)):
        return f"'{REAL_MOMENT}' || strftime({source}, '%Y-%m-%d %H:%M:%S.%f')"
    return text


def _parsed(text: str, kind: ColumnType, columns: Declared) -> str:
    """The value as its declared type, null where it is none."""
    if kind.kind == "text":
        return text
    if kind.kind == "boolean":
        return (
            f"case when lower({text}) in ({YES}) then true "
            f"when lower({text}) in ({NO}) then false end"
        )
    if kind.kind in {"date", "timestamp"}:
        return _moment(text, kind)
    return _number(text, kind, columns)


def _number(text: str, kind: ColumnType, columns: Declared) -> str:
    # A group has exactly three digits: 1.5 is not 15 where the point parts thousands.
    whole = r"\d+"
    plain = text
    if columns.thousands:
        group = re.escape(columns.thousands)
        if columns.thousands.isspace():
            group = "[ \u00a0\u202f]"
            plain = f"regexp_replace({plain}, '{group}', '', 'g')"
        else:
            plain = f"replace({plain}, {sql.literal(columns.thousands)}, '')"
        whole = rf"(\d+|\d{{1,3}}({group}\d{{3}})+)"
    if columns.decimal == ",":
        plain = f"replace({plain}, ',', '.')"
    point = re.escape(columns.decimal)
    if kind.kind == "integer":
        pattern, target = rf"[+-]?{whole}", "bigint"
    elif kind.kind == "number":
        pattern = rf"[+-]?({whole}({point}\d*)?|{point}\d+)([eE][+-]?\d{{1,3}})?"
        target = "double"
    else:
        # Zeros beyond the scale are no loss, other digits are.
        rest = rf"\d{{0,{kind.scale}}}0*"
        pattern = rf"[+-]?({whole}({point}{rest})?|{point}\d{rest})"
        target = f"decimal({kind.precision},{kind.scale})"
    parsed = f"try_cast({plain} as {target})"
    if kind.kind == "number":
        return (
            f"case when regexp_full_match({text}, {sql.literal(pattern)}) "
            f"and isfinite({parsed}) then {parsed} end"
        )
    if kind.kind == "decimal":
        # What programs write for small amounts: 5E-05.
        exponent = rf"[+-]?\d({point}\d+)?[eE][+-]?\d{{1,2}}"
        exact = f"{parsed} = try_cast({plain} as decimal(38,18))"
        return (
            f"case when regexp_full_match({text}, {sql.literal(pattern)}) then {parsed} "
            f"when contains(upper({text}), 'E') and "
            f"regexp_full_match({text}, {sql.literal(exponent)}) and {exact} "
            f"then {parsed} end"
        )
    return (
        f"case when regexp_full_match({text}, {sql.literal(pattern)}) then {parsed} end"
    )


def _by_format(text: str, kind: ColumnType) -> str:
    """A text read by the declared format, null where it does not fit or misses digits."""
    assert kind.format is not None
    parsed = f"try_strptime({text}, {sql.literal(kind.format)})"
    if "%z" in kind.format or "%Z" in kind.format:
        parsed = f"make_timestamp(epoch_us({parsed}))"
    if "%y" in kind.format and kind.first_year != POSIX_FIRST_YEAR:
        first = kind.first_year
        years = f"{first} + (year({parsed}) - {first} + 10000) % 100 - year({parsed})"
        moved = f"({parsed} + to_years(cast({years} as integer)))"
        # A 29th of February that the other century does not have would be the 28th.
        return f"case when day({moved}) = day({parsed}) then {moved} end"
    # DuckDB takes 24 for the year 24, and 2024115 for a day of one month or another.
    whole = f" and length({text}) = {width}" if (width := _width(kind.format)) else ""
    return f"case when year({parsed}) >= 1000{whole} then {parsed} end"


def _width(form: str) -> int | None:
    """How long a text of a format such as %Y%m%d must be, whose parts nothing parts."""
    widths = {"Y": 4, "j": 3, **dict.fromkeys("ymdHIMS", 2)}
    parts = re.findall(r"%(.)|(.)", form, re.DOTALL)
    if not re.search(r"%[YymdHIMSj]%[YymdHIMSj]", form):
        return None
    if any(letter and letter not in widths for letter, _ in parts):
        return None
    return sum(widths[letter] if letter else 1 for letter, _ in parts)


def _moment(text: str, kind: ColumnType) -> str:
    if kind.format:
        return (
            f"cast(case when starts_with({text}, '{REAL_MOMENT}') "
            f"then try_cast(substr({text}, 2) as timestamp) "
            f"else {_by_format(text, kind)} end as {kind.kind})"
        )
    if kind.kind == "date":
        midnight = r"\d{4}-\d{2}-\d{2}([ T]00:00(:00(\.0+)?)?)?"
        return (
            # The usual spelling first; a regular expression costs twice the cast.
            f"case when {text} like '____-__-__' "
            f"then try_cast({text} as date) "
            f"when regexp_full_match({text}, '{midnight}') "
            f"then try_cast(left({text}, 10) as date) end"
        )
    # DuckDB drops an offset without a word when it makes a plain timestamp of text, and
    # takes none behind a blank, as in 2024-01-05 10:00:00 -0500.
    zone = r"([zZ]|UTC|GMT|[+-](0\d|1[0-4])(:?[0-5]\d)?)$"
    offset = r":\d\d.*" + zone
    plain = r"\d{4}-\d\d-\d\d([ T]\d{1,2}:\d\d(:\d\d([.,]\d+)?)?)?"
    joined = (
        rf"regexp_replace(regexp_replace({text}, ' +{zone}', '\1'), '(UTC|GMT)$', 'Z')"
    )
    return (
        rf"case when {text} like '____-__-__ __:__:__' "
        rf"then try_cast({text} as timestamp) "
        rf"when regexp_matches({text}, '{offset}') "
        f"then make_timestamp(epoch_us(try_cast({joined} as timestamptz))) "
        rf"when regexp_full_match({text}, '{plain}') "
        f"then try_cast({text} as timestamp) end"
    )

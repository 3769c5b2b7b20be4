"""How a text can be read as a number, a day or a time: the SQL of each way and its test."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.common import sql
from pipeline.profiling.tables import Kind

_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日")
_DAYS_EUROPEAN = (
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%m-%y",
)
_DAYS_AMERICAN = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")
_DAYS_NAMED = (
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y",
    "%A, %B %d, %Y", "%A, %d %B %Y", "%a, %d %b %Y",
)  # fmt: skip
_MONTHS = (
    "%Y-%m", "%Y/%m", "%Y.%m", "%Y年%m月", "%b-%y", "%b-%Y", "%b %Y", "%B %Y", "%Y-%b",
    "%m/%Y", "%m-%Y", "%m.%Y",
)  # fmt: skip
_TIMES = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%f")

INTEGER = r"[+-]?\d{1,18}"
_DECIMAL = r"[+-]?\d+(\.\d+)?"
# Thousands have no zero in front, or 0,125 would be a hundred and twenty-five; in India
# only the last group has three digits.
_BY_COMMA = r"[1-9]\d{0,2}(,\d{2,3})*,\d{3}"
_BY_POINT = r"[1-9]\d{0,2}(\.\d{3})+"
_GROUPED = rf"[+-]?{_BY_COMMA}(\.\d+)?"
_COMMA = r"[+-]?\d+(,\d+)?"
_COMMA_GROUPED = rf"[+-]?{_BY_POINT}(,\d+)?"
_ISO_TIME = r"\d{4}-\d\d-\d\d[ T]\d{1,2}:\d\d(:\d\d([.,]\d+)?)?.*"
ZONE = r"([zZ]|UTC|[+-]\d\d:?\d\d)$"
ISO = "ISO 8601"
WEEK = "ISO week"
# A code in front of digits may as well be a part's number, such as SKU12.
_CODES = (
    "USD|EUR|GBP|CNY|RMB|JPY|CHF|BRL|INR|AUD|CAD|HKD|SEK|NOK|DKK|PLN|MXN|ZAR|KRW|SGD"
)
_SIGNS = rf"([$€£¥￥₩₹]|{_CODES}|R\$|US\$|元)?"


def _money(number: str) -> str:
    """An amount with its currency, or a minus behind it, as some ledgers write it."""
    return rf"\(?[-+]?\s*{_SIGNS}\s*[-+]?{number}\s*{_SIGNS}-?\)?"


# A comma parts thousands only before three digits: 12,50 are twelve and a half.
_MONEY = _money(rf"(\d+|{_BY_COMMA})(\.\d+)?")
_MONEY_COMMA = _money(rf"(\d+|{_BY_POINT})(,\d{{1,2}})?")


@dataclass(frozen=True)
class Way:
    """One way to read a text: the kind, its test and its SQL over `{v}`.

    `declared` is how sources.yaml says it; None where only staging can. `span` is how many
    months a day stands for, of which it is the first: 0 for a day.
    """

    kind: Kind
    fits: str
    value: str
    declared: str | None
    form: str | None = None
    span: int = 0


def moments() -> Iterator[Way]:
    """Each format of a day, and of a day with a time."""
    for form in (*_DAYS, *_DAYS_EUROPEAN, *_DAYS_AMERICAN, *_DAYS_NAMED):
        # A day of `%Y` takes the year 24 and one of `%Y%m%d` takes seven digits.
        sane = "year({p}) between 1900 and 2100"
        if form == "%Y%m%d":
            sane += " and length({v}) = 8"
        if "%Y" in form:
            sane += r" and regexp_matches({v}, '\d{{4}}')"
        parsed = f"try_strptime({{v}}, {sql.literal(form)})"
        yield Way(
            "date",
            sane.replace("{p}", parsed),
            f"cast({parsed} as date)",
            "date" if form == "%Y-%m-%d" else f"date {form}",
            form,
        )
        for time in _TIMES:
            whole = f"{form} {time}"
            parsed = f"try_strptime({{v}}, {sql.literal(whole)})"
            yield Way(
                "timestamp",
                sane.replace("{p}", parsed),
                parsed,
                f"timestamp {whole}",
                whole,
            )


def _braced(text: str) -> str:
    """A text that goes through `format` as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def numbers() -> Iterator[Way]:
    """Whole numbers, decimals with either comma, amounts of money, shares."""

    def fits(pattern: str) -> str:
        return f"regexp_full_match({{v}}, {_braced(sql.literal(pattern))})"

    yield Way("integer", fits(INTEGER), "try_cast({v} as bigint)", "integer")
    yield Way(
        "decimal",
        fits(_DECIMAL),
        "try_cast({v} as decimal(18, 4))",
        "decimal(18,4)",
    )
    plain = "replace({v}, ',', '')"
    yield Way(
        "decimal",
        f"({fits(_DECIMAL)} or {fits(_GROUPED)})",
        f"try_cast({plain} as decimal(18, 4))",
        None,
    )
    comma = "replace(replace({v}, '.', ''), ',', '.')"
    yield Way(
        "decimal",
        f"({fits(_COMMA)} or {fits(_COMMA_GROUPED)})",
        f"try_cast({comma} as decimal(18, 4))",
        None,
    )
    sign = "case when {v} like '%-%' or {v} like '(%' then -1 else 1 end"
    for pattern, bare in (
        (_MONEY_COMMA, r"replace(regexp_replace({v}, '[^0-9,]', '', 'g'), ',', '.')"),
        (_MONEY, r"regexp_replace({v}, '[^0-9.]', '', 'g')"),
    ):
        yield Way(
            "decimal",
            fits(pattern),
            f"{sign} * try_cast({bare} as decimal(18, 4))",
            None,
        )
    percent = "try_cast(rtrim(replace({v}, ',', '.'), '% ') as decimal(18, 4)) / 100"
    yield Way("decimal", fits(r"[+-]?\d+([.,]\d+)?\s*%"), percent, None)


def iso() -> Iterator[Way]:
    """A time as programs write it, with its zone or without."""
    pattern = _braced(sql.literal(_ISO_TIME))
    moment = "try_cast({v} as timestamptz)"
    zone = f"regexp_matches({{v}}, '{ZONE}')"
    joined = r"regexp_replace({v}, ' +(UTC|[+-]\d\d:?\d\d)$', '\1')"
    yield Way(
        "timestamp",
        f"regexp_full_match({{v}}, {pattern}) and {moment.replace('{v}', joined)} "
        "is not null",
        f"case when {zone} then make_timestamp(epoch_us({moment.replace('{v}', joined)}"
        ")) else try_cast({v} as timestamp) end",
        "timestamp",
        ISO,
    )


def periods(some: Sequence[str]) -> Iterator[Way]:
    """Months, quarters and weeks that a few values fit, each as its first day."""
    for form in _MONTHS:
        if all(_reads(form, value) for value in some):
            parsed = f"try_strptime({{v}}, {sql.literal(form)})"
            sane = f"year({parsed}) between 1900 and 2100"
            yield Way("date", sane, f"cast({parsed} as date)", None, form, span=1)
    for pattern, year, quarter in (
        (r"(\d{4})[-/ ]?[Qq]([1-4])", 1, 2),
        (r"[Qq]([1-4])[-/ ]?(\d{4})", 2, 1),
        (r"(\d{4})年第?([1-4])季度", 1, 2),
    ):
        found = _braced(sql.literal(pattern))
        first = (
            f"make_date(try_cast(regexp_extract({{v}}, {found}, {year}) as int), "
            f"3 * try_cast(regexp_extract({{v}}, {found}, {quarter}) as int) - 2, 1)"
        )
        fits = f"regexp_full_match({{v}}, {found})"
        yield Way("date", fits, first, None, "quarter", span=3)
    for form, pattern in (("%G-W%V-%u", r"\d{4}-W\d\d"), ("%GW%V-%u", r"\d{4}W\d\d")):
        monday = f"try_strptime({{v}} || '-1', {sql.literal(form)})"
        fits = f"regexp_full_match({{v}}, {_braced(sql.literal(pattern))})"
        fits = f"{fits} and {monday} is not null"
        yield Way("date", fits, f"cast({monday} as date)", None, WEEK)


def possible(some: Sequence[str]) -> list[Way]:
    """The formats of days and times that a few values fit: planning many costs time."""
    return [
        way for way in moments() if way.form and all(_reads(way.form, v) for v in some)
    ]


def of_any(some: Sequence[str]) -> list[Way]:
    """The ways to read a day or time of which each may fit one of the values at least."""
    found = {
        way.form: way
        for value in some
        for way in moments()
        if way.form and _reads(way.form, value)
    }
    return [*found.values(), *iso()]


def may_be_a_day(value: str) -> bool:
    """Whether a text may be a day or time, whichever way it is written."""
    return re.match(_ISO_TIME, value) is not None or any(
        way.form and _reads(way.form, value) for way in moments()
    )


def together(chosen: Sequence[Way]) -> Way:
    """One way out of several, of which each value fits one alone."""
    kind: Kind = "date" if all(way.kind == "date" for way in chosen) else "timestamp"
    readings = ", ".join(f"cast({way.value} as {kind})" for way in chosen)
    return Way(
        kind,
        " or ".join(f"({way.fits})" for way in chosen),
        f"coalesce({readings})",
        None,
        " or ".join(way.form or "" for way in chosen),
    )


def _reads(form: str, value: str) -> bool:
    try:
        dt.datetime.strptime(value, form)
    except ValueError:
        return False
    return True

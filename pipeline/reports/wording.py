"""Numbers, dates and the lack of them, in words; the filters of the templates.

What is not known is None from here on, and each template says what that means in its
place. Rounding happens here and nowhere before. The
functions speak English; `filters` are those of a language.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pipeline.reports.words import LANGUAGES, NOUNS, Language

Number = int | float | Decimal

# A line break between a number and its unit would tear them apart.
_SPACE = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_MILLION = 1_000_000
# From here on a figure no longer fits its tile, and nobody reads the last digits.
_LONG = 1_000_000_000


# What stands for a figure that nobody knows; 0 would be one.
UNKNOWN = "–"


def count(value: Number | None) -> str:
    """A whole number with thousands separators; a dash where it is not known."""
    return UNKNOWN if value is None else _number(value, 0)


def amount(value: Number | None) -> str:
    """Money, to the whole unit of the currency; a dash where it is not known."""
    return UNKNOWN if value is None else _number(value, 0)


def headline(value: Number) -> str:
    """Money in large type: whole units, millions where those would be too long."""
    if abs(float(value)) < _LONG:
        return amount(value)
    return f"{_number(float(value) / _MILLION, 0)}{_SPACE}M"


def brief(value: Number) -> str:
    """A round amount for an axis: 5 M, 250 k."""
    for size, unit in (
        (1_000 * _LONG, "tn"),
        (_LONG, "bn"),
        (_MILLION, "M"),
        (1_000, "k"),
    ):
        if abs(float(value)) >= size:
            return f"{float(value) / size:g}{_SPACE}{unit}".replace("-", _MINUS)
    return f"{float(value):g}".replace("-", _MINUS)


def exact(value: Number) -> str:
    """Money to the four decimals that it is kept with, where a cent would matter."""
    return _signed(_number(value, 4 if value else 0))


def change(value: Number) -> str:
    """A difference of money with its sign."""
    return _signed(_number(value, 0))


def decimal(value: Number, digits: int = 1) -> str:
    """A number with a fixed count of decimals."""
    return _number(value, digits)


def percent(share: Number) -> str:
    """A share as a percentage; what is small but there never reads as nothing."""
    text = _number(100 * float(share), 1)
    if text == "0.0" and share > 0:
        text = "<0.1"
    if text == "100.0" and share < 1:
        text = ">99.9"
    return f"{text}{_SPACE}%"


def certainty(probability: Number) -> str:
    """A probability as it is kept, to four digits; nothing but 1 is certain."""
    text = f"{float(probability):.4f}"
    if text == "1.0000" and probability < 1:
        return ">0.9999"
    return text.rstrip("0").rstrip(".")


def growth(ratio: Number) -> str:
    """A relative change with its sign; beyond tenfold the figure says no more."""
    if ratio > 10:
        return f"over +1,000{_SPACE}%"
    return _signed(_number(100 * float(ratio), 1)) + f"{_SPACE}%"


def day(value: dt.date) -> str:
    """A date as 2014-01-31."""
    return f"{value:%Y-%m-%d}"


def moment(value: dt.datetime) -> str:
    """A moment to the minute, in UTC; without a zone it is UTC already."""
    if value.tzinfo is not None:
        value = value.astimezone(dt.UTC)
    return f"{value:%Y-%m-%d %H:%M} UTC"


def plural(value: Number, one: str, many: str | None = None) -> str:
    """The number with its noun: 1 check, 2 checks."""
    noun = one if value == 1 else many or one + "s"
    return f"{count(value)}{_SPACE}{noun}"


def known(value: Any) -> bool:
    """Whether there is a number; what DuckDB makes of 0 / 0 is none."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _number(value: Number, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        return text.lstrip("-")
    return text.replace("-", _MINUS)


def _signed(text: str) -> str:
    if text.startswith(_MINUS) or not text.strip("0.,"):
        return text
    return f"+{text}"


FILTERS: dict[str, Callable[..., Any]] = {
    "count": count,
    "amount": amount,
    "headline": headline,
    "brief": brief,
    "exact": exact,
    "change": change,
    "decimal": decimal,
    "percent": percent,
    "certainty": certainty,
    "growth": growth,
    "day": day,
    "moment": moment,
    "plural": plural,
    "known": known,
}


def filters(language: Language) -> dict[str, Callable[..., Any]]:
    """The filters of a page in one language.

    Beside `FILTERS`: `things` counts a noun of `words.NOUNS`, and `said` takes what a row
    has in both languages, `name_en` and `name_zh`.
    """

    def things(value: Number, noun: str) -> str:
        one, many, chinese = NOUNS[noun]
        if language == "zh":
            return chinese.format(n=count(value))
        return plural(value, one, many)

    def said(row: Any, name: str) -> Any:
        wanted, other = (
            row.get(f"{name}_{each}")
            if isinstance(row, Mapping)
            else getattr(row, f"{name}_{each}")
            for each in sorted(LANGUAGES, key=lambda each: each != language)
        )
        return other if wanted is None else wanted

    own = {"things": things, "said": said}
    return FILTERS | own | (_CHINESE if language == "zh" else {})


def _close(text: str) -> str:
    """As Chinese is set: no space before the sign of a percentage."""
    return text.replace(f"{_SPACE}%", "%")


def _headline_zh(value: Number) -> str:
    if abs(float(value)) < _LONG:
        return amount(value)
    return f"{_number(float(value) / _YI, 1)}{_SPACE}亿"


def _brief_zh(value: Number) -> str:
    for size, unit in ((_WAN * _YI, "万亿"), (_YI, "亿"), (_WAN, "万")):
        if abs(float(value)) >= size:
            return f"{float(value) / size:g}{_SPACE}{unit}".replace("-", _MINUS)
    return f"{float(value):g}".replace("-", _MINUS)


def _growth_zh(ratio: Number) -> str:
    return "超过 +1,000%" if ratio > 10 else _close(growth(ratio))


_WAN = 10_000
_YI = 100_000_000
_CHINESE: dict[str, Callable[..., Any]] = {
    "headline": _headline_zh,
    "brief": _brief_zh,
    "growth": _growth_zh,
    "percent": lambda share: _close(percent(share)),
}

"""In which thousands, 万 or lakhs a column's name says that its numbers are.

A name such as 金额（万元）, Umsatz TEUR or Revenue ($ millions) multiplies every number below
it; a line above the table, such as 单位：万元, every amount of money in it. Only words that
mean nothing else are read: an `m` or `k` alone may be metres, men or kilograms.
"""

from __future__ import annotations

import re

from pipeline.profiling.tables import NUMBERS, Column

_COUNTED = "(?:元|美元|欧元|港元|日元|円|人民币|件|台|个|份|张|箱)"


def _asian(digits: str) -> str:
    return rf"{digits}{_COUNTED}|[（(]\s*{digits}\s*[）)]"


# The longer words first: 百万 holds 万.
_SCALES = (
    (1_000_000_000, re.compile(r"\b(?:billions?|bn|mrd|milliarden)\b|十亿元")),
    (100_000_000, re.compile(_asian("[亿億]"))),
    (10_000_000, re.compile(r"\bcrores?\b")),
    (1_000_000, re.compile(
        r"\b(?:millions?|millionen|millones|mln|mio|m€|meur|musd|mgbp)\b|m€|€m\b|\$m\b|£m\b"
        rf"|{_asian('百[万萬]')}"
    )),
    (100_000, re.compile(r"\b(?:lakhs?|lacs?)\b")),
    (10_000, re.compile(_asian("[万萬]"))),
    (1_000, re.compile(
        r"\b(?:thousands?|thsd|tsd|miles de|milliers|teur|tusd|tchf|keur|kusd|kgbp)\b"
        r"|\b[kt] ?€|€ ?k\b|\$ ?k\b|\bk ?\$|£ ?k\b|\bk ?£|['’]000\b|[（(]000s?[）)]|\b000s\b"
        rf"|{_asian('千')}"
    )),
)  # fmt: skip


def scale_of(name: str) -> int:
    """What the numbers below a name are to be multiplied by; 1 where it says nothing."""
    text = name.lower()
    return next((scale for scale, words in _SCALES if words.search(text)), 1)


_NOTED = re.compile(
    r"(?:单位|units?\b|einheit|angaben|beträge|montants|importes|amounts?|\bin\b|[（(])"
    r".{0,20}"
)
# 单价（元） is in 元, whatever is noted above.
_PLAIN = re.compile(r"[（(]\s*(?:元|人民币|rmb|cny|usd|eur|gbp|[$€£¥￥₩₹])\s*[）)]")


def scale_of_note(text: str) -> int:
    """What a line above a table says of its amounts; 1 where it is about anything else."""
    noted = (scale_of(found) for found in _NOTED.findall(text.lower()))
    return next((scale for scale in noted if scale > 1), 1)


def apply_note(column: Column, scale: int) -> None:
    """`apply`, where the column's own name says nothing else."""
    if column.scale == 1 and not _PLAIN.search(column.name.lower()):
        apply(column, scale)


def apply(column: Column, scale: int) -> None:
    """Has the numbers of a column read as what they mean.

    The reader cannot do that, so that staging does it with every number; with so many
    decimals that 1.23456789 亿 lose none of their cents.
    """
    if scale > 1 and column.kind in NUMBERS:
        exact = column.reading.replace("decimal(18, 4)", "decimal(28, 12)")
        column.scale = scale
        column.reading = f"({exact}) * {scale}"
        column.declared = None

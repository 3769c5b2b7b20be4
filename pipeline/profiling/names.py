"""Names of files, sheets, tables and columns as words, and as names of our own."""

from __future__ import annotations

import re
from collections.abc import Collection

from anyascii import anyascii
from pypinyin import lazy_pinyin

from pipeline.common.han import simplified

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_KANA = re.compile(r"[\u3041-\u30ff]")


def is_chinese(text: str) -> bool:
    """Whether a Chinese character stands in the text."""
    return _CHINESE.search(text) is not None


def is_japanese(text: str) -> bool:
    """Whether a character stands in the text that only Japanese has."""
    return _KANA.search(text) is not None


def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `SalesOrderNumber` is sales, order, number.

    Chinese, which parts no words, stays one word without blanks and brackets, in
    simplified characters; so does Japanese.
    """
    if is_chinese(name) or is_japanese(name):
        joined = re.sub(r"[\s_（）()【】\[\]:：/\\-]+", "", name).lower()
        return (simplified(joined),)
    spaced = _CAMEL.sub(" ", name).replace("#", " number ").replace("%", " percent ")
    return tuple(re.findall(r"[^\W\d_]+|\d+", spaced.lower()))


def identifier(name: str, taken: Collection[str] = ()) -> str:
    """A name as sources.yaml takes it: `[a-z][a-z0-9_]*`, and none that is taken.

    Chinese is written in pinyin, and letters with accents without them.
    """
    latin = "_".join(lazy_pinyin(name)) if is_chinese(name) else anyascii(name)
    found = "_".join(re.findall(r"[a-z0-9]+", _CAMEL.sub("_", latin).lower()))
    if not found or not found[0].isalpha():
        found = f"table_{found}".rstrip("_")
    unique, number = found, 2
    while unique in taken:
        unique, number = f"{found}_{number}", number + 1
    return unique

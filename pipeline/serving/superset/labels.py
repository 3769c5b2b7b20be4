"""What things are called in the languages of a bundle, in words and in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.common import sql
from pipeline.metrics.codes import Code
from pipeline.metrics.definitions import Words
from pipeline.serving.superset import definitions

# The languages of a bundle; `both` says everything twice, English first.
Language = Literal["both", "en", "zh"]
BETWEEN = " / "
_OF_LANGUAGE = {
    "_en": Words(en="{} (English)", zh="{}（英文）"),
    "_zh": Words(en="{} (Chinese)", zh="{}（中文）"),
}


def said(words: Words, language: Language) -> str:
    """The words in one language, or in both."""
    if language == "both":
        return words.en if words.en == words.zh else f"{words.en}{BETWEEN}{words.zh}"
    return words.en if language == "en" else words.zh


def languages(language: Language) -> Sequence[Literal["en", "zh"]]:
    """The languages themselves."""
    return ("en", "zh") if language == "both" else (language,)


def column(name: str) -> Words:
    """What a column is called; one that nobody has words for by its name."""
    known = definitions.words()
    if name in known:
        return known[name]
    stem, suffix = name[:-3], name[-3:]
    if suffix in _OF_LANGUAGE and (words := known.get(stem)):
        form = _OF_LANGUAGE[suffix]
        return Words(en=form.en.format(words.en), zh=form.zh.format(words.zh))
    plain = name.replace("_", " ")
    plain = plain[:1].upper() + plain[1:]
    return Words(en=plain, zh=plain)


def of_pair(english: str, chinese: str, language: Language) -> str:
    """The SQL of two columns that say the same."""
    if language != "both":
        return sql.quoted(english if language == "en" else chinese)
    first, second = sql.quoted(english), sql.quoted(chinese)
    return f"coalesce({first} || '{BETWEEN}' || {second}, {first}, {second})"


def of_codes(name: str, codes: Sequence[Code], language: Language) -> str:
    """The SQL that says a code in words; a code without words as it is."""
    cases = []
    for code in codes:
        words = Words(
            en=code.label_en or code.label_zh or code.code,
            zh=code.label_zh or code.label_en or code.code,
        )
        text = sql.literal(said(words, language))
        cases.append(f"when {sql.literal(code.code)} then {text}")
    quoted = sql.quoted(name)
    if not cases:
        return quoted
    return f"case {quoted} {' '.join(cases)} else {quoted} end"


def listed(codes: Sequence[Code], language: Language) -> str:
    """The codes with their words, for a description."""
    return "; ".join(
        f"{code.code}: "
        + said(
            Words(
                en=code.label_en or code.label_zh or code.code,
                zh=code.label_zh or code.label_en or code.code,
            ),
            language,
        )
        for code in codes
    )

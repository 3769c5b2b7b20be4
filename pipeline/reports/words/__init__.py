"""The words of the pages in both languages; nothing about a release.

A word is one of `WORDS`, English before Chinese, with `{names}` for what a page puts in;
it may hold markup of its own, and what is put in is escaped. A noun that is counted is
one of `NOUNS`: one, many, and the Chinese with `{n}`. Chinese says what the trade says,
not word for word what the English says. A page takes all its words from here, so that no
template asks which language it is in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from markupsafe import Markup

from pipeline.reports.words import (
    accounts,
    common,
    overview,
    owners,
    portfolio,
    quality,
    service,
)

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")

PARTS: Final = (common, overview, portfolio, accounts, service, owners, quality)
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    key: both for part in PARTS for key, both in part.WORDS.items()
}
NOUNS: Final[Mapping[str, tuple[str, str, str]]] = common.NOUNS


def say(language: Language) -> Callable[..., Markup]:
    """The words of a language: `t("key", name=value)`."""
    place = LANGUAGES.index(language)

    def t(key: str, **values: Any) -> Markup:
        return Markup(WORDS[key][place]).format(**values)

    return t

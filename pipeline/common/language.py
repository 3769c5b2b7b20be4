"""English and Chinese: sentences that are said in the language that a person reads.

A sentence is made in English where its facts are known, by `said`; it is a text like any
other, which JSON, journal and log take as it is. Where it is shown to a person,
`in_language` says it in Chinese: its pattern stands in `pipeline.common.chinese` with the
same names in braces. What has no pattern there (a name, a file's path, what an engine or a
project's own file says) stays as it is, rather than being translated badly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

from pipeline.common import chinese

Code = Literal["en", "zh"]
LANGUAGES: Final[tuple[Code, ...]] = ("en", "zh")


class Sentence(str):
    """A sentence in English that knows what it is made of.

    Attributes:
        pattern: The English with names in braces; of what was joined, what is between.
        values: What stands in their place, sentences among them.
    """

    __slots__ = ("pattern", "values")
    pattern: str
    values: Mapping[str, Any]

    def __new__(
        cls, text: str, pattern: str = "", values: Mapping[str, Any] | None = None
    ) -> Self:
        """A text, and what it was made of."""
        made = super().__new__(cls, text)
        made.pattern = pattern
        made.values = values or {}
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is made of the same."""
        return type(self), (str(self), self.pattern, dict(self.values))


def said(pattern: str, /, **values: Any) -> Sentence:
    """A sentence that can be said in both languages.

    Args:
        pattern: In English, with names in braces as `str.format` reads them; its Chinese
            stands in `pipeline.common.chinese`.
        values: What the names stand for; sentences are said in the language, too.
    """
    return Sentence(pattern.format(**values), pattern, values)


# What stands between sentences, or parts of one.
_BETWEEN: Final = {" ": "", "; ": "；"}


def joined(parts: Sequence[str], between: str = " ") -> Sentence:
    """Sentences one after the other, as one; what is empty is left out.

    Args:
        parts: Sentences, or what is the same in both languages.
        between: What parts them in English.
    """
    values = {str(place): part for place, part in enumerate(parts) if part}
    return Sentence(between.join(values.values()), between, values)


def in_language(text: str, language: str) -> str:
    """A sentence, or a fixed text, in the language; in English where it has no Chinese."""
    if language == "en":
        return str(text)
    if not isinstance(text, Sentence):
        return chinese.WORDS.get(text, text)
    values = {
        name: in_language(value, language) if isinstance(value, Sentence) else value
        for name, value in text.values.items()
    }
    if text.pattern in _BETWEEN:
        return _BETWEEN[text.pattern].join(values.values())
    pattern = chinese.WORDS.get(text.pattern)
    return str(text) if pattern is None else pattern.format(**values)

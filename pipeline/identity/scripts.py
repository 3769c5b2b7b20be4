"""Text in one width, script and case, and as it is spoken: Latin and Chinese letters.

Not here: what a text is (a name, a street, a number), which `normal` and `company_names`
know.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Container
from typing import Final

from pipeline.common.han import simplified

CJK = re.compile(r"[\u3400-\u9fff]")
NOT_WORD = re.compile(r"[\W_]+")
_SPACES = re.compile(r"\s+")
# "北京市", "广东省": the word for the kind of place says nothing that the name does not.
PLACE_WORD = re.compile(r"^([\u4e00-\u9fff]{2,3})(?:省|市|自治区)")
_MISSING = frozenset(
    {
        "",
        "na",
        "n a",
        "none",
        "null",
        "nil",
        "unknown",
        "tbd",
        "test",
        "无",
        "未知",
        "暂无",
    }
)


class _Simplified(dict[int, str]):
    """Character → its simplified form, by OpenCC; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if CJK.match(character):
            character = simplified(character)
        self[code] = character
        return character


class _Latin(dict[int, str]):
    """Character → Latin letters without accents; a Chinese character stays itself."""

    def __missing__(self, code: int) -> str:
        import anyascii

        character = chr(code)
        if code > 127 and not CJK.match(character) and character.isalpha():
            plain = "".join(
                part
                for part in unicodedata.normalize("NFKD", character)
                if not unicodedata.combining(part)
            )
            character = plain if plain.isascii() else anyascii.anyascii(character)
        self[code] = character
        return character


class _Sounds(dict[int, str]):
    """Character → its most usual reading in pinyin, without tones, and a blank."""

    def __missing__(self, code: int) -> str:
        import pypinyin

        character = chr(code)
        if CJK.match(character):
            character = pypinyin.lazy_pinyin(character)[0]
        self[code] = character
        return character


@functools.lru_cache(maxsize=65536)
def spoken(value: str) -> str:
    """A short text as it is spoken, with the reading that its words have.

    长沙 is Changsha, though 长 alone is zhang.
    """
    import pypinyin

    return "".join(pypinyin.lazy_pinyin(value)).replace(" ", "")


SIMPLIFIED: Final = _Simplified()
SOUNDS: Final = _Sounds()
LATIN: Final = _Latin()
_VOWELS = re.compile(r"(?<=[aou])e|(?<=a)a")


def folded(value: str) -> str:
    """Latin text in which ü, ue and u, ø, oe and o, å, aa and a are one letter each.

    Accents have been taken off already. Joel becomes jol on every side, so that what was
    equal stays equal.
    """
    return _VOWELS.sub("", value)


# A name is asked for several times, in whole and in its pieces.
@functools.lru_cache(maxsize=10_000)
def text(value: str) -> str:
    """The value in one width, script and case, without accents and punctuation.

    Full width becomes half width (NFKC), traditional characters become simplified ones,
    letters of other alphabets become Latin ones, `&` becomes `and`.
    """
    if value.isascii():
        plain = value
    else:
        plain = unicodedata.normalize("NFKC", value).translate(SIMPLIFIED)
        plain = plain.translate(LATIN)
    plain = plain.casefold().replace("&", " and ").replace("'", "")
    return _SPACES.sub(" ", NOT_WORD.sub(" ", plain)).strip()


def known(value: str | None, placeholders: Container[str] = ()) -> str | None:
    """The value, or nothing where it is a word for nothing."""
    return None if value in _MISSING or value in placeholders else value

"""The parts of a company's name, English or Chinese: core, place, branch, words, sound.

Not here: the words that a business may add to (`vocabulary`), and which words are
misspelt, which only all names together can tell (`shared`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from pipeline.identity.name_parts import one_part, own_numbers, parts
from pipeline.identity.scripts import (
    CJK,
    NOT_WORD,
    PLACE_WORD,
    SIMPLIFIED,
    SOUNDS,
    folded,
    known,
    spoken,
    text,
)
from pipeline.identity.vocabulary import Vocabulary

# A bracket that the width of a column has cut is one as well.
_BRACKETS = re.compile(r"[(\[【〔（]([^)\]】〕）]*)(?:[)\]】〕）]|$)")


class CompanyName(NamedTuple):
    """A company's name in parts.

    Attributes:
        key: The whole name without its legal form.
        core: The key without the place in front of it or in brackets.
        place: That place, as it is spoken.
        branch: Which branch of the company it is, as it is spoken; `?` for one that is not
            named, null for a name that is no branch's.
        sound: The core as it is spoken: pinyin for Chinese, letters only, without a
            legal form written in pinyin.
        words: Of a Latin name the words that say something, abbreviations written out,
            each once, in the order of the alphabet.
        known_words: Those of the words that are no misspelling of another.
        numbers: The numbers in it, in their order: 21 of "Hotel 21", 1 of
            第一人民医院.
        initials: Of a Latin name of three words and more the first letter of each.
        parts: The parts of a Latin name of several, with their kinds (`name_parts`).
    """

    key: str | None = None
    core: str | None = None
    place: str | None = None
    branch: str | None = None
    sound: str | None = None
    words: str | None = None
    known_words: str | None = None
    numbers: str | None = None
    initials: str | None = None
    parts: str | None = None


# 华信科技有限公司长沙复兴路分公司; Genne Packaging Inc. - Chicago Madison; … Ltd Hill Branch
_KINDS_OF_BRANCH: Final = "(?:分公司|分店|分行|支行|办事处|营业部)$"
_BRANCHCJK = re.compile("^(.{2,}?公司|.{2,}?集团)(.*?)" + _KINDS_OF_BRANCH)
_IS_BRANCHCJK = re.compile(_KINDS_OF_BRANCH)
_BRANCH_LATIN = re.compile(r"^(.{3,}?)\s+[-–—|/]\s+(.{2,})$")
_DASHES: Final = frozenset("-–—|/")
_IS_BRANCH_LATIN = re.compile(r"\bbranch(?: office)?$", re.IGNORECASE)


def _branch(value: str, forms: frozenset[str]) -> tuple[str, str | None]:
    """A company's name without its branch, and the branch as it is spoken."""
    plain = value.strip()
    if _is_chinese(plain):
        plain = plain.translate(SIMPLIFIED)
        bare = _BRACKETS.sub("", plain).strip()
        if not _IS_BRANCHCJK.search(bare):
            return value, None
        if (found := _BRANCHCJK.match(bare)) and found[2]:
            return found[1], spoken(found[2])
        return _IS_BRANCHCJK.sub("", bare), "?"
    if not _DASHES.isdisjoint(plain) and (found := _BRANCH_LATIN.match(plain)):
        return found[1], text(found[2]).replace(" ", "")
    if "branch" not in plain.casefold():
        return value, None
    bare = _BRACKETS.sub("", plain).strip()
    if _IS_BRANCH_LATIN.search(bare):
        words = text(_IS_BRANCH_LATIN.sub("", bare)).split()
        for place in range(len(words) - 1, 0, -1):
            if words[place] in forms:
                head, tail = words[: place + 1], "".join(words[place + 1 :])
                return " ".join(head), tail or "?"
        return " ".join(words), "?"
    return value, None


def _is_chinese(value: str) -> bool:
    return not value.isascii() and CJK.search(value) is not None


def company(value: str, vocabulary: Vocabulary) -> CompanyName:
    """The parts of a company's name, English or Chinese."""
    # All that follows takes the name in one width.
    value = value if value.isascii() else unicodedata.normalize("NFKC", value)
    parts_of_it, begins = parts(value, vocabulary)
    value = value[begins:]
    if not _is_chinese(value):
        value = _without_cut_form(value, vocabulary)
    value = _without_department(value, vocabulary)
    value, address = _without_address(value, vocabulary)
    value, branch = _branch(value, vocabulary.legal_forms)
    value, town = _without_town(value, vocabulary)
    read = _chinese_name if _is_chinese(value) else _latin_name
    key, core, place = read(value, vocabulary)
    if not known(core) or core in vocabulary.placeholder_names:
        return CompanyName()
    sound = (core if core.isascii() else core.translate(SOUNDS)).replace(" ", "")
    if sound.endswith(vocabulary.spoken_forms):  # "Huaxin Keji Youxian Gongsi"
        for form in vocabulary.spoken_forms:
            if sound.endswith(form) and len(sound) > len(form) + 2:
                sound = sound.removesuffix(form)
                break
    key = key if branch is None else f"{key} / {branch}"
    said = [] if _is_chinese(core) else _said(core, vocabulary)
    words = sorted(set(folded(" ".join(said)).split(" "))) if said else []
    if parts_of_it is None and not vocabulary.renderings.keys().isdisjoint(said):
        parts_of_it = one_part(value, vocabulary)
    return CompanyName(
        folded(key),
        folded(core),
        spoken(place) if place else town or address,
        branch,
        folded(sound),
        " ".join(words) or None,
        " ".join(word for word in words if word in vocabulary.known_words) or None,
        own_numbers(_numbers(core), parts_of_it),
        "".join(word[0] for word in said) if len(said) > 2 else None,
        parts_of_it,
    )


def _said(core: str, vocabulary: Vocabulary) -> list[str]:
    """The words of a Latin name that say something, abbreviations written out.

    A number is written without leading zeros and without the word for number before it.
    """
    words = [
        str(int(word)) if word.isdecimal() else _written_out(word, after, vocabulary)
        for word, after in pairwise([*core.split(), ""])
        if not (after.isdecimal() and word in _NUMBER_WORDS)
    ]
    for idle in (vocabulary.fillers, vocabulary.legal_forms):
        words = [word for word in words if word not in idle] or words
    return words


def _written_out(word: str, after: str, vocabulary: Vocabulary) -> str:
    if word == "u" and after in ("", "of"):  # Boston U., U. of Leeds
        return "university"
    return vocabulary.abbreviations.get(word, word)


_NUMBER_WORDS: Final = frozenset({"no", "nr", "num", "number"})


# Widths of columns in which names are kept; shorter names have these by chance too often.
_WIDTHS: Final = frozenset({30, 32, 35, 36, 40, 45, 48, 50, 60, 64, 80, 100})


def _without_cut_form(value: str, vocabulary: Vocabulary) -> str:
    """A Latin name of the width of a column without the beginning of a legal form."""
    plain = value.strip()
    # A blank at the end of the column is gone.
    if len(plain) not in _WIDTHS and len(plain) + 1 not in _WIDTHS:
        return value
    words = plain.split()
    for count in (4, 3, 2, 1):
        tail = text(" ".join(words[-count:])).replace(" ", "")
        # One letter may be the name of a fund; no legal form follows "in" or "of".
        if (
            len(tail) > 1
            and len(words) >= count + 2
            and tail in vocabulary.form_beginnings
            and text(words[-count - 1]) not in vocabulary.fillers - {"and", "und"}
        ):
            return " ".join(words[:-count]).rstrip(" ,-&")
    return value


_AROUND: Final = ".,;:()-/|&"
_SEPARATORS = re.compile(r"\s*[,;|]\s*|\s+[-–—/]\s+")
_BLANKS = re.compile(r"\s{2,}")
_DEPARTMENT_CJK = re.compile(
    "(?:采购|财务|法务|研发|人事|行政|市场|销售|技术|信息|业务|工程)(?:部|部门|中心|处|科)$"
)


def _without_department(value: str, vocabulary: Vocabulary) -> str:
    """A name without the part of the company that wrote it."""
    plain = value.strip()
    if _is_chinese(plain):
        return _DEPARTMENT_CJK.sub("", plain) or plain
    # Nearly every name ends here, without being taken apart.
    bare = [word.strip(_AROUND) for word in plain.casefold().split()]
    if vocabulary.department_words.isdisjoint(bare):
        return plain
    words = text(plain).split()
    # Two blanks are what is left of a comma.
    for separators, between in ((_SEPARATORS, ", "), (_BLANKS, "  ")):
        pieces = separators.split(plain)
        kept = [
            piece
            for piece in pieces
            if not _is_department(text(piece).split(), vocabulary)
        ]
        if len(kept) < len(pieces) and any(
            text(piece).replace(" ", "") not in vocabulary.legal_forms for piece in kept
        ):
            return between.join(kept)
    if len(words) < 3 or words[-1] not in vocabulary.departments:
        return plain
    while len(words) > 1 and (
        words[-1] in vocabulary.departments
        or words[-1] in vocabulary.department_modifiers
    ):
        words = words[:-1]
    return " ".join(words)


def _is_department(words: Sequence[str], vocabulary: Vocabulary) -> bool:
    return (
        not vocabulary.departments.isdisjoint(words)
        or (bool(words) and vocabulary.department_modifiers.issuperset(words))
        or f"{' '.join(words)} ".startswith(vocabulary.department_heads)
    )


# A name that is long enough to be whole without what stands behind a comma.
_WHOLE_LETTERS: Final = 12


# NY; NY 10041; 80333; 02139-4307; SW1A 2AA
_CODE = re.compile(
    r"(?:[A-Z]{2}[ -])?\d{4,6}(?:-\d{3,4})?|[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
)


def _without_address(value: str, vocabulary: Vocabulary) -> tuple[str, str | None]:
    """A Latin name without the end of an address behind commas, and the town of that.

    A state or a postal code, and a country beside it, are no part of a name, nor is the
    town before them. A country alone may be all that tells two companies apart.
    """
    if "," not in value or _is_chinese(value):
        return value, None
    pieces = [piece.strip() for piece in value.split(",")]
    end, is_town = len(pieces), False
    while end > 1:
        piece, plain = pieces[end - 1], text(pieces[end - 1])
        if plain in vocabulary.countries:
            pass
        elif _CODE.fullmatch(piece) and plain not in vocabulary.legal_forms:
            is_town = True
        else:
            break
        end -= 1
    if not is_town or end < 2:
        return value, None
    return ", ".join(pieces[: end - 1]), text(pieces[end - 1]).replace(" ", "") or None


def _without_town(value: str, vocabulary: Vocabulary) -> tuple[str, str | None]:
    """A Latin name without the town that stands behind a comma, and the town."""
    if "," not in value or _is_chinese(value):
        return value, None
    pieces = [
        piece
        for piece in _SEPARATORS.split(value)
        if text(piece).replace(" ", "") not in vocabulary.legal_forms
    ]
    if len(pieces) < 2:
        return value, None
    words = _without_form_words(text(pieces[0]).split(), vocabulary.legal_forms)
    if vocabulary.general_words.issuperset(words):
        return value, None  # Advanced Technology Group, of whom the next piece says
    if len(words) < 2 or len("".join(words)) < _WHOLE_LETTERS:
        return value, None
    return pieces[0], text(" ".join(pieces[1:])).replace(" ", "") or None


_ROMAN: Final = {"ii": 2, "iii": 3, "iv": 4, "vi": 6, "vii": 7, "viii": 8, "ix": 9}
_WORDS: Final = {
    word: number
    for number, several in enumerate(
        (
            "one first 1st", "two second 2nd", "three third 3rd", "four fourth 4th",
            "five fifth 5th", "six sixth 6th", "seven seventh 7th", "eight eighth 8th",
            "nine ninth 9th", "ten tenth 10th",
        ),
        start=1,
    )
    for word in several.split()
}  # fmt: skip
_NUMBERS: Final = frozenset({*_ROMAN, *_WORDS})
_CHINESE_DIGITS: Final = {
    digit: number for number, digit in enumerate("一二三四五六七八九", start=1)
}
_CHINESE_NUMBER = re.compile("第([一二三四五六七八九十]{1,3})")
_DIGITS = re.compile(r"\d+")


def _numbers(core: str) -> str | None:
    """The numbers in the core of a name, in their order."""
    found: list[int] = []
    if _is_chinese(core):
        found += map(int, _DIGITS.findall(core))
        for number in _CHINESE_NUMBER.findall(core):
            tens, ten, units = number.rpartition("十")
            found.append(
                (_CHINESE_DIGITS.get(tens, 1) * 10 if ten else 0)
                + _CHINESE_DIGITS.get(units, 0)
            )
    else:
        words = core.split()
        if not _DIGITS.search(core) and _NUMBERS.isdisjoint(words):
            return None
        for place, word in enumerate(words):
            found += map(int, _DIGITS.findall(word))
            if word in _WORDS:
                found.append(_WORDS[word])
            elif place and word in _ROMAN:
                found.append(_ROMAN[word])
    return " ".join(map(str, found)) or None


def _chinese_name(value: str, vocabulary: Vocabulary) -> tuple[str, str, str | None]:
    """Key, core and place of 广东省深圳市华信科技有限公司, or 华信科技（深圳）有限公司."""
    place = None
    core = _without_front(text(_SIGNS.sub("", value)).replace(" ", ""), vocabulary)
    for part in _BRACKETS.findall(value):
        inside = text(part).replace(" ", "")
        bare = PLACE_WORD.sub(r"\1", inside)
        if bare in vocabulary.places:
            core, place = core.replace(inside, "", 1), bare
    core = _without_forms(core, vocabulary.legal_forms)
    previous = None
    while previous != core:  # a province, then a city
        previous = core
        core = PLACE_WORD.sub(r"\1", core)
        for length in (4, 3, 2):
            if core[:length] in vocabulary.places and len(core) > length + 1:
                place, core = core[:length], core[length:]
                break
    return (place or "") + core, core, place


# （株）, ㈱ and their like: NFKC has written the sign out.
_SIGNS = re.compile(r"[(（][株有同资資名][)）]")


def _without_front(core: str, vocabulary: Vocabulary) -> str:
    """A Chinese or Japanese name without the legal form in front of it."""
    if core.startswith(vocabulary.chinese_front_forms):
        for form in vocabulary.chinese_front_forms:
            if core.startswith(form) and len(core) > len(form) + 1:
                return core[len(form) :]
    return core


def _latin_name(value: str, vocabulary: Vocabulary) -> tuple[str, str, str | None]:
    """Key, core and place of Beijing Huaxin Technology (Beijing) Co., Ltd."""
    place = None
    bracketed = _BRACKETS.findall(value)
    plain = _BRACKETS.sub(" ", value) if bracketed else value
    front = plain.split(None, 1)
    first = NOT_WORD.sub("", front[0]).casefold() if front else ""
    words = text(plain).split()
    if first in vocabulary.front_forms and len(words) > 1:
        rest = words[1:]
        words = rest if rest[0] not in vocabulary.legal_forms else words
    words = words[1:] if words[:1] == ["the"] and len(words) > 1 else words
    words = list(_without_form_words(words, vocabulary.legal_forms))
    for part in bracketed:
        # Two of a name are told apart by what stands in brackets: (Leeds) and (York).
        inside = _without_form_words(text(part).split(), vocabulary.legal_forms)
        if _is_place(inside, words, vocabulary):
            place = "".join(inside)
    key = " ".join([*words, *([place] if place else [])])
    if len(words) > 1 and words[0] in vocabulary.spoken_places:
        place, words = words[0], words[1:]
    return key, " ".join(words), place


def _is_place(
    inside: Sequence[str], words: Sequence[str], vocabulary: Vocabulary
) -> bool:
    """Whether words in brackets say which of several, and not what the name says too."""
    joined = "".join(inside)
    if joined in vocabulary.spoken_places:
        return True
    said = {*words, "".join(words), "".join(word[0] for word in words)}
    return (
        bool(joined)
        and len(inside) <= 2
        and joined.isalpha()
        and not said & {joined, *inside}
        and not {joined, *inside} & vocabulary.idle_words
    )


def _without_forms(plain: str, forms: frozenset[str]) -> str:
    shorter = True
    while shorter:
        shorter = False
        for length in range(min(7, len(plain) - 2), 1, -1):
            if plain[-length:] in forms:
                plain, shorter = plain[:-length], True
                break
    return plain


def _without_form_words(words: Sequence[str], forms: frozenset[str]) -> Sequence[str]:
    while len(words) > 1:
        for length in (5, 4, 3, 2, 1):
            if len(words) > length and (
                " ".join(words[-length:]) in forms or "".join(words[-length:]) in forms
            ):
                words = words[:-length]
                break
        else:
            break
    if words[-1:] == ["and"] and len(words) > 1:  # "Smith & Co."
        words = words[:-1]
    return words

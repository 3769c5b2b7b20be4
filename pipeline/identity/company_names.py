"""The parts of a company's name, English or Chinese: core, place, branch, sound."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.identity.scripts import (
    CJK,
    PLACE_WORD,
    SIMPLIFIED,
    SOUNDS,
    known,
    spoken,
    text,
)

_BRACKETS = re.compile(r"[(\[【〔（]([^)\]】〕）]*)[)\]】〕）]")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What a business may add to: the seeds behind the normal forms.

    Attributes:
        legal_forms: Words for the legal form of a company, in normal form.
        places: Chinese names of places that stand before a company's own name.
        free_mail: Domains at which anybody has an address.
    """

    legal_forms: frozenset[str]
    places: frozenset[str]
    free_mail: frozenset[str]

    @functools.cached_property
    def spoken_forms(self) -> tuple[str, ...]:
        """Chinese legal forms in pinyin, the longest first."""
        spoken = {
            form.translate(SOUNDS) for form in self.legal_forms if CJK.search(form)
        }
        return tuple(sorted(spoken, key=lambda form: (-len(form), form)))

    @functools.cached_property
    def spoken_places(self) -> frozenset[str]:
        """The places in pinyin."""
        return frozenset(spoken(place) for place in self.places)


@dataclass(frozen=True)
class CompanyName:
    """A company's name in parts.

    Attributes:
        key: The whole name without its legal form.
        core: The key without the place in front of it or in brackets.
        place: That place, as it is spoken.
        branch: Which branch of the company it is, as it is spoken; `?` for one that is not
            named, null for a name that is no branch's.
        sound: The core as it is spoken: pinyin for Chinese, letters only, without a
            legal form written in pinyin.
    """

    key: str | None
    core: str | None
    place: str | None
    branch: str | None
    sound: str | None


# 华信科技有限公司长沙复兴路分公司; Genne Packaging Inc. - Chicago Madison; … Ltd Hill Branch
_KINDS_OF_BRANCH: Final = "(?:分公司|分店|分行|支行|办事处|营业部)$"
_BRANCHCJK = re.compile("^(.{2,}?公司|.{2,}?集团)(.*?)" + _KINDS_OF_BRANCH)
_IS_BRANCHCJK = re.compile(_KINDS_OF_BRANCH)
_BRANCH_LATIN = re.compile(r"^(.{3,}?)\s+[-–—|/]\s+(.{2,})$")
_IS_BRANCH_LATIN = re.compile(r"\bbranch(?: office)?$", re.IGNORECASE)


def _branch(value: str, forms: frozenset[str]) -> tuple[str, str | None]:
    """A company's name without its branch, and the branch as it is spoken."""
    plain = unicodedata.normalize("NFKC", value).strip()
    if CJK.search(plain):
        plain = plain.translate(SIMPLIFIED)
        bare = _BRACKETS.sub("", plain).strip()
        if not _IS_BRANCHCJK.search(bare):
            return value, None
        if (found := _BRANCHCJK.match(bare)) and found[2]:
            return found[1], spoken(found[2])
        return _IS_BRANCHCJK.sub("", bare), "?"
    if found := _BRANCH_LATIN.match(plain):
        return found[1], text(found[2]).replace(" ", "")
    bare = _BRACKETS.sub("", plain).strip()
    if _IS_BRANCH_LATIN.search(bare):
        words = text(_IS_BRANCH_LATIN.sub("", bare)).split()
        for place in range(len(words) - 1, 0, -1):
            if words[place] in forms:
                head, tail = words[: place + 1], "".join(words[place + 1 :])
                return " ".join(head), tail or "?"
        return " ".join(words), "?"
    return value, None


def company(value: str, vocabulary: Vocabulary) -> CompanyName:
    """The parts of a company's name, English or Chinese."""
    value, branch = _branch(value, vocabulary.legal_forms)
    parts = _chinese_name if CJK.search(value) else _latin_name
    key, core, place = parts(value, vocabulary)
    if not known(core):
        return CompanyName(None, None, None, None, None)
    sound = core.translate(SOUNDS).replace(" ", "")
    for form in vocabulary.spoken_forms:  # "Huaxin Keji Youxian Gongsi"
        if sound.endswith(form) and len(sound) > len(form) + 2:
            sound = sound.removesuffix(form)
            break
    key = key if branch is None else f"{key} / {branch}"
    return CompanyName(key, core, place and spoken(place), branch, sound)


def _chinese_name(value: str, vocabulary: Vocabulary) -> tuple[str, str, str | None]:
    """Key, core and place of 广东省深圳市华信科技有限公司, or 华信科技（深圳）有限公司."""
    place = None
    core = text(value).replace(" ", "")
    for part in _BRACKETS.findall(unicodedata.normalize("NFKC", value)):
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


def _latin_name(value: str, vocabulary: Vocabulary) -> tuple[str, str, str | None]:
    """Key, core and place of Beijing Huaxin Technology (Beijing) Co., Ltd."""
    place = None
    words = text(_BRACKETS.sub(" ", value)).split()
    words = words[1:] if words[:1] == ["the"] else words
    words = list(_without_form_words(words, vocabulary.legal_forms))
    for part in _BRACKETS.findall(unicodedata.normalize("NFKC", value)):
        if text(part) in vocabulary.spoken_places:
            place = text(part)
    key = " ".join([*words, *([place] if place else [])])
    if len(words) > 1 and words[0] in vocabulary.spoken_places:
        place, words = words[0], words[1:]
    return key, " ".join(words), place


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
        for length in (4, 3, 2, 1):
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

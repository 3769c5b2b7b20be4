"""The parts of a person's name: given, family, which generation, and what a title says."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from pipeline.identity.scripts import CJK, folded, known, text

_TITLES: Final = {
    "mr": "male", "mister": "male", "herr": "male", "monsieur": "male", "sir": "male",
    "signor": "male", "signore": "male", "senor": "male", "don": "", "mrs": "female",
    "ms": "female", "miss": "female", "frau": "female", "madame": "female",
    "mme": "female", "mlle": "female", "signora": "female", "senora": "female",
    "lady": "female", "dr": "", "prof": "", "professor": "", "ing": "", "rev": "",
}  # fmt: skip
_HONORIFICS: Final = {
    "先生": "male",
    "女士": "female",
    "小姐": "female",
    "太太": "female",
}
_GENERATIONS: Final = {
    "jr": "junior", "junior": "junior", "jnr": "junior", "sr": "senior",
    "senior": "senior", "snr": "senior", "ii": "2", "iii": "3", "iv": "4", "2nd": "2",
    "3rd": "3", "4th": "4",
}  # fmt: skip
_PARTICLES: Final = frozenset(
    {
        "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "la",
        "le", "ter", "ten", "bin", "ibn", "al", "el",
    }
)  # fmt: skip
# Chinese family names of two characters that are met today.
_TWO_CHARACTERS: Final = frozenset(
    {
        "欧阳", "司马", "上官", "诸葛", "夏侯", "东方", "皇甫", "尉迟", "公孙", "慕容",
        "令狐", "宇文", "长孙", "司徒", "端木", "南宫",
    }
)  # fmt: skip


@dataclass(frozen=True)
class PersonName:
    """A person's name in parts, each null where it is not known.

    Attributes:
        given: As compared: letters only.
        family: The same of the family name.
        generation: junior, senior, or which of several of one name.
        gender: male or female, where a title says so.
    """

    given: str | None
    family: str | None
    generation: str | None
    gender: str | None


def key(value: str) -> str | None:
    """A given or family name as it is compared: letters only."""
    return known(folded(text(value).replace(" ", "")))


def person(whole: str, given: str, family: str) -> PersonName:
    """The parts of a name.

    Args:
        whole: The name as one field has it: "Ann Lee", "Lee, Ann" or 欧阳平; may be empty,
            and is read only where neither part is known.
        given: The given name; may be empty.
        family: The family name; may be empty.
    """
    says = _gender(whole) or _gender(f"{given} x") or _gender(family)
    generation = next(
        (found for value in (family, given, whole) if (found := _generation(value))),
        None,
    )
    if not text(given) and not text(family):
        given, family = _parts(whole)
    return PersonName(
        key(" ".join(_bare(given))), key(" ".join(_bare(family))), generation, says
    )


def gender(value: str) -> str | None:
    """A recorded gender, male or female; null where it says neither."""
    plain = text(value).replace(" ", "")
    return next((name for name, words in _GENDERS.items() if plain in words), None)


_GENDERS: Final = {
    "male": frozenset(
        {
            "m", "male", "man", "mann", "mannlich", "masculin", "masculine",
            "masculino", "homme", "h", "男", "男性", "先生",
        }
    ),
    "female": frozenset(
        {
            "f", "female", "woman", "frau", "weiblich", "w", "feminin", "feminine",
            "femenino", "femme", "女", "女性", "女士",
        }
    ),
}  # fmt: skip


def _gender(value: str) -> str | None:
    if CJK.search(value):
        plain = unicodedata.normalize("NFKC", value).strip()
        return next(
            (says for word, says in _HONORIFICS.items() if plain.endswith(word)), None
        )
    words = text(value).split()
    return (_TITLES.get(words[0]) or None) if len(words) > 1 else None


def _generation(value: str) -> str | None:
    words = text(value).split()
    return _GENERATIONS.get(words[-1]) if len(words) > 1 else None


def _bare(value: str) -> list[str]:
    """The words of a name without titles, honorifics and generation."""
    words = text(value).split()
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    while len(words) > 1 and words[-1] in _GENERATIONS:
        words = words[:-1]
    return words


def _parts(whole: str) -> tuple[str, str]:
    """Given and family name of a whole name; nothing of one with figures in it."""
    plain = unicodedata.normalize("NFKC", whole).strip()
    if CJK.search(plain):
        plain = re.sub(f"(?:{'|'.join(_HONORIFICS)})$", "", plain).replace(" ", "")
        length = 2 if plain[:2] in _TWO_CHARACTERS and len(plain) > 2 else 1
        return (plain[length:], plain[:length]) if len(plain) < 6 else ("", plain)
    if any(character.isdigit() for character in plain):
        return "", ""
    front, comma, behind = plain.partition(",")
    if comma and (words := _bare(behind)) and words[0] not in _GENERATIONS:
        return " ".join(words), front
    words = _bare(front)
    if len(words) < 2:
        return "", " ".join(words)
    start = next(
        (
            place
            for place, word in enumerate(words[1:-1], start=1)
            if word in _PARTICLES
        ),
        len(words) - 1,
    )
    return words[0], " ".join(words[start:])

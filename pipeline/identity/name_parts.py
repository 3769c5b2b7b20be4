"""The parts of a name that says where somebody sits: department, organisation, town.

"Dept. of Physics, Univ. of Leeds, Leeds LS2 9JT" is three things behind commas. Each part
gets a kind by its words alone; which part is the organisation, and which town a campus,
only all names together can tell (`organisations`). Not here: names without a sign between
their parts that hold no university and the like (`company_names`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.identity.scripts import CJK, folded, text
from pipeline.identity.vocabulary import Vocabulary

# The kind of a part, as it stands before its words.
UNIVERSITY: Final = "o"
INSTITUTE: Final = "p"
CAMPUS: Final = "g"  # behind "at", "in" or a hyphen of the name itself
UNIT: Final = "u"
OWN_BODY: Final = "h"  # a hospital, a press: another organisation than its university
LETTERS: Final = "k"
ADDRESS: Final = "a"
OTHER: Final = "x"

_SIGNS = re.compile(r"[,;:|/()\[\]\"“”„«»\n\t]+|\s+[-–—]+\s+|[-–—]+\s+|[–—]+|\s{2,}")
# As much, and cheaper to ask.
_HAS_SIGN = re.compile(r"[,;:|/()\[\]\"“”„«»\n\t–—]|\s[-\s]|-\s")
_CAMPUS = re.compile(r"-|\s+@\s*|\s+(?:at|in)\s+(?!&)", re.IGNORECASE)
_LETTERS = re.compile(r"[A-Z](?:[A-Z&]|\.)*[A-Z]\.?|[A-Z]{2,5}[a-z]?")
_MOST_LETTERS: Final = 8
_LEAST_LETTERS: Final = 3
_LEAST_CODE: Final = 4
_DIGITS = re.compile(r"\d+")
# Of the words for a university and an institute.
_STEMS: Final = ("univ", "inst", "coll", "polit", "polyt", "hoch", "hoge", "gsk", "jsk")
# No number: Paris VI.
_STATE = re.compile(r"(?![IVX]{2})[A-Z]{2}|[A-Z]\.[A-Z]\.")
_STREET_ENDS: Final = frozenset(
    {
        "avenue", "ave", "blvd", "boulevard", "building", "bldg", "campus", "drive",
        "dr", "floor", "hall", "highway", "lane", "mall", "parade", "parkway", "pike",
        "place", "rd", "road", "room", "square", "saint", "str", "strasse", "suite",
        "terrace", "way",
    }
)  # fmt: skip
_STREET_FRONTS: Final = frozenset(
    {
        "via", "rue", "calle", "piazza", "place", "avenue", "corso", "plaza", "po",
        "box", "viale", "quai", "bp", "cp", "pob", "mail", "bat", "batiment",
    }
)  # fmt: skip
_STREET_TAILS: Final = (
    "strasse", "str", "weg", "gasse", "platz", "allee", "laan", "straat", "gade", "vej",
    "vagen", "gatan", "plein", "ring",
)  # fmt: skip
_OF: Final = frozenset(
    {"of", "de", "di", "du", "des", "degli", "della", "do", "da", "zu", "del", "von"}
)
_BETWEEN: Final = frozenset({"the", "and", "for", "fur", "f", "a"})


def parts(value: str, vocabulary: Vocabulary) -> tuple[str | None, int]:
    """The parts of a Latin name with their kinds, "u:department of physics|o:…".

    Args:
        value: The name as it is written, in one width.
        vocabulary: The seeds.

    Returns:
        The parts, null for a name of one that is no university and the like; and where
        in the value a university begins that has only departments in front of it.
    """
    if not vocabulary.institutions or (not value.isascii() and CJK.search(value)):
        return None, 0
    if (
        _HAS_SIGN.search(value) is None
        and not (len(value) <= _MOST_LETTERS and _LETTERS.fullmatch(value))
        # Most names have neither: the cheap question first.
        and (
            not _may_be_institution(value.casefold())
            or vocabulary.is_institution.search(text(value)) is None
        )
    ):
        return None, 0
    found: list[str] = []
    begins, kinds = 0, set[str]()
    for start, piece in _pieces(value):
        for kind, words in _kinds(piece, not found, vocabulary):
            if words:
                found.append(f"{kind}:{folded(' '.join(words))}")
                if kind in (UNIVERSITY, INSTITUTE) and kinds == {UNIT}:
                    begins = start
                is_unit = kind == OTHER and words[-1] in vocabulary.unit_heads
                kinds.add(UNIT if is_unit else kind)  # Cavendish Laboratory
    if not found or (len(found) == 1 and found[0][0] == OTHER):
        return None, 0
    return "|".join(found), begins


def one_part(value: str, vocabulary: Vocabulary) -> str:
    """A name of one part with foreign words in it, as `parts` has those of several."""
    return f"{OTHER}:{folded(' '.join(words_of(value, vocabulary)))}"


def _may_be_institution(value: str) -> bool:
    # Not any(): it is asked of every name.
    for stem in _STEMS:
        if stem in value:
            return True
    return " u" in value or value.startswith(("u ", "u."))


def own_numbers(numbers: str | None, encoded: str | None) -> str | None:
    """The numbers of a name that are none of an address behind it."""
    if numbers is None or encoded is None:
        return numbers
    parts_of_it = [part.partition(":") for part in encoded.split("|")]
    address = {
        int(number)
        for kind, _, words in parts_of_it
        if kind == ADDRESS
        for number in _DIGITS.findall(words)
    }
    own = {
        int(number)
        for kind, _, words in parts_of_it
        if kind != ADDRESS
        for number in _DIGITS.findall(words)
    }
    kept = [n for n in numbers.split() if int(n) not in address or int(n) in own]
    return " ".join(kept) or None


def _pieces(value: str) -> Iterator[tuple[int, str]]:
    """What stands between signs, and where it begins."""
    start = 0
    for sign in _SIGNS.finditer(value):
        yield start, value[start : sign.start()]
        start = sign.end()
    yield start, value[start:]


def _kinds(
    piece: str, is_first: bool, vocabulary: Vocabulary
) -> list[tuple[str, Sequence[str]]]:
    """The parts of a piece between two signs."""
    piece = piece.strip(" .-'`*")
    words = words_of(piece, vocabulary)
    if not words or " ".join(words) in vocabulary.legal_forms:
        return []
    if " ".join(words) in vocabulary.countries:
        return [(ADDRESS, words)]
    if vocabulary.institutions.isdisjoint(words):
        return _others(piece, words, is_first, vocabulary)
    return _institution(piece, words, vocabulary)


def words_of(piece: str, vocabulary: Vocabulary) -> list[str]:
    """The words of a piece, abbreviations written out, foreign ones in English."""
    found: list[str] = []
    letters: list[str] = []
    raw = text(piece).split()
    for place, word in enumerate(raw):
        after = raw[place + 1] if place + 1 < len(raw) else ""
        is_university = word == "u" and (
            after in ("", "of") or (not letters and len(after) > 3)
        )
        if len(word) == 1 and word.isalpha() and not is_university:
            letters.append(word)
            continue
        if letters:
            found.append("".join(letters))
            letters = []
        found.append("university" if is_university else word)
    if letters:
        found.append("".join(letters))
    words = [_english(word, vocabulary) for word in found]
    # St. before University is a state's.
    for place, word in enumerate(words[:-1]):
        if word == "saint" and words[place + 1] == "university" and place:
            words[place] = "state"
    return [
        "of" if word in _OF else word
        for word in words
        if word in _OF or (word not in vocabulary.fillers and word not in _BETWEEN)
    ]


def _english(word: str, vocabulary: Vocabulary) -> str:
    word = vocabulary.renderings.get(word, word)
    word = vocabulary.abbreviations.get(word, word)
    return vocabulary.renderings.get(word, word)


def _others(
    piece: str, words: list[str], is_first: bool, vocabulary: Vocabulary
) -> list[tuple[str, Sequence[str]]]:
    """A piece that holds no university: a unit, an address, letters or anything."""
    if not vocabulary.own_bodies.isdisjoint(words):
        return [(OWN_BODY, words)]
    if _is_unit(words, vocabulary):
        return [(UNIT, words)]
    if not is_first and (found := _address(piece, words, vocabulary)) is not None:
        return found
    if _LETTERS.fullmatch(piece):
        return [(LETTERS, ["".join(words)])]
    return [(OTHER, _without_forms(words, vocabulary))]


def _is_unit(words: Sequence[str], vocabulary: Vocabulary) -> bool:
    return (
        not vocabulary.departments.isdisjoint(words)
        or words[0] in vocabulary.unit_heads
        or words[-1] in vocabulary.unit_ends
        or vocabulary.department_modifiers.issuperset(words)
        or f"{' '.join(words)} ".startswith(vocabulary.department_heads)
    )


def _address(
    piece: str, words: list[str], vocabulary: Vocabulary
) -> list[tuple[str, Sequence[str]]] | None:
    """A street, a state, a code, and the town beside a code; null for none of them."""
    if _STATE.fullmatch(piece):
        return [(ADDRESS, words)]
    if words[0][0].isdigit() and (len(words) > 2 and words[-1].isalpha()):
        code = words[0]
        if len(code) in (4, 5, 6) and len(words) <= 3 and not _is_street(words):
            return [(ADDRESS, [code]), (OTHER, words[1:])]
        return [(ADDRESS, words)]
    if _is_street(words):
        return [(ADDRESS, words)]
    raw = piece.split()
    if words[-1] in vocabulary.legal_forms:
        return None
    numbers = [word for word in raw if any(sign.isdigit() for sign in word)]
    if len(raw) == 1 and len(words[0]) < _LEAST_CODE:
        return None
    if numbers or (len(raw) > 1 and _STATE.fullmatch(raw[-1])):
        town = [
            word
            for word in raw
            if word not in numbers and not (_STATE.fullmatch(word) and len(raw) > 1)
        ]
        codes = text(" ".join(word for word in raw if word not in town)).split()
        return [(OTHER, words_of(" ".join(town), vocabulary)), (ADDRESS, codes)]
    return None


def _is_street(words: Sequence[str]) -> bool:
    return (
        words[-1] in _STREET_ENDS
        or words[0] in _STREET_FRONTS
        or any(
            word.endswith(_STREET_TAILS) and len(word) > 6
            for word in words
            if len(words) <= 3
        )
    )


def _institution(
    piece: str, words: list[str], vocabulary: Vocabulary
) -> list[tuple[str, Sequence[str]]]:
    """A piece that holds a university or the like, without what is run together with it."""
    if words[0][0].isdigit():
        return [(ADDRESS, words)]  # 10 King's College Road
    if words[-1] in _STREET_ENDS and words[-1] != "saint":
        return [(ADDRESS, words)]
    if not vocabulary.own_bodies.isdisjoint(words):
        return [(OWN_BODY, words)]
    kind = UNIVERSITY if "university" in words else INSTITUTE
    first = next(n for n, word in enumerate(words) if word in vocabulary.institutions)
    if kind == INSTITUTE and (
        (first == 0 and words[0] != "polytechnic")
        or _is_unit(words[:1], vocabulary)
        or (
            not vocabulary.departments.isdisjoint(words)
            and "institute of technology" not in " ".join(words[1:])
        )
    ):
        # Institute of Physics, College of Engineering
        return [(UNIT, words)]
    if (
        words[0] == "university"
        and "of" in words[2:3]
        and _is_unit(words[1:], vocabulary)
    ):
        return [(UNIT, words)]  # University Department of Psychiatry
    tail: list[str] = []
    for found in _CAMPUS.finditer(piece):
        left = words_of(piece[: found.start()], vocabulary)
        if len(left) > 1 and not vocabulary.institutions.isdisjoint(left):
            tail = words_of(piece[found.end() :], vocabulary)
            if len("".join(tail)) < _LEAST_LETTERS or tail[0][0].isdigit():
                tail = []  # the width of a column has cut it, or it is of a code
                continue
            piece, words = piece[: found.start()], left
            break
    words, address = _without_code(piece, words, vocabulary)
    tail, rest_address = _cut(tail)
    campus = [(CAMPUS, tail)] if tail else []
    numbers = [(ADDRESS, both)] if (both := [*address, *rest_address]) else []
    return [(kind, words), *campus, *numbers]


def _without_code(
    piece: str, words: list[str], vocabulary: Vocabulary
) -> tuple[list[str], list[str]]:
    """Words without what is run together with them: a street, a state, a country."""
    words, address = _cut(words)
    raw = piece.split()
    if (
        not address
        and len(raw) > 2
        and _STATE.fullmatch(raw[-1])
        and not piece.isupper()
        and words[-1] == text(raw[-1]).replace(" ", "")
    ):
        return words[:-1], words[-1:]
    if len(words) > 2 and words[-1] in vocabulary.countries and words[-2] != "of":
        return words[:-1], words[-1:]
    return words, address


def _cut(words: list[str]) -> tuple[list[str], list[str]]:
    """Words up to the first number of two figures and more, and the rest."""
    for place, word in enumerate(words):
        if place and any(sign.isdigit() for sign in word) and len(word) > 1:
            is_street = place > 1 and words[place - 1].endswith(_STREET_TAILS)
            end = place - 1 if is_street else place
            return words[:end], words[end:]
    return words, []


def _without_forms(words: list[str], vocabulary: Vocabulary) -> list[str]:
    while len(words) > 1 and words[-1] in vocabulary.legal_forms:
        words = words[:-1]
    return words

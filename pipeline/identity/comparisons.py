"""What is compared of two records, and in how many levels: conditions in SQL.

The comparisons of the Fellegi-Sunter model and what a deterministic rule may ask for
beside its keys. Not here: their weights (the seed `match_weights`, read by `policy`) and
how pairs are found and scored (`pairs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.identity.vetoes import may_be_one_date, other_numbers

# No two texts a slip apart have less of Jaro's similarity: with at most a quarter of the
# bytes of the longer one wrong, three quarters of each match, and at most half of those
# are out of order. It is forty times cheaper than the distance. Three bytes are a quarter
# of twelve; a shorter text whose letters may have several bytes is not asked.
_JARO_OF_A_SLIP: Final = 0.66


def is_slip(left: str, right: str) -> str:
    """SQL: a slip of the pen: one or two letters of a long name, one Chinese character.

    The first letter is right. DuckDB counts bytes, of which a Chinese character has three.
    """
    # The distance is dear, and few pairs are near enough.
    return (
        f"(case when left({left}, 1) = left({right}, 1) "
        f"and least(length({left}), length({right})) >= 4 "
        f"and abs(strlen({left}) - strlen({right})) <= 3 "
        f"and ((strlen({left}) > length({left}) "
        f"and greatest(strlen({left}), strlen({right})) < 12) "
        f"or jaro_similarity({left}, {right}) >= {_JARO_OF_A_SLIP}) "
        f"then damerau_levenshtein({left}, {right}) <= case "
        f"when strlen({left}) > length({left}) then 3 "
        f"when least(length({left}), length({right})) >= 10 then 2 else 1 end "
        "else false end)"
    )


# Both have a known word that the other lacks: Boston and Houston are two words, and not
# one and a slip of the pen.
_OTHER_WORD: Final = (
    "coalesce(not list_has_all(string_split(name_words_r, ' '), "
    "string_split(name_known_l, ' ')) "
    "and not list_has_all(string_split(name_words_l, ' '), "
    "string_split(name_known_r, ' ')), false)"
)
_NAME_TYPO: Final = f"({is_slip('name_core_l', 'name_core_r')} and not {_OTHER_WORD})"


def is_within(left: str, right: str, distance: int) -> str:
    """SQL: at most so many letters inserted, left out, replaced or swapped."""
    lengths = f"abs(strlen({left}) - strlen({right})) <= {distance}"
    if distance == 1:
        # One change touches two letters at most: one half of the rest is the same.
        half = f"greatest(least(length({left}), length({right})) // 2 - 1, 0)"
        lengths += (
            f" and (left({left}, {half}) = left({right}, {half}) "
            f"or right({left}, {half}) = right({right}, {half}))"
        )
    return (
        f"(case when {lengths} "
        f"then damerau_levenshtein({left}, {right}) <= {distance} else false end)"
    )


def _within(column: str, distance: int) -> str:
    return is_within(f"{column}_l", f"{column}_r", distance)


def _contained(column: str) -> str:
    left, right = f"{column}_l", f"{column}_r"
    return (
        f"(least(length({left}), length({right})) >= 3 and "
        f"(contains({left}, {right}) or contains({right}, {left})))"
    )


# Two branches, or a branch and its company, are two customers; an unnamed branch may be
# any, and 滨江路 is Binjiang.
_OTHER_BRANCH: Final = (
    "(case when name_branch_l is null and name_branch_r is null then false "
    "when name_branch_l = name_branch_r then false "
    "else not coalesce(name_branch_l = '?' or name_branch_r = '?' "
    "or starts_with(name_branch_l, name_branch_r) "
    "or starts_with(name_branch_r, name_branch_l) "
    "or damerau_levenshtein(name_branch_l, name_branch_r) <= 1, false) end)"
)
_SAME_PLACE: Final = (
    "coalesce(name_place_l, name_place_r, '') = "
    f"coalesce(name_place_r, name_place_l, '') and not {_OTHER_BRANCH}"
)

# What beside its keys a deterministic rule may ask for, on records l and r.
AGREEMENTS: Final = {
    "": "true",
    "name": f"((name_core_l = name_core_r or {_NAME_TYPO}) and {_SAME_PLACE})",
    "name or sound": (
        f"((name_core_l = name_core_r or {_NAME_TYPO} "
        "or name_sound_l = name_sound_r or word_key_l = word_key_r) "
        f"and {_SAME_PLACE})"
    ),
    "person": (
        "((family_key_l = family_key_r or given_key_l = given_key_r "
        "or (given_key_l = family_key_r and family_key_l = given_key_r)) "
        "and (birth_date_l = birth_date_r) is not false)"
    ),
}
AGREEMENT_COLUMNS: Final = (
    "name_core",
    "name_place",
    "name_branch",
    "name_sound",
    "name_words",
    "name_known",
    "word_key",
    "given_key",
    "family_key",
    "birth_date",
)


@dataclass(frozen=True)
class Comparison:
    """One thing that is compared: its levels from the strongest to the weakest.

    Attributes:
        name: As in the seed `match_weights`.
        columns: Normal forms that it compares.
        missing: When a pair says nothing about it.
        levels: Level → condition on the columns with `_l` and `_r`; then `else`.
    """

    name: str
    columns: tuple[str, ...]
    missing: str
    levels: dict[str, str]


def _single(column: str, levels: dict[str, str], name: str | None = None) -> Comparison:
    return Comparison(
        name or column.removesuffix("_key"),
        (column,),
        f"{column}_l is null or {column}_r is null",
        {"same": f"{column}_l = {column}_r", **levels},
    )


def _near(column: str, similarity: float) -> str:
    return f"jaro_winkler_similarity({column}_l, {column}_r) >= {similarity}"


_REGISTRATION: Final = _single(
    "registration_key",
    {"typo": _within("registration_key", 2)},
)

_SWAPPED: Final = (
    "coalesce(left(given_key_l, 1) = left(family_key_r, 1) "
    "and left(family_key_l, 1) = left(given_key_r, 1) "
    "and given_key_l <> given_key_r "
    "and jaro_winkler_similarity(given_key_l, family_key_r) >= 0.88 "
    "and jaro_winkler_similarity(family_key_l, given_key_r) >= 0.88, false)"
)
# The place of a long name that nobody else has says nothing against it: it has moved, or
# has two offices.
_SAME_RARE_NAME: Final = "name_core_l = name_core_r and name_is_rare_l"

COMPARISONS: Final[dict[str, Sequence[Comparison]]] = {
    "company": (
        Comparison(
            "name",
            (
                "name_core",
                "name_place",
                "name_branch",
                "name_sound",
                "name_words",
                "name_known",
                "name_numbers",
                "name_initials",
                "name_is_common",
                "word_key",
                "organisation_key",
            ),
            "name_core_l is null or name_core_r is null",
            {
                "same organisation": "organisation_key_l = organisation_key_r",
                "other branch": _OTHER_BRANCH,
                "other number": other_numbers("name_numbers_l", "name_numbers_r"),
                "same common name": "name_core_l = name_core_r and name_is_common_l",
                "same": f"name_core_l = name_core_r and {_SAME_PLACE}",
                "same in another place": "name_core_l = name_core_r",
                "sound": f"name_sound_l = name_sound_r and {_SAME_PLACE}",
                "same words": f"word_key_l = word_key_r and {_SAME_PLACE}",
                "typo": f"{_NAME_TYPO} and {_SAME_PLACE}",
                "acronym": (
                    "(name_core_l = name_initials_r or name_core_r = name_initials_l)"
                ),
                "contained": f"{_contained('name_core')} and {_SAME_PLACE}",
                "similar": (
                    "(case when left(name_sound_l, 1) = left(name_sound_r, 1) "
                    f"then {_near('name_sound', 0.9)} else false end)"
                ),
                # 优润纺织 and Yourun Textile: the first part is the same in any language.
                "same beginning": (
                    "left(name_sound_l, 5) = left(name_sound_r, 5) and "
                    "(strlen(name_core_l) = length(name_core_l)) <> "
                    "(strlen(name_core_r) = length(name_core_r))"
                ),
            },
        ),
        _single("phone_key", {}),
        Comparison(
            "mail",
            ("email_key", "domain_key"),
            "(email_key_l is null or email_key_r is null) "
            "and (domain_key_l is null or domain_key_r is null)",
            {
                "same address": "email_key_l = email_key_r",
                "same domain": "domain_key_l = domain_key_r",
                "typo": _within("domain_key", 1),
                # Two private addresses of a company may well differ.
                "no domain": "domain_key_l is null or domain_key_r is null",
            },
        ),
        Comparison(
            "address",
            (
                "street_key",
                "street_number",
                "postal_key",
                "city_key",
                "name_core",
                "name_is_rare",
            ),
            "(street_key_l is null or street_key_r is null) and (postal_key_l is null "
            "or postal_key_r is null) and (city_key_l is null or city_key_r is null)",
            {
                # One guide says New York, the other New York City.
                "same door": (
                    "street_key_l = street_key_r and street_number_l = street_number_r "
                    "and (city_key_l = city_key_r or postal_key_l = postal_key_r "
                    f"or {_contained('city_key')})"
                ),
                "same postal code": "postal_key_l = postal_key_r",
                "same city": "city_key_l = city_key_r",
                "elsewhere, rare name": _SAME_RARE_NAME,
            },
        ),
        _REGISTRATION,
        Comparison(
            "country",
            ("country_key", "name_core", "name_is_rare"),
            "country_key_l is null or country_key_r is null",
            {
                "same": "country_key_l = country_key_r",
                "elsewhere, rare name": _SAME_RARE_NAME,
            },
        ),
    ),
    "person": (
        Comparison(
            "given name",
            ("given_key", "family_key"),
            "given_key_l is null or given_key_r is null",
            {
                "same": "given_key_l = given_key_r",
                "swapped": _SWAPPED,
                "initial": (
                    "(least(length(given_key_l), length(given_key_r)) = 1 "
                    "and left(given_key_l, 1) = left(given_key_r, 1))"
                ),
                "near": _near("given_key", 0.88),
            },
        ),
        Comparison(
            "family name",
            ("given_key", "family_key"),
            # What is swapped has been counted with the given name.
            f"family_key_l is null or family_key_r is null or {_SWAPPED}",
            {
                "same": "family_key_l = family_key_r",
                "near": _near("family_key", 0.88),
            },
        ),
        Comparison(
            "birth date",
            ("birth_date",),
            "birth_date_l is null or birth_date_r is null",
            {
                "same": "birth_date_l = birth_date_r",
                "typo": may_be_one_date("birth_date_l", "birth_date_r"),
            },
        ),
        _single("generation_key", {}),
        _single("gender_key", {}),
        _single("street_key", {"near": _near("street_key", 0.88)}),
        _single("street_number", {}, "street number"),
        _single(
            "postal_key",
            {"typo": _within("postal_key", 1)},
        ),
        _single("city_key", {"near": _near("city_key", 0.88)}),
        _single("email_key", {}),
        _single("phone_key", {}),
        _REGISTRATION,
    ),
}

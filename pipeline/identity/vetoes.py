"""What keeps two records apart, whatever speaks for them.

One list for the deterministic rules, for the pairs that the model finds and for groups.
A veto that a group minds holds between any two records of it. Not here: what a person has
decided, and how a group is taken apart (`clusters`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.common.sql import literal


@dataclass(frozen=True)
class Veto:
    """A reason why two records are not joined.

    Attributes:
        name: As the guard of a group is called.
        reason: As a person reads it.
        condition: SQL on the forms of both records, `l` and `r`; null is no.
        values: The forms that together are a value of which a group must not hold two
            that contradict each other; none where only the two records themselves are
            meant.
        is_forgivable: A link between two records of one registration number may bring
            two contradicting values into a group.
        is_doubt: They may be one all the same: a person is asked.
    """

    name: str
    reason: str
    condition: str
    values: tuple[str, ...] = ()
    is_forgivable: bool = False
    is_doubt: bool = False


# A number in common, but for a slip of the pen, outweighs a date or a name that differs.
SAME_REGISTRATION: Final = (
    "coalesce(l.registration_key = r.registration_key "
    "or (abs(strlen(l.registration_key) - strlen(r.registration_key)) <= 1 "
    "and damerau_levenshtein(l.registration_key, r.registration_key) <= 2), false)"
)
_OTHER_REGISTRATION: Final = f"not {SAME_REGISTRATION}"
# Days between a date as a workbook counts from 1900 and the same number from 1904.
_WORKBOOK_DAYS: Final = 1462


def may_be_one_date(left: str, right: str) -> str:
    """SQL: two dates may be one that was written, read or recorded in two ways.

    One figure is wrong or two neighbours are swapped; day and month are the other way
    round; a time zone made it the day before; a year of two figures became one of another
    century; a workbook counted from 1904; or one says no more than the year or the month.
    """
    one, other = f"strftime({left}, '%Y%m%d')", f"strftime({right}, '%Y%m%d')"
    return (
        f"(damerau_levenshtein({one}, {other}) <= 1 "
        f"or abs(date_diff('day', {left}, {right})) in (1, {_WORKBOOK_DAYS}) "
        f"or (year({left}) = year({right}) and month({left}) = day({right}) "
        f"and day({left}) = month({right})) "
        f"or (abs(year({left}) - year({right})) = 100 "
        f"and month({left}) = month({right}) and day({left}) = day({right})) "
        f"or {left} in (date_trunc('month', {right}), date_trunc('year', {right})) "
        f"or {right} in (date_trunc('month', {left}), date_trunc('year', {left})))"
    )


_OTHER_BIRTH: Final = (
    "(l.birth_date <> r.birth_date "
    f"and not {may_be_one_date('l.birth_date', 'r.birth_date')})"
)
# Ann and Bob Lee; an initial, a short form or a slip of the pen may be the same name.
_HOUSEHOLD: Final = (
    "(l.customer_type = 'person' and l.family_key = r.family_key "
    "and l.given_key <> r.given_key "
    "and not starts_with(l.given_key, r.given_key) "
    "and not starts_with(r.given_key, l.given_key) "
    "and jaro_winkler_similarity(l.given_key, r.given_key) < 0.88)"
)
_ONE_GENERATION: Final = (
    "((l.generation_key is null) <> (r.generation_key is null) "
    "and l.customer_type = 'person' and (l.birth_date = r.birth_date) is not true)"
)


def other_numbers(left: str, right: str) -> str:
    """SQL: each of two lists of numbers has one that the other lacks, or another order."""
    one, other = f"string_split({left}, ' ')", f"string_split({right}, ' ')"
    return (
        f"({left} <> {right} and (list_sort({one}) = list_sort({other}) "
        f"or not list_has_all({one}, {other}) and not list_has_all({other}, {one})))"
    )


def _other_number(distances: Mapping[str, int]) -> str:
    """Both numbers prove themselves and differ, or they differ too much for a slip."""
    by_type = " ".join(
        f"when l.customer_type = {literal(kind)} then {distance}"
        for kind, distance in distances.items()
    )
    return (
        "(case when l.registration_key <> r.registration_key "
        "then (l.registration_checked and r.registration_checked) "
        "or damerau_levenshtein(l.registration_key, r.registration_key) "
        f"> case {by_type} end else false end)"
    )


def vetoes(distances: Mapping[str, int]) -> list[Veto]:
    """All vetoes, the first that holds is named.

    Args:
        distances: Type of customer → in how many characters two registration numbers
            may differ by a slip of the pen.
    """
    return [
        Veto(
            "registration",
            "their registration numbers contradict",
            _other_number(distances),
            ("registration_key",),
        ),
        Veto(
            "birth date",
            "their birth dates contradict",
            f"({_OTHER_BIRTH} and {_OTHER_REGISTRATION})",
            ("birth_date",),
            is_forgivable=True,
        ),
        Veto(
            "generation",
            "their generation suffixes contradict",
            "l.generation_key <> r.generation_key",
            ("generation_key",),
        ),
        Veto(
            "gender",
            "their genders contradict",
            "l.gender_key <> r.gender_key",
            ("gender_key",),
        ),
        Veto(
            "number in the name",
            "the numbers in their names differ",
            other_numbers("l.name_numbers", "r.name_numbers"),
            ("name_numbers",),
        ),
        Veto(
            "part of an organisation",
            "their names are of two organisations or campuses",
            f"(l.organisation_part <> r.organisation_part and {_OTHER_REGISTRATION})",
            ("organisation_part",),
            is_forgivable=True,
        ),
        Veto(
            "household",
            "a household: one family name, two given names",
            f"({_HOUSEHOLD} and {_OTHER_REGISTRATION})",
            ("family_key", "given_key"),
            is_forgivable=True,
            is_doubt=True,
        ),
        Veto(
            "generation of one",
            "one of them is a junior, a senior or a third",
            f"({_ONE_GENERATION} and {_OTHER_REGISTRATION})",
            is_doubt=True,
        ),
    ]

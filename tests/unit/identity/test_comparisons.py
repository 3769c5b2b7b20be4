"""What is asked before a distance is worked out never changes the answer."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.identity.comparisons import is_slip, is_within

pytestmark = pytest.mark.hypothesis

TEXTS = st.text("aabcdxy é中华", max_size=24)
INSERTED, LEFT_OUT, REPLACED, SWAPPED = range(4)


@st.composite
def pairs(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Texts beside what up to four changes make of them."""
    found = []
    for text in draw(st.lists(TEXTS, min_size=40, max_size=60)):
        other = list(text)
        for _ in range(draw(st.integers(0, 4))):
            place = draw(st.integers(0, len(other)))
            letter = draw(st.sampled_from("abcx华"))
            kind = draw(st.integers(INSERTED, SWAPPED))
            if kind == INSERTED:
                other.insert(place, letter)
            elif kind == LEFT_OUT:
                del other[place : place + 1]
            elif kind == REPLACED:
                other[place : place + 1] = [letter]
            else:
                other[place : place + 2] = reversed(other[place : place + 2])
        found.append((text, "".join(other)))
    return found


def differing(rows: list[tuple[str, str]], fast: str, plain: str) -> list[Any]:
    """The pairs for which two conditions on `l` and `r` differ."""
    marks = ", ".join(["(?, ?)"] * len(rows))
    return duckdb.execute(
        f"select l, r from (values {marks}) as pairs (l, r) "
        f"where ({fast}) is distinct from ({plain})",
        [value for row in rows for value in row],
    ).fetchall()


@given(pairs())
def test_one_letter_or_two_by_the_distance_alone(rows: list[tuple[str, str]]) -> None:
    for distance in (1, 2):
        plain = f"damerau_levenshtein(l, r) <= {distance}"
        assert differing(rows, is_within("l", "r", distance), plain) == []


@example([("aaaé b", "aa b")])
@given(pairs())
def test_a_slip_by_the_distance_alone(rows: list[tuple[str, str]]) -> None:
    plain = """
        left(l, 1) = left(r, 1)
        and least(length(l), length(r)) >= 4
        and damerau_levenshtein(l, r) <= case
            when strlen(l) > length(l) then 3
            when least(length(l), length(r)) >= 10 then 2
            else 1
        end
    """
    assert differing(rows, is_slip("l", "r"), plain) == []

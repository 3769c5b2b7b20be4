"""Small cases, friendly and hostile, against the table of what is wanted of each."""

from __future__ import annotations

from itertools import count

import pytest

from tests.unit.identity.cases import CASES, Case
from tests.unit.identity.ground import Ground


@pytest.fixture(scope="module")
def resolved() -> tuple[Ground, dict[tuple[str, str], str]]:
    """All cases in one refresh; a record is named by its case and its place in it."""
    ground = Ground()
    found = ground.refresh(
        [
            {"source": "crm", "source_customer_id": key(case, place), **record}
            for case in CASES
            for place, record in zip(count(), case.records, strict=False)
        ]
    )
    return ground, found


def key(case: Case, place: int) -> str:
    """The key of a record of a case."""
    return f"{case.name} / {place}"


def test_names_are_given_once() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 80


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(resolved: tuple[Ground, dict[tuple[str, str], str]], case: Case) -> None:
    ground, found = resolved
    ends = (key(case, 0), key(case, 1))
    listed = [
        link
        for link in ground.links()
        if set(link[:2]) == set(ends) and link[3] != "same"
    ]
    if found["crm", ends[0]] == found["crm", ends[1]]:
        is_found = "same"
    else:
        is_found = "asked" if listed else "different"
    # What is different may be listed: as what a rule would have joined, and why not.
    allowed = {"different", "asked"} if case.wanted == "different" else {case.wanted}
    assert is_found in allowed, (case.why, listed)
    if case.reason is not None:
        assert [link[4] for link in listed] == [case.reason]

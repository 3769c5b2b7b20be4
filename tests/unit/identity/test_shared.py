"""What all records together tell of one: shared values, common names, misspelt words."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.unit.identity.ground import Ground


def forms(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Key of each record → its forms."""
    ground = Ground()
    ground.resolve(
        [
            {"source": "crm", "source_customer_id": str(place), **record}
            for place, record in enumerate(records)
        ]
    )
    found = ground.connection.execute("select * from core.core_customer_forms")
    names = [column[0] for column in found.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {row["source_customer_id"]: row for row in rows}


def company(name: str, **rest: Any) -> dict[str, Any]:
    return {"customer_type": "company", "customer_name": name, **rest}


_NAMES = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse")


@pytest.mark.parametrize(
    ("form", "flag"),
    [
        ({"phone": "245-555-0173", "country": "US"}, "phone_is_shared"),
        ({"email": "desk@tower.example"}, "email_is_shared"),
        ({"website": "tower.example"}, "domain_is_shared"),
        ({"street": "1 Tower Street", "city": "Salem"}, "door_is_shared"),
    ],
)
def test_a_value_of_many_names_is_shared(form: dict[str, Any], flag: str) -> None:
    """Six names share it; five, of which one is spelt in two ways, do not."""
    many = forms([company(name, **form) for name in _NAMES[:6]])
    assert all(row[flag] for row in many.values())
    few = forms([company(name, **form) for name in (*_NAMES[:5], "Alder Ltd")])
    assert not any(row[flag] for row in few.values())


def test_a_birth_date_of_many_names_is_shared() -> None:
    """A date that a system writes where nobody gave one; a birthday of three is none."""
    rows = forms(
        [
            {
                "customer_type": "person",
                "given_name": "Ann",
                "family_name": f"{chr(97 + place % 26) * 3}{place}",
                "birth_date": dt.date(1980, 1, 1)
                if place < 30
                else dt.date(1950 + place, 1 + place % 3, 1 + place % 28),
            }
            for place in range(90)
        ]
        + [
            {
                "customer_type": "person",
                "given_name": "Ann",
                "family_name": family,
                "birth_date": dt.date(1999, 9, 9),
            }
            for family in _NAMES[:3]
        ]
    )
    shared = {key for key, row in rows.items() if row["birth_date_is_shared"]}
    assert shared == {str(place) for place in range(30)}


def test_a_name_with_many_domains_is_common() -> None:
    rows = forms(
        [company("Bike World", website=f"bikes{n}.example") for n in range(6)]
        + [company("Zwicklbauer Holzverarbeitung", website="zwickl.example")]
    )
    assert rows["0"]["name_is_common"]
    assert (rows["6"]["name_is_common"], rows["6"]["name_is_rare"]) == (False, True)


@pytest.mark.parametrize(
    ("names", "equal"),
    [
        pytest.param(
            ["Quellenhofer Laboratory", "Quellenhofer Labratory"], True,
            id="a known word, in company",
        ),
        pytest.param(
            ["Northern Boston Partners", "Northern Houston Partners"], False,
            id="two known words",
        ),
        pytest.param(["Tessaro", "Tesaro"], False, id="short, and alone"),
        pytest.param(
            [*["Quellenhofer"] * 25, "Quelenhofer"], True, id="one among many"
        ),
        pytest.param(
            ["Gilbertson Advisers", "Gilbertson Advisory"], False, id="another ending"
        ),
        pytest.param(
            ["Intl. Brindlewood Mfg", "Brindlewood International Manufacturing"], True,
            id="abbreviations, in another order",
        ),
    ],
)  # fmt: skip
def test_misspelt_words(names: list[str], equal: bool) -> None:
    rows = forms([company(name) for name in names])
    first, last = rows["0"], rows[str(len(names) - 1)]
    assert (first["word_key"] == last["word_key"]) is equal

"""Whom a lead that names no customer seems to be with, by the project's own seeds."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.identity import leads
from tests.unit.identity.ground import Ground

CUSTOMERS: list[dict[str, Any]] = [
    {
        "source_customer_id": "huaxin",
        "customer_name": "北京华信科技有限公司",
        "country": "China",
        "phone": "010-8123 4567",
    },
    {
        "source_customer_id": "kova",
        "customer_name": "Kova Pumps GmbH",
        "country": "Germany",
        "phone": "+49 30 9012345",
        "website": "https://www.kova.example",
    },
    {
        "source_customer_id": "nord",
        "customer_name": "Nordwind Segel AG",
        "country": "Germany",
        "email": "info@nordwind.example",
    },
    # Two that are called alike and are two, because their numbers say so.
    {
        "source_customer_id": "twin one",
        "customer_name": "Zwilling Tools Ltd",
        "country": "France",
        "registration_number": "911101085923662400",
    },
    {
        "source_customer_id": "twin two",
        "customer_name": "Zwilling Tools Ltd",
        "country": "Spain",
        "registration_number": "91110000802100433B",
    },
    {
        "source_customer_id": "ann",
        "customer_type": "person",
        "customer_name": "Ann Lindqvist",
        "email": "ann.lindqvist@gmail.com",
        "phone": "+46 8 123 456 78",
    },
]
CONTACTS = [
    ("kova", "petra.kurz@kova.example", "+49 171 5550123"),
    # An adviser who is a contact of two customers.
    ("kova", "adviser@advice.example", None),
    ("nord", "adviser@advice.example", None),
]


def matched(ground: Ground, **lead: str | None) -> tuple[str, str] | None:
    """The customer that a lead seems to be with, and by what."""
    con = ground.connection
    given = {
        "lead_id": "L1",
        "customer_id": None,
        "lead_name": None,
        "customer_type": "company",
        "email": None,
        "phone": None,
        **lead,
    }
    con.execute(
        "create or replace temp table leads as select "
        + ", ".join(f"cast(? as varchar) as {name}" for name in given),
        list(given.values()),
    )
    found = leads.matches(
        con,
        "leads",
        "contacts",
        "core.core_customer_forms",
        "core.keys",
    ).fetchall()
    if not found:
        return None
    ((lead_id, customer_id, by),) = found
    assert lead_id == "L1"
    ((key,),) = con.execute(
        "select source_customer_id from core.keys where customer_id = ?",
        [customer_id],
    ).fetchall()
    return key, by


@pytest.fixture(scope="module")
def ground() -> Ground:
    made = Ground()
    ids = made.refresh(
        [{"source": "crm", "customer_type": "company", **row} for row in CUSTOMERS]
    )
    assert len(set(ids.values())) == len(CUSTOMERS)
    made.connection.execute(
        "create table contacts (customer_id varchar, email varchar, phone varchar)"
    )
    made.connection.executemany(
        "insert into contacts values (?, ?, ?)",
        [(ids["crm", key], email, phone) for key, email, phone in CONTACTS],
    )
    return made


@pytest.mark.parametrize(
    ("lead", "expected"),
    [
        pytest.param(
            {"lead_name": "Someone else", "email": "Petra.Kurz@kova.example"},
            ("kova", "e-mail"),
            id="the mailbox of a contact",
        ),
        pytest.param(
            {"lead_name": "N. Segel", "email": "info@nordwind.example"},
            ("nord", "e-mail"),
            id="the mailbox of the customer",
        ),
        pytest.param(
            {
                "lead_name": "A. L.",
                "customer_type": "person",
                "email": "ann.lindqvist@gmail.com",
            },
            ("ann", "e-mail"),
            id="the mailbox of a person",
        ),
        pytest.param(
            {"lead_name": "華信科技（北京）", "phone": "+86 10 81234567"},
            ("huaxin", "phone and name"),
            id="a telephone under nearly the same name",
        ),
        pytest.param(
            {"lead_name": "Kowa Pumps", "email": "new@kova.example"},
            ("kova", "domain and name"),
            id="a domain under nearly the same name",
        ),
        pytest.param(
            {"lead_name": "Beijing Huaxin Keji Youxian Gongsi"},
            None,
            id="a name in another script alone is not enough",
        ),
        pytest.param(
            {"lead_name": "华信科技（北京）有限责任公司"},
            ("huaxin", "name"),
            id="the name alone",
        ),
        pytest.param(
            {"lead_name": "Nobody knows", "phone": "0171 5550123"},
            ("kova", "phone"),
            id="the telephone of a contact",
        ),
        pytest.param(
            {
                "lead_name": "Lindqvist, Ann",
                "customer_type": "person",
                "phone": "08-123 456 78",
            },
            ("ann", "phone and name"),
            id="the telephone of a person of that name",
        ),
        # What says nothing.
        pytest.param(
            {"lead_name": "New", "email": "other@kova.example"}, None, id="domain alone"
        ),
        pytest.param(
            {"lead_name": "New", "email": "someone@gmail.com"}, None, id="free mail"
        ),
        pytest.param(
            {"lead_name": "Ann Lindqvist", "customer_type": "person"},
            None,
            id="the name of a person alone",
        ),
        pytest.param(
            {"lead_name": "New", "email": "adviser@advice.example"},
            None,
            id="a mailbox of two customers",
        ),
        pytest.param({"lead_name": "Zwilling Tools"}, None, id="a name of two"),
        pytest.param(
            {"lead_name": "Kova Pumps", "email": "adviser@advice.example"},
            ("kova", "name"),
            id="the next that points to one",
        ),
        pytest.param(
            {"lead_name": "Kova Pumps Filiale Hamburg"}, None, id="another branch"
        ),
        pytest.param({"lead_name": None}, None, id="nothing is known"),
        pytest.param(
            {"lead_name": "Kova Pumps GmbH", "customer_id": "C9"},
            None,
            id="it names its customer",
        ),
    ],
)
def test_the_strongest_that_points_to_one_customer_decides(
    ground: Ground, lead: dict[str, str | None], expected: tuple[str, str] | None
) -> None:
    assert matched(ground, **lead) == expected


def test_without_customers_and_contacts_there_is_no_match() -> None:
    ground = Ground()
    ground.refresh([])
    ground.connection.execute(
        "create table contacts (customer_id varchar, email varchar, phone varchar)"
    )
    assert matched(ground, lead_name="Kova Pumps", email="a@kova.example") is None

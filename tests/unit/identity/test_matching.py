"""From records to customers and through time, with the project's own seeds."""

from __future__ import annotations

import csv
import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.common.errors import ConfigurationError
from pipeline.identity import policy
from tests.populations import companies
from tests.profiles import examples
from tests.unit.identity.ground import Ground


def company(source: str, key: str, name: str, **rest: Any) -> dict[str, Any]:
    return {
        "source": source,
        "source_customer_id": key,
        "customer_type": "company",
        "customer_name": name,
        **rest,
    }


def person(
    source: str, key: str, given: str, family: str, **rest: Any
) -> dict[str, Any]:
    return {
        "source": source,
        "source_customer_id": key,
        "customer_type": "person",
        "customer_name": f"{given} {family}",
        "given_name": given,
        "family_name": family,
        **rest,
    }


@pytest.fixture
def ground() -> Ground:
    return Ground()


USCC, OTHER_USCC = "911101085923662400", "91110000802100433B"


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        pytest.param(
            {"registration_number": USCC, "customer_name": "Aaa"},
            {"registration_number": USCC, "customer_name": "Bbb"},
            "registration number",
            id="one registration",
        ),
        pytest.param(
            {"customer_name": "华信科技有限公司", "email": "info@huaxin.example"},
            {"customer_name": "華信科技", "email": "INFO@huaxin.example"},
            "e-mail and name",
            id="one mailbox, traditional and simplified",
        ),
        pytest.param(
            {"customer_name": "Bike Store Ltd", "phone": "245-555-0173"},
            {"customer_name": "BIKE STORE", "phone": "+1 (245) 555-0173"},
            "phone and name",
            id="one phone in two spellings",
        ),
        pytest.param(
            {"customer_name": "Bike Store Ltd", "website": "www.bikes.example"},
            {"customer_name": "The Bike Store", "email": "jo@bikes.example"},
            "domain and name",
            id="one domain",
        ),
        pytest.param(
            {"customer_name": "Bike Store", "postal_code": "75061", "country": "US"},
            {
                "customer_name": "Bike Store Inc",
                "postal_code": "75061",
                "country": "USA",
            },
            "name and postal code",
            id="one name at one place",
        ),
    ],
)
def test_rules_in_their_order(
    ground: Ground, one: dict[str, str], other: dict[str, str], rule: str
) -> None:
    found = ground.refresh(
        [
            company("erp", "1", one.pop("customer_name"), **one),
            company("crm", "2", other.pop("customer_name"), **other),
        ]
    )
    assert len(set(found.values())) == 1
    assert [link[2:4] for link in ground.links()] == [(rule, "same")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            {"customer_name": "Acme Ltd", "email": "sales@qq.com"},
            {"customer_name": "Zenith Ltd", "email": "other@qq.com"},
            id="a free-mail domain",
        ),
        pytest.param(
            {"customer_name": "Acme Ltd", "phone": "245-555-0173", "country": "US"},
            {"customer_name": "Zenith Ltd", "phone": "245-555-0173", "country": "US"},
            id="a shared switchboard",
        ),
        pytest.param(
            {
                "customer_name": "Acme Ltd",
                "phone": "245-555-0173",
                "registration_number": USCC,
            },
            {
                "customer_name": "Acme Ltd",
                "phone": "245-555-0173",
                "registration_number": OTHER_USCC,
            },
            id="two registrations that prove themselves",
        ),
        pytest.param(
            {"customer_name": "北京华信科技有限公司", "phone": "010-65529988"},
            {"customer_name": "上海华信科技有限公司", "phone": "010-65529988"},
            id="the same name in another city",
        ),
        pytest.param(
            {"customer_name": "华信科技有限公司", "website": "huaxin.example"},
            {
                "customer_name": "华信科技有限公司长沙复兴路分公司",
                "website": "huaxin.example",
            },
            id="a branch and its company",
        ),
    ],
)
def test_what_is_two_stays_two(
    ground: Ground, one: dict[str, str], other: dict[str, str]
) -> None:
    found = ground.refresh(
        [
            company("helpdesk", "1", one.pop("customer_name"), **one),
            company("crm", "2", other.pop("customer_name"), **other),
        ]
    )
    assert len(set(found.values())) == 2


def test_records_of_a_source_with_unique_keys_stay_apart(ground: Ground) -> None:
    """The CRM's record goes to one of the ERP's two, never to both."""
    same = {"phone": "245-555-0173", "country": "US"}
    found = ground.refresh(
        [
            company("erp", "1", "Bike Store", **same),
            company("erp", "2", "Bike Store", **same),
            company("crm", "3", "Bike Store", **same),
        ]
    )
    assert found["erp", "1"] != found["erp", "2"]
    assert found["crm", "3"] == found["erp", "1"]


def test_a_person_needs_a_name_beside_the_phone(ground: Ground) -> None:
    phone = {"phone": "+44 20 7946 0123"}
    found = ground.refresh(
        [
            person("shop", "1", "Ann", "Lee", birth_date=dt.date(1980, 1, 2), **phone),
            person("desk", "2", "Ann", "Lee", **phone),
            person("desk", "3", "Bob", "Kim", **phone),
            person("desk", "4", "Ann", "Lee", birth_date=dt.date(2012, 5, 6), **phone),
        ]
    )
    # The second may be the first or the fourth, and is never both.
    assert found["desk", "2"] in (found["shop", "1"], found["desk", "4"])
    assert found["shop", "1"] != found["desk", "4"]
    assert found["desk", "3"] not in (found["shop", "1"], found["desk", "4"])
    assert ("1", "4") not in {
        (left, right)
        for left, right, _, verdict, _ in ground.links()
        if verdict == "same"
    }


def test_a_person_always_wins(ground: Ground) -> None:
    records = [
        company("crm", "1", "Bike Store", phone="245-555-0173", country="US"),
        company("desk", "2", "Bike Store", phone="245-555-0173", country="US"),
        company("shop", "3", "Something Else"),
    ]
    ground.decide(("crm", "1"), ("desk", "2"), "different")
    ground.decide(("crm", "1"), ("shop", "3"), "same")
    found = ground.refresh(records)
    assert found["crm", "1"] != found["desk", "2"]
    assert found["crm", "1"] == found["shop", "3"]
    verdicts = {link[:2]: link[2:] for link in ground.links()}
    assert verdicts["1", "2"] == (
        "decision of a person", "different", "tester: asked them",
    )  # fmt: skip


def test_different_also_holds_through_a_third_record(ground: Ground) -> None:
    same = {"phone": "245-555-0173", "country": "US"}
    ground.decide(("crm", "1"), ("desk", "2"), "different")
    found = ground.refresh(
        [
            company("crm", "1", "Bike Store", **same),
            company("desk", "2", "Bike Store", **same),
            company("shop", "3", "Bike Store", **same),
        ]
    )
    assert found["crm", "1"] != found["desk", "2"]


BIKES = {"phone": "245-555-0173", "country": "US"}


def test_a_merge_keeps_the_older_id(ground: Ground) -> None:
    first = ground.refresh([company("zoho", "9", "Bike Store", **BIKES)])
    ground.publish()
    second = ground.refresh(
        [
            company("crm", "1", "Cycle World"),
            company("zoho", "9", "Bike Store", **BIKES),
        ]
    )
    assert second["zoho", "9"] == first["zoho", "9"]
    ground.publish()
    third = ground.refresh(
        [
            company("crm", "1", "Bike Store", **BIKES),
            company("zoho", "9", "Bike Store", **BIKES),
        ]
    )
    assert set(third.values()) == {first["zoho", "9"]}


def test_a_split_keeps_the_larger_parts_id(ground: Ground) -> None:
    records = [
        company(source, "1", "Bike Store", **BIKES) for source in ("a", "b", "crm", "z")
    ]
    (before,) = set(ground.refresh(records).values())
    ground.publish()
    records[0] = company("a", "1", "Cycle World", phone="212-555-0100", country="US")
    after = ground.refresh(records)
    assert {after[source, "1"] for source in ("b", "crm", "z")} == {before}
    assert after["a", "1"] != before


def test_a_record_that_comes_back_gets_its_id_back(ground: Ground) -> None:
    records = [company("crm", "1", "Bike Store"), company("crm", "2", "Cycle World")]
    before = ground.refresh(records)
    ground.publish()
    assert ground.refresh(records[:1]) == {("crm", "1"): before["crm", "1"]}
    ground.publish()
    assert ground.refresh(records) == before


def test_an_id_is_never_given_twice(ground: Ground) -> None:
    """1 founds an id, leaves it to 2, 3 and 4, and must not found the same again."""
    records = [company(s, "1", "Bike Store", **BIKES) for s in ("a", "b", "c", "d")]
    (before,) = set(ground.refresh(records).values())
    ground.publish()
    records[0] = company("a", "1", "Cycle World")
    assert ground.refresh(records)["a", "1"] != before


def test_the_same_records_make_the_same_ids_in_an_empty_home() -> None:
    records = [
        company("erp", str(number), f"Store {number}", phone=f"245-555-{number:04d}")
        for number in range(40)
    ]
    assert Ground().refresh(records) == Ground().refresh(records[::-1])


@pytest.fixture(scope="module")
def population() -> companies.Population:
    return companies.generate(150, 7)


@settings(
    max_examples=examples(10, fast=2),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_what_is_kept_changes_nothing(
    population: companies.Population, data: st.DataObject
) -> None:
    """Refresh after refresh with kept forms and scores gives the links of one from
    scratch, whatever came, changed and went in between."""
    rows = population.records.to_pylist()
    chosen = st.lists(st.integers(0, len(rows) - 1), max_size=25, unique=True)
    gone, changed, late = (set(data.draw(chosen)) for _ in range(3))
    earlier = [row for place, row in enumerate(rows) if place not in late]
    today = [
        {**row, "customer_name": "Someone Else", "phone": None}
        if place in changed
        else row
        for place, row in enumerate(rows)
        if place not in gone
    ]
    kept = Ground()
    kept.refresh(earlier, population.references)
    kept.publish()
    kept.refresh(today, population.references)
    scratch = Ground()
    scratch.refresh(today, population.references)
    assert kept.links() == scratch.links()


def test_a_seed_that_makes_no_sense_is_named(ground: Ground) -> None:
    seeds = "warehouse.meta"
    ground.connection.execute(
        f"update {seeds}.match_rules set keys = 'shoe_size' where rule_order = 40"
    )
    with pytest.raises(ConfigurationError, match=r"match_rules, row 40.*shoe_size"):
        policy.read(ground.connection, seeds)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("delete from {}.match_thresholds where customer_type = 'person'", "person"),
        ("update {}.match_thresholds set review_probability = 2", "review_probability"),
        ("update {}.match_weights set m_probability = 0", "match_weights"),
        ("update {}.match_rules set agreement = 'mood'", "mood"),
        ("update {}.match_rules set confidence = 1.5", "confidence"),
        ("update {}.match_blocks set keys = 'shoe_size'", "shoe_size"),
        ("update {}.match_blocks set max_records = null", "max_records is empty"),
        ("update {}.match_places set place = null", "place is empty"),
        ("update {}.match_rules set confidence = 'nan'", "confidence"),
        ("update {}.match_rules set keys = ' '", "keys is ' '"),
        ("update {}.match_rules set customer_type = 'compny'", "'compny'"),
        ("update {}.match_rules set match_rule = null", "match_rule is empty"),
        ("update {}.match_blocks set keys = 'name_core:x'", "keys is 'name_core:x'"),
        ("update {}.match_blocks set keys = 'name_core:-1'", "keys is 'name_core:-1'"),
        ("update {}.match_thresholds set prior = null", "prior is empty"),
        ("update {}.source_trust set source = null", "source is empty"),
    ],
)
def test_bad_seeds(ground: Ground, change: str, message: str) -> None:
    ground.connection.execute(change.format("warehouse.meta"))
    with pytest.raises(ConfigurationError, match=message):
        policy.read(ground.connection, "warehouse.meta")


def test_every_row_that_makes_no_sense_is_named(ground: Ground) -> None:
    ground.connection.execute(
        "update warehouse.meta.match_rules set confidence = 2, keys = 'shoe_size' "
        "where rule_order in (30, 40); "
        "update warehouse.meta.match_blocks set max_records = null "
        "where keys = 'phone_key'; "
        "delete from warehouse.meta.match_thresholds where customer_type = 'person'"
    )
    with pytest.raises(ConfigurationError) as refused:
        policy.read(ground.connection, "warehouse.meta")
    message = str(refused.value)
    for row in ("match_rules, row 30", "match_rules, row 40"):
        assert f"{row}, " in message
    assert message.count("confidence is 2.0") == message.count("key shoe_size") == 2
    assert message.count("match_blocks, row company, phone_key, -") == 1
    # A row that is not there is no fault of its own while others cannot be read.
    assert "match_thresholds" not in message


def test_all_rows_that_are_missing_are_named(ground: Ground) -> None:
    ground.connection.execute("delete from warehouse.meta.match_thresholds")
    with pytest.raises(ConfigurationError) as refused:
        policy.read(ground.connection, "warehouse.meta")
    for kind in policy.CUSTOMER_TYPES:
        assert f"match_thresholds has no row for {kind}." in str(refused.value)


def test_what_the_weights_of_an_earlier_version_do_not_know_is_the_products(
    ground: Ground,
) -> None:
    """A project with weights of its own is upgraded, and matches as it did."""
    ground.connection.execute(
        "delete from warehouse.meta.match_weights where level = 'typo'; "
        "update warehouse.meta.match_weights set m_probability = 0.123 "
        "where customer_type = 'company' and comparison = 'name' and level = 'sound'"
    )
    weights = policy.read(ground.connection, "warehouse.meta").weights
    assert weights["company", "name", "sound"][0] == 0.123
    with policy.PRODUCT_WEIGHTS.open(newline="") as file:
        (typo,) = (
            row
            for row in csv.DictReader(file)
            if (row["customer_type"], row["comparison"], row["level"])
            == ("company", "name", "typo")
        )
    assert weights["company", "name", "typo"] == (
        float(typo["m_probability"]),
        float(typo["u_probability"]),
    )

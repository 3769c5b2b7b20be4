"""People of one name in one town are not one person, where such names are common there."""

from __future__ import annotations

import random
from collections.abc import Sequence

import duckdb
import pytest

from pipeline.identity import chance
from tests.unit.identity.ground import Ground

CHINESE = (
    "王李张刘陈" * 7 + "杨赵黄周吴徐孙胡朱高林何郭马罗",
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚",
)
ENGLISH = (
    ("Smith",) * 9 + ("Jones", "Brown", "Taylor", "Evans", "Walker", "Wright", "Green"),
    (
        "James",
        "Mary",
        "John",
        "Linda",
        "David",
        "Susan",
        "Mark",
        "Karen",
        "Paul",
        "Ruth",
    ),
)


def people(
    names: tuple[Sequence[str], Sequence[str]], count: int, towns: int = 1
) -> list[dict[str, str]]:
    """Different people, of whom a list knows a number, the name and the town."""
    dice = random.Random(5)
    is_chinese = names is CHINESE
    found = []
    for number in range(count):
        family, given = dice.choice(names[0]), dice.choice(names[1])
        whole = f"{family}{given}" if is_chinese else f"{given} {family}"
        found.append(
            {
                "source": "shop",
                "source_customer_id": f"c{number:05}",
                "customer_type": "person",
                "customer_name": whole,
                "city": f"Town {dice.randrange(towns)}",
                "country": "CN" if is_chinese else "GB",
            }
        )
    return found


@pytest.mark.parametrize("names", [CHINESE, ENGLISH], ids=["Chinese", "English"])
def test_the_same_name_in_a_town_where_all_live_joins_nobody(
    names: tuple[Sequence[str], Sequence[str]],
) -> None:
    given = people(names, 600)
    assert len({one["customer_name"] for one in given}) < 450
    assert len(set(Ground().refresh(given).values())) == 600


def test_who_stands_twice_with_a_telephone_is_still_found() -> None:
    given = people(CHINESE, 600)
    for number, one in enumerate(given):
        one["phone"] = f"138{number + 1:08}"
    twice = [{**one, "source": "till"} for one in given[:100]]
    customers = Ground().refresh([*given, *twice])
    assert all(
        customers["shop", one["source_customer_id"]]
        == customers["till", one["source_customer_id"]]
        for one in twice
    )
    assert len(set(customers.values())) == 600


WEIGHTS = {
    ("person", "city", "same"): (0.78, 0.02),
    ("person", "city", "else"): (0.06, 0.979),
    ("person", "family name", "same"): (0.69, 0.006),
    ("person", "given name", "same"): (0.7, 0.005),
    ("person", "street", "same"): (0.61, 0.002),
    ("person", "postal", "same"): (0.84, 0.003),
}


def raised(people: str) -> dict[str, float]:
    """Comparison → u, over people of whom SQL gives the family name and the town."""
    connection = duckdb.connect()
    connection.execute(
        "create table forms as select 'person' as customer_type, family_key, city_key, "
        f"null::varchar as given_key, null::varchar as street_key, "
        f"null::varchar as postal_key from ({people})"
    )
    found = chance.raised(connection, "forms", "person", WEIGHTS)
    assert found.keys() == WEIGHTS.keys()
    assert all(found[key][0] == WEIGHTS[key][0] for key in found)
    assert found["person", "city", "else"] == WEIGHTS["person", "city", "else"]
    return {name: u for (_, name, level), (_, u) in found.items() if level == "same"}


def test_u_is_at_least_how_many_agree_by_chance() -> None:
    # Of 100 people ten share each name: 90 of 990 pairs, between 8 and 16 times of .006.
    found = raised("select 'f' || n % 10 as family_key, 't' || n as city_key "
                   "from range(100) as of_all(n)")  # fmt: skip
    assert found["family name"] == pytest.approx(0.096)
    assert found["city"] == 0.02


def test_a_town_where_all_live_says_nothing() -> None:
    found = raised("select 'f' || n as family_key, 'here' as city_key "
                   "from range(100) as of_all(n)")  # fmt: skip
    assert found["city"] == WEIGHTS["person", "city", "same"][0]
    assert found["family name"] == 0.006


def test_who_stands_there_many_times_is_no_coincidence() -> None:
    found = raised("select 'f' || n % 60 as family_key, 't' || n % 60 as city_key "
                   "from range(6000) as of_all(n)")  # fmt: skip
    assert found["family name"] == 0.006


def test_of_few_people_nothing_is_reckoned() -> None:
    few = chance.LEAST_PEOPLE - 1
    found = raised(f"select 'f' || n as family_key, 'here' as city_key from range({few}) "
                   "as of_all(n)")  # fmt: skip
    assert found["city"] == 0.02


def test_companies_keep_the_weights_that_are_declared() -> None:
    weights = {("company", "address", "same city"): (0.5, 0.3)}
    assert chance.raised(duckdb.connect(), "none", "company", weights) == weights

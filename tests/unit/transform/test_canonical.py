"""What is declared of the canonical columns: every time has a cut, every number a domain.

Read from the macros themselves, so that a new entity or column without one fails here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from jinja2 import Environment

from pipeline.common.settings import PROJECT_ROOT
from pipeline.scaffold import canonical_page
from pipeline.sources.entity import CanonicalEntity
from pipeline.transform import canonical, package
from pipeline.transform.canonical import ENTITIES
from tests.models import compiled

PROJECT = PROJECT_ROOT / "dbt_project"
CORE = PROJECT / "models"

# The year of a statement is no day; what of it is over by the as-of day is said there.
WITHOUT_A_TIME = {
    "customer_references",
    "financial_statements",
    "known_identities",
    "products",
}


class _Returned(Exception):
    """What a macro returns, as dbt's `return` hands it on."""


def declared(file: str, macro: str, *arguments: str) -> Any:
    """What a macro of the project returns, without dbt."""

    def hand_back(value: Any) -> None:
        raise _Returned(value)

    environment = Environment(extensions=["jinja2.ext.do"])
    environment.globals.update(
        {
            "return": hand_back,
            "type_money": lambda: "decimal(18, 4)",
            "type_text": lambda: "varchar",
        }
    )
    template = environment.from_string((PROJECT / "macros" / file).read_text())
    try:
        getattr(template.make_module(), macro)(*arguments)
    except _Returned as returned:
        return returned.args[0]
    raise AssertionError(f"{macro} returns nothing")


def entities() -> list[str]:
    text = (PROJECT / "macros" / "canonical.sql").read_text()
    body = text[: text.index("endmacro")]
    return re.findall(r'^        "(\w+)": \{', body, re.MULTILINE)


def columns(entity: str) -> Mapping[str, str]:
    found: Mapping[str, str] = declared("canonical.sql", "canonical_columns", entity)
    return found


@pytest.mark.parametrize("entity", entities())
def test_every_time_has_a_meaning_on_the_as_of_day(entity: str) -> None:
    times = declared("canonical.sql", "event_times", entity)
    assert set(times) <= {"begins", "later", "ends", "with_the_end", "ahead"}
    named = [
        column
        for kind in ("begins", "later", "ahead")
        for column in times.get(kind, [])
    ]
    kinds = columns(entity)
    assert set(named) == {
        column for column, kind in kinds.items() if kind in {"date", "timestamp"}
    }
    assert set(times.get("ends", [])) <= set(times.get("later", []))
    assert set(times.get("with_the_end", [])) <= set(kinds) - set(named)
    assert bool(times) == (entity not in WITHOUT_A_TIME)


@pytest.mark.parametrize("entity", sorted(set(entities()) - WITHOUT_A_TIME))
def test_the_core_reads_what_was_known(entity: str) -> None:
    """No model reads the rows of an entity as they are today but those that count them."""
    asks = {
        path.stem
        for path in CORE.rglob("*.sql")
        if f'provided("{entity}")' in path.read_text()
    }
    assert asks <= {"reconciliation", "core_customers_won_later"}
    assert any(f'known("{entity}")' in path.read_text() for path in CORE.rglob("*.sql"))


@pytest.mark.parametrize("entity", entities())
def test_every_number_and_time_has_a_domain(entity: str) -> None:
    domains = declared("domains.sql", "canonical_domains").get(entity, {})
    assert set(domains) == {
        column
        for column, kind in columns(entity).items()
        if kind not in {"varchar", "boolean"}
    }


def test_the_product_knows_the_same_entities_everywhere() -> None:
    """What `provides` and `becomes` accept is what the core reads and `init` writes."""
    assert sorted(get_args(CanonicalEntity)) == sorted(entities())
    assert sorted(ENTITIES) == sorted(entities())


def test_every_entity_is_reconciled() -> None:
    """Rows of an entity that only one side counts would be a difference, or nothing."""
    sql = re.sub(r"\s+", " ", compiled()["reconciliation"][1])
    parts = re.split(r" union all ", sql)
    for entity in entities():
        sides = [part for part in parts if f"'{entity}' as entity" in part]
        staged = [part for part in sides if re.search(r"\b0 as staged_rows", part)]
        assert staged, f"what the marts have of {entity} is not counted"
        assert len(staged) < len(sides), f"what is staged of {entity} is not counted"


def test_the_page_is_what_is_declared() -> None:
    """`python -m pipeline.scaffold.canonical_page` writes it."""
    assert canonical_page.PAGE.read_text(encoding="utf-8") == canonical_page.render()


def test_every_column_says_what_it_holds_and_no_other() -> None:
    stated = package.read_yaml(
        PROJECT_ROOT / "pipeline" / "transform" / "canonical.yml"
    )
    shared = stated.pop("shared")
    assert set(stated) == set(ENTITIES) == set(get_args(CanonicalEntity))
    for entity, said in stated.items():
        assert set(said) <= set(columns(entity)), entity
        assert set(columns(entity)) <= {*said, *shared}, entity
        assert [item.name for item in canonical.described(entity)] == list(
            columns(entity)
        )
    for facts in [
        *shared.values(),
        *(one for said in stated.values() for one in said.values()),
    ]:
        assert set(facts) <= {"means", "unit", "values", "missing"}


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_amount_has_a_unit(entity: str) -> None:
    for column in canonical.described(entity):
        is_amount = column.kind.startswith("decimal")
        # Units of goods are what they are.
        if is_amount and column.name not in {"quantity"}:
            assert column.unit, column.name

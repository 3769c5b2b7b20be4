"""What a customer is called: its name, or what its parts make."""

from __future__ import annotations

import pytest

from pipeline.transform import canonical
from tests.models import Warehouse


def called(
    name: str | None, given: str | None, family: str | None, kind: str = "person"
) -> str | None:
    """The name of a record in the core."""
    columns = canonical.columns("customers")
    row = {
        "source": "crm",
        "source_customer_id": "1",
        "customer_type": kind,
        "customer_name": name,
        "given_name": given,
        "family_name": family,
        "is_forgotten": False,
    }
    typed = {"source": "varchar", **columns, "is_forgotten": "boolean"}
    (found,) = (
        Warehouse()
        .lay("core_source_customers", typed, [[row.get(key) for key in typed]])
        .lay(
            "core_unplaced_lines",
            {"source": "varchar", "treatment": "varchar"},
            [],
        )
        .build("core_customer_records")
        .rows("select customer_name from {core_customer_records}")
    )
    return found["customer_name"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("given", "family", "whole"),
    [
        pytest.param("Ann", "Lee", "Ann Lee", id="Latin"),
        pytest.param("Анна", "Петрова", "Анна Петрова", id="Cyrillic"),
        pytest.param("小明", "王", "王小明", id="Chinese"),
        pytest.param("远航", "司马", "司马远航", id="a family name of two characters"),
        pytest.param("一郎", "鈴木", "鈴木一郎", id="Japanese"),
        pytest.param("さくら", "タナカ", "タナカさくら", id="kana"),
        pytest.param("민수", "김", "김민수", id="Korean"),
        pytest.param("Kevin", "王", "Kevin 王", id="an English given name"),
        pytest.param("小明", "Wang", "小明 Wang", id="a Latin family name"),
        pytest.param("Ann", None, "Ann", id="given only"),
        pytest.param(None, "Lee", "Lee", id="family only"),
        pytest.param("小明", None, "小明", id="Chinese, given only"),
        pytest.param(None, "王", "王", id="Chinese, family only"),
        pytest.param(" Ann ", " Lee ", "Ann Lee", id="blanks around them"),
        pytest.param(" 小明", " 王", "王小明", id="blanks around Chinese ones"),
        pytest.param("", "Lee", "Lee", id="an empty part"),
        pytest.param("  ", "王", "王", id="a blank part"),
        pytest.param("", "", None, id="two empty parts"),
        pytest.param(None, None, None, id="no parts"),
    ],
)
def test_a_name_of_its_parts(
    given: str | None, family: str | None, whole: str | None
) -> None:
    for name in (None, "", "  "):
        assert called(name, given, family) == whole


def test_a_name_that_is_there_wins() -> None:
    assert called("Lee & Sons", "Ann", "Lee", "company") == "Lee & Sons"
    assert called("Dr. Ann Lee", "Ann", "Lee") == "Dr. Ann Lee"


def test_a_company_may_be_called_by_who_runs_it() -> None:
    assert called(None, "Ann", "Lee", "company") == "Ann Lee"


def test_what_a_name_may_be_made_of_is_declared() -> None:
    given = {"source_customer_id", "customer_type"}
    assert canonical.lacking("customers", given) == ["customer_name"]
    for part in ("customer_name", "given_name", "family_name"):
        assert canonical.lacking("customers", {*given, part}) == []
    assert canonical.lacking("customers", {"family_name"}) == [
        "source_customer_id",
        "customer_type",
    ]
    for (entity, name), parts in canonical.COMPOSED.items():
        assert name in canonical.ENTITIES[entity][1]
        assert set(parts) <= set(canonical.columns(entity))

"""Lines that no sum can hold are named by source and reason, before a contract fails."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from tests.models import Warehouse

COLUMNS = {
    "source": "varchar",
    "order_id": "varchar",
    "order_date": "date",
    "quantity": "decimal(18, 4)",
    "net_amount": "decimal(18, 4)",
    "source_net_amount": "decimal(18, 4)",
    "source_currency": "varchar",
}
DAY = dt.date(2024, 3, 1)
WHOLE: dict[str, Any] = {
    "source": "shop",
    "order_id": "shop:1",
    "order_date": DAY,
    "quantity": 1,
    "net_amount": 10,
    "source_net_amount": 10,
    "source_currency": "EUR",
}


def found(test: str, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    """What a test says of lines that differ from a whole one."""
    rows = [[(WHOLE | line)[name] for name in COLUMNS] for line in lines]
    return Warehouse().lay("core_order_lines", COLUMNS, rows).found_by(test)


def test_a_currency_without_a_rate_is_named_with_its_days() -> None:
    later = {"order_date": dt.date(2024, 3, 9), "source_currency": "CHF"}
    assert found(
        "order_lines_have_a_rate",
        {},
        {"net_amount": None, "source_currency": "CHF"},
        later | {"net_amount": None, "source_net_amount": 5},
    ) == [
        {
            "source": "shop",
            "currency": "CHF",
            "order_lines": 2,
            "net_amount": Decimal(15),
            "first_day": DAY,
            "last_day": dt.date(2024, 3, 9),
        }
    ]
    assert found("order_lines_have_a_rate", {}, later) == []


def test_what_a_line_lacks_is_named() -> None:
    lines = [
        {"order_id": f"shop:{number}", column: None}
        for number, column in enumerate(
            ("order_date", "quantity", "source_net_amount", "source_currency")
        )
    ]
    lacks = found("order_lines_say_what_counts", {}, *lines, {"quantity": None})
    assert sorted((row["lacks"], row["order_lines"]) for row in lacks) == [
        ("currency", 1),
        ("net_amount", 1),
        ("order_date", 1),
        ("quantity", 2),
    ]
    assert {row["source"] for row in lacks} == {"shop"}
    assert found("order_lines_say_what_counts", {}) == []

"""What a dbt test says must hold, for whoever reads that it did not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.transform.dbt_tests import demand_of
from tests.models import parsed


def generic(name: str, **arguments: Any) -> Mapping[str, Any]:
    """A generic test of order_lines, as it stands in dbt's manifest."""
    return {
        "name": f"{name}_order_lines",
        "unique_id": "test.customer_tiers.some",
        "attached_node": "model.customer_tiers.order_lines",
        "depends_on": {"nodes": ["model.customer_tiers.order_lines"]},
        "column_name": arguments.get("column_name"),
        "test_metadata": {
            "name": name,
            "kwargs": {**arguments, "model": "{{ get_where_subquery(ref('x')) }}"},
        },
    }


@pytest.mark.parametrize(
    ("node", "demand"),
    [
        (
            generic("not_null", column_name="customer_id"),
            "No row is without order_lines.customer_id.",
        ),
        (
            generic("unique", column_name="customer_id"),
            "No two rows have one order_lines.customer_id.",
        ),
        (
            generic("key", columns=["order_id", "line_number"]),
            "No two rows of order_lines share order_id, line_number, and none is "
            "without it.",
        ),
        (
            generic("complete", columns=["order_id", "line_number"]),
            "No row of order_lines is without order_id, line_number.",
        ),
        (
            generic("unique_combination", columns=["order_id", "line_number"]),
            "No two rows of order_lines share order_id, line_number.",
        ),
        (
            generic("accepted_values", column_name="abc", values=["A", "B", 3]),
            "Every order_lines.abc is one of A, B, 3, or unknown.",
        ),
        (
            generic(
                "relationships",
                column_name="customer_id",
                to="ref('customers')",
                field="id",
            ),
            "Every order_lines.customer_id is a customers.id, or unknown.",
        ),
        (
            generic("at_most", column_name="quantity", limit=7),
            "order_lines.quantity: at most (limit 7) finds no row.",
        ),
        (
            {"name": "weights_sum_to_one", "test_metadata": None},
            "Weights sum to one: the query finds no row.",
        ),
    ],
)
def test_a_demand_is_a_sentence(node: Mapping[str, Any], demand: str) -> None:
    assert demand_of(node) == demand


def test_every_test_of_the_project_says_what_must_hold() -> None:
    nodes = [
        node
        for node in parsed().manifest_json["nodes"].values()
        if node["resource_type"] == "test"
    ]
    demands = [demand_of(node) for node in nodes]
    assert len(nodes) > 200
    # Two tests that demand the same in one place would be one too many.
    assert sorted(demand for demand in demands if demands.count(demand) > 1) == []
    for demand in demands:
        assert demand.endswith(".")
        assert "{{" not in demand and "None" not in demand

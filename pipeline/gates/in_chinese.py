"""What must hold and why, in Chinese, of the kinds of expectations that suites use.

What Great Expectations words itself has English only, and is left to it where a project uses
a kind of expectation of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.gates.suite import Suite

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


def reason_zh(item: Expectation) -> str:
    """Why it must hold; empty where it is not one of the product's reasons."""
    from expectations import chinese

    return chinese.REASONS.get(item.description or "", "")


def demand_zh(suite: Suite, item: Expectation) -> str:
    """What must hold; empty of a query, and of a kind that the vocabulary does not have."""
    config = item.configuration
    given: Mapping[str, Any] = config.kwargs
    table = f"{suite.schema}.{suite.table}"
    column = f"{table}.{given.get('column')}"
    match config.type:
        case "expect_column_values_to_not_be_null":
            return f"{column} 不得为空。"
        case "expect_column_values_to_be_unique":
            return f"{column} 不得重复。"
        case "expect_compound_columns_to_be_unique":
            return f"{table} 的 {'、'.join(given['column_list'])} 合起来不得重复。"
        case "expect_column_values_to_be_in_set":
            return f"{column} 只能是：{'、'.join(map(str, given['value_set']))}。"
        case "expect_column_values_to_be_between":
            return f"{column} 必须{_between(given)}。"
        case "expect_table_row_count_to_be_between":
            return f"{table} 的行数必须{_between(given)}。"
        case "expect_table_columns_to_match_set":
            return f"{table} 必须有这些列：{'、'.join(given['column_set'])}。"
    return ""


def _between(given: Mapping[str, Any]) -> str:
    least, most = given.get("min_value"), given.get("max_value")
    if most is None:
        return f"不小于 {least}"
    return f"不大于 {most}" if least is None else f"在 {least} 与 {most} 之间"

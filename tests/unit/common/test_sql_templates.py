"""SQL templates: strict about what is not given, and about what is written as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from jinja2 import UndefinedError

from pipeline.common.sql_templates import SqlTemplates


def rendered(folder: Path, text: str, **values: Any) -> str:
    (folder / "query.sql").write_text(text, encoding="utf-8")
    return SqlTemplates(folder).render("query", **values)


@pytest.mark.parametrize("value", ["it's", 'a "quoted" name', "x'); drop table t; --"])
def test_a_value_stays_a_value(tmp_path: Path, value: str) -> None:
    text = "select {{ value | literal }} as {{ value | identifier }}"
    found = duckdb.sql(rendered(tmp_path, text, value=value))
    assert found.columns == [value]
    assert found.fetchall() == [(value,)]


@pytest.mark.parametrize("number", [0.1, -2.5, 1e-9, 1e300, 3])
def test_a_number_is_the_same_double(tmp_path: Path, number: float) -> None:
    query = rendered(tmp_path, "select {{ number | number }}", number=number)
    assert duckdb.sql(query).fetchall() == [(float(number),)]
    assert duckdb.sql(query).types == ["DOUBLE"]


@pytest.mark.parametrize("value", ["text", 0.5, True, None])
def test_a_value_that_no_filter_made_sql_of_is_refused(
    tmp_path: Path, value: object
) -> None:
    with pytest.raises(TypeError, match="needs one of the filters"):
        rendered(tmp_path, "select {{ value }}", value=value)


def test_a_count_and_sql_itself_stand_as_they_are(tmp_path: Path) -> None:
    text = "{% macro less(a) %}{{ a }} < 'b'{% endmacro %}select {{ n }}, {{ less(e) }}"
    with pytest.raises(TypeError):
        rendered(tmp_path, text, n=1, e="x")
    text = text.replace("less(e)", "less(e | sql)")
    assert rendered(tmp_path, text, n=1, e="x & y") == "select 1, x & y < 'b'"


def test_a_value_that_is_not_given_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError, match="missing"):
        rendered(tmp_path, "select {{ missing }}")
    with pytest.raises(UndefinedError, match="missing"):
        rendered(tmp_path, "{% for one in missing %}{% endfor %}")

"""Whether customers are companies or persons, and who is neither."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.scaffold.proposal.questions import Question
from tests.unit.scaffold.brought import make, staged, write_csv

GIVEN = ("Ann", "Bea", "Cem", "Dan", "Eva")
FAMILY = ("Lee", "Ruiz", "Wong", "Katz")
FIRMS = ("Lyon Souvenirs", "Toys of Rome", "Baane Mini", "Signal Gifts")


def customers(folder: Path, header: str, rows: Sequence[Sequence[object]]) -> Path:
    """A list of customers, and an order of each."""
    write_csv(folder / "customers.csv", header, rows)
    orders = [(f"O{row[0]}", row[0], "2024-03-05", 2, 10) for row in rows]
    header = "order_id,customer_id,order_date,quantity,net_amount"
    write_csv(folder / "order_lines.csv", header, orders)
    return folder


def kinds(folder: Path, what: Path, **given: object) -> list[tuple[str, int]]:
    """How many customers of each type staging gives."""
    made = make(what, folder, **given)  # type: ignore[arg-type]
    found = staged(made).execute(
        "select customer_type, count(*) from stg_customers group by all order by all"
    )
    return found.fetchall()


@pytest.mark.parametrize(
    "header",
    [
        "customer_id,customer_name,contact_last_name,contact_first_name",
        "CUSTOMERID,CUSTOMERNAME,CONTACTLASTNAME,CONTACTFIRSTNAME",
        "CustomerID,CompanyName,ContactName,ContactTitle",
    ],
)
def test_who_has_contacts_is_a_company(header: str, tmp_path: Path) -> None:
    rows = [
        (f"C{n:02}", f"{FIRMS[n % 4]} {n}", FAMILY[n % 4], GIVEN[n % 5])
        for n in range(20)
    ]
    made = make(customers(tmp_path / "in", header, rows), tmp_path / "p")
    connection = staged(made)
    columns = {
        name for name, *_ in connection.execute("describe stg_customers").fetchall()
    }
    assert not {"given_name", "family_name"} & columns
    found = connection.execute(
        "select customer_type, customer_name from stg_customers order by 2 limit 1"
    )
    assert found.fetchone() == ("company", "Baane Mini 10")


def test_a_person_who_buys_for_a_company_is_that_company(tmp_path: Path) -> None:
    rows = [
        (f"C{n:02}", GIVEN[n % 5], FAMILY[n % 4], FIRMS[n % 4] if n % 5 == 0 else "")
        for n in range(20)
    ]
    header = "customer_id,first_name,last_name,company"
    made = make(customers(tmp_path / "in", header, rows), tmp_path / "p")
    found = staged(made).execute(
        "select customer_type, customer_name, given_name from stg_customers "
        "where source_customer_id in ('C00', 'C01') order by source_customer_id"
    )
    assert found.fetchall() == [
        ("company", "Lyon Souvenirs", None),
        ("person", "Bea Ruiz", "Bea"),
    ]


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        # Most have a legal form: the others have left theirs out.
        (2, [("company", 20)]),
        (4, [("company", 5), ("person", 15)]),
    ],
)
def test_names_with_a_legal_form_say_it_of_most(
    every: int, expected: list[tuple[str, int]], tmp_path: Path
) -> None:
    rows = [
        (f"C{n:02}", f"{FIRMS[n % 4]} {'Ltd' if n % every == 0 else 'North'} {n}")
        for n in range(20)
    ]
    what = customers(tmp_path / "in", "customer_id,customer_name", rows)
    assert kinds(tmp_path / "p", what) == expected

    def all_are_companies(question: Question) -> str:
        is_type = question.about.endswith("customer type")
        return "company" if is_type else question.chosen

    found = kinds(tmp_path / "q", what, ask=all_are_companies)
    assert found == [("company", 20)]


def test_a_long_chinese_name_is_that_of_a_company(tmp_path: Path) -> None:
    names = ("海康威视数字", "张伟", "京东方科技股份有限公司", "李秀英")
    rows = [(f"C{n:02}", f"{names[n % 4]}") for n in range(20)]
    what = customers(tmp_path / "in", "客户编号,客户名称", rows)
    assert kinds(tmp_path / "p", what) == [("company", 10), ("person", 10)]

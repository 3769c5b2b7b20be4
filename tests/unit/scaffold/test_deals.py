"""Deals that were won, as the sales of a company whose CRM knows nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.profiling.tables import Column
from pipeline.scaffold.proposal import deals
from pipeline.scaffold.proposal.questions import Question
from tests.unit.scaffold import brought
from tests.unit.scaffold.brought import make, staged, write_csv

DEAL = (
    "deal_id,account,product,deal_stage,engage_date,close_date,deal_value,sales_agent"
)
FIRST = dt.date(2024, 1, 10)


def pipeline_of_deals(folder: Path) -> Path:
    """40 deals of 8 accounts: half won, a quarter lost, the others open and to come."""
    rows: list[Sequence[object]] = []
    for n in range(40):
        stage = ("Won", "Lost", "Won", "Engaging")[n % 4]
        begun = FIRST + dt.timedelta(days=7 * n)
        # Open ones are expected to close a year later.
        closed = begun + dt.timedelta(days=400 if stage == "Engaging" else 30)
        worth = 1000 + n if stage == "Won" else 0
        row = (
            f"D{n:03}",
            f"Firm {n % 8}",
            "Pump",
            stage,
            begun,
            closed,
            worth,
            "Ann Lee",
        )
        rows.append(row)
    write_csv(folder / "sales_pipeline.csv", DEAL, rows)
    accounts = [(f"Firm {n}", "retail", 100 * n + 5) for n in range(8)]
    write_csv(folder / "accounts.csv", "account,sector,employees", accounts)
    return folder


def test_what_was_won_is_what_was_sold_where_nothing_else_says_it(
    tmp_path: Path,
) -> None:
    made = make(pipeline_of_deals(tmp_path / "in"), tmp_path / "p")
    assert list(made.sources.provides()) == ["customers", "order_lines", "leads"]
    assert made.questions["sales: leads"] == "yes"
    row = staged(made).execute(
        """
        select
            count(*), sum(net_amount), count(distinct source_customer_id),
            min(order_date)::text, max(order_date)::text
        from stg_order_lines
        """
    )
    won = [n for n in range(40) if n % 2 == 0]
    worth = sum(1000 + n for n in won)
    assert row.fetchone() == (20, worth, 4, "2024-02-09", "2024-11-01")
    leads = staged(made).execute("select count(*), count_if(is_open) from stg_leads")
    assert leads.fetchone() == (40, 10)
    brought.becomes_what_it_says(made)
    assert "what was won is taken for what was sold" in made.text("MAPPING.md")


def test_the_business_goes_on_until_the_last_deal_was_made_or_won(
    tmp_path: Path,
) -> None:
    made = make(pipeline_of_deals(tmp_path / "in"), tmp_path / "p")
    # The last was won on 2024-11-01, and open ones are expected in the autumn of 2025.
    assert made.sources.business.as_of == dt.date(2024, 11, 1)


def test_a_deal_that_was_won_on_no_known_day_is_left_out_and_counted(
    tmp_path: Path,
) -> None:
    folder = pipeline_of_deals(tmp_path / "in")
    path = folder / "sales_pipeline.csv"
    text = path.read_text("utf-8")
    first_won = text.splitlines()[1]
    cells = first_won.split(",")
    cells[5] = ""
    path.write_text(text.replace(first_won, ",".join(cells)), "utf-8")
    made = make(folder, tmp_path / "p")
    found = staged(made).execute(
        "select count(*), count(order_date) from stg_order_lines"
    )
    assert found.fetchone() == (19, 19)
    brought.becomes_what_it_says(made)


def test_who_says_that_deals_are_no_sales_has_none(tmp_path: Path) -> None:
    def ask(question: Question) -> str:
        return "no" if question.about == "sales: leads" else question.chosen

    made = make(pipeline_of_deals(tmp_path / "in"), tmp_path / "p", ask=ask)
    assert list(made.sources.provides()) == ["customers", "leads"]


def test_orders_come_before_deals(tmp_path: Path) -> None:
    folder = pipeline_of_deals(tmp_path / "in")
    lines = [(f"O{n}", f"Firm {n % 8}", FIRST, 3, 10 + n) for n in range(30)]
    header = "order_number,account,order_date,quantity,net_amount"
    write_csv(folder / "order_lines.csv", header, lines)
    made = make(folder, tmp_path / "p")
    assert "sales: leads" not in made.questions
    total = (
        staged(made).execute("select sum(net_amount) from stg_order_lines").fetchone()
    )
    assert total == (sum(10 + n for n in range(30)),)


@pytest.mark.parametrize(
    ("word", "is_won", "is_over"),
    [
        ("Closed Won", True, True),
        ("closedwon", True, True),
        ("赢单", True, True),
        ("已成交", True, True),
        ("gewonnen", True, True),
        ("受注", True, True),
        ("Closed Lost", False, True),
        ("输单", False, True),
        ("未成交", False, True),
        ("失注", False, True),
        ("已转换", False, True),
        ("Converted", False, True),
        ("即将成交", False, False),
        ("预计成交", False, False),
        ("受注見込", False, False),
        ("Negotiation", False, False),
        ("Wondering", False, False),
    ],
)
def test_words_for_how_a_deal_ended(word: str, is_won: bool, is_over: bool) -> None:
    column = Column("stage", "VARCHAR", examples=[word])
    assert (deals.won(column) == [word]) == is_won
    assert (deals.over(column) == [word]) == is_over

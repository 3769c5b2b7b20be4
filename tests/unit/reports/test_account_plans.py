"""The account plans of a release: who has one, what it says, what it says it lacks."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.release import duckdb_files
from pipeline.reports import build_report, drawing, plans
from tests.unit.reports.test_reports import (
    AS_OF,
    ORDINARY,
    Balanced,
    Customer,
    Sample,
    section,
    words,
    write_release,
)

RATED: dict[str, Any] = {
    "customer_id": "a",
    "is_rated": True,
    "attractiveness": Decimal("7.25"),
    "attractiveness_coverage": Decimal(1),
    "own_strength": Decimal(6),
    "own_strength_coverage": Decimal(1),
    "best_competitor": "Rival <b>",
    "best_competitor_strength": Decimal(5),
    "best_competitor_coverage": Decimal(1),
    "relative_strength": Decimal("5.5"),
    "quadrant": "high/high",
    "strategy_code": "improve",
    "strategy_en": "improve",
    "strategy_zh": "提高",
    "condition_en": "always",
    "guidance_en": "Invest.",
    "guidance_zh": "加大投入。",
    "scorer": "Ann",
    "scored_on": dt.date(2014, 1, 2),
    "evidence": "<i>seen</i>",
    "attractiveness_1y_ago": Decimal(6),
    "relative_strength_1y_ago": Decimal(5),
    "attractiveness_3y_ago": Decimal(2),
    "relative_strength_3y_ago": None,
    "attractiveness_trend": "rising",
    "strength_trend": "steady",
    "trend": "rising",
    "not_rated_reason": None,
    "policy_id": "base-2010",
}
NOT_RATED: dict[str, Any] = dict.fromkeys(RATED) | {
    "customer_id": "b",
    "is_rated": False,
    "attractiveness_trend": "unknown",
    "strength_trend": "unknown",
    "trend": "unknown",
    "not_rated_reason": "nobody has scored it in the last 36 months",
    "policy_id": "base-2010",
}


def mark(dimension: str, factor: str, score: int, competitor: str | None = None) -> Any:
    return {
        "customer_id": "a",
        "dimension": dimension,
        "factor": factor,
        "competitor": competitor,
        "score": Decimal(score),
        "declared_weight": Decimal("0.25"),
        "scored_on": dt.date(2014, 1, 2),
    }


def year(ahead: int, revenue: int, low: int | None, high: int | None) -> Any:
    return {
        "customer_id": "a",
        "year_ahead": ahead,
        "last_day": dt.date(2014 + ahead, 1, 31),
        "trend_revenue": Decimal(revenue),
        "pipeline_amount": Decimal(0),
        "outlook_revenue": Decimal(revenue),
        "low_revenue": None if low is None else Decimal(low),
        "high_revenue": None if high is None else Decimal(high),
        "basis": "trend",
        "band_accounts": 24,
    }


TABLES: dict[str, list[dict[str, Any]]] = {
    "meta.settings": [
        {"name": "matrix.midpoint", "applies_to": "base-2010", "value": "5"}
    ],
    "meta.matrix_factors": [
        {
            "policy_id": "base-2010",
            "dimension": dimension,
            "factor": factor,
            "name_en": f"{factor} in words",
            "name_zh": "文字",
        }
        for dimension, factor in (("attractiveness", "size"), ("strength", "price"))
    ],
    "marts.account_matrix": [NOT_RATED, RATED],
    "marts.account_matrix_factors": [
        mark("attractiveness", "size", 7),
        mark("strength", "price", 3, "Rival <b>"),
        mark("strength", "price", 9, "Another"),
        mark("strength", "price", 6),
    ],
    "marts.account_outlook": [
        year(1, 500_000, 100_000, 700_000),
        year(2, 450_000, 90_000, 800_000),
        year(3, 400_000, 80_000, 1_000_000),
    ],
    "marts.account_financials": [
        {
            "customer_id": "a",
            "fiscal_year": 2012,
            "revenue": Decimal(1_000_000),
            "current_ratio": None,
            "net_margin": 0.05,
            "debt_ratio": 0.5,
            "ratio_notes": "current_ratio: current liabilities are zero",
        }
    ],
    "marts.contacts": [
        {
            "contact_id": str(number),
            "customer_id": "a",
            "contact_name": f"<u>N.{number}",
            "role": role,
            "influence": Decimal(influence),
            "owner": "Ann",
        }
        for number, (role, influence) in enumerate(
            [("user", 9), ("decision_maker", 2), ("user", 3), ("user", 4), ("user", 5)]
        )
    ],
    "marts.account_coverage": [
        {
            "customer_id": "a",
            "contacts": 5,
            "covered_contacts": 2,
            "decision_makers": 1,
            "covered_decision_makers": 1,
            "best_connected_owner": "Ann",
        }
    ],
}
PLANNED = replace(ORDINARY, tables=TABLES)
EXTRAS = """
    insert into marts.next_best_offers by name
        select * from (values
            ('a', 'Helmets', 2.3, 143, 0.42, 'Tyres', 1234.5, 1),
            ('a', 'Fourth', 1, 9, 0.1, 'Tyres', 1, 4),
            ('c', 'Of another', 2, 9, 0.5, 'Tyres', 1, 1)
        ) as offers (
            customer_id, category, lift, support, confidence, because_of,
            expected_margin, rank
        );
    insert into marts.customer_actions by name
        select 'a' as customer_id, 'Visit' as action_name_en, '拜访' as action_name_zh,
            'It waits.' as reason_en, '它在等。' as reason_zh, 2 as place, 1 as priority,
            1 as times_missed,
            date '2014-02-10' as due_on, false as is_overdue, 'Ann' as owner
"""

Pages = Callable[[Sample], dict[str, str]]


@pytest.fixture(scope="module")
def pages_of(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """The account plans of a sample: file name → page."""
    made: dict[str, dict[str, str]] = {}

    def pages(sample: Sample) -> dict[str, str]:
        if repr(sample) not in made:
            report = build_report(
                write_release(tmp_path_factory.mktemp("plans"), sample)
            )
            made[repr(sample)] = {
                path.name: path.read_text(encoding="utf-8")
                for path in (report.parent / plans.FOLDER).glob("*.html")
            } | {"report": report.read_text(encoding="utf-8")}
        return made[repr(sample)]

    return pages


def test_each_key_account_has_a_page_and_the_report_leads_there(
    pages_of: Pages,
) -> None:
    pages = pages_of(PLANNED)
    assert set(pages) == {"a.html", "b.html", "index.html", "report"}
    assert 'href="account-plans/index.html">Key accounts</a>' in pages["report"]
    index = pages["index.html"]
    assert re.findall(r'<a href="(\w+\.html)">[AB]', index) == ["a.html", "b.html"]
    assert "1 of 2 accounts rated" in words(index).replace("\N{NO-BREAK SPACE}", " ")


def test_a_release_without_key_accounts_has_no_plans(pages_of: Pages) -> None:
    pages = pages_of(ORDINARY)
    assert set(pages) == {"report"}
    assert "account-plans" not in pages["report"]


def test_an_older_release_without_the_tables_keeps_its_report(
    pages_of: Pages,
) -> None:
    drop = "; ".join(
        f"drop table {table}" for table in ("marts.account_matrix", "meta.settings")
    )
    assert set(pages_of(replace(ORDINARY, statements=drop))) == {"report"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("strategy", "improve Invest."),
        ("matrix", "Attractiveness 7.25 (rising), relative strength 5.50 (steady)."),
        ("matrix", "Small circles: a year ago."),
        ("situation", "Revenue, last 12 months 600,000"),
        ("situation", "against the 12 months before −20.0 %"),
        ("attractiveness", "size in words 25 % 7.0 Together 7.25 of 10."),
        ("strength", "price in words 25 % 6.0 3.0 us 6.00"),
        ("strength", "Rival &lt;b&gt; 5.00"),
        ("outlook", "2015-01-31 500,000 – 0 500,000 100,000 700,000"),
        ("outlook", "was wrong for eight in ten of 24 accounts"),
        ("service", "Tickets opened 2"),
        ("service", "Within the agreed time 1 of 2 (50.0 %)"),
        ("service", "Complaints not told apart"),
        ("contacts", "2 of 5 contacts covered, 1 of 1 decision maker:"),
        ("financials", "2012 1,000,000 – 5.0 % – 0.50 –"),
        ("financials", "2012: current ratio: current liabilities are zero."),
        ("offers", "It buys all that its peers buy."),
        ("actions", "Nothing is due."),
    ],
)
def test_what_a_plan_says(pages_of: Pages, where: str, expected: str) -> None:
    text = section(pages_of(PLANNED)["a.html"], where)
    assert expected in re.sub(r"[\s\N{NO-BREAK SPACE}]+", " ", text)


def test_contacts_who_decide_come_first_and_four_are_listed(pages_of: Pages) -> None:
    text = section(pages_of(PLANNED)["a.html"], "contacts")
    assert re.findall(r"N\.\d", text) == ["N.1", "N.0", "N.4", "N.3"]


def test_what_is_there_is_printed(pages_of: Pages) -> None:
    page = pages_of(replace(PLANNED, statements=EXTRAS))["a.html"]
    offers = section(page, "offers")
    # A count of buyers is no share of them: "14,300.0 %" stood here once.
    assert "143" not in offers
    assert "Helmets Tyres 42.0 % 2.3 1,234" in offers.replace("\N{NO-BREAK SPACE}", " ")
    assert "Fourth" not in offers
    assert "Of another" not in page
    assert "Visit It waits. Ann 2014-02-10" in section(page, "actions")


def test_a_release_of_before_the_actions_has_plans_all_the_same(
    pages_of: Pages,
) -> None:
    older = replace(PLANNED, statements="drop table marts.customer_actions")
    pages = pages_of(older)
    assert "This release has no customer actions." in section(
        pages["a.html"], "actions"
    )
    assert "This release has no list of actions." in section(pages["report"], "due")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (
            "strategy",
            "not rated No strategy yet: nobody has scored it in the last",
        ),
        ("matrix", "Nothing is drawn before both sides are known."),
        ("attractiveness", "Nobody has marked it yet."),
        ("strength", "Nobody has marked us there yet."),
        ("service", "No ticket of it is recorded."),
        ("contacts", "No source knows anybody there."),
        ("financials", "No source has its statements."),
    ],
)
def test_what_a_plan_lacks_is_said(pages_of: Pages, where: str, expected: str) -> None:
    page = pages_of(PLANNED)["b.html"]
    assert expected in section(page, where)
    assert "<circle" not in page


@pytest.mark.parametrize("name", ["a.html", "b.html", "index.html"])
@pytest.mark.parametrize("statements", ["", EXTRAS], ids=["without", "with extras"])
def test_pages_stand_alone_and_are_well_formed(
    pages_of: Pages, name: str, statements: str
) -> None:
    page = pages_of(replace(PLANNED, statements=statements))[name]
    assert page.count("<script") == page.count("<script>") == 1
    rest = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<link|<img", rest)
    assert "default-src 'none'" in page
    assert not re.search(r"<[ubi]>(seen|N\.)|Rival <b>", page)
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert len(set(parser.ids)) == len(parser.ids)
    assert not re.search(r"\b(nan|None|Undefined|inf)\b", words(page))


def test_a_plan_that_is_no_longer_due_is_gone(tmp_path: Path) -> None:
    folder = write_release(tmp_path, PLANNED)
    place = build_report(folder).parent / plans.FOLDER
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    with duckdb_files.connect(folder / "warehouse.duckdb") as connection:
        connection.execute("delete from marts.account_matrix where customer_id = 'a'")
    build_report(folder)
    assert {path.name for path in place.iterdir()} == {"b.html", "index.html"}
    with duckdb_files.connect(folder / "warehouse.duckdb") as connection:
        connection.execute("delete from marts.account_matrix")
    build_report(folder)
    assert not place.exists()


def test_an_id_cannot_leave_its_folder(pages_of: Pages) -> None:
    evil = "../x/<y>"
    sample = Sample(
        customers=[Customer(evil, tier="key", revenue_12m=5)],
        tables={
            "marts.account_matrix": [NOT_RATED | {"customer_id": evil}],
            "meta.settings": TABLES["meta.settings"],
        },
    )
    pages = pages_of(sample)
    assert set(pages) == {"..%2Fx%2F%3Cy%3E.html", "index.html", "report"}
    assert 'href="..%252Fx%252F%253Cy%253E.html"' in pages["index.html"]


def test_years_that_were_end_on_the_as_of_day(tmp_path: Path) -> None:
    folder = write_release(tmp_path, PLANNED)
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        seal: Any = type("Seal", (), {"as_of_date": AS_OF, "time_zone": "UTC"})()
        first, second = plans.collect(connection, seal)
    assert (first.account["customer_id"], second.account["customer_id"]) == ("a", "b")
    assert [(row["last_day"], row["revenue"]) for row in first.years] == [
        (dt.date(2012, 1, 31), 0),
        (dt.date(2013, 1, 31), 750_000),
        (dt.date(2014, 1, 31), 600_000),
    ]
    # Three years ago only one side was known: no place.
    assert len(first.course) == 2
    assert second.place is None


def test_the_matrix_is_drawn_upwards_and_to_the_right() -> None:
    ground = drawing.cells(5)
    low, high = drawing.place(0, 0), drawing.place(10, 10)
    assert (low.x, low.y) == (ground.frame.left, ground.frame.y_end)
    assert (high.x, high.y) == (ground.frame.x_end, ground.frame.top)
    assert drawing.place(5, 5) == ground.middle


def test_the_outlook_is_to_scale() -> None:
    past = [{"last_day": AS_OF, "revenue": Decimal(200)}]
    chart = drawing.outlook(past, [year(1, 100, 50, 400)])
    assert chart is not None
    was, may = chart.years
    assert (was.ahead, may.ahead) == (0, 1)
    assert was.height == pytest.approx(2 * may.height)
    assert may.low is not None
    assert may.high is not None
    assert chart.frame.y_end - may.low == pytest.approx(may.height / 2, abs=0.1)
    assert chart.frame.y_end - may.high == pytest.approx(4 * may.height, abs=0.2)
    assert was.low is None


def test_no_outlook_of_nothing() -> None:
    nothing = year(1, 0, None, None) | {"outlook_revenue": None}
    assert (
        drawing.outlook([{"last_day": AS_OF, "revenue": Decimal(0)}], [nothing]) is None
    )

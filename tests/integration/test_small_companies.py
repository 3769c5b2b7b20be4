"""Companies that know some things and not others, and days inside their data.

What nobody records is null from the line to the score; what happened after the as-of day
is not known; what cannot be placed is named. The worlds are small enough to be worked out
by hand, and the figures here are.
"""

from __future__ import annotations

import datetime as dt
import html
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import metrics
from pipeline.common.files import read_json
from pipeline.reports import dictionary, knowledge
from pipeline.reports.dictionary import contents
from pipeline.reports.dictionary.words import WORDS, Language
from pipeline.transform.package import PACKAGE
from tests.conftest import command
from tests.integration import recomputed
from tests.integration.small import Row, SmallCompany, World
from tests.integration.test_queries import QUESTIONS

AS_OF = dt.date(2024, 6, 30)
# Four hours behind UTC in summer: a wrong zone moves what happens about midnight.
BUSINESS = {"time_zone": "America/New_York"}
# A policy with scores, cost rates and promises, as projects had it before theirs was neutral.
SCORED = sorted((PACKAGE / "seeds").rglob("*.csv"))
WEEKLY = [f"W{number:02}" for number in range(24)]


def order(
    customer: str,
    day: dt.date | str,
    amount: float,
    cost: float | None = None,
    *,
    is_return: bool = False,
    product: str = "P1",
) -> Row:
    order.count += 1  # type: ignore[attr-defined]
    return {
        "order_id": f"O{order.count:05}",  # type: ignore[attr-defined]
        "line_number": 1,
        "customer_source": "shop",
        "source_customer_id": customer,
        "source_product_id": product,
        "ordered_at": f"{day} 12:00:00",
        "order_date": day,
        "quantity": -1 if is_return else 1,
        "net_amount": -amount if is_return else amount,
        "cost_amount": "" if cost is None else -cost if is_return else cost,
        "is_return": is_return,
        "currency": "EUR",
    }


order.count = 0  # type: ignore[attr-defined]


def weekly_orders() -> list[Row]:
    """Everybody buys every week; whose last order is six days old is in no danger."""
    return [
        order(
            customer,
            dt.date(2023, 1, 2) + dt.timedelta(7 * week + place % 7),
            100 + place,
            60,
        )
        for place, customer in enumerate(WEEKLY)
        for week in range(78)
        if dt.date(2023, 1, 2) + dt.timedelta(7 * week + place % 7) <= AS_OF
    ]


def named(customer: str, **more: Any) -> Row:
    return {
        "source_customer_id": customer,
        "customer_type": "company",
        "customer_name": f"{customer} Works",
        "country": "US",
        "acquired_on": "",
        **more,
    }


def asked(ticket: str, customer: str, opened: str, **more: Any) -> Row:
    return {
        "ticket_id": ticket,
        "customer_source": "shop",
        "source_customer_id": customer,
        "opened_at": opened,
        "first_response_at": "",
        "resolved_at": "",
        "closed_at": "",
        "priority": 3,
        "is_complaint": False,
        "met_sla": "",
        "csat_score": "",
        **more,
    }


def deal(lead: str, customer: str, **more: Any) -> Row:
    return {
        "lead_id": lead,
        "customer_source": "shop",
        "source_customer_id": customer,
        "lead_name": f"{lead} Trading",
        "customer_type": "company",
        "stage": "Offer",
        "is_open": True,
        "amount": 500,
        "currency": "EUR",
        "probability": 0.5,
        "created_on": "2024-03-01",
        "closed_on": "",
        "last_contact_on": "2024-06-01",
        **more,
    }


def of(customer: str, **more: Any) -> Row:
    return {"customer_source": "shop", "source_customer_id": customer, **more}


def known_and_later() -> tuple[World, World]:
    """The same company as its sources are today, and as they were on the as-of day."""
    order.count = 0  # type: ignore[attr-defined]
    customers = [
        named(customer)
        for customer in [
            *WEEKLY,
            *("ALL", "HALF", "MOST", "NONE", "BACK", "FREE", "NEVER"),
        ]
    ]
    lines = [
        *weekly_orders(),
        order("ALL", "2024-02-01", 100, 40),
        order("ALL", "2022-02-01", 50, 20),
        order("HALF", "2024-02-02", 100, 40),
        order("HALF", "2024-02-03", 100),
        order("MOST", "2024-02-02", 900, 500),
        order("MOST", "2024-02-03", 100),
        order("NONE", "2024-02-03", 100),
        order("BACK", "2024-02-03", 100),
        order("BACK", "2024-02-05", 100, is_return=True),
        order("FREE", "2024-02-06", 0),
        order("GHOST", "2024-02-07", 70, 30),
        order("", "2024-02-08", 30, 10),
    ]
    tickets = [
        asked("T1", "ALL", "2024-05-01 09:00:00", resolved_at="2024-05-02 09:00:00",
              met_sla=True, csat_score=5),
        asked("T3", "ALL", "2024-06-30 23:30:00"),
    ]  # fmt: skip
    payments = [
        of("ALL", payment_id="I1", invoiced_on="2024-02-01", due_date="2024-03-02",
           paid_at="2024-02-20", amount=100, currency="EUR"),
        of("HALF", payment_id="I4", invoiced_on="2024-02-01", due_date="",
           paid_at="", amount=100, currency="EUR"),
    ]  # fmt: skip
    leads = [
        deal("L1", "ALL"),
        deal("L2", "HALF", amount=-1),
        deal("L5", "NONE", amount=""),
    ]
    interactions = [
        of("ALL", interaction_id="V1", kind="visit",
           occurred_at="2024-05-03 10:00:00", minutes=30),
    ]  # fmt: skip
    surveys = [
        of("ALL", response_id="S1", survey="nps", score=9,
           responded_at="2024-05-03 10:00:00"),
    ]  # fmt: skip
    contacts = [
        of("ALL", contact_id="C1", contact_name="Ann Able", role="decision_maker",
           owner="Kim", last_contact_on="2024-06-01"),
    ]  # fmt: skip
    campaigns = [
        {"campaign_id": "K1", "acquisition_source": "fair", "started_on": "2024-01-01",
         "ended_on": "2024-01-31", "cost_amount": 40, "currency": "EUR"},
    ]  # fmt: skip
    assessments = [
        of("ALL", market_influence=7, strategic_importance=6, scorer="Kim",
           scored_on="2024-05-01", evidence="met"),
    ]  # fmt: skip
    products = [
        {"source_product_id": name, "product_name": name, "category": kind}
        for name, kind in (("P1", "one"), ("P2", "two"))
    ]

    def world(later: bool) -> World:
        """Rows of later days, and what happened later to rows of earlier ones."""

        def only_later(rows: list[Row]) -> list[Row]:
            return rows if later else []

        def then(value: Any, before: Any = "") -> Any:
            return value if later else before

        return {
            "customers": [
                *customers,
                *only_later([named("NEXT", acquired_on="2024-07-15")]),
            ],
            "products": products,
            "order_lines": [
                *lines,
                *only_later([order("ALL", "2024-07-01", 999, 1)]),
            ],
            "service_tickets": [
                *tickets,
                asked("T2", "HALF", "2024-05-01 09:00:00",
                      first_response_at=then("2024-07-01 09:00:00"),
                      resolved_at=then("2024-07-02 09:00:00"),
                      closed_at=then("2024-07-03 09:00:00"),
                      met_sla=then(False), csat_score=then(1)),
                *only_later([asked("T4", "ALL", "2024-07-01 00:30:00")]),
            ],
            "payments": [
                *payments,
                of("HALF", payment_id="I2", invoiced_on="2024-02-01",
                   due_date="2024-03-02", paid_at=then("2024-07-05"), amount=100,
                   currency="EUR"),
                *only_later([of("ALL", payment_id="I3", invoiced_on="2024-07-01",
                                due_date="2024-08-01", paid_at="", amount=999,
                                currency="EUR")]),
            ],
            "leads": [
                *leads,
                deal("L3", "ALL", stage=then("Won"), is_open=then(False, True),
                     probability=then(1), closed_on=then("2024-07-09"),
                     last_contact_on=then("2024-07-08"))
                if later
                else deal("L3", "ALL", stage="", probability="", last_contact_on=""),
                *only_later([deal("L4", "ALL", created_on="2024-07-02", amount=9999)]),
            ],
            "interactions": [
                *interactions,
                *only_later([of("ALL", interaction_id="V2", kind="visit",
                                occurred_at="2024-07-01 00:10:00", minutes=30)]),
            ],
            "survey_responses": [
                *surveys,
                *only_later([of("ALL", response_id="S2", survey="nps", score=0,
                                responded_at="2024-07-01 00:10:00")]),
            ],
            "contacts": [
                *contacts,
                of("HALF", contact_id="C2", contact_name="Bo Best", role="user",
                   owner="Kim", last_contact_on=then("2024-07-01")),
            ],
            "campaigns": [
                *campaigns,
                *only_later([{"campaign_id": "K2", "acquisition_source": "fair",
                              "started_on": "2024-07-01", "ended_on": "",
                              "cost_amount": 999, "currency": "EUR"}]),
            ],
            "assessments": [
                *assessments,
                *only_later([of("ALL", market_influence=1, strategic_importance=1,
                                scorer="Kim", scored_on="2024-07-01", evidence="x")]),
            ],
        }  # fmt: skip

    return world(True), world(False)


def build(folder: Path, world: World, **more: Any) -> SmallCompany:
    company = SmallCompany(folder, world, business=BUSINESS, **more)
    done = company.refresh("--as-of", AS_OF.isoformat())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "What is known" in done.stdout and "to know more, bring" in done.stdout
    return company


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> SmallCompany:
    """As of a day inside the data, its lines of unknown customers put under one."""
    return build(
        tmp_path_factory.mktemp("small") / "today",
        known_and_later()[0],
        source={"unknown_customers": "unknown_customer"},
        seeds=SCORED,
    )


@pytest.fixture(scope="module")
def then(tmp_path_factory: pytest.TempPathFactory, today: SmallCompany) -> SmallCompany:
    """The same as of the same day, from what the sources held that day."""
    return build(
        tmp_path_factory.mktemp("small") / "then",
        known_and_later()[1],
        source={"unknown_customers": "unknown_customer"},
        seeds=SCORED,
        project=today.project,
    )


@pytest.fixture(scope="module")
def without_costs(tmp_path_factory: pytest.TempPathFactory) -> SmallCompany:
    """Nobody knows a cost, or more of an order's time than its day; lines of unknown
    customers are left out; persons too."""
    (_, world) = known_and_later()
    return build(
        tmp_path_factory.mktemp("small") / "costless",
        {
            "customers": [
                *world["customers"],
                named("PERSON", customer_type="person", customer_name="Ann Other"),
            ],
            "products": world["products"],
            "order_lines": [
                *(
                    {
                        key: row[key]
                        for key in row
                        if key not in ("cost_amount", "ordered_at")
                    }
                    for row in world["order_lines"]
                ),
                {
                    key: value
                    for key, value in order("PERSON", "2024-06-01", 5).items()
                    if key not in ("cost_amount", "ordered_at")
                },
            ],
            "leads": [
                *world["leads"],
                deal("L9", "", lead_name="Ann Other", customer_type=""),
            ],
        },
        source={"unknown_customers": "leave_out"},
        seeds=SCORED,
    )


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> SmallCompany:
    """A company that knows its costs, with nothing but what a new project has."""
    (_, world) = known_and_later()
    return build(
        tmp_path_factory.mktemp("small") / "new",
        world,
        source={"unknown_customers": "leave_out"},
    )


@pytest.fixture(scope="module")
def service_only(tmp_path_factory: pytest.TempPathFactory) -> SmallCompany:
    """A help desk and its customers; nobody records what was sold."""
    return build(
        tmp_path_factory.mktemp("small") / "service",
        {
            "customers": [
                *(named(customer) for customer in ("ALL", "HALF", "NONE")),
                named("PERSON", customer_type="person", customer_name="Ann Other"),
            ],
            "service_tickets": [
                asked("T1", "ALL", "2024-05-01 09:00:00", met_sla=True, csat_score=5,
                      resolved_at="2024-05-01 21:00:00", category="repair"),
                asked("T2", "ALL", "2024-05-20 09:00:00", met_sla=False, csat_score=2,
                      resolved_at="2024-05-22 09:00:00", category="repair"),
                asked("T3", "HALF", "2024-06-20 09:00:00", is_complaint=True,
                      category="delivery"),
                asked("T4", "PERSON", "2023-02-01 09:00:00", met_sla=True,
                      resolved_at="2023-02-01 10:00:00", category="delivery"),
            ],
        },
    )  # fmt: skip


def rows(company: SmallCompany, query: str) -> list[dict[str, Any]]:
    with company.connect() as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def by_key(company: SmallCompany, columns: str) -> dict[str, dict[str, Any]]:
    """The value of each customer by its key in the source."""
    return {
        row["source_customer_id"]: row
        for row in rows(
            company,
            f"select source_customer_id, {columns} from marts.customer_value "
            "inner join marts.customer_source_keys using (customer_id)",
        )
    }


# --------------------------------------------------------------- unknown is not zero


@pytest.mark.slow
def test_a_margin_is_known_where_enough_of_the_money_has_a_cost(
    today: SmallCompany,
) -> None:
    found = by_key(
        today,
        "revenue, margin, margin_12m, profit, margin_coverage, margin_coverage_12m, "
        "margin_line_coverage, freight, acquisition_cost",
    )
    known = {
        key: (
            found[key]["margin"],
            found[key]["margin_coverage"],
            found[key]["margin_line_coverage"],
        )
        for key in ("ALL", "HALF", "MOST", "NONE", "BACK", "FREE", "NEVER")
    }
    assert known == {
        "ALL": (Decimal(90), 1, 1),
        "HALF": (None, 0.5, 0.5),
        "MOST": (Decimal(400), 0.9, 0.5),
        "NONE": (None, 0, 0),
        "BACK": (None, 0, 0),
        "FREE": (None, 0, 0),
        "NEVER": (Decimal(0), None, None),
    }
    assert found["ALL"]["margin_12m"] == 60 and found["ALL"]["margin_coverage_12m"] == 1
    # What was bought and sent back left no revenue, and a profit that nobody knows.
    assert found["BACK"]["revenue"] == 0 and found["BACK"]["profit"] is None
    assert found["ALL"]["profit"] is not None
    # Nobody records freight, and no customer was won by the campaign.
    assert {row["freight"] for row in found.values()} == {None}
    assert {row["acquisition_cost"] for row in found.values()} == {None}


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        pytest.param("today", {}, marks=pytest.mark.slow),
        ("new", {"cost_to_serve_12m": "no_rates", "profit_12m": "no_rates"}),
        pytest.param(
            "without_costs",
            {
                "revenue_12m": None,
                "margin_12m": "no_costs",
                "margin_rate": "no_costs",
                "profit_12m": "no_costs",
                "key_share_of_profit": "no_costs",
            },
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "service_only",
            {
                "customers": None,
                "revenue_12m": "no_sales",
                "margin_12m": "no_sales",
                "profit_12m": "no_sales",
                "retention": "no_sales",
                "key_customers": "no_grades",
                "cost_coverage": "no_orders",
                "clv": "no_forecasts",
            },
            marks=pytest.mark.slow,
        ),
    ],
)
def test_metrics_are_what_the_lines_come_to_or_unknown_with_the_reason(
    request: pytest.FixtureRequest, name: str, unknown: dict[str, str | None]
) -> None:
    with request.getfixturevalue(name).connect() as connection:
        recomputed.assert_metrics_hold(connection)
        figures = metrics.ask(connection, list(unknown))
    assert {key: each.reason_id for key, each in figures.items()} == unknown


@pytest.mark.parametrize(
    "name",
    [
        "new",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("without_costs", "service_only")
        ),
    ],
)
def test_the_questions_of_the_docs_can_be_asked_of_any_company(
    request: pytest.FixtureRequest, name: str
) -> None:
    with request.getfixturevalue(name).connect() as connection:
        for question in QUESTIONS.values():
            connection.execute(question.right).fetchall()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "never"),
    [
        # What the goods cost nobody knows, so that nobody is known to lose money; nor is
        # anybody blocked by service without a ticket.
        ("without_costs", {"loses_money", "blocked_by_service"}),
        ("service_only", {"loses_money", "slips", "keep", "win"}),
    ],
)
def test_a_verdict_says_nothing_of_what_is_not_recorded(
    request: pytest.FixtureRequest, name: str, never: set[str]
) -> None:
    company: SmallCompany = request.getfixturevalue(name)
    found = rows(
        company,
        "select verdict, at_stake, reason_en, against_en from marts.customer_verdicts",
    )
    (customers,) = rows(company, "select count(*) as n from marts.customers")
    assert len(found) == customers["n"]
    assert not never & {row["verdict"] for row in found}
    facts = {row["fact"] for row in rows(company, "from marts.verdict_evidence")}
    assert not facts & {"loss", "profit", "cost_excess"}
    reviews = "select action from marts.customer_actions where action like '%_review'"
    assert rows(company, reviews) == []
    if name == "service_only":
        assert not facts & {"revenue", "overdue", "in_rhythm", "expected", "best_tier"}
        assert {row["at_stake"] for row in found} == {None}
    week = rows(company, "from marts.owner_weeks where capacity_minutes is null")
    assert {row["actions_fitting"] for row in week} <= {None}


@pytest.mark.slow
@pytest.mark.parametrize("language", dictionary.LANGUAGES)
def test_the_dictionary_of_who_keeps_service_records_only(
    service_only: SmallCompany, tmp_path: Path, language: Language
) -> None:
    folder = (service_only.home / "current").resolve()
    with service_only.connect() as connection:
        found = contents.collect(
            connection, read_json(folder / "release.json"), language
        )
    tables = {table.full_name: table for table in found.tables}
    assert tables["marts.service_tickets"].rows > 0
    for empty in ("marts.order_lines", "marts.revenue_by_month", "marts.leads"):
        assert tables[empty].rows == 0
        assert {column.known for column in tables[empty].columns} == {None}
        assert tables[empty].key
    unknown = {figure.metric.id for figure in found.metrics if figure.reason}
    assert {"revenue_12m", "margin_12m", "profit_12m", "retention", "clv"} <= unknown
    assert "customers" not in unknown
    page = dictionary.build(folder, language, tmp_path / "page.html").read_text("utf-8")
    assert WORDS[language]["empty"] in html.unescape(page)
    assert metrics.load().reasons["no_sales"].model_dump()[language] in page


@pytest.mark.slow
def test_what_no_source_records_is_scored_for_nobody(
    without_costs: SmallCompany,
) -> None:
    scored = {
        row["factor"]: row["scored"]
        for row in rows(
            without_costs,
            "select factor, count(score) as scored from marts.customer_score_factors "
            "group by factor",
        )
    }
    assert {factor for factor, count in scored.items() if count == 0} >= {
        "margin_12m", "profit_12m", "predicted_margin_12m", "whitespace_margin",
        "company_size", "market_influence", "strategic_importance",
    }  # fmt: skip
    # The weights of what is missing go to what is known.
    assert rows(
        without_costs,
        "select count(*) as n from (select customer_id, sum(weight) as whole "
        "from marts.customer_score_factors where score_name = 'value' "
        "group by customer_id having abs(sum(weight) - 1) > 1e-5)",
    ) == [{"n": 0}]
    (summary,) = rows(
        without_costs,
        "select count(margin) as margins, count(profit) as profits, "
        "count(ticket_count_12m) as tickets, count(revenue) as revenues "
        "from marts.tier_summary",
    )
    assert summary == {"margins": 0, "profits": 0, "tickets": 0, "revenues": 4}
    page = (without_costs.home / "current" / "reports" / "index.html").read_text()
    assert "not known" in page and "No source says what the goods cost" in page
    reasons = rows(without_costs, "select reason_en from marts.customer_tiers")
    assert not [row for row in reasons if "margin" in row["reason_en"]]
    actions = rows(without_costs, "select reason_en from marts.customer_actions")
    assert not [row for row in actions if "margin" in row["reason_en"]]


# ------------------------------------------------------------- neutral from the start


def test_a_new_company_is_graded_by_its_own_figures(new: SmallCompany) -> None:
    """The half of the margin is added up from the lines, by hand."""
    margins: dict[str, Decimal] = {}
    for line in known_and_later()[1]["order_lines"]:
        recent = str(line["order_date"]) > "2023-06-30"
        if (
            recent
            and line["cost_amount"] != ""
            and line["source_customer_id"] != "HALF"
        ):
            margin = Decimal(str(line["net_amount"])) - Decimal(
                str(line["cost_amount"])
            )
            customer = line["source_customer_id"]
            margins[customer] = margins.get(customer, Decimal(0)) + margin
    for placeless in ("", "GHOST"):
        margins.pop(placeless)
    # Half of what MOST bought has a cost, and nine tenths of the money.
    half = sum(margins.values()) / 2
    key = {
        customer
        for customer, margin in margins.items()
        if sum(other for other in margins.values() if other > margin) < half
    }
    found = {
        row["source_customer_id"]: row
        for row in rows(
            new,
            "select * from marts.customer_tiers "
            "inner join marts.customer_source_keys using (customer_id) "
            "inner join marts.customer_value using (customer_id)",
        )
    }
    of_tier = {
        tier: {name for name, row in found.items() if row["earned_tier_code"] == tier}
        for tier in ("key", "growth", "standard", "prospect")
    }
    assert of_tier["key"] == key and len(key) == 11
    assert of_tier["prospect"] == {"NEVER"}
    assert of_tier["growth"] and of_tier["standard"]
    assert sum(map(len, of_tier.values())) == len(found)
    best = found["W23"]
    assert best["reason_en"].startswith(
        "Key: among the customers who together bring the first half of the last 12 "
        "months' margin. 6,"
    )
    assert best["reason_zh"].startswith(
        "重要客户：属于合计贡献近12个月毛利前一半的客户。近12个月"
    )
    assert {
        row[name]
        for row in found.values()
        for name in ("value_score", "potential_score", "total_score")
    } == {None}
    assert rows(new, "from marts.customer_score_factors") == []


def test_a_new_company_is_charged_and_promised_nothing(new: SmallCompany) -> None:
    (known,) = rows(
        new,
        "select count(margin_12m) > 0 as margins, count(cost_to_serve) as costs, "
        "count(profit_12m) as profits, count(wallet_amount) as wallets "
        "from marts.customer_value",
    )
    assert known == {"margins": True, "costs": 0, "profits": 0, "wallets": 0}
    assert rows(new, "from meta.cost_rates") == []
    promised = rows(
        new,
        "from marts.resource_allocation where planned is not null or difference <> 0",
    )
    assert promised == []
    actions = {row["action"] for row in rows(new, "from marts.customer_actions")}
    assert not actions & {"visit_due", "call_due", "holiday", "birthday"}
    # The demonstration's name is nowhere in what a business declares.
    for table in rows(
        new,
        "select table_name as name from duckdb_tables() where schema_name = 'meta' "
        "and table_name in ('policies', 'settings', 'source_trust', 'quality_bounds', "
        "'service_policies', 'peer_bands', 'lead_anchors', 'matrix_factors')",
    ):
        text = repr(rows(new, f"from meta.{table['name']}"))
        for word in (
            "base-2010",
            "AdventureWorks",
            "demonstration",
            "made up",
            "'erp'",
        ):
            assert word not in text, table


def test_a_new_company_can_ask_why_and_what_if(new: SmallCompany) -> None:
    at = ("--home", new.home)
    explained = command("explain", "shop:W23", *at)
    assert explained.returncode == 0, explained.stdout + explained.stderr
    said = " ".join(explained.stdout.split())
    assert "Scores none, this policy makes none" in said
    assert "What the scores are made of" not in said
    below = command("explain", "shop:W12", *at)
    said = " ".join(below.stdout.split())
    assert "Growth asks for 1.10 in value expected in the next 12 months" in said
    assert "not rated" not in said
    unmoved = command("what-if", "first", *at, "--json")
    assert unmoved.returncode == 0, unmoved.stdout + unmoved.stderr
    warnings = " ".join(new.refresh("--as-of", AS_OF.isoformat()).stdout.split())
    for nonsense in (
        *("every_score_is_rated", "every_factor_is_known", "every_rule_decides"),
        *("every_tier_has_a_customer", "every_fact_has_a_rate"),
    ):
        assert nonsense not in warnings


@pytest.mark.slow
def test_a_new_company_gets_anchors_of_its_own_figures(new: SmallCompany) -> None:
    at = ("--home", new.home, "--sources", new.sources)
    shown = command("calibrate", *at)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "+first,company,value,revenue_12m,0.40,true," in shown.stdout
    assert "No rule of this policy asks for a score: nobody moves" in shown.stdout
    own = new.sources.parent / "dbt_project" / "seeds"
    assert list(own.iterdir()) == []
    found = json.loads(command("calibrate", *at, "--write", "--json").stdout)
    assert {Path(path).name for path in found["written"]} == {
        *("score_factors.csv", "score_anchors.csv"),
    }
    # Of a profit that nobody knows there are no points.
    known = {
        item["factor"]: item["values"]
        for item in found["factors"]
        if item["customer_type"] == "company"
    }
    assert known["profit_12m"] == 0 and known["margin_12m"] > 20
    again = command("calibrate", *at)
    assert "Nothing changes." in again.stdout
    done = new.refresh("--as-of", AS_OF.isoformat())
    assert done.returncode == 0, done.stdout + done.stderr
    (scored,) = rows(
        new,
        "select count(value_score) as scored, max(value_score) as best "
        "from marts.customer_tiers where tier_code = 'key'",
    )
    assert scored["scored"] == 10 and 5 < scored["best"] <= 10
    nobody = command("calibrate", *at, "--policy-id", "gold")
    assert nobody.returncode == 2 and "There is no policy gold" in nobody.stderr


# ------------------------------------------------- nothing is known after the as-of day


@pytest.mark.slow
def test_a_day_inside_the_data_is_what_was_known_on_it(
    today: SmallCompany, then: SmallCompany
) -> None:
    with duckdb.connect() as connection:
        for name, company in (("today", today), ("of_then", then)):
            path = (company.home / "current" / "warehouse.duckdb").resolve()
            connection.execute(f"attach '{path}' as {name} (read_only)")
        tables = connection.execute(
            "select table_name from duckdb_tables() "
            "where database_name = 'today' and schema_name = 'marts'"
        ).fetchall()
        differing = {
            table: count
            for (table,) in tables
            for left, right in (("today", "of_then"), ("of_then", "today"))
            if (
                count := connection.execute(
                    f"select count(*) from (from {left}.marts.{table} "
                    f"except all from {right}.marts.{table})"
                ).fetchone()
            )
            != (0,)
        }
    assert differing == {}


@pytest.mark.slow
def test_what_is_later_is_counted(today: SmallCompany) -> None:
    counted = {
        row["entity"]: (row["later"], row["times"])
        for row in rows(
            today,
            "select entity, sum(later_rows) as later, "
            "sum(rows_with_later_times) as times from meta.reconciliation group by all",
        )
    }
    assert counted == {
        "customers": (1, 1),
        "products": (0, 0),
        "order_lines": (1, 0),
        "service_tickets": (1, 1),
        "payments": (1, 1),
        "leads": (1, 1),
        "interactions": (1, 0),
        "survey_responses": (1, 0),
        "contacts": (0, 1),
        "campaigns": (1, 0),
        "assessments": (1, 0),
    }


@pytest.mark.slow
def test_an_event_is_as_it_was_known_then(today: SmallCompany) -> None:
    assert rows(
        today,
        "select ticket_id, opened_at, resolved_at, met_sla from marts.service_tickets "
        "order by ticket_id",
    ) == [
        # A time without a zone is on the business's clock.
        {
            "ticket_id": "shop:T1",
            "opened_at": dt.datetime(2024, 5, 1, 13),
            "resolved_at": dt.datetime(2024, 5, 2, 13),
            "met_sla": True,
        },
        {
            "ticket_id": "shop:T2",
            "opened_at": dt.datetime(2024, 5, 1, 13),
            "resolved_at": None,
            "met_sla": None,
        },
        {
            "ticket_id": "shop:T3",
            "opened_at": dt.datetime(2024, 7, 1, 3, 30),
            "resolved_at": None,
            "met_sla": None,
        },
    ]
    assert rows(
        today,
        "select lead_id, is_open, stage, probability, closed_on from marts.leads "
        "where lead_id = 'shop:L3'",
    ) == [
        {
            "lead_id": "shop:L3",
            "is_open": True,
            "stage": None,
            "probability": None,
            "closed_on": None,
        }
    ]
    assert rows(
        today,
        "select payment_id, paid_at, days_late from marts.payments order by all",
    ) == [
        {
            "payment_id": "shop:I1",
            "paid_at": dt.datetime(2024, 2, 20, 5),
            "days_late": 0,
        },
        {"payment_id": "shop:I2", "paid_at": None, "days_late": 120},
        {"payment_id": "shop:I4", "paid_at": None, "days_late": None},
    ]


# -------------------------------------------------------- ranks, sentences and values


@pytest.mark.slow
def test_who_buys_every_week_is_in_no_danger(today: SmallCompany) -> None:
    found = by_key(today, "lifecycle_stage, r_score, rfm_segment")
    weekly = [found[customer] for customer in WEEKLY]
    # They are ranked against each other, as far down as the cells of the dormant.
    assert {row["r_score"] for row in weekly} >= {2, 5}
    assert not {row["rfm_segment"] for row in weekly} & {
        "at risk", "dormant", "lost", "slipping", "new",
    }  # fmt: skip


@pytest.mark.slow
def test_amounts_that_mean_nothing_are_told(today: SmallCompany) -> None:
    found = rows(
        today,
        "select entity, column_name, problem, column_value, value_rows "
        "from meta.domain_checks order by all",
    )
    assert {
        "entity": "leads",
        "column_name": "amount",
        "problem": "below 0",
        "column_value": "-1.0000",
        "value_rows": 1,
    } in found
    # A deal without an amount is not worth nothing.
    pipeline = by_key(today, "pipeline_amount, pipeline_deals")
    assert pipeline["NONE"]["pipeline_amount"] is None
    assert pipeline["MOST"]["pipeline_amount"] == 0


# ---------------------------------------------------------------- what cannot be placed


@pytest.mark.slow
def test_lines_of_unknown_customers_stand_under_one(today: SmallCompany) -> None:
    assert rows(
        today,
        "select customer_name, revenue, margin from marts.customer_value "
        "inner join marts.customers using (customer_id) "
        "where customer_name like 'unknown customer%'",
    ) == [
        {
            "customer_name": "unknown customer of shop",
            "revenue": Decimal(100),
            "margin": Decimal(60),
        }
    ]


@pytest.mark.slow
def test_who_stands_for_unknown_customers_is_told_and_not_judged(
    today: SmallCompany,
) -> None:
    """Its revenue counts in every total; it is no customer of which anything is said."""
    (found,) = rows(
        today,
        "select * from marts.customers "
        "inner join marts.customer_value using (customer_id) "
        "inner join marts.customer_tiers using (customer_id) "
        "where customer_type = 'unknown'",
    )
    assert found["tier_code"] == "not_graded"
    assert found["reason_en"].startswith(
        "Not graded: orders of customers whom no source knows."
    )
    assert found["lifecycle_stage"] == found["rfm_segment"] == "not recorded"
    assert {
        column: found[column]
        for column in (
            *("abc_class", "r_score", "health_score", "predicted_revenue_12m"),
            *("clv", "value_score", "total_score", "whitespace_revenue"),
            *("whitespace_margin", "overdue_factor"),
        )
        if found[column] is not None
    } == {}
    for table in ("customer_actions", "customer_verdicts", "customer_concentration"):
        assert (
            rows(
                today,
                f"select * from marts.{table} semi join (select customer_id "
                "from marts.customers where customer_type = 'unknown') "
                "using (customer_id)",
            )
            == []
        )
    graded = rows(
        today,
        "select count(*) as n from marts.customer_tiers where tier_code = 'not_graded'",
    )
    assert graded == [{"n": 1}]
    assert rows(today, "select customer_type from meta.value_models") == [
        {"customer_type": "company"}
    ]
    (cohorts, buyers) = (
        rows(today, query)
        for query in (
            "select sum(customers) as n from marts.cohort_retention "
            "where month_number = 0",
            "select count(*) as n from marts.customer_value "
            "inner join marts.customers using (customer_id) "
            "where order_count > 0 and customer_type <> 'unknown'",
        )
    )
    assert cohorts == buyers
    at = ("--home", today.home)
    explained = command("explain", "unknown customer of shop", *at)
    assert "customers whom no source knows" in " ".join(explained.stdout.split())
    moves = json.loads(command("what-if", "base-2010", *at, "--json").stdout)
    (customers,) = rows(today, "select count(*) as n from marts.customers")
    assert moves["customers"] == customers["n"] - 1


@pytest.mark.slow
def test_lines_of_unknown_customers_are_left_out_and_counted(
    without_costs: SmallCompany,
) -> None:
    assert rows(
        without_costs,
        "select left_out_rows, left_out_amount, row_difference, amount_difference "
        "from meta.reconciliation where entity = 'order_lines'",
    ) == [
        {
            "left_out_rows": 2,
            "left_out_amount": Decimal(100),
            "row_difference": 0,
            "amount_difference": 0,
        }
    ]
    (check,) = rows(
        without_costs,
        "select outcome, examples from meta.check_results "
        "where check_name = 'lines_without_a_customer_are_few'",
    )
    assert check["outcome"] == "failed"
    assert "GHOST" in str(check["examples"])


@pytest.mark.slow
def test_lines_of_unknown_customers_stop_a_refresh_by_name(
    tmp_path: Path, today: SmallCompany
) -> None:
    (_, world) = known_and_later()
    company = SmallCompany(
        tmp_path / "refused",
        world,
        business=BUSINESS,
        seeds=SCORED,
        project=today.project,
    )
    done = company.refresh("--as-of", AS_OF.isoformat())
    assert done.returncode == 3, done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert "order_lines_have_a_customer" in said
    assert "GHOST" in said and "(empty)" in said and "unknown_customers" in said
    assert "NOT NULL" not in said


# ------------------------------------------------------------------------------- names


@pytest.mark.slow
def test_who_may_not_be_named_is_told_by_the_id(without_costs: SmallCompany) -> None:
    (person,) = rows(
        without_costs,
        "select customer_id, customer_name, customer_label from marts.customers "
        "where customer_type = 'person'",
    )
    assert person["customer_name"] == "A. O."
    assert person["customer_label"] == f"A. O. ({person['customer_id']})"
    called = {
        row["lead_id"]: row["lead_name"]
        for row in rows(without_costs, "select lead_id, lead_name from marts.leads")
    }
    # A company has its name; who nobody calls a company may be a person.
    assert called["shop:L1"] == "L1 Trading"
    assert called["shop:L9"] == "A. O."


# ------------------------------------------------------------- companies of every shape


@pytest.mark.slow
def test_who_keeps_service_records_only_grades_nobody(
    service_only: SmallCompany,
) -> None:
    found = rows(
        service_only,
        """
        select source_customer_id as key, tier_code, tier_name_en, tier_name_zh,
            vip_class, earned_tier_code, customer_tiers.value_score,
            customer_tiers.potential_score, next_tier_code, reason_en, reason_zh,
            revenue_12m, margin_12m, lifecycle_stage, abc_class, abc_class_12m
        from marts.customer_tiers
        inner join marts.customer_value using (customer_id)
        inner join marts.customer_source_keys using (customer_id)
        order by key
        """,
    )
    nobody = {
        "tier_code": "not_graded",
        "tier_name_en": "Not graded",
        "tier_name_zh": "未分级",
        "vip_class": "未分级",
        "earned_tier_code": "not_graded",
        "value_score": None,
        "potential_score": None,
        "next_tier_code": None,
        "margin_12m": None,
        "lifecycle_stage": "not recorded",
        "abc_class": None,
        "abc_class_12m": None,
    }
    assert [row["key"] for row in found] == ["ALL", "HALF", "NONE", "PERSON"]
    for row in found:
        assert {name: row[name] for name in nobody} == nobody
        assert not row["revenue_12m"]
    assert [row["reason_en"] for row in found[:3]] == [
        f"Not graded: no sales are recorded. {tickets} in the last 12 months."
        for tickets in ("2 service tickets", "1 service ticket", "0 service tickets")
    ]
    assert found[0]["reason_zh"] == "未分级：没有销售记录。近12个月2张服务工单。"
    # No money is measured where none is recorded.
    assert rows(
        service_only,
        """
        select distinct factor from marts.customer_score_factors
        where score is not null
            and regexp_matches(factor, 'revenue|margin|profit|order|growth')
        """,
    ) == []  # fmt: skip
    assert rows(
        service_only,
        "select tier_code, customers from marts.tier_summary where customers > 0",
    ) == [{"tier_code": "not_graded", "customers": 4}]
    assert rows(
        service_only,
        "select distinct tier_code, change_kind, change_reason "
        "from marts.customer_tier_history",
    ) == [
        {
            "tier_code": "not_graded",
            "change_kind": "new",
            "change_reason": "First graded: no sales are recorded",
        }
    ]


@pytest.mark.slow
def test_who_keeps_service_records_only_reads_about_service(
    service_only: SmallCompany,
) -> None:
    levels = rows(
        service_only,
        """
        select month_start, tickets, met_sla_rate, complaints
        from marts.service_levels where tier_code = 'not_graded' order by month_start
        """,
    )
    assert [tuple(row.values()) for row in levels] == [
        (dt.date(2023, 2, 1), 1, 1.0, 0),
        (dt.date(2024, 5, 1), 2, 0.5, 0),
        (dt.date(2024, 6, 1), 1, None, 1),
    ]
    categories = rows(
        service_only,
        """
        select month_start, category, tickets, customers, resolved, open_tickets,
            median_hours_of_resolved, met_sla_rate, complaints, mean_csat_score
        from marts.service_categories order by month_start, category
        """,
    )
    assert [tuple(row.values()) for row in categories] == [
        (dt.date(2023, 2, 1), "delivery", 1, 1, 1, 0, 1.0, 1.0, 0, None),
        (dt.date(2024, 5, 1), "repair", 2, 1, 2, 0, 30.0, 0.5, 0, 3.5),
        (dt.date(2024, 6, 1), "delivery", 1, 1, 0, 1, None, None, 1, None),
    ]
    reports = service_only.home / "current" / "reports"
    page = (reports / "index.html").read_text()
    assert "Not graded" in page
    service = (reports / "service.html").read_text()
    assert "by what they are about" in service and ">repair</th>" in service
    for wrong in ("Prospect, has not bought", "has not bought yet"):
        assert wrong not in page


@pytest.mark.slow
def test_a_release_says_what_it_does_not_know(service_only: SmallCompany) -> None:
    with service_only.connect() as connection:
        found = {item.measure: item for item in knowledge.known(connection)}
        empty = knowledge.empty_tiers(connection)
        assert not knowledge.is_anybody_graded(connection)
    assert (found["service tickets"].customers, found["service tickets"].of) == (4, 4)
    assert {name for name, item in found.items() if item.customers} == {
        "service tickets"
    }
    assert {tier.name for tier in empty} == {"Key", "Growth", "Standard", "Prospect"}
    assert empty[-1].asks_for == ("has not bought yet",)


@pytest.mark.slow
def test_who_keeps_service_records_only_can_ask_why(
    service_only: SmallCompany,
) -> None:
    at = ("--home", service_only.home)
    checked = command("check-sources", *at, "--sources", service_only.sources)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    explained = command("explain", "shop:ALL", *at)
    assert explained.returncode == 0, explained.stdout + explained.stderr
    assert "Not graded 未分级" in explained.stdout
    assert "has not bought" not in explained.stdout
    refused = command("what-if", "first", *at)
    assert refused.returncode == 2
    assert "no source records sales" in " ".join(refused.stderr.split())


@pytest.mark.slow
def test_an_order_of_which_the_day_is_known_begins_with_it(
    without_costs: SmallCompany,
) -> None:
    """Midnight in New York, in summer and in winter."""
    with without_costs.connect() as connection:
        found = connection.execute(
            "select month(order_date) = 6, ordered_at - order_date::timestamp, count(*) > 0 "
            "from marts.order_lines where month(order_date) in (1, 6) group by all"
        ).fetchall()
    assert sorted(found) == [
        (False, dt.timedelta(hours=5), True),
        (True, dt.timedelta(hours=4), True),
    ]

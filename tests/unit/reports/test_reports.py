"""The report of a release: its figures, its words where there are none, and its manners.

The small warehouses here have the columns that the dbt contract declares, so a mart that
changes under the report fails a test.
"""

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pytest
import yaml

from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json, sha256, write_json
from pipeline.common.home import Home
from pipeline.journal import evidence
from pipeline.journal.evidence import Check, Evidence
from pipeline.release import duckdb_files, layout, sealing, verification
from pipeline.reports import build_report, drawing, sales, wording
from pipeline.reports.words import LANGUAGES, WORDS, Language
from pipeline.transform import meta

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "dbt_project" / "models"
STYLE = ROOT / "pipeline" / "reports" / "templates" / "report.css"

TEMPLATES = STYLE.parent
# The pages that every release has, and on which of them a section is, if not the first.
PAGES = ("index", "portfolio", "service", "owners/index", "quality")
ON = {
    "concentration": "portfolio", "top": "portfolio", "segments": "portfolio",
    "service": "service", "badly": "service", "data": "quality",
    "quarantine": "quality",
}  # fmt: skip

AS_OF = dt.date(2014, 1, 31)
TIERS = {
    "key": (1, "Key", "重要客户"),
    "growth": (2, "Growth", "潜力客户"),
    "standard": (3, "Standard", "普通客户"),
    "prospect": (4, "Prospect", "潜在客户"),
}
RFM = [
    {
        "r_score": score,
        "f_score": score,
        "m_score": score,
        "rfm_segment": english,
        "rfm_segment_zh": chinese,
    }
    for score, english, chinese in (
        (5, "champion", "核心客户"),
        (3, "steady", "稳定客户"),
        (1, "dormant", "沉睡客户"),
    )
]


@dataclass(frozen=True)
class Customer:
    customer_id: str
    tier: str = "standard"
    customer_name: str | None = "Somebody"
    customer_type: str = "company"
    revenue_12m: int = 0
    revenue_previous_12m: int = 0
    margin_12m: int | None = 0
    first_order_date: dt.date | None = dt.date(2011, 1, 1)
    last_order_date: dt.date | None = dt.date(2014, 1, 1)
    order_days: int = 2
    growth_rate: float | None = None
    rfm_segment: str = "steady"
    usual_gap_days: float | None = None

    @property
    def has_bought(self) -> bool:
        return self.last_order_date is not None

    def days(self, since: dt.date | None) -> int | None:
        return None if since is None else (AS_OF - since).days


PROSPECT = Customer(
    "p",
    tier="prospect",
    customer_name="Not Yet",
    first_order_date=None,
    last_order_date=None,
    order_days=0,
    rfm_segment="never bought",
)

Ticket = tuple[str | None, dt.datetime, bool | None]


@dataclass(frozen=True)
class Sample:
    """What stands in a small release."""

    customers: Sequence[Customer] = ()
    tickets: Sequence[Ticket] = ()
    checks: Sequence[Check] = (
        Check("out", "customer_value", "unique", "critical", "passed"),
    )
    quarantine: Sequence[str] = ()
    record: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    statements: str = ""
    corrections: str = ""  # of what was inserted


ORDINARY = Sample(
    customers=[
        Customer(
            "a",
            tier="key",
            customer_name="Alpha & Sons",
            revenue_12m=600_000,
            revenue_previous_12m=750_000,
            margin_12m=90_000,
            growth_rate=-0.2231435513142097,  # ln 0.8
            rfm_segment="champion",
        ),
        Customer(
            "b",
            tier="growth",
            customer_name="Beta",
            revenue_12m=300_000,
            margin_12m=-9_000,
        ),
        Customer(
            "c",
            customer_name="Gamma",
            customer_type="person",
            revenue_12m=334_567,
            revenue_previous_12m=250_000,
            margin_12m=20_000,
        ),
        PROSPECT,
    ],
    tickets=[
        ("a", dt.datetime(2014, 1, 5, 9), True),
        ("a", dt.datetime(2014, 1, 6, 9), False),
        ("c", dt.datetime(2014, 1, 7, 9), None),
        (None, dt.datetime(2014, 1, 8, 9), True),
        ("a", dt.datetime(2012, 1, 5, 9), True),
    ],
)


@cache
def contract() -> str:
    """Statements that create what dbt promises to put into a release."""
    statements = [
        "create table meta.rfm_segments (r_score integer, f_score integer, "
        "m_score integer, rfm_segment varchar, rfm_segment_zh varchar)",
        "create table meta.settings (name varchar, applies_to varchar, value varchar)",
        "create table meta.matrix_factors (policy_id varchar, dimension varchar, "
        "factor varchar, name_en varchar, name_zh varchar)",
    ]
    for folder in ("marts", "meta"):
        for path in sorted((MODELS / folder).glob("*.yml")):
            described = yaml.safe_load(path.read_text(encoding="utf-8"))
            for model in described.get("models", []):
                columns = ", ".join(
                    f"{column['name']} {column['data_type']}"
                    for column in model["columns"]
                )
                statements.append(f"create table {folder}.{model['name']} ({columns})")
    return "; ".join(statements)


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    if rows:
        connection.register("_rows", pa.Table.from_pylist([dict(row) for row in rows]))
        connection.execute(f"insert into {table} by name select * from _rows")
        connection.unregister("_rows")


def customer_rows(customer: Customer) -> dict[str, dict[str, Any]]:
    rank, english, chinese = TIERS[customer.tier]
    rows: dict[str, dict[str, Any]] = {
        "customers": {
            "customer_name": customer.customer_name,
            "customer_type": customer.customer_type,
            "country": "Canada",
        },
        "customer_value": {
            "as_of_date": AS_OF,
            "first_order_date": customer.first_order_date,
            "last_order_date": customer.last_order_date,
            "days_since_last_order": customer.days(customer.last_order_date),
            "tenure_days": customer.days(customer.first_order_date),
            "order_count": customer.order_days,
            "order_count_12m": int(customer.has_bought),
            "order_days": customer.order_days,
            "revenue": customer.revenue_12m + customer.revenue_previous_12m,
            "revenue_12m": customer.revenue_12m,
            "revenue_previous_12m": customer.revenue_previous_12m,
            "margin_12m": customer.margin_12m,
            "ticket_count_12m": 0,
            "rfm_segment": customer.rfm_segment,
            "has_growth_history": bool(
                customer.first_order_date
                and customer.first_order_date <= AS_OF.replace(year=AS_OF.year - 2)
            ),
            "growth_rate": customer.growth_rate,
            "usual_gap_days": customer.usual_gap_days,
            "overdue_factor": (
                None
                if customer.usual_gap_days is None
                else (customer.days(customer.last_order_date) or 0)
                / customer.usual_gap_days
            ),
        },
        "customer_tiers": {
            "tier_code": customer.tier,
            "tier_rank": rank,
            "tier_name_en": english,
            "tier_name_zh": chinese,
            "reason_en": f"{english}: because.",
            "reason_zh": f"{chinese}：因为。",
            "policy_id": "base-2010",
        },
    }
    return {
        table: {"customer_id": customer.customer_id} | row
        for table, row in rows.items()
    }


def order_line_rows(customer: Customer) -> list[dict[str, Any]]:
    if not customer.has_bought:
        return []
    return [
        {
            "customer_id": customer.customer_id,
            "order_date": day,
            "net_amount": amount,
            "margin_amount": margin,
            "currency": "USD",
        }
        for day, amount, margin in (
            (dt.date(2013, 6, 1), customer.revenue_12m, customer.margin_12m),
            (dt.date(2012, 6, 1), customer.revenue_previous_12m, None),
        )
    ]


def fill(connection: duckdb.DuckDBPyConnection, sample: Sample) -> None:
    connection.execute(sample.statements)
    for table, table_rows in sample.tables.items():
        insert(connection, table, table_rows)
    insert(connection, "meta.rfm_segments", RFM)
    rows = [customer_rows(customer) for customer in sample.customers]
    for table in ("customers", "customer_value", "customer_tiers"):
        insert(connection, f"marts.{table}", [row[table] for row in rows])
    lines = [row for customer in sample.customers for row in order_line_rows(customer)]
    insert(connection, "marts.order_lines", lines)
    for code, (rank, english, chinese) in TIERS.items():
        connection.execute(
            """
            insert into marts.tier_summary by name
            select
                $code as tier_code, $rank as tier_rank, $english as tier_name_en,
                $chinese as tier_name_zh, count(*) as customers,
                coalesce(sum(revenue_12m), 0) as revenue_12m,
                coalesce(sum(margin_12m), 0) as margin_12m,
                coalesce(sum(order_count_12m), 0) as order_count_12m,
                0 as ticket_count_12m,
                avg(tenure_days) / 365.25 as average_tenure_years
            from marts.customer_value
            semi join (from marts.customer_tiers where tier_code = $code) as tier
                using (customer_id)
            """,
            {"code": code, "rank": rank, "english": english, "chinese": chinese},
        )
    connection.execute(
        """
        insert into marts.customer_concentration by name
        select
            customer_id, customer_type, revenue,
            row_number() over type as type_revenue_rank,
            row_number() over type / (count(*) over (partition by customer_type))
                as type_customer_share,
            sum(revenue) over type / (sum(revenue) over (partition by customer_type))
                as type_cumulative_revenue_share
        from (
            select customer_id, customer_type, cast(revenue as double) as revenue
            from marts.customer_value inner join marts.customers using (customer_id)
            where revenue > 0
        )
        window type as (
            partition by customer_type order by revenue desc, customer_id
            rows unbounded preceding
        )
        """
    )
    insert(
        connection,
        "marts.service_tickets",
        [
            {
                "ticket_id": str(number),
                "customer_id": customer_id,
                "opened_at": opened_at,
                "resolved_at": opened_at + dt.timedelta(hours=6),
                "met_sla": met_sla,
            }
            for number, (customer_id, opened_at, met_sla) in enumerate(sample.tickets)
        ],
    )
    insert(
        connection,
        "meta.source_freshness",
        [
            {
                "source": "erp",
                "entity": "orders",
                "rows_read": 1200 + len(sample.quarantine),
                "rows_landed": 1200,
                "rows_quarantined": len(sample.quarantine),
                "last_loaded_at": dt.datetime(2014, 2, 1, 4),
            }
        ],
    )
    insert(
        connection,
        "meta.quarantine",
        [
            {
                "source": "erp",
                "entity": "orders",
                "source_file": "orders.csv",
                "line": line,
                "reason": reason,
            }
            for line, reason in enumerate(sample.quarantine, start=2)
        ],
    )
    insert(
        connection,
        "meta.reconciliation",
        [
            {
                "source": "erp",
                "entity": "order_lines",
                "currency": "USD",
                "staged_rows": 10,
                "forgotten_rows": 0,
                "later_rows": 0,
                "mart_rows": 10,
                "row_difference": 0,
                "staged_amount": 10,
                "later_amount": 0,
                "mart_amount": 10,
                "amount_difference": 0,
            }
        ],
    )
    connection.execute(sample.corrections)


def write_release(root: Path, sample: Sample) -> Path:
    """A sealed release as the pipeline leaves it, with the sample in it."""
    home = Home.open(root / "home")
    candidate = layout.Candidate(
        path=root / "candidate",
        refresh_id="r000007-20140131",
        run_id="run",
        as_of_date=AS_OF,
        time_zone="UTC",
        reporting_currency="USD",
        opened_at="2014-02-01T05:00:00+00:00",
    )
    candidate.release_folder.mkdir(parents=True)
    checks = list(sample.checks)
    seen = Evidence("out", candidate.refresh_id, len(checks), checks)
    evidence.save(candidate.evidence_folder, seen)
    for file in candidate.databases.values():
        with duckdb_files.connect(file) as connection:
            connection.execute("create schema marts; create schema meta")
    meta.write_meta(home, candidate, [], {"out": seen})
    with duckdb_files.connect(candidate.warehouse_file) as connection:
        connection.execute(contract())
        fill(connection, sample)
    with duckdb_files.connect(candidate.private_file) as connection:
        lines = [{"text": "secret@example.com"} for _ in sample.quarantine]
        insert(connection, "meta.quarantined_lines", lines)
    record_file = sealing.seal(candidate, ["out"])
    write_json(record_file, read_json(record_file) | dict(sample.record))
    return candidate.release_folder


Release = Callable[[Sample], Path]
Page = Callable[..., str]


@pytest.fixture
def make_release(tmp_path: Path) -> Release:
    """A release of the test's own."""
    return lambda sample: write_release(tmp_path, sample)


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A page of a sample's report, made once for all tests that look at it."""
    made: dict[str, Path] = {}

    def page(sample: Sample, name: str = "index", language: Language = "en") -> str:
        if repr(sample) not in made:
            folder = write_release(tmp_path_factory.mktemp("report"), sample)
            made[repr(sample)] = build_report(folder).parent
        folder = made[repr(sample)] / ("zh" if language == "zh" else "")
        return (folder / f"{name}.html").read_text(encoding="utf-8")

    return page


def words(page: str) -> str:
    """The page's text as a person reads it, in one line."""
    text = re.sub(
        r"<style>.*?</style>|<script>.*?</script>|<[^>]+>", " ", page, flags=re.DOTALL
    )
    text = re.sub(r"\s+", " ", text.replace("&nbsp;", " "))
    return re.sub(r" (?=[,;.)])|(?<=\() ", "", text)


def section(page: str, name: str) -> str:
    found = re.search(rf'aria-labelledby="{name}".*?</section>', page, re.DOTALL)
    assert found is not None
    return words(found[0])


class Balanced(HTMLParser):
    """Fails on a tag that is not closed, or closed twice."""

    VOID = frozenset({"meta", "br", "wbr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name == "aria-labelledby" and value:
                self.references += value.split()
            if name == "href" and value:
                # Within the page, or to another page of the same report.
                if value.startswith("#"):
                    self.references.append(value.removeprefix("#"))
                else:
                    assert re.fullmatch(r"(\.\./)*[\w./%-]+\.html(#data)?", value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing stays open."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_headline_figures(page_of: Page) -> None:
    text = section(page_of(ORDINARY), "headline")
    assert "Customers 4 3 companies, 1 person; 1 not bought yet" in text
    assert "1,234,567 USD +23.5 % against the 12 months before (1,000,000)" in text
    assert "101,000 USD 8.2 % of revenue" in text
    assert "48.6 % 600,000 USD in the last 12 months from 1 customer" in text
    assert "(25.0 % of all)" in text


def action(place: int, **values: Any) -> dict[str, Any]:
    return {
        "place": place,
        "action_name_en": "Visit",
        "action_name_zh": "拜访",
        "customer_id": "a",
        "lead_id": None,
        "reason_en": "No visit <so> far.",
        "reason_zh": "尚无拜访。",
        "due_on": dt.date(2014, 1, 30),
        "is_overdue": True,
        "owner": "Ann",
        "priority": 2,
    } | values


def test_what_is_due_comes_in_its_order(page_of: Page) -> None:
    actions = [
        action(
            place,
            action_name_en="Call",
            due_on=dt.date(2014, 2, place),
            is_overdue=False,
            owner=None,
        )
        for place in range(3, 19)
    ]
    lead = action(1, customer_id=None, lead_id="crm:7", owner="Bea")
    sample = replace(
        ORDINARY,
        tables={
            "marts.customer_actions": [*reversed(actions), action(2), lead],
            "marts.leads": [{"lead_id": "crm:7", "lead_name": "L. D."}],
        },
    )
    text = section(page_of(sample), "due")
    assert "18 actions on the list, 2 overdue: Visit 2, Call 16." in text
    assert "L. D. (crm:7) lead – Visit Bea 2 2014-01-30 overdue No visit" in text
    assert "Alpha &amp; Sons company" in text
    assert "Key Visit Ann 2 2014-01-30 overdue No visit &lt;so&gt; far." in text
    assert "nobody 16 0 not known 2014-02-03" in text
    listed = text[text.index("The first 15 actions") :]
    assert listed.index("L. D.") < listed.index("Alpha") < listed.index("2014-02-03")
    assert "nobody 2 2014-02-15" in text
    assert "2014-02-16" not in text
    assert "And 3 more actions:" in text


def test_nothing_due_is_said(page_of: Page) -> None:
    assert "Nothing is due." in section(page_of(ORDINARY), "due")


def test_header_says_which_release_this_is(page_of: Page) -> None:
    text = words(page_of(ORDINARY))
    assert "As of 2014-01-31 Release r000007-20140131" in text
    assert "Checks 1 of 1 passed" in text
    assert "Currency USD Policy base-2010" in text
    assert "All checks passed" in text


def test_tiers_and_an_empty_one(
    page_of: Page,
) -> None:
    sample = replace(ORDINARY, customers=ORDINARY.customers[:1])
    text = section(page_of(sample), "tiers")
    assert "Key 1 1 0 600,000 100.0 % 90,000 not known 1 0 3.1" in text
    assert "Prospect 0 0 0 0 0.0 % 0 not known 0 0 no customer" in text


def test_largest_customers(page_of: Page) -> None:
    text = section(page_of(ORDINARY, "portfolio"), "top")
    assert "Alpha &amp; Sons company, Canada Key 600,000 90,000 −20.0 %" in text
    assert "Beta company, Canada Growth 300,000 −9,000 from nothing" in text
    assert "Key: because." in text
    assert text.index("Alpha") < text.index("Gamma") < text.index("Beta")
    assert "Not Yet" not in text


def test_key_customers_that_need_a_look(page_of: Page) -> None:
    regular = Customer("r", tier="key", customer_name="Regular", revenue_12m=50)
    sample = Sample(
        customers=[
            replace(ORDINARY.customers[0], customer_name="Shrinking"),
            # Eight gaps of 100 days, then 250 days of nothing.
            replace(
                regular,
                customer_id="s",
                customer_name="Silent",
                order_days=9,
                first_order_date=AS_OF - dt.timedelta(days=1050),
                usual_gap_days=100,
                last_order_date=AS_OF - dt.timedelta(days=250),
            ),
            regular,
            Customer("x", customer_name="Standard", revenue_previous_12m=900),
        ]
    )
    text = section(page_of(sample), "look")
    assert "Of 3 customers in tier Key, 1 bought less" in text
    assert "(−150,000 USD together), and 1 is silent." in text
    assert "Shrinking company, Canada 600,000 750,000 −150,000 −20.0 %" in text
    assert "Silent company, Canada 50 0 +50 2013-05-26 250 100" in text
    assert "Regular" not in text
    assert "Standard" not in text


def test_segments_by_strength(page_of: Page) -> None:
    text = section(page_of(ORDINARY, "portfolio"), "segments")
    assert "Champion 1 0 25.0 % 600,000 48.6 %" in text
    assert "Steady 1 1 50.0 %" in text
    assert text.index("Champion") < text.index("Steady") < text.index("never bought")


def test_service_of_the_last_12_months(page_of: Page) -> None:
    text = section(page_of(ORDINARY, "service"), "service")
    assert "Key 2 200.0 0 6.0 1 of 2 50.0 %" in text
    assert "Standard 1 100.0 0 6.0 0 of 0 –" in text
    assert "Of no known customer 1 – 0 6.0 1 of 1 100.0 %" in text


def test_high_value_badly_served(page_of: Page) -> None:
    text = section(page_of(ORDINARY, "service"), "badly")
    assert "No alarm of the service policy sounds" in text
    alarm = (
        "insert into marts.badly_served by name select '{}' as customer_id, "
        "'{}' as rule_code, 12 as tickets_12m, 0.25 as sla_met_rate_12m, "
        "120 as contact_gap_days, '{}.' as reason_en, '{}。' as reason_zh"
    )
    sample = replace(
        ORDINARY,
        statements="; ".join(
            [
                ORDINARY.statements,
                alarm.format("a", "b_rule", "Second", "其二"),
                alarm.format("a", "a_rule", "First", "其一"),
                alarm.format("b", "a_rule", "Beta too", "也是"),
            ]
        ),
    )
    text = section(page_of(sample, "service"), "badly")
    assert "2 customers of class A in the last 12 months with a reason" in text
    assert text.index("First. Second.") < text.index("Beta too.")
    older = replace(ORDINARY, statements="drop table marts.badly_served")
    assert "badly served" not in page_of(older, "service")
    chinese = section(page_of(sample, "service", "zh"), "badly")
    assert "其一。 其二。" in chinese
    assert "First" not in chinese


@pytest.mark.parametrize(
    ("time_zone", "printed"), [("UTC", True), ("America/Los_Angeles", False)]
)
def test_twelve_months_are_days_of_the_business(
    page_of: Page, time_zone: str, printed: bool
) -> None:
    just_in_utc = ("a", dt.datetime(2013, 2, 1, 3), True)
    sample = replace(ORDINARY, tickets=[just_in_utc], record={"time_zone": time_zone})
    assert ("1 of 1" in section(page_of(sample, "service"), "service")) is printed


def test_currency_of_the_record_comes_first(page_of: Page) -> None:
    page = page_of(replace(ORDINARY, record={"reporting_currency": "CNY"}))
    assert "1,234,567 CNY" in section(page, "headline")


def test_pareto_figures_by_hand(page_of: Page) -> None:
    amounts = [50, 20, 10, 5, 5, 2, 2, 2, 2, 2]
    sample = Sample(
        customers=[
            Customer(str(place), revenue_12m=amount)
            for place, amount in enumerate(amounts)
        ]
    )
    text = section(page_of(sample, "portfolio"), "concentration")
    # Ascending, sum((2i - 11) v) = 610, over 10 x 100.
    assert "10 companies with revenue; Gini 0.610" in text
    # 50 + 20 of 100; a mean of 35 against one of 30 / 8.
    assert "The top 20 % (2) hold 70.0 %" in text
    assert "one of them brings 9.3 times" in text
    assert "The first 3 make 80 %" in text
    assert "Persons" not in text


def test_a_curve_has_few_points_and_both_ends(make_release: Release) -> None:
    sample = Sample(
        customers=[Customer(f"{n:04}", revenue_12m=1000 - n) for n in range(700)]
    )
    folder = make_release(sample)
    with duckdb_files.connect(
        folder / "warehouse.duckdb", read_only=True
    ) as connection:
        (found,) = sales.concentration(connection)
    assert 150 <= len(found.points) <= 200
    assert found.points[0][0] == pytest.approx(1 / 700)
    assert found.points[-1] == pytest.approx((1.0, 1.0))
    assert list(found.points) == sorted(found.points)
    assert found.top_customers == 140
    points = drawing.pareto(found).line.split(" ")
    assert (points[0], points[-1]) == ("46,256", "418,12")


def test_nothing_from_a_source_reaches_the_page_as_markup(
    page_of: Page,
) -> None:
    attack = "<script>alert('x')</script>"
    sample = replace(
        ORDINARY,
        customers=[
            replace(ORDINARY.customers[0], customer_name=attack, customer_type=attack)
        ],
        checks=[Check("out", attack, attack, "warning", "failed", attack, attack)],
        quarantine=[attack],
    )
    for language in LANGUAGES:
        found = 0
        for name in PAGES:
            page = page_of(sample, name, language)
            # Its own script, and no other; the policy of the page lets no other run.
            assert page.count("<script") == page.count("<script>") == 1
            found += page.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;")
        assert found >= 8


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_page_stands_alone(page_of: Page, name: str, language: Language) -> None:
    page = page_of(replace(ORDINARY, quarantine=["too short"]), name, language)
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert script is not None
    digest = hashlib.sha256(script[1].encode()).digest()
    assert f"script-src 'sha256-{base64.b64encode(digest).decode()}'" in page
    assert "default-src 'none'" in page
    rest = page.replace(script[0], "")
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<link|<img", rest)
    assert not re.search(r"fetch|XMLHttp|import|eval|innerHTML|https?:", script[1])


EDGES = {
    "ordinary": ORDINARY,
    "nobody": Sample(),
    "one prospect": Sample(customers=[PROSPECT]),
    "one customer": Sample(customers=[Customer("a", revenue_12m=5)]),
    "data of a year and a half": Sample(
        customers=[
            Customer(
                "a",
                revenue_12m=700,
                revenue_previous_12m=200,
                first_order_date=dt.date(2012, 8, 1),
            )
        ]
    ),
    "persons only": Sample(
        customers=[
            Customer(str(n), customer_type="person", revenue_12m=n) for n in range(9)
        ]
    ),
    "losses": Sample(
        customers=[
            Customer("a", tier="key", revenue_12m=-500, margin_12m=-600),
            Customer("b", revenue_12m=200, revenue_previous_12m=-100, margin_12m=1),
        ]
    ),
    "no name": Sample(
        customers=[Customer("erp:17", customer_name=None, revenue_12m=5)]
    ),
    "no costs": Sample(
        customers=[Customer("a", tier="key", revenue_12m=5, margin_12m=None)]
    ),
    "no sales": Sample(
        customers=[replace(PROSPECT, rfm_segment="not recorded")],
        corrections="""
            update marts.customer_value set revenue_12m = null;
            update marts.tier_summary set revenue_12m = null, order_count_12m = null;
        """,
    ),
    "unknown type": Sample(
        customers=[Customer("a", customer_type="club", revenue_12m=5)]
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("which", PAGES)
def test_page_is_well_formed(
    page_of: Page, name: str, which: str, language: Language
) -> None:
    page = page_of(EDGES[name], which, language)
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}">' in page
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert len(set(parser.ids)) == len(parser.ids)
    assert set(parser.references) <= set(parser.ids)
    assert not re.search(r"\b(nan|None|Undefined|inf)\b", words(page))


@pytest.mark.parametrize(
    ("name", "where", "expected"),
    [
        (
            "nobody",
            "headline",
            "Revenue, last 12 months 0 USD 0 in the 12 months before",
        ),
        ("nobody", "headline", "Customers 0 0 companies, 0 persons"),
        ("nobody", "headline", "no share of a total that is not positive"),
        ("nobody", "tiers", "Key 0 0 0 0 no ratio 0 not known"),
        ("nobody", "concentration", "No customer has revenue yet"),
        ("nobody", "top", "No customer has bought anything"),
        ("nobody", "look", "No customer is in the best tier, Key."),
        ("nobody", "segments", "There are no customers"),
        ("nobody", "service", "No ticket was opened in the last 12 months"),
        ("nobody", "quarantine", "The quarantine is empty"),
        ("one prospect", "tiers", "Prospect 1 1 0 0 no ratio"),
        ("one customer", "concentration", "Only one company has revenue"),
        ("one customer", "headline", "5 USD 0 in the 12 months before; no ratio"),
        (
            "data of a year and a half",
            "headline",
            "700 USD 200 in the 12 months before, but the data begin only on "
            "2012-08-01; no ratio to that",
        ),
        ("persons only", "concentration", "8 persons with revenue"),
        ("losses", "headline", "−300 USD −100 in the 12 months before; no ratio"),
        ("losses", "headline", "No rate: revenue is not positive"),
        ("losses", "headline", "−500 USD of −300 in the last 12 months"),
        ("losses", "tiers", "Key 1 1 0 −500 no ratio −600 not known"),
        ("no name", "top", "erp:17 company"),
        ("no sales", "headline", "Revenue, last 12 months not known No source records"),
        ("no sales", "headline", "Nobody is graded, as no source records sales"),
        ("no sales", "tiers", "Prospect 1 1 0 not known no ratio"),
        ("no costs", "headline", "not known No source says what the goods cost"),
        ("no costs", "tiers", "Key 1 1 0 5 100.0 % not known"),
        ("no costs", "top", "5 not known"),
        ("unknown type", "concentration", "Only one club has revenue"),
    ],
)
def test_what_is_not_there_is_said(
    page_of: Page, name: str, where: str, expected: str
) -> None:
    page = page_of(EDGES[name], ON.get(where, "index"))
    assert expected in section(page, where)


def test_data_says_what_to_trust(page_of: Page) -> None:
    passed = Check("in.erp", "landing/erp/orders", "unique(id)", "critical", "passed")
    late = replace(
        passed,
        name="recent",
        severity="warning",
        outcome="failed",
        expected="orders of the last 3 days",
        observed="newest is 9 days old",
        failing_rows=1234,
    )
    reasons = [f"row {n} is too short" for n in range(20)]
    page = page_of(
        replace(ORDINARY, checks=[passed, late], quarantine=reasons), "quality"
    )
    text = words(page)
    assert "1 of 2 checks passed; these did not" in text
    assert "orders warning, failed recent orders of the last 3 days" in text
    assert "newest is 9 days old 1,234" in text
    assert "erp orders 1,220 1,200 20 yes 2014-02-01 04:00" in text
    assert "20 rows could not be read; the most frequent reasons, 12 at most" in text
    assert "erp orders orders.csv 2 row 0 is too short" in text
    assert "erp order_lines USD 10 0 10 0 10 0" in text
    assert "secret@example.com" not in page
    assert "All blocking checks passed, 1 warning" in words(page)


def test_a_file_that_was_not_sealed_is_called_so(make_release: Release) -> None:
    folder = make_release(ORDINARY)
    with duckdb_files.connect(folder / "warehouse.duckdb") as connection:
        connection.execute("delete from meta.check_results")
    text = words(build_report(folder).read_text(encoding="utf-8"))
    assert "Not fit to publish" in text
    assert "is not the file that was sealed" in text


def test_again_gives_the_same_bytes_and_touches_nothing_else(
    make_release: Release, tmp_path: Path
) -> None:
    folder = make_release(ORDINARY)
    sealed = sha256(folder / "warehouse.duckdb")
    (tmp_path / "current").symlink_to(folder, target_is_directory=True)
    path = build_report(folder)
    first = path.read_bytes()
    assert build_report(tmp_path / "current") == path
    assert path.read_bytes() == first
    assert path == folder / "reports" / "index.html"
    made = sorted(item.name for item in path.parent.iterdir())
    assert made == [
        "data_docs",
        "index.html",
        "owners",
        "portfolio.html",
        "quality.html",
        "service.html",
        "zh",
    ]
    assert sorted(item.name for item in (path.parent / "zh").iterdir()) == [
        name for name in made if name not in ("data_docs", "zh")
    ]
    assert sorted(item.name for item in folder.iterdir()) == [
        "private.duckdb",
        "release.json",
        "reports",
        "warehouse.duckdb",
    ]
    assert sha256(folder / "warehouse.duckdb") == sealed
    assert verification.verify(folder, ["out"]) == []
    # Read-only and closed: this process can write to the file again.
    with duckdb_files.connect(folder / "warehouse.duckdb") as connection:
        connection.execute("create table meta.proof (i integer)")


@pytest.mark.parametrize("missing", ["warehouse.duckdb", "release.json"])
def test_a_folder_that_is_no_release(make_release: Release, missing: str) -> None:
    folder = make_release(Sample())
    (folder / missing).unlink()
    with pytest.raises(ConfigurationError, match=missing):
        build_report(folder)


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (wording.count, 1234567, "1,234,567"),
        (wording.amount, Decimal("-1234.56"), "−1,235"),
        (wording.amount, Decimal("-0.3"), "0"),
        (wording.headline, Decimal("999999999"), "999,999,999"),
        (wording.headline, Decimal("-12345600000"), "−12,346 M"),
        (wording.brief, Decimal("2500000"), "2.5 M"),
        (wording.brief, Decimal("-500"), "−500"),
        (wording.exact, Decimal("0.0001"), "+0.0001"),
        (wording.exact, Decimal("0.0000"), "0"),
        (wording.change, 5, "+5"),
        (wording.change, -5, "−5"),
        (wording.change, 0, "0"),
        (wording.percent, 0.66712, "66.7 %"),
        (wording.percent, 0.0003, "<0.1 %"),
        (wording.percent, 0.9999, ">99.9 %"),
        (wording.percent, 0.0, "0.0 %"),
        (wording.percent, 1.0, "100.0 %"),
        (wording.percent, -0.031, "−3.1 %"),
        (wording.growth, 0.2831, "+28.3 %"),
        (wording.growth, -0.5, "−50.0 %"),
        (wording.growth, 2300.0, "over +1,000 %"),
    ],
)
def test_numbers_in_words(
    function: Callable[[Any], str], value: Any, expected: str
) -> None:
    assert function(value).replace("\N{NO-BREAK SPACE}", " ") == expected


def month(revenue: int) -> sales.Month:
    return sales.Month(AS_OF, Decimal(revenue), True)


def test_columns_hang_from_the_base_line() -> None:
    drawn = drawing.columns([month(300), month(0), month(-100)])
    assert drawn is not None
    # Ticks at -200, 0, 200 and 400: the base line is two thirds down.
    assert [int(tick) for tick, _ in drawn.ticks] == [-200, 0, 200, 400]
    assert drawn.zero == pytest.approx(66.67)
    assert [column.top for column in drawn.columns] == [16.67, 66.67, 66.67]
    assert [column.height for column in drawn.columns] == [50.0, 0.0, 16.66]


@pytest.mark.parametrize("high", [1, 7, 99, 5_197_154, 123_456_789_012])
def test_columns_have_a_few_round_ticks(high: int) -> None:
    drawn = drawing.columns([month(high)])
    assert drawn is not None
    assert 3 <= len(drawn.ticks) <= 5
    assert drawn.ticks[-1][0] >= high


def test_no_columns_without_revenue() -> None:
    assert drawing.columns([month(0), month(0)]) is None


def luminance(colour: str) -> float:
    code = colour.removeprefix("#")
    code = "".join(2 * digit for digit in code) if len(code) == 3 else code
    parts = [int(code[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1, 2], ids=["light", "dark", "print"])
def test_colours_differ_from_the_paper(theme: int) -> None:
    """WCAG AA: 4.5 for text, 3 for what is drawn."""
    block = re.findall(r":root \{(.*?)\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+);", block[theme]))

    def contrast(name: str, ground: str = "paper") -> float:
        pair = sorted((luminance(colours[name]), luminance(colours[ground])))
        return (pair[1] + 0.05) / (pair[0] + 0.05)

    for name in ("ink", "soft", "good", "warn", "bad"):
        assert contrast(name) >= 4.5, name
    assert contrast("ink", "shade") >= 4.5
    for name in ("accent", "before", *(f"tier-{n}" for n in range(1, 7))):
        assert contrast(name) >= 3, name


def test_sections_follow_what_is_recorded(page_of: Page) -> None:
    pages = {name: page_of(EDGES["no sales"], name) for name in PAGES}
    every = "".join(pages.values())
    for absent in ("concentration", "whale", "top", "look", "losses", "segments"):
        assert f'id="{absent}"' not in every
    assert "not bought" not in every
    for name, present in (
        ("index", "tiers"),
        ("index", "due"),
        ("service", "service"),
        ("quality", "data"),
    ):
        assert f'id="{present}"' in pages[name]


def test_every_page_leads_to_all_others_and_to_the_other_language(
    make_release: Release,
) -> None:
    folder = build_report(make_release(ORDINARY)).parent
    for page in folder.rglob("*.html"):
        if "data_docs" in page.parts:
            continue
        text = page.read_text(encoding="utf-8")
        leads = {
            (page.parent / unquote(address)).resolve()
            for address in re.findall(r'href="([^"#]+\.html)', text)
        }
        assert [each for each in leads if not each.exists()] == []
        language = folder / "zh" if "zh" in page.parts else folder
        assert {(language / f"{name}.html").resolve() for name in PAGES} <= leads
        inside = page.relative_to(language)
        other = folder if language != folder else folder / "zh"
        assert (other / inside).resolve() in leads


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_in_one_language(make_release: Release, language: Language) -> None:
    path = build_report(make_release(ORDINARY), [language])
    assert path.parent.name == ("zh" if language == "zh" else "reports")
    assert 'class="language"' not in path.read_text(encoding="utf-8")
    made = {each.parent.name for each in path.parents[1].rglob("portfolio.html")}
    assert made == {path.parent.name}


@pytest.mark.parametrize("name", PAGES)
def test_a_chinese_page_speaks_chinese(page_of: Page, name: str) -> None:
    """Nothing of the English words is left on it, but names and what sources say."""
    text = words(page_of(ORDINARY, name, "zh"))
    for english, chinese in WORDS.values():
        plain = re.sub(r"<[^>]+>", "", english)
        if " " in plain.strip() and "{" not in plain and plain != chinese:
            assert plain not in text, plain


def test_both_languages_put_in_the_same() -> None:
    for key, both in WORDS.items():
        english, chinese = (
            sorted(set(re.findall(r"\{(\w+)\}", each))) for each in both
        )
        assert english == chinese, key


def test_every_word_is_said_and_every_word_that_is_said_is_there() -> None:
    said = "".join(
        path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html.j2")
    )
    # A key whose end comes from data: of a page, a state, a code.
    open_ends = (
        "page.",
        "measure.",
        "bring.",
        "severity.",
        "outcome.",
        "type.",
        "cell.",
    )
    for key in WORDS:
        assert key.startswith(open_ends) or f'"{key}"' in said, key
    for key in re.findall(r'\bt\("([^"]+)"[,)]', said):
        assert key in WORDS, key

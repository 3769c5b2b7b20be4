"""Companies of eight shapes that nobody prepared for, each refreshed as a new project.

No costs, some costs, returns that cancel, buyers of one order, buyers of every week, a help
desk alone, sales alone, flat files. What each customer bought is added up here, from
the rows that the test wrote, and so is who belongs to the first half; nothing of it shares
a line with the pipeline.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.conftest import command
from tests.integration.small import Row, SmallCompany, World

pytestmark = pytest.mark.slow

AS_OF = dt.date(2024, 6, 30)
YEAR_AGO = dt.date(2023, 6, 30)
FIRST = dt.date(2022, 1, 3)
# They cover what is written with quotes, braces, tags and formulas in cells.
HOSTILE = [
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "=cmd|' /C calc'!A0",
    'O\'Brien "& Sons"; drop table marts.customers; --',
    "[bold red]not red[/bold red]",
    "株式会社\u202eevil\u202c <b>",
    "x" * 3000,
]


@dataclass
class Sales:
    """Order lines of a company, written one by one."""

    lines: list[Row] = field(default_factory=list)

    def add(
        self, customer: str, day: dt.date, amount: int, cost: int | None, **more: Any
    ) -> None:
        """An order of one line; what is sent back has a negative amount."""
        self.lines.append(
            {
                "order_id": f"O{len(self.lines):05}",
                "line_number": 1,
                "customer_source": "shop",
                "source_customer_id": customer,
                "source_product_id": "P1",
                "ordered_at": f"{day} 12:00:00",
                "order_date": day,
                "quantity": 1 if amount > 0 else -1,
                "net_amount": amount,
                "cost_amount": "" if cost is None else cost,
                "is_return": amount < 0,
                "currency": "EUR",
                **more,
            }
        )


def without(rows: Sequence[Row], *columns: str) -> list[Row]:
    """The rows without some columns, as a company has them that knows no such thing."""
    return [
        {name: value for name, value in row.items() if name not in columns}
        for row in rows
    ]


def named(customers: Sequence[str], names: Sequence[str] = ()) -> list[Row]:
    return [
        {
            "source_customer_id": customer,
            "customer_type": "company",
            "customer_name": names[place] if place < len(names) else f"{customer} Ltd",
            "country": "FR",
        }
        for place, customer in enumerate(customers)
    ]


PRODUCTS = [{"source_product_id": "P1", "product_name": "Pump", "category": "pumps"}]
CUSTOMERS = [f"K{number:02}" for number in range(40)]


def at_random(*, cost: Callable[[int], int | None], seed: int) -> Sales:
    """Forty customers of very different size; each has a rhythm, and some stop."""
    draw = random.Random(seed)
    sales = Sales()
    for place, customer in enumerate(CUSTOMERS):
        size = int(40 * 1.12**place)
        day = FIRST + dt.timedelta(draw.randrange(500))
        last = AS_OF - dt.timedelta(draw.choice([0, 0, 0, 200, 500]))
        while day <= last:
            amount = size + draw.randrange(size)
            sales.add(customer, day, amount, cost(amount))
            day += dt.timedelta(draw.randrange(15, 80))
    return sales


def no_costs() -> World:
    sales = at_random(cost=lambda _: None, seed=1)
    return {
        "customers": named([*CUSTOMERS, "NEVER"]),
        "products": PRODUCTS,
        "order_lines": without(sales.lines, "cost_amount"),
    }


def some_costs() -> World:
    """Every third line has no cost: too much for anybody's margin to be known."""
    count = iter(range(100_000))
    sales = at_random(
        cost=lambda amount: None if next(count) % 3 == 0 else amount // 2, seed=2
    )
    return {
        "customers": named([*CUSTOMERS, "NEVER"]),
        "products": PRODUCTS,
        "order_lines": sales.lines,
    }


def returns_that_cancel() -> World:
    """Twelve customers sent back all that they bought, and some of that has no cost."""
    sales = at_random(cost=lambda amount: amount * 6 // 10, seed=3)
    gone = [f"R{number:02}" for number in range(12)]
    for place, customer in enumerate(gone):
        cost = None if place % 2 else 60
        sales.add(customer, dt.date(2024, 3, 1), 100, cost)
        sales.add(customer, dt.date(2024, 3, 9), -100, None if cost is None else -60)
    return {
        "customers": named([*CUSTOMERS, *gone, "NEVER"]),
        "products": PRODUCTS,
        "order_lines": sales.lines,
    }


def one_time_buyers() -> World:
    """A marketplace: 800 customers with one order each, at most one in thirty with two."""
    draw = random.Random(4)
    sales = Sales()
    customers = [f"M{number:03}" for number in range(800)]
    for place, customer in enumerate(customers):
        day = FIRST + dt.timedelta(draw.randrange((AS_OF - FIRST).days + 1))
        sales.add(customer, day, 5 + int(draw.paretovariate(2.5) * 40), None)
        if place % 30 == 0 and day < AS_OF - dt.timedelta(100):
            sales.add(customer, day + dt.timedelta(90), 30, None)
    return {
        "customers": named(customers),
        "order_lines": without(sales.lines, "cost_amount", "source_product_id"),
    }


def weekly_buyers() -> World:
    """Everybody buys every week."""
    draw = random.Random(5)
    sales = Sales()
    for place, customer in enumerate(CUSTOMERS):
        day = dt.date(2023, 1, 2) + dt.timedelta(place % 7)
        while day <= AS_OF:
            amount = 100 + 9 * place + draw.randrange(50)
            sales.add(customer, day, amount, amount * 7 // 10)
            day += dt.timedelta(7)
    return {
        "customers": named(CUSTOMERS),
        "products": PRODUCTS,
        "order_lines": sales.lines,
    }


def sales_only() -> World:
    """No product, no ticket, no cost; names that nobody should have, and odd hours."""
    sales = at_random(cost=lambda _: None, seed=6)
    # The hour that the clocks leave out, and the one that they show twice.
    for day, hour in (("2024-03-31", "02:30"), ("2023-10-29", "02:30")):
        sales.add(
            "K39",
            dt.date.fromisoformat(day),
            500,
            None,
            ordered_at=f"{day} {hour}:00",
        )
    return {
        "customers": named(CUSTOMERS, HOSTILE),
        "order_lines": without(sales.lines, "cost_amount", "source_product_id"),
    }


SHAPES: dict[str, Callable[[], World]] = {
    "no costs": no_costs,
    "some costs": some_costs,
    "returns that cancel": returns_that_cancel,
    "one-time buyers": one_time_buyers,
    "weekly buyers": weekly_buyers,
    "sales only": sales_only,
}


@dataclass(frozen=True)
class Figures:
    """What one customer bought, added up from the rows; money as decimals."""

    revenue: Decimal
    revenue_12m: Decimal
    margin_12m: Decimal | None
    order_count: int
    last_order_date: dt.date | None


def added_up(world: World) -> dict[str, Figures]:
    """Customer → its figures, by a plain loop over the lines."""
    of_customer: dict[str, list[Row]] = defaultdict(list)
    for line in world["order_lines"]:
        of_customer[line["source_customer_id"]].append(line)
    has_costs = any(line.get("cost_amount", "") != "" for line in world["order_lines"])
    found = {}
    for customer in (row["source_customer_id"] for row in world["customers"]):
        lines = of_customer[customer]
        recent = [line for line in lines if line["order_date"] > YEAR_AGO]
        bought = [line for line in lines if not line["is_return"]]
        found[customer] = Figures(
            revenue=Decimal(sum(line["net_amount"] for line in lines)),
            revenue_12m=Decimal(sum(line["net_amount"] for line in recent)),
            margin_12m=margin(recent) if has_costs else None,
            order_count=len({line["order_id"] for line in bought}),
            last_order_date=max((line["order_date"] for line in bought), default=None),
        )
    return found


def margin(lines: Sequence[Row]) -> Decimal | None:
    """Null where less than four fifths of the money has a cost; nothing bought, nothing."""
    known = [line for line in lines if line.get("cost_amount", "") != ""]
    money = sum(abs(line["net_amount"]) for line in lines)
    if not lines:
        return Decimal(0)
    if sum(abs(line["net_amount"]) for line in known) * 5 < money * 4:
        return None
    return Decimal(sum(line["net_amount"] - line["cost_amount"] for line in known))


class Companies:
    """The companies that were asked for, each refreshed once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, tuple[SmallCompany, World]] = {}

    def __getitem__(self, shape: str) -> tuple[SmallCompany, World]:
        if shape not in self._made:
            world = SHAPES[shape]()
            company = SmallCompany(
                self._folder / shape.replace(" ", "_"),
                world,
                business={"time_zone": "Europe/Paris"},
            )
            done = company.refresh("--as-of", AS_OF.isoformat())
            assert done.returncode == 0, done.stdout + done.stderr
            self._made[shape] = company, world
        return self._made[shape]


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Companies:
    return Companies(tmp_path_factory.mktemp("shapes"))


def rows(company: SmallCompany, query: str) -> list[dict[str, Any]]:
    with company.connect() as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def graded(company: SmallCompany) -> dict[str, dict[str, Any]]:
    """Customer → its value and its tier."""
    return {
        row["source_customer_id"]: row
        for row in rows(
            company,
            """
            select * from marts.customer_value
            inner join marts.customer_tiers using (customer_id)
            inner join marts.customer_source_keys using (customer_id)
            """,
        )
    }


def first_half(values: dict[str, Decimal]) -> set[str]:
    """Who is ahead of the middle of the money, the largest first; equals together."""
    known = {name: value for name, value in values.items() if value > 0}
    half = sum(known.values()) / 2
    return {
        name
        for name, value in known.items()
        if sum(other for other in known.values() if other > value) < half
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_facts_are_those_of_the_rows(companies: Companies, shape: str) -> None:
    company, world = companies[shape]
    found = {
        name: Figures(**{key: row[key] for key in Figures.__dataclass_fields__})
        for name, row in graded(company).items()
    }
    assert found == added_up(world)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_person_would_believe_the_tiers(companies: Companies, shape: str) -> None:
    company, world = companies[shape]
    figures = added_up(world)
    found = graded(company)
    of_tier = Counter(row["earned_tier_code"] for row in found.values())
    buyers = {name for name, row in figures.items() if row.order_count}
    # Who bought has a tier of buyers, who did not is a prospect; and nobody has two.
    assert len(found) == len(figures)
    assert {
        name for name, row in found.items() if row["tier_code"] == "prospect"
    } == set(figures) - buyers
    # Key are those who bring the first half, by margin where it is known of enough.
    money = sum(row.revenue_12m for row in figures.values() if row.revenue_12m > 0)
    with_margin = sum(
        row.revenue_12m
        for row in figures.values()
        if row.revenue_12m > 0 and row.margin_12m is not None
    )
    by_margin = with_margin * 5 >= money * 4
    assert by_margin == (shape in ("returns that cancel", "weekly buyers"))
    values = {
        name: (row.margin_12m or Decimal(0)) if by_margin else row.revenue_12m
        for name, row in figures.items()
    }
    key = {
        name for name in first_half(values) if found[name]["lifecycle_stage"] != "lost"
    }
    assert {n for n, row in found.items() if row["earned_tier_code"] == "key"} == key
    # No tier of buyers is empty, but that of growth where nobody comes back.
    assert of_tier["key"] and of_tier["standard"]
    assert of_tier["growth"] or shape == "one-time buyers"
    held = Counter(row["tier_code"] for row in found.values())
    assert held["key"] <= 0.45 * len(buyers)
    assert (
        sum(
            figures[name].revenue_12m
            for name, row in found.items()
            if row["tier_code"] == "key"
        )
        > Decimal("0.25") * money
    )
    # What is said is what is known: a margin only where one is, and no score of nothing.
    said = " ".join(
        str(row["reason_en"])
        for row in found.values()
        if row["tier_code"] in ("key", "growth")
    )
    assert ("margin" in said) == by_margin
    assert {row["value_score"] for row in found.values()} == {None}
    # Nobody who buys as he always did is called silent.
    assert not [
        name
        for name, row in found.items()
        if row["lifecycle_stage"] == "active"
        and row["rfm_segment"] in ("at risk", "dormant", "lost", "slipping")
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_person_reads_fits(companies: Companies, shape: str) -> None:
    company, _ = companies[shape]
    page = (company.home / "current" / "reports" / "index.html").read_text()
    text = unescape(page)
    assert "nan" not in text.lower().split()
    # No other company's money, people or days.
    for foreign in ("AdventureWorks", "USD", "Prospect, has not bought yet, scored"):
        assert foreign not in text
    if shape in ("no costs", "some costs", "one-time buyers", "sales only"):
        assert "not known" in text
    explained = command("explain", f"shop:{first(company)}", "--home", company.home)
    assert explained.returncode == 0, explained.stderr
    assert "None" not in explained.stdout and "nan" not in explained.stdout.split()


def first(company: SmallCompany) -> str:
    """The largest customer of the last 12 months."""
    found = graded(company)
    return max(found, key=lambda name: found[name]["revenue_12m"])


def test_names_are_only_names(companies: Companies) -> None:
    """Wherever a name is printed, it does nothing."""
    company, _ = companies["sales only"]
    names = {row["customer_name"] for row in rows(company, "from marts.customers")}
    assert set(HOSTILE) <= names
    reports = company.home / "current" / "reports"
    for page in reports.rglob("*.html"):
        text = page.read_text()
        assert "<script>alert(1)" not in text, page
    explained = command("explain", "shop:K04", "--home", company.home)
    assert "[bold red]not red[/bold red]" in explained.stdout
    injected = command("explain", "shop:K03", "--home", company.home)
    assert injected.returncode == 0 and "O'Brien" in injected.stdout


def test_odd_hours_stay_on_their_day(companies: Companies) -> None:
    """02:30 does not exist on 31 March in Paris, and comes twice on 29 October."""
    company, _ = companies["sales only"]
    assert rows(
        company,
        "select order_date from marts.order_lines "
        "where hour(ordered_at) in (0, 1) order by all",
    ) == [
        {"order_date": dt.date(2023, 10, 29)},
        {"order_date": dt.date(2024, 3, 31)},
    ]


# ------------------------------------------------------------------------- flat files

# One file says it all: each staging model takes its part of the same lines.
STAGING = {
    "order_lines": """
select
    invoice as order_id,
    cast(line as bigint) as line_number,
    '{source}' as customer_source,
    customer as source_customer_id,
    article as source_product_id,
    {{{{ local_to_utc("cast(sold_at as timestamp)") }}}} as ordered_at,
    cast(cast(sold_at as timestamp) as date) as order_date,
    cast(pieces as decimal(18, 4)) as quantity,
    cast(total as decimal(18, 4)) as net_amount,
    false as is_return,
    'EUR' as currency
from latest_lines
""",
    "customers": """
select
    customer as source_customer_id,
    'company' as customer_type,
    max(customer_name) as customer_name
from latest_lines
group by customer
""",
    "products": """
select
    article as source_product_id,
    max(article_name) as product_name
from latest_lines
group by article
""",
}
SHOPS = ("north", "south")


def flat_file(seed: int) -> list[Row]:
    """Every line says who bought what, when and for how much."""
    draw = random.Random(seed)
    lines: list[Row] = []
    for number in range((AS_OF - FIRST).days):
        customer, article = draw.randrange(30), draw.randrange(8)
        lines.append(
            {
                "invoice": 1000 + number // 2,
                "line": 1 + number % 2,
                "customer": customer,
                "customer_name": f"Buyer {seed}-{customer}",
                "article": article,
                "article_name": f"Article {article}",
                "sold_at": f"{FIRST + dt.timedelta(number // 2 * 2)} 10:00:00",
                "pieces": 1 + number % 3,
                "total": 10 + int(draw.paretovariate(1.1) * 10) * (1 + customer),
            }
        )
    return lines


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[Row]]]:
    """Two shops, each with one flat file, that number their invoices alike."""
    folder = tmp_path_factory.mktemp("flat")
    files = {shop: flat_file(seed) for seed, shop in enumerate(SHOPS, 1)}
    described = []
    for shop, lines in files.items():
        with (folder / f"{shop}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
        staging = folder / "dbt_project" / "models" / "staging" / shop
        staging.mkdir(parents=True)
        for entity, query in STAGING.items():
            (staging / f"stg_{shop}__{entity}.sql").write_text(
                "with latest_lines as (\n"
                f'    {{{{ latest(source("{shop}", "sales")) }}}}\n)\n'
                + query.format(source=shop)
            )
        described.append(
            {
                "name": shop,
                "kind": "files",
                "path": ".",
                "provides": list(STAGING),
                "entities": {
                    "sales": {
                        "files": f"{shop}.csv",
                        "key": ["invoice", "line"],
                        "load": "snapshot",
                        "settle_seconds": 0,
                        "becomes": [
                            {"entity": "order_lines", "amount": "total"},
                            {"entity": "customers", "each": ["customer"]},
                            {"entity": "products", "each": ["article"]},
                        ],
                    }
                },
            }
        )
    (folder / "sources.yaml").write_text(
        yaml.safe_dump(
            {
                "version": 1,
                "business": {
                    "time_zone": "Europe/Paris",
                    "reporting_currency": "EUR",
                    "as_of": AS_OF,
                },
                "sources": described,
            }
        )
    )
    done = command(
        "refresh", "--home", folder / "home", "--sources", folder / "sources.yaml"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "home", files


def test_flat_files_become_customers_products_and_orders(
    flat: tuple[Path, dict[str, list[Row]]],
) -> None:
    home, files = flat
    path = (home / "current" / "warehouse.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            """
            select source, source_customer_id, sum(revenue), sum(order_count)
            from marts.customer_value
            inner join marts.customer_source_keys using (customer_id)
            group by all
            """
        ).fetchall()
        tiers = connection.execute(
            "select tier_code, count(*) from marts.customer_tiers group by all"
        ).fetchall()
        orders = connection.execute(
            "select count(distinct order_id), sum(net_amount) from marts.order_lines"
        ).fetchone()
    revenue: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    invoices: dict[tuple[str, str], set[int]] = defaultdict(set)
    for shop, lines in files.items():
        for line in lines:
            of = shop, str(line["customer"])
            revenue[of] += line["total"]
            invoices[of].add(line["invoice"])
    assert {(shop, key): (money, count) for shop, key, money, count in found} == {
        of: (revenue[of], len(invoices[of])) for of in revenue
    }
    # The same number in two shops is two invoices.
    numbers = {
        shop: {line["invoice"] for line in lines} for shop, lines in files.items()
    }
    assert numbers["north"] == numbers["south"]
    assert orders == (2 * len(numbers["north"]), sum(revenue.values()))
    assert {tier for tier, _ in tiers} == {"key", "growth", "standard"}


# ------------------------------------------------------------- what cannot be added up


def test_money_without_a_rate_is_refused_by_its_currency(tmp_path: Path) -> None:
    world = dict(sales_only())
    world["order_lines"] = [
        {**line, "currency": "CHF" if number == 7 else "EUR"}
        for number, line in enumerate(world["order_lines"])
    ]
    company = SmallCompany(tmp_path / "company", world)
    done = company.refresh("--as-of", AS_OF.isoformat())
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 3, said
    assert "CHF" in said and "rate" in said
    assert not (company.home / "current").exists()

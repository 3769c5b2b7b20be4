"""Every printed figure is that of the mart that it comes from, the same on every page."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import metrics
from pipeline.reports import publishing
from pipeline.reports.words import WORDS
from tests import pages
from tests.pages import number

# What a column of a customer's row is, by its English name: an expression over the marts.
FIGURES = {
    "Revenue": "revenue_12m",
    "12 months before": "revenue_previous_12m",
    "Margin": "margin_12m",
    "Cost to serve": "cost_to_serve_12m",
    "Profit": "profit_12m",
    "Growth": (
        "case when has_growth_history and revenue_previous_12m > 0 "
        "then cast(revenue_12m as double) / cast(revenue_previous_12m as double) - 1 end"
    ),
    "Silent, days": "days_since_last_order",
    "Usual gap": "usual_gap_days",
    "Chance of no order": "no_purchase_probability_12m",
}
# The lines of an account plan that say the same.
LINES = {
    "Revenue, last 12 months": "Revenue",
    "against the 12 months before": "Growth",
    "Margin, last 12 months": "Margin",
    "Cost to serve, last 12 months": "Cost to serve",
    "Profit, last 12 months": "Profit",
    "Chance of no order in 12 months": "Chance of no order",
}
SHARES = {
    "Share", "Share of revenue", "Share of customers", "Share of tickets", "CSAT",
    "Met service level", "Buyers of both", "Chance of no order", "Peers that do",
}  # fmt: skip


@pytest.fixture(scope="module")
def read(published_home: Path) -> Mapping[str, list[pages.Table]]:
    """The tables of each English page, by its address."""
    reports = published_home / "current" / "reports"
    return {
        str(path.relative_to(reports)): pages.tables(path.read_text(encoding="utf-8"))
        for path in sorted(reports.rglob("*.html"))
        if not {"zh", "data_docs"} & set(path.relative_to(reports).parts)
    }


@pytest.fixture
def customers(
    warehouse: duckdb.DuckDBPyConnection,
) -> Mapping[str, list[dict[str, Any]]]:
    """The figures of customers, by what a list calls them."""
    columns = ", ".join(f'{sql} as "{name}"' for name, sql in FIGURES.items())
    result = warehouse.execute(
        f"""
        select customer_label, customer_id, last_order_date, {columns}
        from marts.customer_value inner join marts.customers using (customer_id)
        """
    )
    names = [column[0] for column in result.description or []]
    found = defaultdict(list)
    for row in result.fetchall():
        found[row[0]].append(dict(zip(names, row, strict=True)))
    return found


def same(printed: str, known: Any) -> bool:
    """Whether a cell shows a figure, to the digits that it prints."""
    shown = number(printed)
    if known is None or shown is None:
        # `withheld` and `over +1,000 %` are words, not figures.
        return shown is None or printed.startswith("over")
    if "%" in printed:
        return abs(shown - float(known)) <= 0.00051 or float(known) > 10
    return abs(shown - float(known)) <= 0.501


def test_a_customers_figures_are_those_of_the_marts(
    read: Mapping[str, list[pages.Table]],
    customers: Mapping[str, list[dict[str, Any]]],
) -> None:
    compared = 0
    for page, tables in read.items():
        for table in tables:
            for row in table.rows:
                known = customers.get(row.get("", ""))
                if not known or table.heads[:1] != ["Customer"]:
                    continue
                for name, printed in row.items():
                    if name not in FIGURES:
                        continue
                    compared += 1
                    assert any(same(printed, each[name]) for each in known), (
                        page, row[""], name, printed, [each[name] for each in known],
                    )  # fmt: skip
    assert compared > 200


def test_an_account_plan_says_what_the_lists_say(
    published_home: Path, customers: Mapping[str, list[dict[str, Any]]]
) -> None:
    by_id = {each["customer_id"]: each for some in customers.values() for each in some}
    folder = published_home / "current" / "reports" / "account-plans"
    compared = 0
    for path in folder.glob("*.html"):
        if path.stem == "index":
            continue
        page = path.read_text(encoding="utf-8")
        for line, name in LINES.items():
            found = re.search(
                rf'scope="row">{re.escape(line)}</th><td [^>]*>(.*?)</td>',
                page,
                re.DOTALL,
            )
            assert found is not None, (path.name, line)
            printed = re.sub(r"<[^>]+>", "", found[1]).replace(
                "\N{NO-BREAK SPACE}", " "
            )
            assert same(printed, by_id[path.stem][name]), (path.name, line, printed)
            compared += 1
    assert compared > 6


def test_tiers_tiles_and_owners_are_those_of_the_marts(
    read: Mapping[str, list[pages.Table]], warehouse: duckdb.DuckDBPyConnection
) -> None:
    rows = {row[""]: row for row in table(read, "index.html", "The tiers on").rows}
    for name, count, revenue, profit in warehouse.execute(
        "select tier_name_en, customers, revenue_12m, profit_12m from marts.tier_summary"
    ).fetchall():
        assert number(rows[name]["Customers"]) == count
        assert same(rows[name]["Revenue"], revenue)
        assert same(rows[name]["Profit"], profit)
        kinds = [number(rows[name][kind]) or 0 for kind in ("Companies", "Persons")]
        assert sum(kinds) == count
    owners = {
        row[""]: row for row in table(read, "owners/index.html", "Owners by").rows
    }
    due = warehouse.execute(
        "select owner, count(*), count(*) filter (is_overdue) "
        "from marts.customer_actions where owner is not null group by owner"
    ).fetchall()
    for owner, actions, overdue in due:
        if owner in owners:
            assert number(owners[owner]["Actions"]) == actions
            assert number(owners[owner]["Overdue"]) == overdue


def table(
    read: Mapping[str, list[pages.Table]], page: str, caption: str
) -> pages.Table:
    return next(each for each in read[page] if each.caption.startswith(caption))


def test_profit_comes_first_and_is_the_metric(
    published_home: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    profit = metrics.ask(warehouse, ["profit_12m"])["profit_12m"].value
    for folder in publishing.FOLDERS.values():
        page = (
            published_home / "current" / "reports" / folder / "index.html"
        ).read_text(encoding="utf-8")
        first = re.search(r'class="figure[^"]*">([^<]+)<', page)
        assert first is not None
        assert same(first[1].strip(), profit)


def test_nobody_is_lost_between_the_tiers_of_then_and_now(
    read: Mapping[str, list[pages.Table]], warehouse: duckdb.DuckDBPyConnection
) -> None:
    moved = 0.0
    for each in read["index.html"]:
        if ": tier on " in each.caption:
            moved += sum(
                number(cell) or 0
                for row in each.rows
                for name, cell in row.items()
                if name
            )
    known = warehouse.execute("select count(*) from marts.customers").fetchone()
    assert known == (moved,)


def test_no_share_is_more_than_all_of_it(
    published_home: Path, read: Mapping[str, list[pages.Table]]
) -> None:
    """A count printed as a share read "Peers that do: 14,300.0 %"."""
    for page, tables in read.items():
        for each in tables:
            for row in each.rows:
                for name in SHARES & row.keys():
                    if "of" in row[name]:
                        continue
                    share = number(row[name])
                    assert share is None or 0 <= share <= 1, (page, name, row)
    reports = published_home / "current" / "reports"
    for path in reports.rglob("*.html"):
        if "data_docs" in path.parts:
            continue
        for value in pages.percentages(path.read_text(encoding="utf-8")):
            assert -1_000 <= value <= 1_000, path


def test_both_languages_print_the_same_figures(published_home: Path) -> None:
    """Word for word another page, figure for figure the same."""
    reports = published_home / "current" / "reports"
    for path in (reports / "zh").rglob("*.html"):
        other = reports / path.relative_to(reports / "zh")
        chinese, english = (
            [
                [number(cell) for cell in row]
                for each in pages.tables(one.read_text(encoding="utf-8"))
                for row in each.figures
            ]
            for one in (path, other)
        )
        assert chinese == english, path


def test_a_chinese_page_has_no_english_label(published_home: Path) -> None:
    """Of the words that we say; names, reasons of checks and codes are as they are."""
    short = {
        english
        for key, (english, chinese) in WORDS.items()
        if key.startswith("col.") and english != chinese
    }
    for path in (published_home / "current" / "reports" / "zh").rglob("*.html"):
        for each in pages.tables(path.read_text(encoding="utf-8")):
            assert not short & {*each.heads}, path
            for row in each.rows:
                assert not short & row.keys(), path

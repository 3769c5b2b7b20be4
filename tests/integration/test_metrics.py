"""The metrics of the demonstration against its order lines, and against its marts.

Those of small companies, without costs or without sales, are in test_small_companies.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline import metrics
from pipeline.orchestration.assets.figures import PLOTTED, of_release
from pipeline.release import duckdb_files
from pipeline.reports import sales
from tests.integration import recomputed


def test_metrics_are_what_the_lines_come_to(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    recomputed.assert_metrics_hold(warehouse)


@pytest.mark.slow
def test_the_demonstration_knows_every_metric(
    whole_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = metrics.ask(whole_warehouse)
    assert [name for name, each in found.items() if each.reason] == []


@pytest.mark.parametrize("by", ["customer_type", "tier_code"])
def test_slices_add_up_to_the_whole(
    warehouse: duckdb.DuckDBPyConnection, by: str
) -> None:
    added = ["customers", "active_customers", "revenue_12m", "margin_12m", "profit_12m"]
    whole = metrics.ask(warehouse, added)
    slices = metrics.ask_by(warehouse, by, added)
    for name in added:
        parts = [figure.value for figure in slices[name].values()]
        assert len(parts) > 1
        assert sum(parts) == whole[name].value


def test_a_slice_of_new_customers_has_the_year_of_its_type(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """That none of them bought two years ago is known: the sales of the type reach back."""
    found = metrics.ask_by(
        warehouse, "lifecycle_stage", ["revenue_growth", "customers"]
    )
    assert found["customers"]["new"].value > 0
    assert found["revenue_growth"]["new"].reason_id == "total_not_positive"
    with pytest.raises(ValueError, match="buyers_24m cannot be cut by tier_code"):
        metrics.ask_by(warehouse, "tier_code", ["retention"])


def test_the_report_says_what_the_metrics_say(
    published_home: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    figures = metrics.ask(warehouse, sales.HEADLINE)
    page = (published_home / "current" / "reports" / "index.html").read_text()
    share = figures["key_share_of_revenue"].value
    assert f"{share:.1%}".replace("%", " %") in page.replace("\u00a0", " ").replace(
        "\u202f", " "
    )
    head = sales.headline(warehouse)
    assert {name: head[name] for name in sales.HEADLINE} == {
        name: figure.value for name, figure in figures.items()
    }
    by_hand = warehouse.execute(
        "select sum(share_of_revenue_12m) from marts.tier_summary where tier_rank = 1"
    ).fetchone()
    assert by_hand is not None
    assert share == pytest.approx(by_hand[0])


DAYS_SINCE_LAST_ORDER = """
    select (select max(as_of_date) from marts.customer_value) - max(order_date)
    from marts.order_lines
"""


def test_dagster_plots_the_metrics_that_are_known(published_home: Path) -> None:
    folder = published_home / "current"
    plotted = of_release(folder)
    with duckdb_files.connect(folder / "warehouse.duckdb", read_only=True) as warehouse:
        figures = metrics.ask(warehouse, PLOTTED)
        since = warehouse.execute(DAYS_SINCE_LAST_ORDER).fetchone()
    for name, figure in figures.items():
        assert plotted.pop(name) == pytest.approx(float(figure.value))
    assert (plotted.pop("days_since_last_order"),) == since
    # The demonstration lands all of its sources in the refresh.
    for source in ("crm", "erp", "helpdesk"):
        hours = plotted.pop(f"hours since {source} gave something new")
        assert 0 <= hours < 1
    assert {name.removeprefix("customers in ") for name in plotted} == {
        "key",
        "growth",
        "standard",
        "prospect",
    }
    assert of_release(published_home) == {}  # no release: said in the log
